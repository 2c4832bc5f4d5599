/** An HTTP/1.1 server with the settings of upstream's `confighttp`: limits, codings, CORS, TLS. What it serves is one function. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AuthData } from '../capability/authentication.ts'
import type { Clock } from '../component.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ByteBudget, defaultInFlightBytes } from './byte-budget.ts'
import { Connections } from './connections.ts'
import { HttpError, readBody } from './http-body.ts'
import { type Cors, compileCors } from './http-cors.ts'
import type { HttpServerSettings } from './http-server-keys.ts'
import { addressOf, hostPort, listen, tcpKeepAlive } from './listener.ts'
import { admit, type ServerDoor } from './server-door.ts'
import { refuseUnresolved } from './server-keys.ts'
import { StatusError } from './status-error.ts'
import { serverTls } from './tls.ts'
import { reloadTls } from './tls-reload.ts'

export interface HttpRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  /** host:port of the client. */
  readonly peer: string
  /** Names in lower case; empty unless the server has `include_metadata`. */
  readonly metadata: ReadonlyMap<string, readonly string[]>
  /** What the authenticator knows of the client. */
  readonly auth: AuthData | undefined
  /** The decompressed body. Throws `HttpError`. */
  body(): Promise<Uint8Array>
}
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string
}
export interface HttpHandler {
  answer(request: HttpRequest): Promise<HttpAnswer>
  /** Words an error that came before the handler, or that it threw: an `HttpError`, a `StatusError` of the door, or a bug. */
  fail(request: HttpRequest, error: unknown): HttpAnswer
}
export interface HttpServerParts {
  readonly settings: HttpServerSettings
  readonly handler: HttpHandler
  readonly clock: Clock
  /** Whether other threads listen on the same port. */
  readonly sharesPort?: boolean
  readonly logger: Logger
  /** Of `auth` and `middlewares`: settings with these need one. */
  readonly door?: ServerDoor | undefined
  /** Bytes of requests held at once; what does not fit is refused with 503. */
  readonly maxInFlightBytes?: number
  /** Hears of each request that is answered with an error, by its status, and of those that are no HTTP. */
  readonly onRefused?: (status: string) => void
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const defaultHeaderMs = 60_000
const lingerMs = 5_000
const maxHeaderBytes = 64 * 1_024
const noMetadata: ReadonlyMap<string, readonly string[]> = new Map()

export class HttpServer {
  readonly #server: http.Server
  readonly #connections: Connections
  readonly #budget: ByteBudget
  #parts: HttpServerParts
  #cors: Cors | undefined
  #codings: ReadonlySet<string>
  #isClosing = false
  #inFlight = 0
  #onIdle = () => {}
  #stopTls: (() => void) | undefined

  /** Reads certificates; throws when the settings cannot be served. */
  constructor(parts: HttpServerParts) {
    const { settings } = parts
    if (!parts.door) refuseUnresolved(settings)
    this.#parts = parts
    this.#budget = new ByteBudget(parts.maxInFlightBytes ?? defaultInFlightBytes)
    this.#cors = compileCors(settings.cors)
    this.#codings = codingsOf(settings)
    const options = {
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: Math.min(10_000, headerMs(settings)),
      ...tcpKeepAlive,
    }
    const onRequest = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response)
    this.#server = settings.tls
      ? https.createServer({ ...options, ...serverTls(settings.tls) }, onRequest)
      : http.createServer(options, onRequest)
    this.#connections = new Connections(this.#server)
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const status = clientErrorStatus(error)
      if (status !== undefined) this.#parts.onRefused?.(status.slice(0, 3))
      if (status !== undefined && socket.writable) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
      socket.destroy(error)
    })
    this.#applyTimeouts(settings)
  }

  async listen(): Promise<void> {
    await listen(this.#server, this.#parts.settings, this.#parts.sharesPort)
    // Out of file descriptors, for one.
    this.#server.on('error', (error) => this.#parts.logger.warn('Could not accept an HTTP connection.', { error }))
    this.#watchTls()
  }

  /** host:port, once it listens. */
  get address(): string {
    return addressOf(this.#server)
  }

  /** Whether `settings` can be served by this listener, without closing it. */
  canServe(settings: HttpServerSettings): boolean {
    const mine = this.#parts.settings
    const isSamePlace = mine.endpoint === settings.endpoint && mine.transport === settings.transport
    return isSamePlace && (mine.tls === undefined) === (settings.tls === undefined)
  }

  /** Puts another handler and other settings behind the open listener and its connections. */
  reconfigure(parts: HttpServerParts): void {
    if (!parts.door) refuseUnresolved(parts.settings)
    if (parts.settings.tls) (this.#server as https.Server).setSecureContext(serverTls(parts.settings.tls))
    this.#stopTls?.()
    this.#parts = parts
    this.#cors = compileCors(parts.settings.cors)
    this.#codings = codingsOf(parts.settings)
    this.#applyTimeouts(parts.settings)
    this.#watchTls()
  }

  /** Stops accepting, lets the requests in flight finish, and destroys what is left when `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#stopTls?.()
    this.#isClosing = true
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    const destroy = () => this.#connections.destroy()
    // What is open without a request has nothing to finish.
    this.#onIdle = () => {
      if (this.#inFlight === 0) setImmediate(destroy)
    }
    this.#onIdle()
    if (deadline.aborted) destroy()
    else deadline.addEventListener('abort', destroy, { once: true })
    await promise
    deadline.removeEventListener('abort', destroy)
  }

  #watchTls(): void {
    const { settings, clock, logger } = this.#parts
    this.#stopTls = settings.tls && reloadTls(this.#server as https.Server, settings.tls, clock, logger)
  }

  #applyTimeouts(settings: HttpServerSettings): void {
    this.#server.requestTimeout = settings.read_timeout
    this.#server.headersTimeout = headerMs(settings)
    this.#server.keepAliveTimeout = settings.idle_timeout ?? settings.keepalive?.idle_timeout ?? 0
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { settings, handler, clock, door } = this.#parts
    let taken = 0
    this.#inFlight++
    response.on('close', () => {
      this.#inFlight--
      this.#onIdle()
    })
    response.on('error', () => {}) // the client's doing
    incoming.on('error', () => {})
    for (const [name, value] of settings.response_headers) response.setHeader(name, value)
    const stopTimer =
      settings.write_timeout > 0 ? clock.after(settings.write_timeout, () => void response.destroy()) : undefined
    if (this.#cors?.(incoming, response)) {
      stopTimer?.()
      return
    }
    const coding = incoming.headers['content-encoding'] ?? ''
    const request: Mutable<HttpRequest> = {
      method: incoming.method ?? '',
      path: pathOf(incoming.url ?? ''),
      headers: incoming.headers,
      peer: hostPort(incoming.socket.remoteAddress, incoming.socket.remotePort),
      metadata: settings.include_metadata ? metadataOf(incoming.rawHeaders) : noMetadata,
      auth: undefined,
      body: async () => {
        const limits = { maxBytes: settings.max_request_body_size, budget: this.#budget, clock }
        const body = await readBody(incoming, this.#codings.size === 0 ? '' : coding, limits)
        taken = body.taken
        return body.bytes
      },
    }
    const send = (answer: HttpAnswer) => {
      if (answer.status >= 400) this.#parts.onRefused?.(String(answer.status))
      // Asked for only now: the server may have begun to close meanwhile.
      if (this.#isClosing || !settings.keepalive || !settings.keep_alives_enabled) response.shouldKeepAlive = false
      write(incoming, response, answer, clock)
    }
    try {
      if (door) {
        const params = settings.auth?.request_params ?? []
        request.auth = await admit(door, {
          protocol: 'http',
          path: request.path,
          peer: request.peer,
          header: (name) => paramOf(incoming.url ?? '', name, params) ?? incoming.headersDistinct[name],
        })
      }
      if (this.#codings.size > 0 && !this.#codings.has(coding))
        throw new HttpError(400, `unsupported Content-Encoding: ${coding}`)
      send(await handler.answer(request))
    } catch (error) {
      if (!(error instanceof HttpError || error instanceof StatusError))
        this.#parts.logger.error('An HTTP request failed unexpectedly.', { error })
      send(handler.fail(request, error))
    } finally {
      this.#budget.give(taken)
      stopTimer?.()
    }
  }
}

/** As Node answers when nobody listens; undefined = the client is gone. */
function clientErrorStatus({ code }: NodeJS.ErrnoException): string | undefined {
  switch (code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return '413 Payload Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}

function write(incoming: IncomingMessage, response: ServerResponse, answer: HttpAnswer, clock: Clock): void {
  if (response.headersSent || response.destroyed) return
  if (!incoming.complete) discard(incoming, clock)
  const length = typeof answer.body === 'string' ? Buffer.byteLength(answer.body) : answer.body.length
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': length })
  response.end(answer.body)
}

/** Reads on for a while: a client that is still sending would otherwise see a reset instead of the answer. */
function discard(incoming: IncomingMessage, clock: Clock): void {
  incoming.resume()
  const stop = clock.after(lingerMs, () => void incoming.destroy())
  incoming.on('close', stop)
}

function headerMs(settings: HttpServerSettings): number {
  const ms = settings.read_header_timeout || settings.read_timeout || defaultHeaderMs
  // Node wants the headers' share to be within the request's.
  return settings.read_timeout > 0 ? Math.min(ms, settings.read_timeout) : ms
}

/** Upstream's lookup: exact names, and `''` stands for `identity` too. */
function codingsOf({ compression_algorithms: names }: HttpServerSettings): ReadonlySet<string> {
  const known = ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed', 'identity']
  const taken = new Set(names.filter((name) => known.includes(name)))
  if (taken.has('')) taken.add('identity')
  return taken
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** `request_params`: query parameters that stand for headers. */
function paramOf(url: string, name: string, params: readonly string[]): readonly string[] | undefined {
  const param = params.find((one) => one.toLowerCase() === name)
  if (param === undefined || !url.includes('?')) return undefined
  const values = new URLSearchParams(url.slice(url.indexOf('?') + 1)).getAll(param)
  return values.length > 0 ? values : undefined
}

function metadataOf(rawHeaders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const metadata = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const values = metadata.get(name)
    if (values) values.push(rawHeaders[i + 1]!)
    else metadata.set(name, [rawHeaders[i + 1]!])
  }
  return metadata
}
