/** Keys that gRPC and HTTP listeners share: upstream's `confignet`, `configauth` and `configmiddleware`. */
import { z } from 'zod'
import { componentId } from '../config/fields.ts'

const transports = [
  'tcp',
  'tcp4',
  'tcp6',
  'udp',
  'udp4',
  'udp6',
  'ip',
  'ip4',
  'ip6',
  'unix',
  'unixgram',
  'unixpacket',
  'npipe',
] as const
export type Transport = (typeof transports)[number]

export function addressShape(endpoint: string) {
  return {
    endpoint: z.string().default(endpoint).describe('Where to listen: host:port, or the path of a unix socket.'),
    transport: z
      .enum(transports, {
        error: ({ input }) => `${input === '' ? 'invalid' : 'unsupported'} transport type ${JSON.stringify(input)}`,
      })
      .default('tcp')
      .describe('tcp, tcp4, tcp6 or unix.'),
  }
}

export const authShape = {
  authenticator: componentId().describe('The extension that authenticates each request.'),
}
export const middlewares = z
  .array(z.strictObject({ id: componentId().describe('The extension to use.') }))
  .default([])
  .describe('Extensions that each request passes through.')

/** Extensions that authenticate or wrap servers are resolved at start, as upstream does: a name that none has stops it. */
export function refuseUnresolved(settings: {
  readonly auth?: { readonly authenticator: string } | undefined
  readonly middlewares: readonly { readonly id: string }[]
}): void {
  if (settings.auth)
    throw new Error(
      `failed to resolve authenticator ${JSON.stringify(settings.auth.authenticator)}: authenticator not found`,
    )
  const [middleware] = settings.middlewares
  if (middleware) throw new Error(`failed to resolve middleware ${JSON.stringify(middleware.id)}: middleware not found`)
}
