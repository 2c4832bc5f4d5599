/** Durations as Go writes them: `300ms`, `1h30m`, `1.5s`. */
const nanosPerUnit: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}
/** Go holds a duration in an int64 of nanoseconds. */
export const maxNanos = 2 ** 63

/** Milliseconds of a Go duration, or the text of Go's own error. */
export function parseDuration(text: string): number | { readonly error: string } {
  const sign = text.startsWith('-') ? -1 : 1
  let rest = /^[+-]/.test(text) ? text.slice(1) : text
  if (rest === '0') return 0
  if (rest === '') return { error: 'time: invalid duration' }
  let nanos = 0
  while (rest !== '') {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (number === undefined) return { error: 'time: invalid duration' }
    rest = rest.slice(number.length)
    const unit = /^[^\d.]*/.exec(rest)?.[0] ?? ''
    if (unit === '') return { error: 'time: missing unit in duration' }
    const scale = nanosPerUnit[unit]
    if (scale === undefined) return { error: 'time: unknown unit' }
    nanos += Number(number) * scale
    if (nanos >= maxNanos) return { error: 'time: invalid duration' }
    rest = rest.slice(unit.length)
  }
  return (sign * nanos) / 1e6
}

/** As Go prints a duration: `1h30m0s`, `1.5s`, `200ms`. */
export function formatDuration(ms: number): string {
  let nanos = Math.round(Math.abs(ms) * 1e6)
  const sign = ms < 0 ? '-' : ''
  if (nanos === 0) return '0s'
  if (nanos < 1e3) return `${sign}${nanos}ns`
  if (nanos < 1e6) return `${sign}${trim(nanos, 1e3)}µs`
  if (nanos < 1e9) return `${sign}${trim(nanos, 1e6)}ms`
  const hours = Math.floor(nanos / 3600e9)
  nanos -= hours * 3600e9
  const minutes = Math.floor(nanos / 60e9)
  nanos -= minutes * 60e9
  const seconds = `${trim(nanos, 1e9)}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

/** A sum of float products may carry noise below a nanosecond, so the fraction is cut at the unit's own precision. */
function trim(nanos: number, unit: number): string {
  const digits = Math.round(Math.log10(unit))
  return (nanos / unit).toFixed(digits).replace(/\.?0+$/, '')
}
