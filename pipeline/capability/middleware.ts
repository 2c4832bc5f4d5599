/** What extensions offer that stands in the way of each request, in or out, whatever the protocol. */
import type { Origin } from '../data/telemetry.ts'
import type { HeaderLookup, OutgoingHeaders } from './authentication.ts'
import { capability } from './capability.ts'

type Protocol = 'grpc' | 'http'

export interface IncomingRequest {
  readonly protocol: Protocol
  /** The path of the URL, or `/package.Service/Method`. */
  readonly path: string
  /** host:port of the client; empty over a unix socket. */
  readonly peer: string
  readonly header: HeaderLookup
}
export interface ServerMiddleware {
  /** After authentication and before the body is read. Throws `StatusError` to refuse the request with that status. */
  admit(request: IncomingRequest): void | Promise<void>
}

export interface OutgoingRequest {
  readonly protocol: Protocol
  readonly headers: OutgoingHeaders
  /** That of the batch that is sent. */
  readonly origin: Origin
}
export interface ClientMiddleware {
  /** After authentication. Throws `Rejected` when the request must not go out. */
  prepare(request: OutgoingRequest): void | Promise<void>
}

export const serverMiddleware = capability<ServerMiddleware>('server middleware')
export const clientMiddleware = capability<ClientMiddleware>('client middleware')
