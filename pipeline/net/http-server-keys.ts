/** Upstream's `confighttp.ServerConfig`: keys, defaults and error texts. */
import { z } from 'zod'
import { duration, headers, list, optional } from '../config/fields.ts'
import { addressShape, authShape, middlewares } from './server-keys.ts'
import { serverTlsKeys } from './tls.ts'

const cors = z.strictObject({
  allowed_origins: list(z.string()).default([]).describe('Origins that may send; one `*` in each stands for anything.'),
  allowed_headers: list(z.string()).default([]).describe('Request headers beside the safe ones; `*` = all.'),
  exposed_headers: list(z.string()).default([]).describe('Response headers that scripts may read.'),
  max_age: z.int().default(0).describe('Seconds that browsers keep the answer to a preflight; 0 = not said.'),
})
const keepalive = z.strictObject({
  idle_timeout: duration().default(60_000).describe('Close a connection without a request after this.'),
})
const auth = z.strictObject({
  ...authShape,
  request_params: list(z.string()).default([]).describe('Query parameters that the authenticator sees as headers.'),
})

/** Upstream's order; `''` lets uncompressed bodies in. */
const algorithms = ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed']
const defaultBodyBytes = 20 * 1_024 * 1_024

export interface HttpServerDefaults {
  readonly endpoint: string
  readonly write_timeout?: number
  readonly read_header_timeout?: number
}

/** For a component that adds keys of its own: `z.strictObject({ ...httpServerShape(...), mine })`. */
export function httpServerShape(defaults: HttpServerDefaults) {
  return {
    ...addressShape(defaults.endpoint),
    tls: optional(serverTlsKeys, 'off').describe('TLS; absent = plain text.'),
    cors: optional(cors, 'off').describe('Lets browsers send from other origins.'),
    auth: optional(auth, 'off').describe('Authentication by an extension.'),
    max_request_body_size: z
      .int()
      .transform((size) => (size > 0 ? size : defaultBodyBytes))
      .default(defaultBodyBytes)
      .meta({ 'x-unprinted': true })
      .describe('Largest body in bytes, before and after decompression.'),
    include_metadata: z.boolean().default(false).describe("Keep the request's headers with the batch."),
    response_headers: headers().describe('Headers that every response gets.'),
    compression_algorithms: list(z.string())
      .default(algorithms)
      .meta({ 'x-unprinted': true })
      .describe('Content codings that are accepted.'),
    read_timeout: duration().default(0).describe('Time for a whole request; 0 = no limit.'),
    read_header_timeout: duration()
      .default(defaults.read_header_timeout ?? 60_000)
      .describe("Time for a request's headers; 0 = 1m, so that silent clients cannot pile up."),
    write_timeout: duration()
      .default(defaults.write_timeout ?? 30_000)
      .describe('Time from the end of the headers to the end of the response; 0 = no limit.'),
    keepalive: optional(keepalive, 'default-on').describe('Keep-alive of connections; `enabled: false` turns it off.'),
    idle_timeout: duration().optional().describe('Old spelling of `keepalive.idle_timeout`.'),
    keep_alives_enabled: z
      .boolean()
      .default(true)
      .meta({ 'x-unprinted': true })
      .describe('Old spelling of `keepalive.enabled`.'),
    middlewares,
  }
}

const keys = z.strictObject(httpServerShape({ endpoint: '' }))
export type HttpServerSettings = z.output<typeof keys>
