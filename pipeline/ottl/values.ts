/**
 * What expressions yield at run time. Integers and doubles are told apart as everywhere in `pipeline/data`: an integral number or a bigint is an
 * int64, `Double` is a double that happens to be integral, any other number is a double.
 */
import { readDouble } from '../data/any-value.ts'
import type { Double, Value } from '../data/telemetry.ts'
import { isDouble } from '../data/value.ts'
import { fail } from './problems.ts'
import { type Duration, isDuration, isTime, type Time } from './time.ts'
import { formatTime } from './time-text.ts'

export type OttlValue =
  | null
  | string
  | boolean
  | number
  | bigint
  | Double
  | Uint8Array
  | Time
  | Duration
  | Id
  | Opaque
  | readonly OttlValue[]
  | OttlMap
export interface OttlMap {
  readonly [key: string]: OttlValue
}

/** A trace, span or profile id: compared by content, never equal to its hexadecimal text. */
export class Id {
  readonly kind: 'trace' | 'span' | 'profile'
  /** Lower case; never empty. */
  readonly hex: string

  constructor(kind: Id['kind'], hex: string) {
    this.kind = kind
    this.hex = hex === '' ? '0'.repeat(kind === 'span' ? 16 : 32) : hex
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.from(this.hex, 'hex'))
  }

  /** As the wire has it: an id of zeros is an absent one. */
  get onWire(): string {
    return /[^0]/.test(this.hex) ? this.hex : ''
  }
}

/** A thing that has no value form, like a span's list of events: it can be assigned where it came from. */
export class Opaque {
  readonly goType: string
  readonly content: unknown

  constructor(goType: string, content: unknown) {
    this.goType = goType
    this.content = content
  }
}

export type Kind =
  | 'nil'
  | 'string'
  | 'bool'
  | 'int'
  | 'double'
  | 'bytes'
  | 'list'
  | 'map'
  | 'time'
  | 'duration'
  | 'id'
  | 'opaque'

const lowestInt = -(2 ** 63)
const highestInt = 2 ** 63

export function kindOf(value: OttlValue): Kind {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return isIntegral(value) ? 'int' : 'double'
    default:
  }
  if (value === null) return 'nil'
  if (isDouble(value)) return 'double'
  if (value instanceof Uint8Array) return 'bytes'
  if (Array.isArray(value)) return 'list'
  if (isTime(value)) return 'time'
  if (isDuration(value)) return 'duration'
  if (value instanceof Id) return 'id'
  return value instanceof Opaque ? 'opaque' : 'map'
}

function isIntegral(value: number): boolean {
  return Number.isInteger(value) && value >= lowestInt && value < highestInt
}

/** The names that upstream's messages have for these kinds. */
export function typeName(value: OttlValue): string {
  switch (kindOf(value)) {
    case 'nil':
      return 'nil'
    case 'int':
      return 'int64'
    case 'double':
      return 'float64'
    case 'bytes':
      return '[]uint8'
    case 'list':
      return 'pcommon.Slice'
    case 'map':
      return 'pcommon.Map'
    case 'time':
      return 'time.Time'
    case 'duration':
      return 'time.Duration'
    case 'id': {
      const { kind } = value as Id
      return kind === 'trace' ? 'pcommon.TraceID' : kind === 'span' ? 'pcommon.SpanID' : 'pprofile.ProfileID'
    }
    case 'opaque':
      return (value as Opaque).goType
    case 'string':
      return 'string'
    case 'bool':
      return 'bool'
  }
}

/** An int64: wraps around as Go's does. */
export function int(value: number | bigint): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  const wrapped = BigInt.asIntN(64, BigInt(value))
  const small = Number(wrapped)
  return Number.isSafeInteger(small) ? small : wrapped
}

/** A float64. */
export function float(value: number): number | Double {
  return readDouble(value)
}

/** Of an int or a double. */
export function toNumber(value: OttlValue): number {
  return isDouble(value) ? value.double : Number(value)
}

/** A value as it can be written: times and ids have no place on the wire. */
export function toWire(value: OttlValue): Value {
  switch (kindOf(value)) {
    case 'list':
      return (value as readonly OttlValue[]).map(toWire)
    case 'map': {
      const map: { [key: string]: Value } = {}
      for (const [key, item] of Object.entries(value as OttlMap)) define(map, key, toWire(item))
      return map
    }
    case 'time':
    case 'duration':
    case 'id':
    case 'opaque':
      return fail(
        `a ${typeName(value)} cannot be stored as an attribute value; convert it first, with String() for one`,
      )
    default:
      return value as Value
  }
}

/** Whether `toWire` would answer the same object, which spares a copy. */
export function isPlain(value: OttlValue): boolean {
  return typeof value !== 'object' || value === null || isDouble(value) || value instanceof Uint8Array
}

export function define<T>(map: { [key: string]: T }, key: string, value: T): void {
  if (key !== '__proto__') map[key] = value
  else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
}

/** As Go's shortest decimal form, without exponent. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  const match = /^(-?)(\d+)(?:\.(\d+))?e([-+]\d+)$/.exec(text)
  if (match === null) return text
  const [, sign, whole, fraction = '', exponent] = match
  const digits = whole! + fraction
  const point = whole!.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length)
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** As JSON has doubles: an exponent below 1e-6 and from 1e21 on. */
function jsonFloat(value: number): string {
  if (!Number.isFinite(value)) fail(`${formatFloat(value)} has no JSON form`)
  return Object.is(value, -0) ? '-0' : String(value)
}

/** Keys sorted, as Go marshals maps. */
function toJson(value: OttlValue, escapeHtml = true): string {
  switch (kindOf(value)) {
    case 'nil':
      return 'null'
    case 'string':
      return quoteJson(value as string, escapeHtml)
    case 'bool':
    case 'int':
      return String(value as boolean | number | bigint)
    case 'double':
      return jsonFloat(toNumber(value))
    case 'bytes':
      return `"${Buffer.from(value as Uint8Array).toString('base64')}"`
    case 'list':
      return `[${(value as readonly OttlValue[]).map((item) => toJson(item, escapeHtml)).join(',')}]`
    case 'map': {
      const entries = Object.entries(value as OttlMap).sort(([a], [b]) => compareText(a, b))
      return `{${entries.map(([key, item]) => `${quoteJson(key, escapeHtml)}:${toJson(item, escapeHtml)}`).join(',')}}`
    }
    case 'time':
      return `"${formatTime(value as Time, 'rfc3339')}"`
    case 'duration':
      return String((value as Duration).nanos)
    case 'id':
      return `[${[...(value as Id).bytes].join(',')}]`
    case 'opaque':
      return '{}'
  }
}

const longEscapes: Readonly<Record<string, string>> = { b: '\\u0008', f: '\\u000c' }

function quoteJson(text: string, escapeHtml: boolean): string {
  const quoted = JSON.stringify(text.toWellFormed())
  if (!escapeHtml) return quoted
  // The encoder that escapes HTML knows no short forms of these two.
  const long = /[\b\f]/.test(text) ? quoted.replaceAll(/\\(.)/g, (pair, c: string) => longEscapes[c] ?? pair) : quoted
  return long.replaceAll(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What upstream calls string-like: null for nil. */
export function toText(value: OttlValue): string | null {
  switch (kindOf(value)) {
    case 'nil':
      return null
    case 'string':
      return value as string
    case 'double':
      return formatFloat(toNumber(value))
    case 'bool':
    case 'int':
      return String(value as boolean | number | bigint)
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('hex')
    default:
      return toJson(value)
  }
}

/** As pdata's AsString has a stored value: bytes in base64, JSON for what nests. */
export function asText(value: OttlValue): string {
  switch (kindOf(value)) {
    case 'nil':
      return ''
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'double': {
      const number = toNumber(value)
      return Number.isFinite(number) ? jsonFloat(number) : `json: unsupported value: ${formatFloat(number)}`
    }
    case 'list':
    case 'map':
      return toJson(value, false)
    default:
      return toText(value)!
  }
}

/** By code points, which is the order of the UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // A surrogate stands for a code point above all other code units.
    const isHighX = x >= 0xd800 && x < 0xe000
    const isHighY = y >= 0xd800 && y < 0xe000
    return isHighX === isHighY ? x - y : isHighX ? 1 : -1
  }
  return a.length - b.length
}
