/** What an event says beyond its envelope, as attributes: maps and lists as they are, numbers as doubles, times as integers. */
import type { LogRecord, Value } from '../data/telemetry.ts'
import { double, isDouble } from '../data/value.ts'

/** JSON as an OTLP value; what is undefined is left out. */
export function fieldValue(plain: unknown): Value | undefined {
  if (typeof plain === 'number') return double(plain)
  if (typeof plain === 'string' || typeof plain === 'boolean' || typeof plain === 'bigint') return plain
  if (Array.isArray(plain)) return plain.map(fieldValue).filter((one) => one !== undefined)
  if (typeof plain !== 'object' || plain === null) return undefined
  const map: Record<string, Value> = {}
  for (const [key, one] of Object.entries(plain)) {
    const value = fieldValue(one)
    if (value !== undefined) map[key] = value
  }
  return map
}

/** An OTLP value as JSON, with numbers as numbers, whatever they are on the wire. */
export function plainValue(value: Value | undefined): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (isDouble(value)) return value.double
  if (Array.isArray(value)) return value.map((one: Value) => plainValue(one))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainValue(one as Value)]))
}

/** The attributes whose names start with `prefix`, by the rest of their names. */
export function plainFields({ attributes }: LogRecord, prefix: string): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [key, value] of attributes.entries()) {
    if (key.startsWith(prefix)) fields[key.slice(prefix.length)] = plainValue(value)
  }
  return fields
}

/** The fields of an event without its envelope's, under `prefix`. */
export function eventFields(
  event: Readonly<Record<string, unknown>>,
  envelopeKeys: ReadonlySet<string>,
  prefix: string,
): Record<string, Value> {
  const fields: Record<string, Value> = {}
  for (const [key, one] of Object.entries(event)) {
    const value = envelopeKeys.has(key) ? undefined : fieldValue(one)
    if (value !== undefined) fields[prefix + key] = value
  }
  return fields
}
