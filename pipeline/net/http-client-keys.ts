/** The keys of upstream's `confighttp.ClientConfig`, without `endpoint` and `timeout`, which their owners document themselves. */
import { z } from 'zod'
import { componentId, duration, headers, optional } from '../config/fields.ts'
import { clientTlsKeys } from './tls.ts'

const httpCompressions = ['gzip', 'zlib', 'deflate', 'snappy', 'x-snappy-framed', 'zstd', 'lz4'] as const

const keepalive = z.strictObject({
  idle_conn_timeout: duration().default(90_000).describe('An idle connection is closed after this long; 0 = never.'),
  max_idle_conns: z.int().default(100).describe('Idle connections to keep at most; 0 = no limit, negative = none.'),
  max_idle_conns_per_host: z.int().default(0).describe('The same for one host; 0 = as `max_idle_conns`.'),
})
const reference = z.strictObject({ authenticator: componentId().describe('The extension that adds credentials.') })

export const httpClientKeys = z.object({
  proxy_url: z
    .string()
    .default('')
    .superRefine((url, context) => {
      if (url !== '' && !isHttpUrl(url)) {
        context.addIssue({ code: 'custom', message: 'proxy_url must be a valid URL, like http://proxy:3128' })
      }
    })
    .describe('The proxy to go through; empty = as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.'),
  tls: clientTlsKeys.prefault({}).describe('TLS of `https://` endpoints.'),
  read_buffer_size: z.int().default(0).describe('Kept for compatibility: Node sizes its own buffers.'),
  write_buffer_size: z.int().default(524_288).describe('Kept for compatibility: Node sizes its own buffers.'),
  headers: headers().describe('Sent with each request.'),
  auth: optional(reference, 'off').describe('Credentials from an extension.'),
  compression: z
    .string()
    .default('gzip')
    .superRefine((name, context) => {
      if (name !== '' && name !== 'none' && !(httpCompressions as readonly string[]).includes(name)) {
        context.addIssue({
          code: 'custom',
          message: `unsupported compression type ${JSON.stringify(name)}; there are ${httpCompressions.join(', ')} and none`,
        })
      }
    })
    .describe('`gzip`, `zlib`, `deflate`, `snappy`, `x-snappy-framed`, `zstd`, `lz4` or `none`.'),
  compression_params: z
    .strictObject({ level: z.int().default(0).describe('0 = the default of the compression.') })
    .prefault({})
    .describe('Of gzip, zlib, deflate (-2 to 9) and zstd.'),
  max_conns_per_host: z.int().default(0).describe('Connections to one host at most; 0 = no limit.'),
  keepalive: optional(keepalive, 'default-on').describe('Connections that are kept for the next request.'),
  max_idle_conns: z.int().min(0).optional().describe('Older place of `keepalive::max_idle_conns`.'),
  max_idle_conns_per_host: z.int().min(0).optional().describe('Older place of `keepalive::max_idle_conns_per_host`.'),
  idle_conn_timeout: duration().optional().describe('Older place of `keepalive::idle_conn_timeout`.'),
  disable_keep_alives: z.boolean().optional().describe('Older form of `keepalive: {enabled: false}`.'),
  force_attempt_http2: z.boolean().default(true).describe('Kept for compatibility: requests go over HTTP/1.1.'),
  http2_read_idle_timeout: duration().default(0).describe('Kept for compatibility: requests go over HTTP/1.1.'),
  http2_ping_timeout: duration().default(0).describe('Kept for compatibility: requests go over HTTP/1.1.'),
  cookies: optional(z.strictObject({}), 'on').describe('Cookies that the server sets are sent back to it.'),
  middlewares: z
    .array(z.strictObject({ id: componentId() }))
    .default([])
    .describe('Extensions that each request passes, after `auth`.'),
})
export type HttpClientSettings = z.output<typeof httpClientKeys>

/** Upstream's message for a level that the compression does not have. */
export function compressionProblem({ compression, compression_params }: HttpClientSettings): string | undefined {
  const { level } = compression_params
  if (compression === '' || compression === 'none' || compression === 'zstd' || level === 0) return undefined
  const hasLevels = compression === 'gzip' || compression === 'zlib' || compression === 'deflate'
  if (hasLevels && level >= -2 && level <= 9) return undefined
  return `unsupported parameters {Level:${level}} for compression type ${JSON.stringify(compression)}`
}

export function isHttpUrl(text: string): boolean {
  const url = withHost(text)
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

/** Go dials a URL without a host, like `http://:4318`, on this machine. */
export function withHost(url: string): string {
  return url.replace(/^(https?:\/\/)(?=:)/, '$1localhost')
}
