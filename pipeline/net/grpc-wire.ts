/** gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md): message framing, `grpc-timeout`, `grpc-message`. Error texts are grpc-go's. */
import { Code } from './status.ts'
import { StatusError } from './status-error.ts'

/** The one message of a unary call, put together from any number of DATA frames. */
export class MessageReader {
  readonly #maxBytes: number
  readonly #header = new Uint8Array(5)
  #headerLength = 0
  #flag = 0
  #message: Uint8Array | undefined
  #filled = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isCompressed(): boolean {
    return this.#flag === 1
  }

  /** Throws `StatusError` at the first byte that cannot be part of a unary request. */
  push(chunk: Uint8Array): void {
    let at = 0
    if (this.#message === undefined) {
      while (this.#headerLength < 5 && at < chunk.length) this.#header[this.#headerLength++] = chunk[at++]!
      if (this.#headerLength < 5) return
      this.#message = this.#open()
    }
    const message = this.#message
    const count = chunk.length - at
    if (count === 0) return
    if (this.#filled + count > message.length)
      throw new StatusError(
        Code.INTERNAL,
        'cardinality violation: received multiple request messages for non-client-streaming RPC',
      )
    message.set(at === 0 ? chunk : chunk.subarray(at), this.#filled)
    this.#filled += count
  }

  /** The message, when the client has half-closed. */
  finish(): Uint8Array {
    if (this.#message === undefined) {
      if (this.#headerLength > 0) throw new StatusError(Code.INTERNAL, 'unexpected EOF')
      const text = 'cardinality violation: received no request message from non-client-streaming RPC'
      throw new StatusError(Code.INTERNAL, text)
    }
    if (this.#filled !== this.#message.length) throw new StatusError(Code.INTERNAL, 'unexpected EOF')
    return this.#message
  }

  #open(): Uint8Array {
    const [flag = 0, a = 0, b = 0, c = 0, d = 0] = this.#header
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (length > this.#maxBytes)
      throw new StatusError(
        Code.RESOURCE_EXHAUSTED,
        `grpc: received message larger than max (${length} vs. ${this.#maxBytes})`,
      )
    if (flag > 1) throw new StatusError(Code.INTERNAL, `grpc: received unexpected payload format ${flag}`)
    this.#flag = flag
    // Not zeroed (each byte is written before anybody reads it), and not from a pool: a batch keeps this buffer, and only this.
    return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  }
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }

/** Milliseconds; throws `StatusError` when it is malformed. */
export function parseTimeout(text: string): number {
  const fail = (what: string) => {
    const message = `malformed grpc-timeout: transport: timeout ${what}: ${JSON.stringify(text)}`
    return new StatusError(Code.INTERNAL, message)
  }
  if (text.length < 2) throw fail('string is too short')
  if (text.length > 9) throw fail('string is too long')
  const unit = unitMs[text.at(-1)!]
  if (unit === undefined) throw fail('unit is not recognized')
  const digits = text.slice(0, -1)
  if (!/^\d+$/.test(digits)) throw fail('is not a number')
  return Number(digits) * unit
}

/** Clients refuse headers beyond some KiB, and then the status is lost too. */
const maxMessageChars = 2_048

/** Percent-encodes all but printable ASCII, as `grpc-message` must be. */
export function encodeMessage(message: string): string {
  return message
    .slice(0, maxMessageChars)
    .toWellFormed()
    .replace(/[^ -$&-~]+/g, (part) =>
      Buffer.from(part).reduce((text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, '0')}`, ''),
    )
}

/** `application/grpc`, or with a `+` or `;` behind it. */
export function isGrpcContentType(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:$|[+;])/i.test(contentType)
}
