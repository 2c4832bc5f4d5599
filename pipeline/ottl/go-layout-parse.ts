/** Reads a time by a Go layout, as time.ParseInLocation does. */
import { layoutParts, months, type Names, names, type Part, weekdays } from './go-layout.ts'
import { fail } from './problems.ts'
import { fixedZone, fromWall, type Time, type Zone } from './time.ts'

/** Month and day names and day periods of a language. */
export interface Language {
  readonly months: Names
  readonly weekdays: Names
  readonly periods: readonly [am: string, pm: string]
}

export const english: Language = { months, weekdays, periods: ['AM', 'PM'] }

/** The names that `Intl` has for a BCP 47 tag; undefined for an unknown one. */
export function languageOf(tag: string): Language | undefined {
  try {
    if (Intl.DateTimeFormat.supportedLocalesOf([tag]).length === 0) return undefined
    const period = (hour: number) =>
      new Intl.DateTimeFormat(tag, { hour: 'numeric', hour12: true, timeZone: 'UTC' })
        .formatToParts(Date.UTC(2001, 0, 1, hour))
        .find(({ type }) => type === 'dayPeriod')?.value ?? (hour < 12 ? 'AM' : 'PM')
    return {
      // With a day beside it a month stands in the case in which dates have it.
      months: names(
        (date, length) => part(tag, date, { day: 'numeric', month: length }, 'month'),
        12,
        (i) => Date.UTC(2001, i, 1),
      ),
      weekdays: names(
        (date, length) => part(tag, date, { weekday: length }, 'weekday'),
        7,
        (i) => Date.UTC(2001, 6, 1 + i),
      ),
      periods: [period(1), period(13)],
    }
  } catch {
    return undefined
  }
}

function part(tag: string, date: Date, options: Intl.DateTimeFormatOptions, type: string): string {
  return (
    new Intl.DateTimeFormat(tag, { ...options, timeZone: 'UTC' }).formatToParts(date).find((p) => p.type === type)
      ?.value ?? ''
  )
}

interface State {
  year: number | undefined
  month: number | undefined
  day: number | undefined
  yearDay: number | undefined
  hour: number
  minute: number
  second: number
  nanosecond: number
  isPm: boolean | undefined
  offset: number | undefined
  zoneName: string | undefined
}

export interface Parsed {
  readonly time: Time
  /** The abbreviation that the text has, if it has one. */
  readonly zoneName: string | undefined
  readonly hasOffset: boolean
}

export function parse(layout: string, value: string, location: Zone, language: Language = english): Parsed {
  const wrong = (what: string): never =>
    fail(`parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: ${what}`)
  const state: State = {
    year: undefined,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    isPm: undefined,
    offset: undefined,
    zoneName: undefined,
  }
  let rest = value
  const parts = layoutParts(layout)
  for (const [i, part] of parts.entries()) {
    const after = take(part, rest, state, language, parts[i + 1])
    if (after === undefined) wrong(`cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(show(part))}`)
    rest = after!
  }
  if (rest !== '') wrong(`extra text: ${JSON.stringify(rest)}`)
  return build(state, location, wrong)
}

function show(part: Part): string {
  return part.type === 'text'
    ? part.text
    : part.type === 'field'
      ? part.field
      : `${part.separator}${(part.trim ? '9' : '0').repeat(part.digits)}`
}

function build(state: State, location: Zone, wrong: (what: string) => never): Parsed {
  let { hour, month = 1, day = 1 } = state
  const year = state.year ?? 0
  if (state.isPm !== undefined) hour = state.isPm ? (hour < 12 ? hour + 12 : hour) : hour === 12 ? 0 : hour
  if (state.yearDay !== undefined) {
    const date = new Date(0)
    date.setUTCFullYear(year, 0, state.yearDay)
    if (state.yearDay < 1 || date.getUTCFullYear() !== year) wrong('day-of-year out of range')
    month = date.getUTCMonth() + 1
    day = date.getUTCDate()
  }
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  if (day < 1 || day > last.getUTCDate()) wrong('day out of range')
  if (hour > 23) wrong('hour out of range')
  if (state.minute > 59) wrong('minute out of range')
  if (state.second > 59) wrong('second out of range')
  const wall = { year, month, day, hour, minute: state.minute, second: state.second, nanosecond: state.nanosecond }
  const { offset, zoneName } = state
  if (offset !== undefined) {
    return {
      time: fromWall(wall, fixedZone(zoneName ?? (offset === 0 ? 'UTC' : ''), offset)),
      zoneName,
      hasOffset: true,
    }
  }
  if (zoneName !== undefined) {
    const inLocation = fromWall(wall, location)
    if (location.abbreviationAt(Number(inLocation.nanos / 1_000_000_000n)) === zoneName) {
      return { time: inLocation, zoneName, hasOffset: false }
    }
    const gmt = /^GMT([-+]\d{1,2})$/.exec(zoneName)
    const seconds = gmt === null ? 0 : Number(gmt[1]) * 3600
    return { time: fromWall(wall, fixedZone(zoneName, seconds)), zoneName, hasOffset: false }
  }
  return { time: fromWall(wall, location), zoneName, hasOffset: false }
}

/** The text after what the part takes, or undefined where it does not fit. */
function take(part: Part, text: string, state: State, language: Language, next: Part | undefined): string | undefined {
  if (part.type === 'text') return skipText(text, part.text)
  if (part.type === 'fraction') {
    const match = /^[.,](\d+)/.exec(text)
    if (part.trim) {
      if (match === null || match[1]!.length > 9) return match === null ? text : undefined
      state.nanosecond = Number(match[1]!.padEnd(9, '0'))
      return text.slice(match[0].length)
    }
    const exact = new RegExp(`^[.,](\\d{${part.digits}})`).exec(text)
    if (exact === null) return undefined
    state.nanosecond = Number(exact[1]!.slice(0, 9).padEnd(9, '0'))
    return text.slice(exact[0].length)
  }
  switch (part.field) {
    case '2006':
      return number(text, /^\d{4}/, (n) => set(state, 'year', n, 0, 9999))
    case '06':
      return number(text, /^\d\d/, (n) => set(state, 'year', n >= 69 ? n + 1900 : n + 2000, 0, 9999))
    case 'January':
    case 'Jan':
      return oneOf(
        text,
        part.field === 'January' ? language.months.long : language.months.short,
        (i) => void (state.month = i + 1),
      )
    case '01':
    case '1':
      return number(text, part.field === '01' ? /^\d\d/ : /^\d\d?/, (n) => set(state, 'month', n, 1, 12))
    case 'Monday':
    case 'Mon':
      return oneOf(text, part.field === 'Monday' ? language.weekdays.long : language.weekdays.short, () => undefined)
    case '02':
      return number(text, /^\d\d/, (n) => set(state, 'day', n, 0, 9999))
    case '_2':
    case '2':
      return number(part.field === '_2' ? text.replace(/^ /, '') : text, /^\d\d?/, (n) => set(state, 'day', n, 0, 9999))
    case '002':
      return number(text, /^\d{3}/, (n) => set(state, 'yearDay', n, 0, 9999))
    case '__2':
      return number(text, /^ {0,2}\d{1,3}/, (n) => set(state, 'yearDay', n, 0, 9999))
    case '15':
      return number(text, /^\d\d?/, (n) => set(state, 'hour', n, 0, 23))
    case '03':
    case '3':
      return number(text, part.field === '03' ? /^\d\d/ : /^\d\d?/, (n) => set(state, 'hour', n, 0, 12))
    case '04':
    case '4':
      return number(text, part.field === '04' ? /^\d\d/ : /^\d\d?/, (n) => set(state, 'minute', n, 0, 59))
    case '05':
    case '5': {
      const after = number(text, part.field === '05' ? /^\d\d/ : /^\d\d?/, (n) => set(state, 'second', n, 0, 59))
      // A fraction may follow the seconds even where the layout has none.
      if (after === undefined || next?.type === 'fraction') return after
      const fraction = /^[.,](\d{1,9})(?!\d)/.exec(after)
      if (fraction === null) return after
      state.nanosecond = Number(fraction[1]!.padEnd(9, '0'))
      return after.slice(fraction[0].length)
    }
    case 'PM':
    case 'pm':
      return oneOf(text, language.periods, (i) => void (state.isPm = i === 1))
    case 'MST': {
      const match = /^(?:GMT[-+]\d{1,2}|[-+]\d\d(?:\d\d)?|ChST|MeST|[A-Z]{4}T|WITA|[A-Z]{3}T|[A-Z]{3}(?![A-Z]))/.exec(
        text,
      )
      if (match === null) return undefined
      state.zoneName = match[0]
      return text.slice(match[0].length)
    }
    default:
      return offset(text, part.field, state)
  }
}

type NumberField = 'year' | 'month' | 'day' | 'yearDay' | 'hour' | 'minute' | 'second'

function set(state: State, field: NumberField, value: number, from: number, to: number): boolean {
  state[field] = value
  return value >= from && value <= to
}

function number(text: string, pattern: RegExp, accept: (n: number) => boolean): string | undefined {
  const match = pattern.exec(text)
  return match === null || !accept(Number(match[0])) ? undefined : text.slice(match[0].length)
}

function oneOf(text: string, words: readonly string[], accept: (index: number) => void): string | undefined {
  const lower = text.toLowerCase()
  let best = -1
  for (const [i, word] of words.entries()) {
    if (lower.startsWith(word.toLowerCase()) && (best < 0 || word.length > words[best]!.length)) best = i
  }
  if (best < 0) return undefined
  accept(best)
  return text.slice(words[best]!.length)
}

function offset(text: string, field: string, state: State): string | undefined {
  if (field.startsWith('Z') && text.startsWith('Z')) {
    state.offset = 0
    return text.slice(1)
  }
  const digits = field.replaceAll(/\D/g, '').length / 2
  const colon = field.includes(':') ? ':' : ''
  const match = new RegExp(
    `^([-+])(\\d\\d)${digits > 1 ? `${colon}(\\d\\d)` : ''}${digits > 2 ? `${colon}(\\d\\d)` : ''}`,
  ).exec(text)
  if (match === null) return undefined
  const [all, sign, hours, minutes = '0', seconds = '0'] = match
  if (Number(hours) > 24 || Number(minutes) > 59 || Number(seconds) > 59) return undefined
  state.offset = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * (sign === '-' ? -1 : 1)
  return text.slice(all.length)
}

/** Runs of spaces in the layout match runs of spaces in the text. */
function skipText(text: string, prefix: string): string | undefined {
  let at = 0
  for (let i = 0; i < prefix.length; i++) {
    if (prefix[i] === ' ') {
      if (at < text.length && text[at] !== ' ') return undefined
      while (prefix[i + 1] === ' ') i++
      while (text[at] === ' ') at++
      continue
    }
    if (text[at] !== prefix[i]) return undefined
    at++
  }
  return text.slice(at)
}
