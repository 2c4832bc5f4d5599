/**
 * A unary gRPC server on node:http2. grpc-js costs two to three times the CPU, and gives no way to widen its flow-control window.
 * With TLS it speaks h2 by ALPN, without it h2c with prior knowledge.
 */
import http2, {
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Clock } from '../component.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ByteBudget, defaultInFlightBytes } from './byte-budget.ts'
import { Connections } from './connections.ts'
import { type CallHost, GrpcCall, type UnaryHandler } from './grpc-call.ts'
import type { GrpcServerSettings } from './grpc-server-keys.ts'
import { GrpcSession, type SessionPolicy, sessionPolicy } from './grpc-session.ts'
import { addressOf, listen, tcpKeepAlive } from './listener.ts'
import type { ServerDoor } from './server-door.ts'
import { refuseUnresolved } from './server-keys.ts'
import { Code } from './status.ts'
import { serverTls } from './tls.ts'
import { reloadTls } from './tls-reload.ts'

export interface GrpcServerParts {
  readonly settings: GrpcServerSettings
  /** By path: `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, UnaryHandler>
  readonly clock: Clock
  /** Whether other threads listen on the same port. */
  readonly sharesPort?: boolean
  readonly random: () => number
  readonly logger: Logger
  /** Of `auth` and `middlewares`: settings with these need one. */
  readonly door?: ServerDoor | undefined
  /** Bytes of requests held at once; what does not fit is refused as UNAVAILABLE. */
  readonly maxInFlightBytes?: number
  /** Hears of each call that fails, by the name of its status, and of each connection that ends in an error. */
  readonly onRefused?: (code: string) => void
}

/** A stream may send this before we must say go on: the default of 64 KiB halves the throughput (measured). */
const streamWindowBytes = 8 * 1_024 * 1_024
const sessionWindowBytes = 32 * 1_024 * 1_024
const defaultMaxMessageMiB = 4
const codeNames = new Map(Object.entries(Code).map(([name, code]) => [code as number, name]))
const defaultMaxStreams = 1_000
/** Calls that sent nothing between two looks are ended. */
const stallCheckMs = 60_000

export class GrpcServer {
  readonly #server: Http2Server
  readonly #connections: Connections
  readonly #sessions = new Map<ServerHttp2Session, GrpcSession>()
  /** Calls whose request has not arrived in full, with the progress they had at the last look. */
  readonly #reading = new Map<GrpcCall, number>()
  readonly #budget: ByteBudget
  #parts: GrpcServerParts
  #host: CallHost
  #policy: SessionPolicy
  #stopTimers = () => {}
  #onSessionEnd = () => {}

  /** Reads certificates; throws when the settings cannot be served. */
  constructor(parts: GrpcServerParts) {
    if (!parts.door) refuseUnresolved(parts.settings)
    this.#budget = new ByteBudget(parts.maxInFlightBytes ?? defaultInFlightBytes)
    this.#parts = parts
    this.#host = this.#hostOf(parts)
    this.#policy = sessionPolicy(parts.settings)
    const options = {
      settings: {
        initialWindowSize: streamWindowBytes,
        maxFrameSize: 1_048_576,
        maxConcurrentStreams: parts.settings.max_concurrent_streams || defaultMaxStreams,
        enablePush: false,
      },
      maxSessionMemory: 64,
      maxSessionRejectedStreams: 1_000,
      unknownProtocolTimeout: 1_000,
      ...tcpKeepAlive,
    }
    const { tls } = parts.settings
    this.#server = tls
      ? http2.createSecureServer({ ...options, ...serverTls(tls), ALPNProtocols: ['h2'] })
      : http2.createServer(options)
    this.#connections = new Connections(this.#server)
    this.#server.on('session', (session) => this.#onSession(session))
    this.#server.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) =>
        this.#onStream(stream, headers, raw),
    )
    // What a connection does wrong ends that connection, and is nobody else's business.
    this.#server.on('sessionError', (error) => {
      this.#parts.onRefused?.('connection')
      this.#parts.logger.debug('Ended a gRPC connection.', { error: error.message })
    })
    this.#server.on('tlsClientError', (error) =>
      this.#parts.logger.debug('Refused a TLS handshake.', { error: error.message }),
    )
  }

  async listen(): Promise<void> {
    await listen(this.#server, this.#parts.settings, this.#parts.sharesPort)
    // Out of file descriptors, for one.
    this.#server.on('error', (error) => this.#parts.logger.warn('Could not accept a gRPC connection.', { error }))
    this.#startTimers()
  }

  /** host:port, once it listens. */
  get address(): string {
    return addressOf(this.#server)
  }

  /** Whether `settings` can be served by this listener, without closing it. */
  canServe(settings: GrpcServerSettings): boolean {
    const mine = this.#parts.settings
    const isSamePlace = mine.endpoint === settings.endpoint && mine.transport === settings.transport
    return isSamePlace && (mine.tls === undefined) === (settings.tls === undefined)
  }

  /** Puts other settings and methods behind the open listener and its connections. Calls in flight end as they began. */
  reconfigure(parts: GrpcServerParts): void {
    if (!parts.door) refuseUnresolved(parts.settings)
    if (parts.settings.tls && 'setSecureContext' in this.#server)
      (this.#server as http2.Http2SecureServer).setSecureContext(serverTls(parts.settings.tls))
    this.#stopTimers()
    this.#parts = parts
    this.#host = this.#hostOf(parts)
    this.#policy = sessionPolicy(parts.settings)
    for (const session of this.#sessions.values()) session.arm(this.#policy, parts.clock, parts.random)
    this.#startTimers()
  }

  /** Stops accepting, lets the calls in flight finish, and destroys what is left when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#stopTimers()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    const destroy = () => {
      for (const session of this.#sessions.values()) session.destroy()
      this.#connections.destroy()
    }
    // What is open without a session has nothing to finish.
    this.#onSessionEnd = () => {
      if (this.#sessions.size === 0) setImmediate(destroy)
    }
    for (const session of this.#sessions.values()) session.shutdown()
    this.#onSessionEnd()
    if (deadline.aborted) destroy()
    else deadline.addEventListener('abort', destroy, { once: true })
    await promise
    deadline.removeEventListener('abort', destroy)
  }

  #hostOf(parts: GrpcServerParts): CallHost {
    return {
      methods: parts.methods,
      maxMessageBytes: (parts.settings.max_recv_msg_size_mib || defaultMaxMessageMiB) * 1_048_576,
      includeMetadata: parts.settings.include_metadata,
      door: parts.door,
      budget: this.#budget,
      clock: parts.clock,
      onBug: (error) => parts.logger.error('A gRPC call failed unexpectedly.', { error }),
      onRefused: (code) => parts.onRefused?.(codeNames.get(code) ?? String(code)),
    }
  }

  #onSession(session: ServerHttp2Session): void {
    session.setLocalWindowSize(sessionWindowBytes)
    const state = new GrpcSession(session, this.#policy, this.#parts.clock, this.#parts.random)
    this.#sessions.set(session, state)
    session.on('close', () => {
      this.#sessions.delete(session)
      this.#onSessionEnd()
    })
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    stream.on('error', () => {}) // the client's doing; 'close' follows
    const session = stream.session && this.#sessions.get(stream.session as ServerHttp2Session)
    if (!session) return void stream.destroy()
    const call = new GrpcCall(this.#host, session, stream)
    session.callOpened()
    this.#reading.set(call, -1)
    stream.on('close', () => {
      session.callClosed()
      this.#reading.delete(call)
      call.closed()
    })
    call.begin(headers, rawHeaders)
  }

  #startTimers(): void {
    const { clock, settings, logger } = this.#parts
    const stopStalled = clock.every(stallCheckMs, () => this.#endStalled())
    const stopTls = settings.tls && reloadTls(this.#server as http2.Http2SecureServer, settings.tls, clock, logger)
    this.#stopTimers = () => {
      stopStalled()
      stopTls?.()
    }
  }

  #endStalled(): void {
    for (const [call, before] of this.#reading) {
      if (call.isRead) this.#reading.delete(call)
      else if (before === call.progress) call.cancel(Code.CANCELLED, 'the request stalled for a minute')
      else this.#reading.set(call, call.progress)
    }
  }
}
