/**
 * The config that a component really runs with, as `print-config` shows it: what the user wrote, defaults filled in, durations as Go prints them.
 * It is made of the input and not of zod's output, whose shape a transform may have changed: only so is it certain which strings are secrets.
 */
import { isDouble } from '../data/value.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { branches, branchFor, type FieldSchema, takesAnything } from './field-schema.ts'
import { lowestLevel } from './fields.ts'

export interface Printing {
  /** Secrets become `[REDACTED]`. */
  readonly isRedacted: boolean
  /** As upstream's JSON has them, which keeps Go's numbers; otherwise as Go prints them. */
  readonly areDurationsNanoseconds?: boolean
  /** A double that is integral is told from an int, as a fingerprint must. */
  readonly areNumbersExact?: boolean
}
const redactedText = '[REDACTED]'

export function effective(value: unknown, schema: FieldSchema, printing: Printing): unknown {
  if (branches(schema)) return union(value, schema, printing)
  switch (schema['x-kind']) {
    case 'duration':
      return durationText(value, printing)
    case 'level':
      return levelName(value, schema)
    case 'secret':
      return hide(value, printing)
    case 'headers':
      return headerEntries(value, printing)
    case 'value':
      return printing.areNumbersExact ? value : jsonSafe(value)
    case 'optional':
      return optionalSection(value, schema, printing)
    default:
      return plain(value, schema, printing)
  }
}

function plain(value: unknown, schema: FieldSchema, printing: Printing): unknown {
  if (Array.isArray(value)) {
    return value.map((item, i) => effective(item, schema.prefixItems?.[i] ?? (schema.items || {}), printing))
  }
  if (typeof value === 'string' && printing.isRedacted) return withoutPassword(value)
  if (!isRecord(value) || takesAnything(schema)) return jsonSafe(value)
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((one) => plain(value, one, printing))) as unknown
  const shown: Record<string, unknown> = {}
  const properties = schema.properties ?? {}
  for (const [key, field] of Object.entries(properties)) {
    const own = Object.hasOwn(value, key) ? effective(value[key], field, printing) : missing(field, printing)
    if (own !== undefined) shown[key] = own
  }
  const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}
  for (const [key, item] of Object.entries(value))
    if (!Object.hasOwn(properties, key)) shown[key] = effective(item, rest, printing)
  return shown
}

function missing(schema: FieldSchema, printing: Printing): unknown {
  if (!('x-default' in schema) || schema['x-unprinted']) return undefined
  const value = schema['x-default']
  // Of a duration it is the output, milliseconds, where an input would be nanoseconds.
  if (schema['x-kind'] === 'duration' && typeof value === 'number') return shownDuration(value, printing)
  return effective(value, schema, printing)
}

function durationText(value: unknown, printing: Printing): unknown {
  if (typeof value === 'number') return shownDuration(value / 1e6, printing)
  const ms = typeof value === 'string' ? parseDuration(value) : undefined
  return typeof ms === 'number' ? shownDuration(ms, printing) : jsonSafe(value)
}

function shownDuration(ms: number, { areDurationsNanoseconds }: Printing): string | number {
  return areDurationsNanoseconds ? Math.round(ms * 1e6) : formatDuration(ms)
}

/** Upstream's `configtelemetry.Level` prints itself so, and is left out as `basic`, its zero; zap's level stays in lower case. */
function levelName(value: unknown, schema: FieldSchema): unknown {
  const names = schema.enum?.map(String) ?? []
  const name = typeof value === 'number' ? names[value - lowestLevel] : String(value).toLowerCase()
  if (!names.includes('normal') || name === undefined) return name
  return name === 'basic' ? undefined : name.slice(0, 1).toUpperCase() + name.slice(1)
}

function hide(value: unknown, { isRedacted }: Printing): unknown {
  if (!isRedacted || value === '' || value === null || value === undefined) return jsonSafe(value)
  return redactedText
}

function headerEntries(value: unknown, printing: Printing): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => {
      if (Array.isArray(item)) return { name: jsonSafe(item[0]), value: hide(item[1], printing) }
      return isRecord(item)
        ? { name: jsonSafe(item['name']), value: hide(item['value'], printing) }
        : hide(item, printing)
    })
  }
  if (!isRecord(value)) return hide(value, printing)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([name, text]) => ({ name, value: printing.isRedacted ? redactedText : jsonSafe(text) }))
}

function optionalSection(value: unknown, schema: FieldSchema, printing: Printing): unknown {
  if (value === null) return schema['x-flavour'] === 'off' ? null : plain({}, schema, printing)
  if (!isRecord(value)) return plain(value, schema, printing)
  const { enabled, ...rest } = value
  if (enabled === false) return null
  return plain(enabled === true ? rest : value, schema, printing)
}

function union(value: unknown, schema: FieldSchema, printing: Printing): unknown {
  const branch = branchFor(schema, value)
  if (branch) return effective(value, branch, printing)
  return mayHoldSecret(schema, new Set()) ? hide(value, printing) : jsonSafe(value)
}

/** Whatever the type of the key: what stands before the `@` of an URL may be a password. */
function withoutPassword(text: string): string {
  return text.includes('://') ? text.replace(/(:\/\/[^/\s@:]*):[^/\s@]*@/g, `$1:${redactedText}@`) : text
}

function mayHoldSecret(schema: FieldSchema, seen: Set<FieldSchema>): boolean {
  if (schema['x-kind'] === 'secret' || schema['x-kind'] === 'headers') return true
  if (seen.has(schema)) return false
  seen.add(schema)
  const inner = [...(branches(schema) ?? []), ...(schema.allOf ?? []), ...Object.values(schema.properties ?? {})]
  if (schema.items) inner.push(schema.items)
  if (typeof schema.additionalProperties === 'object') inner.push(schema.additionalProperties)
  return inner.some((one) => mayHoldSecret(one, seen))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A default may be anything that an author's transform makes: what JSON cannot say is left out. */
function jsonSafe(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (isDouble(value)) return value.double
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (Array.isArray(value)) return value.map(jsonSafe)
  if (value instanceof RegExp) return value.source
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), jsonSafe(item)]))
  if (value instanceof Set) return [...value].map(jsonSafe)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonSafe(item)]))
}
