/** The two forms of a log line that Go's zap writes: `console` (tabs between the parts) and `json`. */
import type { Loggable } from './log-fields.ts'

interface Line {
  level: string
  ts: string
  caller?: string
  msg: string
  stacktrace?: string
  [field: string]: Loggable | undefined
}

/** Local time with its offset, as zap's ISO8601 encoder writes it. */
export function timestamp(unixMs: number): string {
  const date = new Date(unixMs)
  const offset = -date.getTimezoneOffset()
  if (offset === 0) return date.toISOString()
  const local = new Date(unixMs + offset * 60_000).toISOString().slice(0, -1)
  const size = Math.abs(offset)
  const hours = String(Math.floor(size / 60)).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${hours}${String(size % 60).padStart(2, '0')}`
}

/** `time level caller message {fields}`, the stack below it. */
export function consoleLine(json: string): string {
  const { level, ts, caller, msg, stacktrace, ...fields } = JSON.parse(json) as Line
  let line = `${ts}\t${level}\t${caller === undefined ? '' : `${caller}\t`}${msg}`
  const entries = Object.entries(fields)
  if (entries.length > 0) {
    const parts = entries.map(([key, value]) => `${JSON.stringify(key)}: ${spaced(key, value ?? null)}`)
    line += `\t{${parts.join(', ')}}`
  }
  return `${line}\n${stacktrace === undefined ? '' : `${stacktrace}\n`}`
}

/** zap puts spaces into what it encodes itself (lists, the resource) and leaves other objects to Go's compact JSON. */
function spaced(key: string, value: Loggable): string {
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
    return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
  }
  if (key === 'resource' && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const parts = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${JSON.stringify(item)}`)
    return `{${parts.join(', ')}}`
  }
  return JSON.stringify(value)
}
