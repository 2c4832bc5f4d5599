/** The small HTTP servers of the engine itself: metrics, health, zpages. Not for telemetry: no bodies are read. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { errorMessage } from '../error-message.ts'
import { addressOf, type Endpoint, hostPort, listen } from '../net/listener.ts'
import { admit, type ServerDoor } from '../net/server-door.ts'
import { httpFromGrpc } from '../net/status.ts'
import { StatusError } from '../net/status-error.ts'
import { type ServerTls, serverTls } from '../net/tls.ts'

export interface Listening {
  /** Where it really listens, where port 0 was asked for. */
  readonly address: string
  readonly port: number
  close(): Promise<void>
}
export interface PageServer extends Endpoint {
  readonly tls?: ServerTls | undefined
  readonly response_headers?: readonly (readonly [name: string, value: string])[]
  /** Milliseconds; 0 or absent = a minute. */
  readonly read_timeout?: number
  readonly read_header_timeout?: number
  readonly idle_timeout?: number | undefined
  readonly keepalive?: { readonly idle_timeout: number } | undefined
  readonly keep_alives_enabled?: boolean
}

const defaultTimeoutMs = 60_000
/** Who asks more at once waits: these pages are for a few people and one scraper. */
const maxConnections = 200

/** Rejects when the address cannot be bound or the certificate not be read. A handler that throws is answered with 500. `door`: who may look. */
export async function servePages(settings: PageServer, handle: RequestListener, door?: ServerDoor): Promise<Listening> {
  const limits = {
    requestTimeout: settings.read_timeout || defaultTimeoutMs,
    headersTimeout: settings.read_header_timeout || defaultTimeoutMs,
    keepAliveTimeout: (settings.idle_timeout ?? settings.keepalive?.idle_timeout) || defaultTimeoutMs,
  }
  const respond: RequestListener = (request, response) => {
    if (settings.keep_alives_enabled === false) response.shouldKeepAlive = false
    for (const [name, value] of settings.response_headers ?? []) response.setHeader(name, value)
    // Otherwise the rest of a body that nobody reads would keep the connection busy.
    request.resume()
    try {
      if (door)
        letIn(door, request)
          .then(() => handle(request, response))
          .catch((error) => fail(response, error))
      else handle(request, response)
    } catch (error) {
      fail(response, error)
    }
  }
  const server = settings.tls
    ? createTlsServer({ ...limits, ...serverTls(settings.tls) }, respond)
    : createServer(limits, respond)
  server.maxConnections = maxConnections
  await listen(server, settings)
  // A connection that fails is its client's affair; the listener stays.
  server.on('error', () => {})
  const address = server.address()
  return {
    address: addressOf(server),
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function letIn(door: ServerDoor, request: IncomingMessage): Promise<void> {
  await admit(door, {
    protocol: 'http',
    path: request.url?.split('?', 1)[0] ?? '',
    peer: hostPort(request.socket.remoteAddress, request.socket.remotePort),
    header: (name) => request.headersDistinct[name],
  })
}

function fail(response: ServerResponse, error: unknown): void {
  const status = error instanceof StatusError ? httpFromGrpc(error.status.code) : 500
  if (!response.headersSent) answerText(response, status, `${errorMessage(error)}\n`)
  else response.destroy()
}

export function answer(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers })
  response.end(body)
}
export function answerNotFound(response: ServerResponse): void {
  answerText(response, 404, '404 page not found\n')
}
function answerText(response: ServerResponse, status: number, text: string): void {
  answer(response, status, 'text/plain; charset=utf-8', text, { 'x-content-type-options': 'nosniff' })
}
