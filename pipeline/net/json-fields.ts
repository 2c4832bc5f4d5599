/** Fields of JSON that others post: by their path, as text, as a time. */

/** The value at steps by dots, `event.tags`; undefined where there is none. */
export function at(value: unknown, path: string): unknown {
  let here = value
  for (const key of path.split('.')) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    here = (here as Record<string, unknown>)[key]
  }
  return here
}

/** Empty for what is no string, number or boolean. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

/** In one line of at most so many characters. */
export function flat(text: string, longest: number): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`
}

/** 2262, up to which nanoseconds fit. */
const latestMs = 9_223_372_036_854

/**
 * Nanoseconds since 1970 of RFC 3339 with any number of digits, also as Ruby writes it (`2021-04-28 21:50:00 +0200`, `... UTC`), or of a number of
 * seconds or milliseconds. Undefined for what is no time, or before 1970: Go's zero time is of the year 1.
 */
export function readTime(text: unknown): bigint | undefined {
  if (typeof text === 'number') return fromMillis(text > 1e11 ? text : text * 1_000)
  if (typeof text !== 'string') return undefined
  if (/^\d{9,13}(\.\d+)?$/.test(text)) return readTime(Number(text))
  const match = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d+)? ?([Zz]|UTC|[+-]\d\d:?\d\d)$/.exec(text)
  if (match === null) return undefined
  const [, date = '', fraction = '', zone = ''] = match
  const offset = zone === 'UTC' ? 'Z' : zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
  const whole = fromMillis(Date.parse(`${date.replace(' ', 'T')}${offset}`))
  return whole === undefined ? undefined : whole + BigInt(fraction.slice(1, 10).padEnd(9, '0'))
}

function fromMillis(ms: number): bigint | undefined {
  return Number.isFinite(ms) && ms > 0 && ms < latestMs ? BigInt(Math.round(ms)) * 1_000_000n : undefined
}
