/** What extensions offer that tell who a client of ours is, or tell a server who we are. */
import type { Origin } from '../data/telemetry.ts'
import { capability } from './capability.ts'

/** The values of a header of a request, by its name in lower case; undefined = it has none. */
export type HeaderLookup = (name: string) => readonly string[] | undefined

/** What is known of an authenticated client, by attribute: what `from_attribute` reads. JSON values only, since a disk queue may keep them. */
export type AuthData = Readonly<Record<string, unknown>>

/** The request is not let in. Its sender reads the message. */
export class Unauthenticated extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Unauthenticated'
  }
}

/** Checks each request before its body is read. */
export interface ServerAuthenticator {
  /** Throws `Unauthenticated` to refuse, or a `StatusError` for any other status. */
  authenticate(header: HeaderLookup): AuthData | undefined | Promise<AuthData | undefined>
}

/** Headers of a request on its way out, by names in lower case. */
export type OutgoingHeaders = Map<string, string>

/** Puts credentials, or whatever else, on each request. */
export interface ClientAuthenticator {
  /** Credentials that must not travel in the clear: gRPC without TLS is refused at start, as upstream does. */
  readonly needsTls: boolean
  /** `origin` is that of the batch that is sent. Throws `Rejected` when the request must not go out. */
  authorize(headers: OutgoingHeaders, origin: Origin): void | Promise<void>
}

export const serverAuthentication = capability<ServerAuthenticator>('server authentication')
export const clientAuthentication = capability<ClientAuthenticator>('client authentication')
