/** The keys of upstream's `configgrpc.ClientConfig`, and what its `endpoint` means. */
import { z } from 'zod'
import { componentId, duration, headers, optional } from '../config/fields.ts'
import { clientTlsKeys } from './tls.ts'

const grpcCompressions = ['gzip', 'snappy', 'zstd'] as const
export type GrpcCompression = (typeof grpcCompressions)[number]

const keepalive = z.strictObject({
  time: duration().default(10_000).describe('An idle connection is pinged after this long.'),
  timeout: duration().default(10_000).describe('A ping without an answer for this long closes the connection.'),
  permit_without_stream: z.boolean().default(false).describe('Ping even when nothing is being sent.'),
})
const reference = z.strictObject({ authenticator: componentId().describe('The extension that adds credentials.') })

/** The keys and defaults of the `otlp_grpc` exporter; others may override `compression`. */
export const grpcClientKeys = z.object({
  endpoint: z
    .string()
    .default('')
    .describe('`host:port`, also with `http://`, `https://` (TLS), `dns:///`, `passthrough:///`, or `unix:///path`.'),
  compression: z
    .string()
    .default('gzip')
    .superRefine((name, context) => {
      if (name !== '' && name !== 'none' && !isGrpcCompression(name)) {
        context.addIssue({
          code: 'custom',
          message: `unsupported compression type ${JSON.stringify(name)}; gRPC has ${grpcCompressions.join(', ')} and none`,
        })
      }
    })
    .describe('`gzip`, `snappy`, `zstd` or `none`.'),
  tls: clientTlsKeys.prefault({}).describe('TLS; `insecure: true` turns it off.'),
  keepalive: optional(keepalive, 'on').describe('Pings that keep a connection open and find a dead one.'),
  read_buffer_size: z.int().default(0).describe('Kept for compatibility: Node sizes its own buffers.'),
  write_buffer_size: z.int().default(524_288).describe('Kept for compatibility: Node sizes its own buffers.'),
  wait_for_ready: z
    .boolean()
    .default(false)
    .describe('An attempt waits for a connection until its time is over, instead of failing.'),
  headers: headers().describe('Sent with each request.'),
  balancer_name: z
    .string()
    .default('round_robin')
    .superRefine((name, context) => {
      if (name !== '' && name !== 'round_robin' && name !== 'pick_first') {
        context.addIssue({
          code: 'custom',
          message: `invalid balancer_name: ${name}; there are round_robin and pick_first`,
        })
      }
    })
    .describe('How requests are spread over the addresses of the endpoint: `round_robin` or `pick_first`.'),
  authority: z.string().default('').describe('The `:authority` to send instead of the endpoint.'),
  auth: optional(reference, 'off').describe('Credentials from an extension.'),
  user_agent: z.string().default('').describe('Instead of our own name.'),
  middlewares: z
    .array(z.strictObject({ id: componentId() }))
    .default([])
    .describe('Extensions that each request passes, after `auth`.'),
})

export function isGrpcCompression(name: string): name is GrpcCompression {
  return (grpcCompressions as readonly string[]).includes(name)
}

/** Where grpc-js connects to, and whether the endpoint itself asks for TLS. */
export interface GrpcTarget {
  readonly target: string
  readonly isHttps: boolean
}

/** Answers upstream's message when the endpoint cannot be used. */
export function parseGrpcEndpoint(endpoint: string): GrpcTarget | { readonly problem: string } {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(endpoint)?.[1] ?? /^(unix|dns|ipv4|ipv6):/.exec(endpoint)?.[1]
  switch (scheme) {
    case undefined:
      return withPort(endpoint, endpoint, false)
    case 'http':
    case 'https': {
      const address = endpoint.slice(scheme.length + 3)
      return withPort(address, address, scheme === 'https')
    }
    case 'unix':
      if (/^unix:(?:\/\/)?$/.test(endpoint)) return { problem: 'unix socket path cannot be empty' }
      return { target: endpoint, isHttps: false }
    case 'dns':
      return withPort(
        endpoint.replace(/^dns:(?:\/\/[^/]*\/?)?/, ''),
        endpoint.replace(/^dns:\/\/(?!.*\/)/, 'dns:'),
        false,
      )
    case 'passthrough': {
      const address = endpoint.replace(/^passthrough:\/\/[^/]*\/?/, '')
      return withPort(address, address, false)
    }
    case 'ipv4':
    case 'ipv6':
      return { target: endpoint, isHttps: false }
    default:
      return {
        problem: `unknown scheme ${JSON.stringify(scheme)}; write host:port, https://host:port, dns:///host:port or unix:///path`,
      }
  }
}

function withPort(address: string, target: string, isHttps: boolean): GrpcTarget | { readonly problem: string } {
  if (address === '') return { problem: 'requires a non-empty "endpoint"' }
  const split = splitHostPort(address)
  if ('problem' in split) return split
  if (!/^[+-]?\d+$/.test(split.port)) return { problem: `invalid port ${JSON.stringify(split.port)}` }
  return { target, isHttps }
}

/** As Go's `net.SplitHostPort`, with its texts. */
function splitHostPort(
  address: string,
): { readonly host: string; readonly port: string } | { readonly problem: string } {
  const problem = (why: string) => ({ problem: `address ${address}: ${why}` })
  const colon = address.lastIndexOf(':')
  if (colon < 0) return problem('missing port in address')
  if (address.startsWith('[')) {
    const end = address.indexOf(']')
    if (end < 0) return problem("missing ']' in address")
    if (end + 1 === address.length) return problem('missing port in address')
    if (end + 1 !== colon)
      return problem(address[end + 1] === ':' ? 'too many colons in address' : 'missing port in address')
    return { host: address.slice(1, end), port: address.slice(colon + 1) }
  }
  const host = address.slice(0, colon)
  if (host.includes(':')) return problem('too many colons in address')
  return { host, port: address.slice(colon + 1) }
}
