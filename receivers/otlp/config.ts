import { z } from 'zod'
import { optional } from '../../pipeline/config/fields.ts'
import { grpcServerShape } from '../../pipeline/net/grpc-server-keys.ts'
import { httpServerShape } from '../../pipeline/net/http-server-keys.ts'

const grpc = z.strictObject(grpcServerShape({ endpoint: 'localhost:4317', read_buffer_size: 524_288 }))
const http = z.strictObject({
  ...httpServerShape({ endpoint: 'localhost:4318', write_timeout: 0, read_header_timeout: 0 }),
  traces_url_path: urlPath('/v1/traces').describe('Where traces are posted.'),
  metrics_url_path: urlPath('/v1/metrics').describe('Where metrics are posted.'),
  logs_url_path: urlPath('/v1/logs').describe('Where logs are posted.'),
})

const protocols = z
  .strictObject({
    grpc: optional(grpc, 'on').describe('OTLP over gRPC.'),
    http: optional(http, 'on').describe('OTLP over HTTP, protobuf and JSON.'),
  })
  .refine((settings) => settings.grpc !== undefined || settings.http !== undefined, {
    error: 'must specify at least one protocol when using the OTLP receiver',
  })

export const config = z.strictObject({
  protocols: protocols.prefault({}).describe('What to listen for; at least one of grpc and http.'),
})
export type Config = z.output<typeof config>
export type HttpSettings = NonNullable<Config['protocols']['http']>

/** The path of a URL, without query or fragment, from the root. */
function urlPath(path: string) {
  return z
    .string()
    .transform((text, context): string => {
      const bad = /%(?![0-9a-f]{2})/i.exec(text)
      if (bad) {
        const part = JSON.stringify(text.slice(bad.index, bad.index + 3))
        const message = `invalid HTTP URL path set for signal: parse ${JSON.stringify(text)}: invalid URL escape ${part}`
        context.addIssue({ code: 'custom', message })
        return z.NEVER
      }
      const plain = text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')
      return plain.startsWith('/') ? plain : `/${plain}`
    })
    .default(path)
}
