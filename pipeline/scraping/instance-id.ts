/** The `service.instance.id` of a server that is scraped: the same wherever the receiver runs, and another one for each machine's `localhost`. */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

/** OpenTelemetry's namespace for such ids: https://opentelemetry.io/docs/specs/semconv/registry/attributes/service/ */
const namespace = Buffer.from('4d63009a8d0f11eeaad74c796ed8e320', 'hex')

export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.')
  return isIP(host) === 6 && /^(?:0*:)*:?0*1$|^::ffff:127\./i.test(host)
}

/** `host:port`, with this machine's name for a loopback address; IPv6 addresses in brackets. */
export function namedEndpoint(host: string, port: string, isLocal = host.toLowerCase() === 'localhost'): string {
  const named = isLocal || isLoopback(host) ? hostname() : host
  return named.includes(':') ? `[${named}]:${port}` : `${named}:${port}`
}

/** UUID version 5, RFC 9562 section 5.5. */
export function instanceId(seed: string): string {
  const hash = createHash('sha1').update(namespace).update(seed).digest().subarray(0, 16)
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
