/** What is put on each request on its way out: by the authenticator, then by the middlewares, as upstream. */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { type ClientAuthenticator, clientAuthentication, type OutgoingHeaders } from '../capability/authentication.ts'
import { type ClientMiddleware, clientMiddleware } from '../capability/middleware.ts'
import { Rejected } from '../component.ts'
import type { Origin } from '../data/telemetry.ts'
import { type Host, namedExtension } from './named-extension.ts'

export interface ClientDoor {
  readonly authenticator: ClientAuthenticator | undefined
  readonly middlewares: readonly ClientMiddleware[]
  readonly protocol: 'grpc' | 'http'
}
interface DoorSettings {
  readonly auth?: { readonly authenticator: string } | undefined
  readonly middlewares: readonly { readonly id: string }[]
}

/** Call it from `start`. Undefined = nothing is added. Throws upstream's text when an extension is missing. */
export function clientDoor(host: Host, settings: DoorSettings, protocol: 'grpc' | 'http'): ClientDoor | undefined {
  const { auth, middlewares } = settings
  if (auth === undefined && middlewares.length === 0) return undefined
  const kind = protocol === 'grpc' ? 'gRPC' : 'HTTP'
  return {
    protocol,
    authenticator:
      auth &&
      namedExtension(host, auth.authenticator, {
        capability: clientAuthentication,
        what: 'authenticator',
        isNot: `requested authenticator is not a ${kind} client authenticator`,
      }),
    middlewares: middlewares.map(({ id }) => middlewareOf(host, id, protocol)),
  }
}

function middlewareOf(host: Host, id: string, protocol: 'grpc' | 'http'): ClientMiddleware {
  const article = protocol === 'grpc' ? 'a gRPC' : 'an HTTP'
  try {
    return namedExtension(host, id, {
      capability: clientMiddleware,
      what: 'middleware',
      isNot: `requested extension is not ${article} client middleware`,
    })
  } catch (cause) {
    if (protocol === 'http') throw cause
    throw new Error(`failed to get gRPC client options from middleware: ${(cause as Error).message}`, { cause })
  }
}

/** Changes `headers`. Throws `Rejected` when the request must not go out. */
export async function dress(door: ClientDoor, headers: OutgoingHeaders, origin: Origin): Promise<void> {
  await door.authenticator?.authorize(headers, origin)
  for (const middleware of door.middlewares) await middleware.prepare({ protocol: door.protocol, headers, origin })
  for (const [name, value] of headers) check(name, value)
}

/** A retry would carry the same value again. */
function check(name: string, value: string): void {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  } catch (cause) {
    const message = `the header ${JSON.stringify(name)} cannot be sent: its name or value has characters that headers may not have`
    throw new Rejected(message, { retryable: false, cause })
  }
}
