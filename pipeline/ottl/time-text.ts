/** Times as text: by the ctime-like directives (`%Y-%m-%d`) that Time() and FormatTime() take, and in Go's own forms. */
import { format } from './go-layout.ts'
import { english, type Language, parse } from './go-layout-parse.ts'
import { fail } from './problems.ts'
import { fieldsOf, fromWall, Time, type Zone, zoneNamed } from './time.ts'

/** Directives as pieces of a Go layout. */
const directives: Readonly<Record<string, string>> = {
  Y: '2006',
  y: '06',
  m: '01',
  o: '_1',
  q: '1',
  b: 'Jan',
  h: 'Jan',
  B: 'January',
  d: '02',
  e: '_2',
  g: '2',
  a: 'Mon',
  A: 'Monday',
  H: '15',
  l: '3',
  I: '03',
  p: 'PM',
  P: 'pm',
  M: '04',
  S: '05',
  L: '999',
  f: '999999',
  s: '99999999',
  Z: 'MST',
  z: 'Z0700',
  w: '-070000',
  i: '-07',
  j: '-07:00',
  k: '-07:00:00',
  D: '01/02/2006',
  x: '01/02/2006',
  F: '2006-01-02',
  T: '15:04:05',
  X: '15:04:05',
  r: '03:04:05 pm',
  R: '15:04',
  n: '\n',
  t: '\t',
  '%': '%',
  c: 'Mon Jan 02 15:04:05 2006',
}

/** A format as a Go layout. Text between directives is a Go layout too, as upstream has it. */
export function toLayout(text: string): string {
  return text.replaceAll(/%(.?)/gs, (all, letter: string) => {
    const layout = directives[letter]
    if (layout === undefined) {
      fail(
        letter === ''
          ? 'a format cannot end in %'
          : `invalid strptime directive: unsupported ctimefmt.ToNative() directive: ${all}`,
      )
    }
    return layout
  })
}

export function formatTime(time: Time, form: 'go' | 'rfc3339' | { readonly layout: string }): string {
  if (typeof form === 'object') return format(time, form.layout)
  return format(time, form === 'go' ? '2006-01-02 15:04:05.999999999 -0700 MST' : '2006-01-02T15:04:05.999999999Z07:00')
}

/** `now` is asked for the year of a text that has none. */
export function readTime(
  text: string,
  layout: string,
  location: Zone,
  language: Language = english,
  now?: () => Time,
): Time {
  let { time, zoneName, hasOffset } = parse(layout, text, location, language)
  if (zoneName !== undefined && !hasOffset && zoneName !== 'UTC' && fieldsOf(time).offset === 0) {
    // An abbreviation says nothing about its offset unless the zone database has it as a name.
    const zone = zoneNamed(zoneName)
    if (zone === undefined) fail(`unknown time zone ${zoneName}`)
    time = parse(layout, text, zone, language).time
  }
  const at = fieldsOf(time)
  if (at.year !== 0 || now === undefined) return time
  const today = fieldsOf(new Time(now().nanos, time.zone))
  const year = at.month === 12 && today.month === 1 ? today.year - 1 : today.year
  return fromWall({ ...at, year }, time.zone)
}
