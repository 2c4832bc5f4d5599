/** Times and durations: nanoseconds as bigint, a time with the zone in which its fields are read. */
import { fail } from './problems.ts'

/** An IANA zone, or a fixed offset with its abbreviation. */
export interface Zone {
  readonly name: string
  /** Seconds east of UTC at that moment. */
  offsetAt(unixSeconds: number): number
  abbreviationAt(unixSeconds: number): string
}

export class Time {
  /** Since 1970, UTC. */
  readonly nanos: bigint
  readonly zone: Zone

  constructor(nanos: bigint, zone: Zone = utc) {
    this.nanos = nanos
    this.zone = zone
  }
}

export class Duration {
  readonly nanos: bigint

  /** int64, wrapping. */
  constructor(nanos: bigint) {
    this.nanos = BigInt.asIntN(64, nanos)
  }

  /** `1h2m3.5s`, as Go writes it. */
  toString(): string {
    const sign = this.nanos < 0n ? '-' : ''
    const n = this.nanos < 0n ? -this.nanos : this.nanos
    if (n === 0n) return '0s'
    if (n < 1_000n) return `${sign}${n}ns`
    if (n < 1_000_000n) return `${sign}${decimal(n, 3)}µs`
    if (n < 1_000_000_000n) return `${sign}${decimal(n, 6)}ms`
    const hours = n / 3_600_000_000_000n
    const minutes = (n / 60_000_000_000n) % 60n
    const seconds = `${decimal(n % 60_000_000_000n, 9)}s`
    if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`
    return minutes > 0n ? `${sign}${minutes}m${seconds}` : sign + seconds
  }
}

function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  return digits.slice(0, -places) + (fraction === '' ? '' : `.${fraction}`)
}

export function isTime(value: unknown): value is Time {
  return value instanceof Time
}

export function isDuration(value: unknown): value is Duration {
  return value instanceof Duration
}

export const utc: Zone = { name: 'UTC', offsetAt: () => 0, abbreviationAt: () => 'UTC' }

export function fixedZone(name: string, offset: number): Zone {
  return { name, offsetAt: () => offset, abbreviationAt: () => name }
}

const zoneLimit = 64
const zones = new Map<string, Zone>()

/** An IANA zone by name; `undefined` if there is none. */
export function zoneNamed(name: string): Zone | undefined {
  if (name === '' || name === 'UTC') return utc
  if (name === 'Local') return localZone()
  const known = zones.get(name)
  if (known !== undefined) return known
  // Intl accepts offsets and any case; Go's database has names only.
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return undefined
  let format: Intl.DateTimeFormat
  let short: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    short = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'short' })
  } catch {
    return undefined
  }
  const zone: Zone = {
    name,
    offsetAt: (seconds) => offsetBy(format, seconds),
    abbreviationAt(seconds) {
      const found = short.formatToParts(clampMs(seconds)).find(({ type }) => type === 'timeZoneName')?.value ?? name
      return found.startsWith('GMT') && found !== 'GMT' ? numericZone(offsetBy(format, seconds)) : found
    },
  }
  if (zones.size === zoneLimit) zones.clear()
  zones.set(name, zone)
  return zone
}

export function localZone(): Zone {
  return zoneNamed(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? utc
}

function clampMs(seconds: number): number {
  return Math.max(-8.64e15, Math.min(8.64e15, seconds * 1000))
}

function offsetBy(format: Intl.DateTimeFormat, seconds: number): number {
  const part: Record<string, string> = {}
  for (const { type, value } of format.formatToParts(clampMs(seconds))) part[type] = value
  const year = part['era'] === 'BC' ? 1 - Number(part['year']) : Number(part['year'])
  const wall = new Date(0)
  wall.setUTCFullYear(year, Number(part['month']) - 1, Number(part['day']))
  wall.setUTCHours(Number(part['hour']), Number(part['minute']), Number(part['second']))
  return Math.round(wall.getTime() / 1000 - Math.floor(seconds))
}

/** `+03` or `+0530`, as zones without an abbreviation are shown. */
function numericZone(offset: number): string {
  const minutes = Math.abs(Math.trunc(offset / 60))
  const hours = String(Math.floor(minutes / 60)).padStart(2, '0')
  const rest = minutes % 60
  return (offset < 0 ? '-' : '+') + hours + (rest === 0 ? '' : String(rest).padStart(2, '0'))
}

/** The wall clock's fields in the time's zone. */
export interface Fields {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  /** 0 is Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
  readonly offset: number
  readonly seconds: number
}

const billion = 1_000_000_000n

export function fieldsOf(time: Time): Fields {
  let seconds = time.nanos / billion
  let nanosecond = Number(time.nanos % billion)
  if (nanosecond < 0) {
    nanosecond += 1e9
    seconds -= 1n
  }
  const unix = Number(seconds)
  const offset = time.zone.offsetAt(unix)
  const wall = new Date((unix + offset) * 1000)
  if (Number.isNaN(wall.getTime())) fail(`the time ${time.nanos} ns is outside of the calendar`)
  return {
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    weekday: wall.getUTCDay(),
    hour: wall.getUTCHours(),
    minute: wall.getUTCMinutes(),
    second: wall.getUTCSeconds(),
    nanosecond,
    offset,
    seconds: unix,
  }
}

export interface Wall {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
}

/** What a clock in `zone` shows as a moment. In a gap or an overlap the earlier offset counts, as in Go. */
export function fromWall(wall: Wall, zone: Zone): Time {
  const date = new Date(0)
  date.setUTCFullYear(wall.year, wall.month - 1, wall.day)
  date.setUTCHours(wall.hour, wall.minute, wall.second)
  const local = date.getTime() / 1000
  let unix = local - zone.offsetAt(local - zone.offsetAt(local))
  if (unix + zone.offsetAt(unix) !== local) unix = local - zone.offsetAt(local)
  return new Time(BigInt(unix) * billion + BigInt(wall.nanosecond), zone)
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: billion,
  m: 60n * billion,
  h: 3600n * billion,
}

/** Go's time.ParseDuration. */
export function parseDuration(text: string): Duration {
  const shown = JSON.stringify(text)
  const sign = /^[-+]/.test(text) ? text[0]! : ''
  let rest = text.slice(sign.length)
  if (rest === '0') return new Duration(0n)
  if (rest === '') fail(`time: invalid duration ${shown}`)
  let total = 0n
  while (rest !== '') {
    const match = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest)!
    const [all, whole, fraction = '', unit] = match as unknown as [string, string, string | undefined, string]
    if (whole === '' && fraction === '') fail(`time: invalid duration ${shown}`)
    if (unit === '') fail(`time: missing unit in duration ${shown}`)
    const scale = units[unit]
    if (scale === undefined) fail(`time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`)
    total += BigInt(whole || '0') * scale
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
    rest = rest.slice(all.length)
  }
  const nanos = sign === '-' ? -total : total
  if (BigInt.asIntN(64, nanos) !== nanos) fail(`time: invalid duration ${shown}`)
  return new Duration(nanos)
}
