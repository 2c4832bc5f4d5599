/** A real OTLP receiver that is attacked over TCP, and a well-behaved client beside the attacker whose data must all arrive. */
import net from 'node:net'
import grpc from '@grpc/grpc-js'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext } from '../../pipeline/testing/context.ts'
import { logsPayload } from '../../pipeline/testing/payloads.ts'
import factory from '../../receivers/otlp/index.ts'
import type { OtlpReceiver } from '../../receivers/otlp/receiver.ts'
import { must } from './target.ts'

const yaml = `
protocols:
  grpc: {endpoint: "127.0.0.1:0", max_recv_msg_size_mib: 1, include_metadata: true}
  http: {endpoint: "127.0.0.1:0", max_request_body_size: 1000000, include_metadata: true}`
const logsPath = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
/** Then the clock is moved on: what stalls is given up after two minutes at most. */
const patienceMs = 700
const answerMs = 5_000
const stallMs = 60_000

export class Victim {
  readonly #receiver: OtlpReceiver
  readonly #context: TestContext
  readonly #client: grpc.Client
  readonly #body = Buffer.concat(logsPayload(3, { services: ['well-behaved'] }).chunks)
  #connections = 0

  private constructor(receiver: OtlpReceiver, context: TestContext) {
    this.#receiver = receiver
    this.#context = context
    this.#client = new grpc.Client(receiver.addresses.grpc!, grpc.credentials.createInsecure())
  }

  static async start(): Promise<Victim> {
    const { instance, context } = build(factory, yaml)
    const receiver = instance as OtlpReceiver
    await receiver.start()
    return new Victim(receiver, context)
  }

  async close(): Promise<void> {
    this.#client.close()
    await this.#receiver.shutdown(AbortSignal.abort())
  }

  /** What a connection that sends this and then no more is answered. Throws when the server keeps it open. */
  async attack(over: 'grpc' | 'http', bytes: Uint8Array): Promise<Buffer> {
    const [host = '', port] = this.#receiver.addresses[over]!.split(':')
    // Many addresses, or the ports of one would run out.
    const n = this.#connections++
    const socket = net.connect({
      host,
      port: Number(port),
      localAddress: `127.0.${(n >> 7) & 127}.${2 + (n & 127)}`,
      allowHalfOpen: true,
    })
    const parts: Buffer[] = []
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.on('data', (part: Buffer) => void parts.push(part))
    socket.on('end', () => resolve())
    socket.end(bytes)
    const impatient = setTimeout(() => void this.#passTime(), patienceMs)
    const timer = setTimeout(() => reject(new Error('the server neither answered nor closed')), answerMs)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      clearTimeout(impatient)
      socket.resetAndDestroy()
    }
    return Buffer.concat(parts)
  }

  async #passTime(): Promise<void> {
    for (let looks = 0; looks < 3; looks++) await this.#context.clock.advance(stallMs)
  }

  /** One export of the other client: it must succeed, and arrive as it was sent. */
  async exportBeside(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const raw = (bytes: Buffer) => bytes
    const options = { deadline: Date.now() + answerMs }
    this.#client.makeUnaryRequest(logsPath, raw, raw, this.#body, new grpc.Metadata(), options, (error) =>
      error ? reject(new Error(`the other client was refused: ${error.message}`)) : resolve(),
    )
    await promise
  }

  /** What was sent beside the attack is there, and the server met nothing that it did not expect. */
  check(exports: number): void {
    const { emitted, lines } = this.#context.recorded
    const arrived = emitted.filter(({ batch }) => this.#body.equals(Buffer.concat(batch.chunks))).length
    const [line] = lines.filter(({ level }) => level === 'error')
    emitted.length = 0
    lines.length = 0
    must(arrived >= exports, `${arrived} of ${exports} exports of the other client arrived`)
    must(line === undefined, `the server logged an error: ${line?.message} ${String(line?.fields['error'])}`)
  }
}
