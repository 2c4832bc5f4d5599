/** Upstream's `configgrpc.ServerConfig`: keys, defaults and error texts. */
import { z } from 'zod'
import { duration, optional } from '../config/fields.ts'
import { addressShape, authShape, middlewares } from './server-keys.ts'
import { serverTlsKeys } from './tls.ts'

/** 2^63 - 1 bytes in MiB: upstream's bound. */
const maxMessageMiB = 8_796_093_022_207

const serverParameters = z.strictObject({
  max_connection_idle: duration().default(0).describe('Close a connection without calls after this; 0 = never.'),
  max_connection_age: duration().default(0).describe('Ask clients to reconnect after this, spread by 10 %; 0 = never.'),
  max_connection_age_grace: duration().default(0).describe('Then close it after this; 0 = when its calls are done.'),
  time: duration().default(0).describe('Ping a silent client after this; 0 = 2h, at least 1s.'),
  timeout: duration().default(0).describe('Close the connection when the ping is not answered within this; 0 = 20s.'),
})
const enforcementPolicy = z.strictObject({
  min_time: duration().default(0).describe('Clients that ping more often than this are sent away; 0 = 5m.'),
  permit_without_stream: z.boolean().default(false).describe('Lets clients ping while they have no call.'),
})
const keepalive = z.strictObject({
  server_parameters: optional(serverParameters, 'default-on').describe('How connections are aged and watched.'),
  enforcement_policy: optional(enforcementPolicy, 'default-on').describe('How often clients may ping.'),
})

/** For a component that adds keys of its own: `z.strictObject({ ...grpcServerShape(...), mine })`. */
export function grpcServerShape(defaults: { readonly endpoint: string; readonly read_buffer_size?: number }) {
  return {
    ...addressShape(defaults.endpoint),
    tls: optional(serverTlsKeys, 'off').describe('TLS; absent = plain text.'),
    max_recv_msg_size_mib: z
      .int()
      .refine((mib) => mib >= 0 && mib <= maxMessageMiB, {
        error: ({ input }) =>
          `invalid max_recv_msg_size_mib value, must be between 1 and ${maxMessageMiB}: ${String(input)}`,
      })
      .default(0)
      .describe('Largest message in MiB, before and after decompression; 0 = 4.'),
    max_concurrent_streams: z.int().nonnegative().default(0).describe('Calls at once on a connection; 0 = 1000.'),
    read_buffer_size: bufferSize('read_buffer_size')
      .default(defaults.read_buffer_size ?? 0)
      .describe('Accepted for compatibility; Node sizes its buffers itself.'),
    write_buffer_size: bufferSize('write_buffer_size').default(0).describe('Accepted for compatibility.'),
    keepalive: optional(keepalive, 'default-on').describe('Keepalive of connections.'),
    auth: optional(z.strictObject(authShape), 'off').describe('Authentication by an extension.'),
    include_metadata: z.boolean().default(false).describe("Keep the request's metadata with the batch."),
    middlewares,
  }
}

function bufferSize(key: string) {
  return z.int().refine((size) => size >= 0, { error: `${key} value must be greater than or equal to 0` })
}

const keys = z.strictObject(grpcServerShape({ endpoint: '' }))
export type GrpcServerSettings = z.output<typeof keys>
