import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Ledger } from './ledger.ts'

const moods = ['fine', 'fine', 'fine', 'refuses', 'fine', 'resets', 'fine', 'slow'] as const

/** The far end, which works most of the time: it also refuses, resets its connections and dawdles, each for some seconds. */
export class FlappingBackend {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #mood: (typeof moods)[number] = 'fine'
  #moodIndex = 0
  #timer: NodeJS.Timeout | undefined
  refusals = 0
  resets = 0

  constructor(ledger: Ledger) {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('error', () => {})
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        if (this.#mood === 'resets') {
          this.resets++
          request.socket.destroy()
          return
        }
        if (this.#mood === 'refuses') {
          this.refusals++
          response.writeHead(503).end()
          return
        }
        for (const record of readOtlp('logs', Buffer.concat(parts), 'proto', noOrigin))
          ledger.receive(Number(record.body))
        setTimeout(() => response.end(), this.#mood === 'slow' ? 500 : 0)
      })
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#timer = setInterval(() => {
      this.#mood = moods[++this.#moodIndex % moods.length] ?? 'fine'
    }, 4_000)
    return (this.#server.address() as AddressInfo).port
  }

  /** No more moods: what is queued must get through now. */
  calm(): void {
    clearInterval(this.#timer)
    this.#mood = 'fine'
  }

  close(): void {
    this.calm()
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
