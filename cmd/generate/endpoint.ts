import type { Protocol } from './client.ts'
import type { GeneratedSignal } from './payloads.ts'

/** Where requests go. A scheme decides about TLS; without one, `isInsecure` does. An HTTP path is a base that `/v1/traces` follows. */
export function endpointUrl(
  endpoint: string | undefined,
  protocol: Protocol,
  signal: GeneratedSignal,
  isInsecure: boolean,
): URL {
  const given = endpoint ?? (protocol === 'grpc' ? 'localhost:4317' : 'localhost:4318')
  const hasScheme = /^https?:\/\//.test(given)
  const full = hasScheme ? given : `${isInsecure ? 'http' : 'https'}://${given}`
  if (!URL.canParse(full)) throw new Error(`--endpoint ${given}: write it as host:port or http://host:port.`)
  const url = new URL(full)
  if (hasScheme && isInsecure && url.protocol === 'https:')
    throw new Error(`--endpoint ${given} asks for TLS and --insecure for none: drop one of them.`)
  if (protocol !== 'grpc') url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`
  return url
}
