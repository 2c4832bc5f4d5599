/** A place inside a record's body or attributes, as `attributes.src.ip`. */
import type { Editable, LogRecord, Value } from '../../pipeline/data/telemetry.ts'

export interface Field {
  readonly root: 'body' | 'attributes'
  /** Key by key from there; none = all attributes. */
  readonly keys: readonly string[]
}
type MapValue = { readonly [key: string]: Value }

export function parseField(text: string): Field {
  const [root, ...keys] = text.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'))
  return { root: root === 'body' ? 'body' : 'attributes', keys }
}

export function readField(record: LogRecord, { root, keys }: Field): Value | undefined {
  const [first, ...rest] = keys
  if (first === undefined) return Object.fromEntries([...record.attributes.entries()].reverse())
  let value = root === 'attributes' ? record.attributes.get(first) : memberOf(record.body, first)
  for (const key of rest) value = memberOf(value, key)
  return value
}

export function removeField(record: Editable<LogRecord>, { root, keys }: Field): void {
  const [first, ...rest] = keys
  if (root === 'body') {
    const body = without(record.body, keys)
    if (body !== record.body) record.body = body
  } else if (first === undefined) {
    for (const key of Array.from(record.attributes.entries(), ([name]) => name)) record.attributes.delete(key)
  } else if (rest.length === 0) record.attributes.delete(first)
  else {
    const value = record.attributes.get(first)
    if (value === undefined) return
    const smaller = without(value, rest)
    if (smaller !== value) record.attributes.set(first, smaller)
  }
}

/** Itself when there is nothing to remove. */
export function without(value: Value, keys: readonly string[]): Value {
  const [first, ...rest] = keys
  const member = first === undefined ? undefined : memberOf(value, first)
  if (first === undefined || member === undefined) return value
  if (rest.length > 0) {
    const smaller = without(member, rest)
    return smaller === member ? value : { ...(value as MapValue), [first]: smaller }
  }
  const { [first]: _removed, ...others } = value as MapValue
  return others
}

function memberOf(value: Value | undefined, key: string): Value | undefined {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function isMap(value: Value | undefined): value is MapValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) return false
  // A double is an object too, but of a class.
  return Object.getPrototypeOf(value) === Object.prototype
}
