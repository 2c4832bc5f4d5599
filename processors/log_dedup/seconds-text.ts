import type { Zone } from '../../pipeline/ottl/time.ts'

/** RFC 3339 to the second, as Go writes it: `2024-10-04T12:21:47-07:00`, with `Z` where the zone has no offset. */
export function secondsText(unixNano: bigint, zone: Zone): string {
  const seconds = Number(unixNano / 1_000_000_000n)
  const offset = zone.offsetAt(seconds)
  const wall = new Date((seconds + offset) * 1000).toISOString().slice(0, 19)
  if (offset === 0) return `${wall}Z`
  const minutes = Math.trunc(Math.abs(offset) / 60)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${wall}${offset < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}
