/** One unary call: from its HEADERS frame to its trailers. Whatever the client does, it ends once. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AuthData } from '../capability/authentication.ts'
import type { Clock } from '../component.ts'
import { errorMessage } from '../error-message.ts'
import type { ByteBudget } from './byte-budget.ts'
import { decompress } from './compression.ts'
import { CompressionError } from './compression-error.ts'
import type { GrpcSession } from './grpc-session.ts'
import { encodeMessage, isGrpcContentType, MessageReader, parseTimeout } from './grpc-wire.ts'
import { admit, type ServerDoor } from './server-door.ts'
import { Code, encodeStatus, type Status } from './status.ts'
import { StatusError } from './status-error.ts'
import { inTurn } from './turn.ts'

export interface CallInfo {
  /** host:port of the client. */
  readonly peer: string
  /** Names in lower case; empty unless the server has `include_metadata`. */
  readonly metadata: ReadonlyMap<string, readonly string[]>
  readonly headers: IncomingHttpHeaders
  /** What the authenticator knows of the client. */
  readonly auth: AuthData | undefined
}
/** Gives the response message. Throws `StatusError` to end the call with that status; anything else ends it as INTERNAL. */
export type UnaryHandler = (message: Uint8Array, call: CallInfo) => Promise<Uint8Array>

/** What a call needs of its server; one object for all calls, replaced by a reload. */
export interface CallHost {
  readonly methods: ReadonlyMap<string, UnaryHandler>
  readonly maxMessageBytes: number
  readonly includeMetadata: boolean
  readonly door: ServerDoor | undefined
  readonly budget: ByteBudget
  readonly clock: Clock
  readonly onBug: (error: unknown) => void
  /** Hears the status of each call that fails. */
  readonly onRefused: (code: number) => void
}

const codings: ReadonlySet<string> = new Set(['identity', 'gzip', 'snappy', 'zstd', 'deflate'])
const responseHeaders = { ':status': 200, 'content-type': 'application/grpc' }
const okTrailers = { 'grpc-status': '0' }
const withTrailers = { waitForTrailers: true }
/** The frame of a message without fields. */
const emptyFrame = Buffer.alloc(5)
const noMetadata: ReadonlyMap<string, readonly string[]> = new Map()
/** What gRPC itself uses of the headers (grpc-go's `isReservedHeader`). */
const reserved: ReadonlySet<string> = new Set([
  'content-type',
  'grpc-message-type',
  'grpc-encoding',
  'grpc-message',
  'grpc-status',
  'grpc-timeout',
  'te',
])

export class GrpcCall {
  readonly #host: CallHost
  readonly #stream: ServerHttp2Stream
  readonly #session: GrpcSession
  readonly #reader: MessageReader
  #handler: UnaryHandler | undefined
  #coding = 'identity'
  #contentType = 'application/grpc'
  #metadata = noMetadata
  #headers: IncomingHttpHeaders = {}
  #auth: AuthData | undefined
  #taken = 0
  #isAnswered = false
  #isEnded = false
  #cancelDeadline: (() => void) | undefined
  /** Counts DATA frames, for whoever looks after stalled calls. */
  progress = 0

  constructor(host: CallHost, session: GrpcSession, stream: ServerHttp2Stream) {
    this.#host = host
    this.#session = session
    this.#stream = stream
    this.#reader = new MessageReader(host.maxMessageBytes)
  }

  /** True when the whole request has arrived, or nobody waits for the rest. */
  get isRead(): boolean {
    return this.#isEnded || this.#isAnswered
  }

  begin(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    this.#headers = headers
    const refusal = this.#check(headers)
    if (refusal) {
      this.#fail(refusal.status, refusal.httpStatus)
      return
    }
    if (this.#host.includeMetadata) this.#metadata = metadataOf(rawHeaders)
    if (this.#host.door) this.#knock(this.#host.door, rawHeaders)
    else this.#read()
  }

  /** Nothing of the body is read before the client may come in: flow control holds it back. */
  #knock(door: ServerDoor, rawHeaders: readonly string[]): void {
    try {
      const path = this.#headers[':path'] ?? ''
      const header = (name: string) => valuesOf(rawHeaders, name)
      const admitted = admit(door, { protocol: 'grpc', path, peer: this.#session.peer, header })
      if (admitted instanceof Promise)
        admitted.then((auth) => this.#enter(auth)).catch((error) => this.#failWith(error))
      else this.#enter(admitted)
    } catch (error) {
      this.#failWith(error)
    }
  }

  #enter(auth: AuthData | undefined): void {
    this.#auth = auth
    if (!this.#isAnswered && !this.#stream.destroyed) this.#read()
  }

  #read(): void {
    const stream = this.#stream
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('end', () => this.#onEnd())
  }

  closed(): void {
    this.#isAnswered = true
    this.#cancelDeadline?.()
  }

  /** Ends a call from outside. */
  cancel(code: number, message: string): void {
    this.#fail({ code, message })
  }

  /** Everything that the headers alone can get wrong, in grpc-go's order. */
  #check(headers: IncomingHttpHeaders): { status: Status; httpStatus: number } | undefined {
    const refuse = (httpStatus: number, code: number, message: string) => ({ httpStatus, status: { code, message } })
    const contentType = headers['content-type']
    if (!isGrpcContentType(contentType)) {
      const message = `invalid gRPC request content-type ${JSON.stringify(contentType ?? '')}`
      return refuse(415, Code.INVALID_ARGUMENT, message)
    }
    // As grpc-go: `+proto` is answered in kind.
    if (contentType?.startsWith('application/grpc+')) this.#contentType = contentType
    const timeout = headers['grpc-timeout']
    if (timeout !== undefined) {
      try {
        const refusal = this.#startDeadline(parseTimeout(String(timeout)))
        if (refusal) return refusal
      } catch (error) {
        return refuse(400, Code.INTERNAL, (error as Error).message)
      }
    }
    if (headers[':method'] !== 'POST') {
      const text = `Received a HEADERS frame with :method ${JSON.stringify(headers[':method'])} which should be POST`
      return refuse(405, Code.INTERNAL, text)
    }
    const path = headers[':path'] ?? ''
    this.#handler = this.#host.methods.get(path)
    if (!this.#handler) return refuse(200, Code.UNIMPLEMENTED, this.#unknown(path))
    const coding = headers['grpc-encoding']
    if (coding !== undefined) this.#coding = String(coding)
    if (!codings.has(this.#coding)) {
      const message = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(this.#coding)}`
      return refuse(200, Code.UNIMPLEMENTED, message)
    }
    return undefined
  }

  #startDeadline(ms: number): { status: Status; httpStatus: number } | undefined {
    const status = { code: Code.DEADLINE_EXCEEDED, message: 'context deadline exceeded' }
    if (ms <= 0) return { httpStatus: 200, status }
    if (ms < 2 ** 31) this.#cancelDeadline = this.#host.clock.after(ms, () => this.#fail(status))
    return undefined
  }

  #unknown(path: string): string {
    const slash = path.lastIndexOf('/')
    if (!path.startsWith('/') || slash <= 0) return `malformed method name: ${JSON.stringify(path)}`
    const service = path.slice(1, slash)
    for (const known of this.#host.methods.keys())
      if (known.startsWith(`/${service}/`)) return `unknown method ${path.slice(slash + 1)} for service ${service}`
    return `unknown service ${service}`
  }

  #onData(chunk: Buffer): void {
    if (this.#isAnswered) return
    this.progress++
    try {
      if (!this.#host.budget.take(chunk.length)) throw outOfRoom()
      this.#taken += chunk.length
      this.#reader.push(chunk)
    } catch (error) {
      this.#release()
      this.#failWith(error)
    }
  }

  #onEnd(): void {
    this.#isEnded = true
    // Node ends aborted streams too: half a request is no request.
    if (this.#isGone) this.#release()
    else inTurn(() => void this.#run())
  }

  get #isGone(): boolean {
    return this.#isAnswered || this.#stream.aborted || this.#stream.destroyed
  }

  async #run(): Promise<void> {
    try {
      // While it waited for its turn.
      if (this.#isGone) return
      let message = this.#reader.finish()
      if (this.#reader.isCompressed) {
        message = await this.#decompress(message)
        const more = message.length - this.#taken
        if (more > 0 && !this.#host.budget.take(more)) throw outOfRoom()
        if (more > 0) this.#taken += more
        if (this.#isAnswered) return
      }
      const call = { peer: this.#session.peer, metadata: this.#metadata, headers: this.#headers, auth: this.#auth }
      const reply = await this.#handler!(message, call)
      this.#succeed(reply)
    } catch (error) {
      this.#failWith(error)
    } finally {
      this.#release()
    }
  }

  async #decompress(message: Uint8Array): Promise<Uint8Array> {
    if (this.#coding === 'identity')
      throw new StatusError(Code.INTERNAL, 'grpc: compressed flag set with identity or empty encoding')
    const limit = this.#host.maxMessageBytes
    try {
      return await decompress(this.#coding, message, limit)
    } catch (cause) {
      if (!(cause instanceof CompressionError)) throw cause
      if (cause.kind === 'too_large') {
        const text = `grpc: received message after decompression larger than max ${limit}`
        throw new StatusError(Code.RESOURCE_EXHAUSTED, text)
      }
      throw new StatusError(Code.INTERNAL, `grpc: failed to decompress the message: ${cause.message}`)
    }
  }

  #succeed(reply: Uint8Array): void {
    if (!this.#answer()) return
    const stream = this.#stream
    const headers =
      this.#contentType === 'application/grpc'
        ? responseHeaders
        : { ...responseHeaders, 'content-type': this.#contentType }
    stream.respond(headers, withTrailers)
    stream.on('wantTrailers', () => {
      if (!stream.destroyed) stream.sendTrailers(okTrailers)
    })
    stream.end(reply.length === 0 ? emptyFrame : framed(reply))
  }

  #failWith(error: unknown): void {
    if (error instanceof StatusError) {
      this.#fail(error.status)
      return
    }
    this.#host.onBug(error)
    this.#fail({ code: Code.INTERNAL, message: errorMessage(error) })
  }

  /** Trailers only. */
  #fail(status: Status, httpStatus = 200): void {
    if (!this.#answer()) return
    this.#host.onRefused(status.code)
    const headers: Record<string, string | number> = {
      ':status': httpStatus,
      'content-type': this.#contentType,
      'grpc-status': String(status.code),
      'grpc-message': encodeMessage(status.message),
    }
    if (status.retryDelayMs !== undefined)
      headers['grpc-status-details-bin'] = Buffer.from(encodeStatus(status)).toString('base64').replace(/=+$/, '')
    this.#stream.respond(headers, { endStream: true })
    // The rest of the request is not wanted: NO_ERROR tells the client to stop sending and to read the answer.
    if (!this.#isEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  /** False when the call has ended already, by whomever. */
  #answer(): boolean {
    if (this.#isAnswered || this.#stream.destroyed || this.#stream.closed || this.#stream.headersSent) return false
    this.#isAnswered = true
    this.#cancelDeadline?.()
    this.#session.responded()
    return true
  }

  #release(): void {
    this.#host.budget.give(this.#taken)
    this.#taken = 0
  }
}

function outOfRoom(): StatusError {
  return new StatusError(Code.UNAVAILABLE, 'too many bytes of requests in flight', 1_000)
}

function framed(reply: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + reply.length)
  frame[0] = 0
  frame.writeUInt32BE(reply.length, 1)
  frame.set(reply, 5)
  return frame
}

function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] | undefined {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!)
  return values.length > 0 ? values : undefined
}

function metadataOf(rawHeaders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const metadata = new Map<string, string[]>()
  let authority: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const value = rawHeaders[i + 1]!
    if (name === ':authority') authority = value
    if ((name.startsWith(':') && name !== ':authority') || reserved.has(name)) continue
    const values = metadata.get(name)
    if (values) values.push(value)
    else metadata.set(name, [value])
  }
  if (authority !== undefined && !metadata.has('host')) metadata.set('host', [authority])
  return metadata
}
