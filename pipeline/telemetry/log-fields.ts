/** Makes any value fit for a log line: bounded, free of cycles, of errors only their messages, of secrets nothing. */
import { errorMessage } from '../error-message.ts'

export type Loggable = string | number | boolean | null | Loggable[] | { [key: string]: Loggable }

const maxDepth = 6
const maxEntries = 200
const maxString = 16_384
const redacted = '[REDACTED]'
const secretKey =
  /(^|[._\-\s])(proxy-?)?(authorization|password|passwd|passphrase|secret|client_?secret|token|(access|auth|bearer|id|refresh)_?token|api[_-]?key|private[_-]?key|key_pem|(set-)?cookie|credentials?)$/i

/** The parts of each line: a field of that name gets another one. */
const reserved = new Set(['level', 'ts', 'caller', 'msg', 'stacktrace'])

export function loggableFields(fields: object): Record<string, Loggable> {
  if (fields instanceof Error) return { error: describeError(fields) }
  const out: Record<string, Loggable> = {}
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined || typeof value === 'function') continue
    out[reserved.has(key) ? `${key}_` : key] = loggable(key, value, 0)
  }
  return out
}

function loggable(key: string, value: unknown, depth: number): Loggable {
  if (value === null || value === undefined) return null
  if (secretKey.test(key)) return redacted
  switch (typeof value) {
    case 'string':
      return loggableText(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    case 'object':
      return depth >= maxDepth ? '...' : loggableObject(key, value, depth + 1)
    case 'symbol':
      return value.description ?? ''
    default:
      return null
  }
}

function loggableObject(key: string, value: object, depth: number): Loggable {
  if (value instanceof Error) return describeError(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (value instanceof URL) return loggableText(value.href)
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`
  if (Array.isArray(value) || value instanceof Set) {
    return [...value].slice(0, maxEntries).map((item) => loggable(key, item, depth))
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const out: Record<string, Loggable> = {}
  for (const [name, item] of entries.slice(0, maxEntries)) {
    if (item !== undefined && typeof item !== 'function') out[String(name)] = loggable(String(name), item, depth)
  }
  return out
}

/** The message, then that of each cause which it does not repeat already. */
function describeError(error: Error): string {
  let text = error.message || error.name
  let cause = error.cause
  for (let depth = 0; cause !== undefined && cause !== null && depth < maxDepth; depth++) {
    const message = cause instanceof Error ? cause.message || cause.name : typeof cause === 'string' ? cause : ''
    if (message !== '' && !text.includes(message)) text += `: ${message}`
    cause = cause instanceof Error ? cause.cause : undefined
  }
  if (error instanceof AggregateError && error.errors.length > 0) {
    const messages = error.errors.slice(0, 10).map((each) => errorMessage(each))
    const unsaid = messages.filter((message) => !text.includes(message))
    if (unsaid.length > 0) text += `: ${unsaid.join('; ')}`
  }
  return loggableText(text)
}

/** A password in an URL is a secret wherever it stands. */
function loggableText(text: string): string {
  const short = text.length > maxString ? `${text.slice(0, maxString)}... (${text.length - maxString} more)` : text
  return short.includes('://') ? short.replace(/(:\/\/)[^/\s@"']*:[^/\s@"']*@/g, `$1${redacted}@`) : short
}
