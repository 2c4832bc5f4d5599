/** Finds the message of a record: in an attribute, in its body, or in a field of a body that is a map. */
import type { Key, LogRecord, Value } from '../../pipeline/data/telemetry.ts'
import { asText, isDouble } from '../../pipeline/data/value.ts'

type Fields = { readonly [name: string]: Value }

/** Where loggers put the message of a structured record. */
const usualFields = ['message', 'msg', 'log', 'event'] as const

/** Answers '' where there is no text. */
export type TextOf = (record: LogRecord) => string

export function textOf(attribute: Key | undefined, field: string): TextOf {
  const fields = field === '' ? usualFields : [field]
  const ofBody = ({ body }: LogRecord): string => {
    if (typeof body === 'string') return textInJson(body, fields) ?? body
    return textIn(body, fields, field !== '') ?? (body === null ? '' : asText(body))
  }
  if (attribute === undefined) return ofBody
  return (record) => {
    const value = record.attributes.get(attribute)
    return value === undefined || value === null ? ofBody(record) : asText(value)
  }
}

/** A field that was asked for may be of any type, the usual ones are texts. */
function textIn(body: Value, fields: readonly string[], takesAny: boolean): string | undefined {
  if (!isMap(body)) return undefined
  for (const name of fields) {
    const value = Object.hasOwn(body, name) ? body[name] : undefined
    if (typeof value === 'string') return value
    if (takesAny && value !== undefined && value !== null) return asText(value)
  }
  return undefined
}

function textInJson(body: string, fields: readonly string[]): string | undefined {
  if (body.charCodeAt(0) !== 123 || !body.trimEnd().endsWith('}')) return undefined
  // Parsing costs more than all the rest: only where one of the names stands.
  if (!fields.some((name) => body.includes(`"${name}"`))) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    // A text that only looks like JSON.
    return undefined
  }
  for (const name of fields) {
    const value = Object.hasOwn(parsed as object, name)
      ? (parsed as Readonly<Record<string, unknown>>)[name]
      : undefined
    if (typeof value === 'string') return value
  }
  return undefined
}

function isMap(value: Value): value is Fields {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !(value instanceof Uint8Array) && !isDouble(value)
}
