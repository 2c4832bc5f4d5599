import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../component.ts'

/** What `Retry-After` asks to wait: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function retryAfterMs(headers: IncomingHttpHeaders, clock: Clock): number | undefined {
  const value = headers['retry-after']
  if (value === undefined) return undefined
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1_000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Number(clock.nowUnixNano() / 1_000_000n))
}
