/** Converters of times and durations. */
import { languageOf } from '../go-layout-parse.ts'
import { fail } from '../problems.ts'
import { type Fields, fieldsOf, parseDuration, Time, utc, zoneNamed } from '../time.ts'
import { formatTime, readTime, toLayout } from '../time-text.ts'
import { float, int, type OttlValue } from '../values.ts'
import { durationOf, literalText, text, timeOf, whole } from './params.ts'
import { converter, impureConverter, optional } from './signature.ts'

function field(name: string, read: (fields: Fields) => number) {
  return converter(
    name,
    { time: timeOf },
    ({ time }) =>
      (frame) =>
        read(fieldsOf(time(frame))),
  )
}

/** Nanoseconds are rounded towards the past, as Go does for times. */
function unix(name: string, divisor: bigint) {
  return converter(name, { time: timeOf }, ({ time }) => (frame) => {
    const { nanos } = time(frame)
    return int(nanos / divisor - (nanos % divisor < 0n ? 1n : 0n))
  })
}

function length(name: string, of: (nanos: bigint) => OttlValue) {
  return converter(
    name,
    { duration: durationOf },
    ({ duration }) =>
      (frame) =>
        of(duration(frame).nanos),
  )
}

/** Whole units and the rest apart, so that no digit is lost. */
function inUnits(nanos: bigint, unit: bigint): OttlValue {
  return float(Number(nanos / unit) + Number(nanos % unit) / Number(unit))
}

/** From the year 1, as Go's Time.Truncate counts. */
const zeroTime = -62_135_596_800_000_000_000n

export const timeFunctions = [
  field('Year', ({ year }) => year),
  field('Month', ({ month }) => month),
  field('Day', ({ day }) => day),
  field('Weekday', ({ weekday }) => weekday),
  field('Hour', ({ hour }) => hour),
  field('Minute', ({ minute }) => minute),
  field('Second', ({ second }) => second),
  field('Nanosecond', ({ nanosecond }) => nanosecond),
  unix('UnixNano', 1n),
  unix('UnixMicro', 1_000n),
  unix('UnixMilli', 1_000_000n),
  unix('UnixSeconds', 1_000_000_000n),
  length('Nanoseconds', int),
  length('Microseconds', (nanos) => int(nanos / 1_000n)),
  length('Milliseconds', (nanos) => int(nanos / 1_000_000n)),
  length('Seconds', (nanos) => inUnits(nanos, 1_000_000_000n)),
  length('Minutes', (nanos) => inUnits(nanos, 60_000_000_000n)),
  length('Hours', (nanos) => inUnits(nanos, 3_600_000_000_000n)),
  converter(
    'Duration',
    { duration: text },
    ({ duration }) =>
      (frame) =>
        parseDuration(duration(frame)),
  ),
  converter(
    'Unix',
    { seconds: whole, nanoseconds: optional(whole) },
    ({ seconds, nanoseconds }) =>
      (frame) =>
        new Time(BigInt(seconds(frame)) * 1_000_000_000n + BigInt(nanoseconds?.(frame) ?? 0)),
  ),
  impureConverter('Now', {}, () => (frame) => frame.now()),
  converter('TruncateTime', { time: timeOf, duration: durationOf }, ({ time, duration }) => (frame) => {
    const of = time(frame)
    const { nanos } = duration(frame)
    if (nanos <= 0n) return of
    const since = of.nanos - zeroTime
    return new Time(of.nanos - (((since % nanos) + nanos) % nanos), of.zone)
  }),
  converter('FormatTime', { time: timeOf, format: text }, ({ time, format }) => (frame) => {
    const pattern = format(frame)
    if (pattern === '') fail('format cannot be nil')
    return formatTime(time(frame), { layout: toLayout(pattern) })
  }),
  impureConverter(
    'Time',
    { time: text, format: literalText, location: optional(literalText), locale: optional(literalText) },
    ({ time, format, location = '', locale }) => {
      if (format === '') fail('format cannot be nil')
      const layout = toLayout(format)
      const zone = zoneNamed(location) ?? fail(`unknown time zone ${location}`)
      const language =
        locale === undefined
          ? undefined
          : (languageOf(locale) ?? fail(`unsupported locale '${locale}': use a BCP 47 tag, like es-ES`))
      const isUtc = location === ''
      return (frame) => {
        const value = time(frame)
        if (value === '') fail('time cannot be nil')
        return readTime(value, layout, isUtc ? utc : zone, language, () => frame.now())
      }
    },
  ),
] as const
