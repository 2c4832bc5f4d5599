import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import { logsOf } from './items.ts'

/** The far end: remembers how often each item came, and is not always there. */
export class Backend {
  /** By number: how often it came. */
  readonly received: Uint8Array
  distinct = 0
  duplicates = 0
  requests = 0
  refused = 0
  /** Answers 503 to everything. */
  isDown = false
  readonly #random: () => number
  readonly #server: Server
  port = 0

  constructor(items: number, random: () => number) {
    this.received = new Uint8Array(items)
    this.#random = random
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('error', () => {})
      request.on('end', () => {
        const mood = this.#random()
        if (this.isDown || mood < 0.05) {
          this.refused++
          response.writeHead(503).end()
          return
        }
        this.#take(Buffer.concat(parts))
        // It took the data and its answer never arrives: what is sent again is a duplicate.
        if (mood > 0.98) response.destroy()
        else response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      })
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #take(body: Buffer): void {
    this.requests++
    const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
    for (const number of logsOf(readOtlp('logs', bytes, 'proto', noOrigin))) {
      const before = this.received[number] ?? 0
      if (before === 0) this.distinct++
      else this.duplicates++
      this.received[number] = Math.min(255, before + 1)
    }
  }
}
