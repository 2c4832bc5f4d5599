/** Who may come in at a listener: its authenticator, then its middlewares, as upstream. Asked before a body is read. */
import {
  type AuthData,
  type ServerAuthenticator,
  serverAuthentication,
  Unauthenticated,
} from '../capability/authentication.ts'
import { type IncomingRequest, type ServerMiddleware, serverMiddleware } from '../capability/middleware.ts'
import { type Host, namedExtension } from './named-extension.ts'
import { Code } from './status.ts'
import { StatusError } from './status-error.ts'

export interface ServerDoor {
  readonly authenticator: ServerAuthenticator | undefined
  readonly middlewares: readonly ServerMiddleware[]
}
interface DoorSettings {
  readonly auth?: { readonly authenticator: string } | undefined
  readonly middlewares: readonly { readonly id: string }[]
}

/** Call it from `start`. Undefined = open to all. Throws upstream's text when an extension is missing. */
export function serverDoor(host: Host, settings: DoorSettings, protocol: 'grpc' | 'http'): ServerDoor | undefined {
  const { auth, middlewares } = settings
  if (auth === undefined && middlewares.length === 0) return undefined
  return {
    authenticator:
      auth &&
      namedExtension(host, auth.authenticator, {
        capability: serverAuthentication,
        what: 'authenticator',
        isNot: 'requested authenticator is not a server authenticator',
      }),
    middlewares: middlewares.map(({ id }) => middlewareOf(host, id, protocol)),
  }
}

function middlewareOf(host: Host, id: string, protocol: 'grpc' | 'http'): ServerMiddleware {
  const article = protocol === 'grpc' ? 'a gRPC' : 'an HTTP'
  try {
    return namedExtension(host, id, {
      capability: serverMiddleware,
      what: 'middleware',
      isNot: `requested extension is not ${article} server middleware`,
    })
  } catch (cause) {
    if (protocol === 'http') throw cause
    throw new Error(`failed to get gRPC server options from middleware: ${(cause as Error).message}`, { cause })
  }
}

/** Resolves at once unless somebody at the door takes time. Throws `StatusError` when the request may not come in. */
export function admit(
  { authenticator, middlewares }: ServerDoor,
  request: IncomingRequest,
): AuthData | undefined | Promise<AuthData | undefined> {
  let auth: AuthData | undefined
  try {
    const known = authenticator?.authenticate(request.header)
    if (known instanceof Promise) return admitLater(known, middlewares, 0, request)
    auth = known
    for (const [at, middleware] of middlewares.entries()) {
      const passed = middleware.admit(request)
      if (passed instanceof Promise)
        return admitLater(
          passed.then(() => auth),
          middlewares,
          at + 1,
          request,
        )
    }
  } catch (error) {
    throw refusalOf(error)
  }
  return auth
}

async function admitLater(
  first: Promise<AuthData | undefined>,
  middlewares: readonly ServerMiddleware[],
  from: number,
  request: IncomingRequest,
): Promise<AuthData | undefined> {
  try {
    const auth = await first
    for (const middleware of middlewares.slice(from)) await middleware.admit(request)
    return auth
  } catch (error) {
    throw refusalOf(error)
  }
}

function refusalOf(error: unknown): unknown {
  return error instanceof Unauthenticated ? new StatusError(Code.UNAUTHENTICATED, error.message) : error
}
