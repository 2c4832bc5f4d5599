/** OTLP's AnyValue as a JavaScript value, and back. */
import type { Double, Value, ValueType } from './telemetry.ts'
import { cursor, find, float64, high, signed64, skip, text, uvarint, uvarint64 } from './wire.ts'
import type { Writer } from './writer.ts'

class ForcedDouble implements Double {
  readonly double: number

  constructor(value: number) {
    this.double = value
    Object.freeze(this)
  }
}

/** A number that is written as a double even when it is integral. */
export function double(value: number): Double {
  return new ForcedDouble(value)
}

export function isDouble(value: unknown): value is Double {
  return value instanceof ForcedDouble
}

const types: readonly ValueType[] = ['empty', 'string', 'bool', 'int', 'double', 'array', 'map', 'bytes']
const lowestInt = -(2 ** 63)
const highestInt = 2 ** 63
/** Deeper values are refused when written; a request may nest 100 messages, and a value stands in at most ten others. */
const maxDepth = 40

/** The number of the member of the oneof that is set; 0 for none. Leaves its start in `valueAt`. */
let valueAt = 0
function member(b: Uint8Array, p: number, end: number): number {
  while (p < end) {
    const tag = uvarint(b, p)
    valueAt = cursor
    const number = tag >>> 3
    if (number > 0 && number < 8) return number
    p = skip(b, valueAt, tag & 7)
  }
  return 0
}

export function readType(b: Uint8Array, start: number, end: number): ValueType {
  return types[member(b, start, end)]!
}

/** Reads the AnyValue that stands in [start, end). */
export function readValue(b: Uint8Array, start: number, end: number): Value {
  const number = member(b, start, end)
  const at = valueAt
  switch (number) {
    case 1: {
      const length = uvarint(b, at)
      return text(b, cursor, cursor + length)
    }
    case 2:
      return (uvarint64(b, at) | high) !== 0
    case 3: {
      const lo = uvarint64(b, at)
      return signed64(lo, high)
    }
    case 4:
      return readDouble(float64(b, at))
    case 5: {
      const length = uvarint(b, at)
      return readArray(b, cursor, cursor + length)
    }
    case 6: {
      const length = uvarint(b, at)
      return readMap(b, cursor, cursor + length)
    }
    case 7: {
      const length = uvarint(b, at)
      return b.slice(cursor, cursor + length)
    }
    default:
      return null
  }
}

/** A double as a number where writing that number gives a double again. */
export function readDouble(value: number): number | Double {
  return Number.isInteger(value) && value >= lowestInt && value < highestInt ? double(value) : value
}

function readArray(b: Uint8Array, p: number, end: number): readonly Value[] {
  const values: Value[] = []
  while (p < end) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag === 10) values.push(readValue(b, at + prefix(b, at), p))
  }
  return values
}

/** Keys that look like array indices come first, as in every JavaScript object; of equal keys the first counts, as in attributes. */
function readMap(b: Uint8Array, p: number, end: number): { readonly [key: string]: Value } {
  const map: { [key: string]: Value } = {}
  while (p < end) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag !== 10) continue
    const start = at + prefix(b, at)
    const name = readKey(b, start, p)
    if (!Object.hasOwn(map, name)) put(map, name, readKeyed(b, start, p))
  }
  return map
}

function prefix(b: Uint8Array, at: number): number {
  uvarint(b, at)
  return cursor - at
}

/** Sets a property that may be called `__proto__`. */
export function put(map: { [key: string]: Value }, name: string, value: Value): void {
  if (name !== '__proto__') map[name] = value
  else Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true })
}

/** The key of the KeyValue in [start, end). */
export function readKey(b: Uint8Array, start: number, end: number): string {
  const at = find(b, start, end, 10)
  if (at < 0) return ''
  const length = uvarint(b, at)
  return text(b, cursor, cursor + length)
}

/** The value of the KeyValue in [start, end). */
export function readKeyed(b: Uint8Array, start: number, end: number): Value {
  const at = find(b, start, end, 18)
  if (at < 0) return null
  const length = uvarint(b, at)
  const from = cursor
  return readValue(b, from, from + length)
}

/** Writes the fields of an AnyValue. */
export function writeValue(to: Writer, value: Value, depth = 0): void {
  if (depth > maxDepth) throw new TypeError(`a value is nested deeper than ${maxDepth}, or contains itself`)
  const before = to.size
  switch (typeof value) {
    case 'string':
      to.text(value)
      to.message(10, before)
      return
    case 'boolean':
      to.varint(value ? 1 : 0)
      to.varint(16)
      return
    case 'number':
      if (Number.isInteger(value) && value >= lowestInt && value < highestInt) writeInt(to, value)
      else writeDouble(to, value)
      return
    case 'bigint':
      writeBigint(to, value)
      return
    case 'object':
      if (value !== null) writeObject(to, value, depth, before)
      return
    default:
      throw new TypeError(
        `${typeof value} cannot be an attribute value: use string, number, bigint, boolean, null, bytes, an array or an object`,
      )
  }
}

function writeInt(to: Writer, value: number): void {
  to.varint64(value >>> 0, Math.floor(value / 0x1_0000_0000) >>> 0)
  to.varint(24)
}

function writeBigint(to: Writer, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) throw new TypeError(`${value} does not fit in 64 bits`)
  to.varint64(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn))
  to.varint(24)
}

function writeDouble(to: Writer, value: number): void {
  to.double(value)
  to.varint(33)
}

function writeObject(to: Writer, value: object, depth: number, before: number): void {
  if (isDouble(value)) writeDouble(to, value.double)
  else if (value instanceof Uint8Array) {
    to.bytes(value)
    to.message(58, before)
  } else if (Array.isArray(value)) {
    for (let i = value.length - 1; i >= 0; i--) {
      const element = to.size
      writeValue(to, value[i] as Value, depth + 1)
      to.message(10, element)
    }
    to.message(42, before)
  } else {
    for (const [key, of] of Object.entries(value as Record<string, Value>).reverse()) {
      const entry = to.size
      writeKeyValue(to, key, of, depth + 1)
      to.message(10, entry)
    }
    to.message(50, before)
  }
}

/** Writes the fields of a KeyValue. */
export function writeKeyValue(to: Writer, key: string, value: Value, depth = 0): void {
  const before = to.size
  writeValue(to, value, depth)
  to.message(18, before)
  const name = to.size
  to.text(key)
  to.message(10, name)
}

/** A value as Go's `AsString` gives it, near enough to group by: numbers in decimal, bytes in base64, arrays and maps as JSON. */
export function asText(value: Value): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  if (isDouble(value)) return String(value.double)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'object') return JSON.stringify(value, (_key, part: Value) => jsonPart(part))
  return String(value)
}

function jsonPart(part: Value): unknown {
  if (typeof part === 'bigint') return Number(part)
  if (part instanceof Uint8Array) return Buffer.from(part).toString('base64')
  return isDouble(part) ? part.double : part
}
