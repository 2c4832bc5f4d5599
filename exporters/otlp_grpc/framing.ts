/**
 * Messages on the wire, in place of the filter of grpc-js that does it: that one copies a batch twice, and knows neither zstd nor snappy.
 * grpc-js has no public way to set filters, so this writes a private field; `otlp_grpc.test.ts` fails when an upgrade moves it.
 */
import grpc from '@grpc/grpc-js'
import { errorMessage } from '../../pipeline/error-message.ts'
import { decompress } from '../../pipeline/net/compression.ts'
import type { SpareMemory } from '../../pipeline/net/spare-memory.ts'
import { inTurn } from '../../pipeline/net/turn.ts'

/** A request body as it will be sent: chunks of one message, compressed or not. */
export interface Body {
  readonly chunks: readonly Uint8Array[]
  readonly length: number
  /** The memory that the message was framed in; its owner gives it back once the call has succeeded. */
  frame?: Buffer
}

const { BaseFilter, FilterStackFactory } = grpc.experimental
const prefixBytes = 5
const maxResponseBytes = 4 * 1024 * 1024

/** Sends `Body` messages as they are. `coding` is the `grpc-encoding` that they are compressed with; '' = none. */
export function useFraming(channel: grpc.Channel, coding: string, frames: SpareMemory): void {
  const inner = (channel as unknown as { internalChannel?: { filterStackFactory?: unknown } }).internalChannel
  if (!(inner?.filterStackFactory instanceof FilterStackFactory)) {
    throw new Error('this version of @grpc/grpc-js is not supported: its filters are not where they were in 1.14')
  }
  inner.filterStackFactory = new FilterStackFactory([{ createFilter: () => new Framing(coding, frames) }])
}

class Framing extends BaseFilter {
  readonly #coding: string
  readonly #frames: SpareMemory
  #responseCoding = 'identity'

  constructor(coding: string, frames: SpareMemory) {
    super()
    this.#frames = frames
    this.#coding = coding
  }

  override async sendMetadata(metadata: Promise<grpc.Metadata>): Promise<grpc.Metadata> {
    const sent = await metadata
    sent.set('grpc-accept-encoding', 'identity,gzip')
    if (this.#coding !== '') sent.set('grpc-encoding', this.#coding)
    return sent
  }

  override receiveMetadata(metadata: grpc.Metadata): grpc.Metadata {
    const [coding] = metadata.get('grpc-encoding')
    if (typeof coding === 'string') this.#responseCoding = coding
    metadata.remove('grpc-encoding')
    metadata.remove('grpc-accept-encoding')
    return metadata
  }

  /** The one copy of a batch on its way out: a stream of HTTP/2 takes one buffer. Copy and write take milliseconds each: not in one turn. */
  override async sendMessage(message: Promise<{ message: Buffer }>): Promise<{ message: Buffer }> {
    const body = (await message).message as unknown as Body
    await new Promise<void>(inTurn)
    const length = prefixBytes + body.length
    const framed = this.#frames.take(length)
    body.frame = framed
    framed[0] = this.#coding === '' ? 0 : 1
    framed.writeUInt32BE(body.length, 1)
    let at = prefixBytes
    for (const chunk of body.chunks) {
      framed.set(chunk, at)
      at += chunk.length
    }
    await new Promise<void>(inTurn)
    return { message: framed.subarray(0, length) }
  }

  override async receiveMessage(message: Promise<Buffer>): Promise<Buffer> {
    const framed = await message
    const body = framed.subarray(prefixBytes)
    if (framed[0] !== 1) return body
    try {
      const plain = await decompress(this.#responseCoding, body, maxResponseBytes)
      return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
    } catch (cause) {
      const details = `the answer could not be decompressed: ${errorMessage(cause)}`
      // grpc-js ends the call with what a filter rejects with: it must be a status.
      throw Object.assign(new Error(details, { cause }), { code: grpc.status.INTERNAL, details })
    }
  }
}
