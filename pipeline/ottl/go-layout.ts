/** Go's reference-time layouts ("2006-01-02T15:04:05Z07:00"): how they are cut into parts, and how a time is written by one. */
import { fieldsOf, type Time } from './time.ts'

export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'field'; readonly field: string }
  | { readonly type: 'fraction'; readonly separator: string; readonly digits: number; readonly trim: boolean }

const fields: readonly string[] = [
  'January', 'Jan', 'Monday', 'Mon', 'MST', '2006', '002', '01', '02', '03', '04', '05', '06', '__2', '_2', '15', '1', '2', '3', '4', '5', 'PM', 'pm',
  '-07:00:00', '-070000', '-07:00', '-0700', '-07', 'Z07:00:00', 'Z070000', 'Z07:00', 'Z0700', 'Z07',
] // biome-ignore format: one table

const limit = 256
const known = new Map<string, readonly Part[]>()

export function layoutParts(layout: string): readonly Part[] {
  let parts = known.get(layout)
  if (parts === undefined) {
    parts = cut(layout)
    if (known.size === limit) known.clear()
    known.set(layout, parts)
  }
  return parts
}

function cut(layout: string): Part[] {
  const parts: Part[] = []
  let text = ''
  for (let i = 0; i < layout.length; ) {
    const part = partAt(layout, i)
    if (part === undefined) {
      text += layout[i++]
      continue
    }
    if (text !== '') parts.push({ type: 'text', text })
    text = ''
    parts.push(part.part)
    i = part.end
  }
  if (text !== '') parts.push({ type: 'text', text })
  return parts
}

function partAt(layout: string, at: number): { part: Part; end: number } | undefined {
  const rest = layout.slice(at, at + 32)
  const fraction = /^([.,])(0+|9+)(?!\d)/.exec(rest)
  if (fraction !== null) {
    const [all, separator, digits] = fraction as unknown as [string, string, string]
    return {
      part: { type: 'fraction', separator, digits: digits.length, trim: digits.startsWith('9') },
      end: at + all.length,
    }
  }
  for (const field of fields) {
    if (!rest.startsWith(field)) continue
    // "Janet" and "Month" are words.
    if ((field === 'Jan' || field === 'Mon') && /^[a-z]/.test(rest.slice(3))) continue
    if (field === '_2' && rest.startsWith('_2006')) continue
    return { part: { type: 'field', field }, end: at + field.length }
  }
  return undefined
}

const english = 'en-US'
export const months = names(
  (date, length) => date.toLocaleString(english, { month: length, timeZone: 'UTC' }),
  12,
  (i) => Date.UTC(2001, i, 1),
)
export const weekdays = names(
  (date, length) => date.toLocaleString(english, { weekday: length, timeZone: 'UTC' }),
  7,
  (i) => Date.UTC(2001, 6, 1 + i),
)

export interface Names {
  readonly long: readonly string[]
  readonly short: readonly string[]
}

export function names(
  read: (date: Date, length: 'long' | 'short') => string,
  count: number,
  at: (i: number) => number,
): Names {
  const all = (length: 'long' | 'short') => Array.from({ length: count }, (_, i) => read(new Date(at(i)), length))
  return { long: all('long'), short: all('short') }
}

export function format(time: Time, layout: string): string {
  const at = fieldsOf(time)
  const hour12 = at.hour % 12 === 0 ? 12 : at.hour % 12
  return layoutParts(layout)
    .map((part) => {
      if (part.type === 'text') return part.text
      if (part.type === 'fraction') {
        const digits = String(at.nanosecond).padStart(9, '0').padEnd(part.digits, '0').slice(0, part.digits)
        const shown = part.trim ? digits.replace(/0+$/, '') : digits
        return shown === '' ? '' : part.separator + shown
      }
      switch (part.field) {
        case '2006':
          return (at.year < 0 ? '-' : '') + pad(Math.abs(at.year), 4)
        case '06':
          return pad(Math.abs(at.year) % 100, 2)
        case 'January':
          return months.long[at.month - 1]!
        case 'Jan':
          return months.short[at.month - 1]!
        case '01':
          return pad(at.month, 2)
        case '1':
          return String(at.month)
        case 'Monday':
          return weekdays.long[at.weekday]!
        case 'Mon':
          return weekdays.short[at.weekday]!
        case '02':
          return pad(at.day, 2)
        case '_2':
          return String(at.day).padStart(2)
        case '2':
          return String(at.day)
        case '002':
          return pad(dayOfYear(at.year, at.month, at.day), 3)
        case '__2':
          return String(dayOfYear(at.year, at.month, at.day)).padStart(3)
        case '15':
          return pad(at.hour, 2)
        case '03':
          return pad(hour12, 2)
        case '3':
          return String(hour12)
        case '04':
          return pad(at.minute, 2)
        case '4':
          return String(at.minute)
        case '05':
          return pad(at.second, 2)
        case '5':
          return String(at.second)
        case 'PM':
          return at.hour >= 12 ? 'PM' : 'AM'
        case 'pm':
          return at.hour >= 12 ? 'pm' : 'am'
        case 'MST':
          return time.zone.abbreviationAt(at.seconds) || writeOffset(at.offset, '-0700')
        default:
          return writeOffset(at.offset, part.field)
      }
    })
    .join('')
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

function dayOfYear(year: number, month: number, day: number): number {
  const start = new Date(0)
  start.setUTCFullYear(year, 0, 1)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return Math.round((date.getTime() - start.getTime()) / 86_400_000) + 1
}

function writeOffset(offset: number, field: string): string {
  if (field.startsWith('Z') && offset === 0) return 'Z'
  const total = Math.abs(offset)
  const units = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60].map((unit) => pad(unit, 2))
  const digits = field.replaceAll(/[^\d]/g, '').length / 2
  return (offset < 0 ? '-' : '+') + units.slice(0, digits).join(field.includes(':') ? ':' : '')
}
