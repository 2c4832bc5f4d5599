/** The comparison rules of the language: different kinds are unequal and have no order; numbers compare as numbers. */
import { isDouble } from '../data/value.ts'
import type { CompareOp } from './ast.ts'
import type { Duration, Time } from './time.ts'
import { compareText, type Id, kindOf, type OttlMap, type OttlValue, toNumber } from './values.ts'

/** Negative, zero or positive; NaN for values without an order; undefined for different ones. */
function order(a: OttlValue, b: OttlValue): number | undefined {
  if (typeof a === 'string' && typeof b === 'string') return a === b ? 0 : compareText(a, b)
  const kindA = kindOf(a)
  const kindB = kindOf(b)
  if (kindA === 'int' || kindA === 'double') {
    if (kindB === 'int' && kindA === 'int') return a === b ? 0 : a! < b! ? -1 : 1
    if (kindB !== 'int' && kindB !== 'double') return undefined
    const [x, y] = [toNumber(a), toNumber(b)]
    return x === y ? 0 : x < y ? -1 : x > y ? 1 : Number.NaN
  }
  if (kindA !== kindB) return undefined
  switch (kindA) {
    case 'nil':
      return 0
    case 'bool':
      return Number(a) - Number(b)
    case 'bytes':
      return Buffer.compare(a as Uint8Array, b as Uint8Array)
    case 'time':
    case 'duration': {
      const [x, y] = [(a as Time | Duration).nanos, (b as Time | Duration).nanos]
      return x === y ? 0 : x < y ? -1 : 1
    }
    default:
      return deepEqual(a, b) ? 0 : undefined
  }
}

const unordered: ReadonlySet<string> = new Set(['list', 'map', 'id', 'opaque'])

export function compare(a: OttlValue, b: OttlValue, op: CompareOp): boolean {
  const sign = order(a, b)
  switch (op) {
    case '==':
      return sign === 0
    case '!=':
      return sign !== 0
    default:
  }
  if (sign === undefined || unordered.has(kindOf(a))) return false
  switch (op) {
    case '<':
      return sign < 0
    case '<=':
      return sign <= 0
    case '>':
      return sign > 0
    case '>=':
      return sign >= 0
  }
}

/** Inside maps and lists an int is not equal to a double. */
function deepEqual(a: OttlValue, b: OttlValue): boolean {
  const kind = kindOf(a)
  if (kind !== kindOf(b)) return false
  switch (kind) {
    case 'list': {
      const [x, y] = [a as readonly OttlValue[], b as readonly OttlValue[]]
      return x.length === y.length && x.every((item, i) => deepEqual(item, y[i]!))
    }
    case 'map': {
      const [x, y] = [a as OttlMap, b as OttlMap]
      const keys = Object.keys(x)
      return (
        keys.length === Object.keys(y).length &&
        keys.every((key) => Object.hasOwn(y, key) && deepEqual(x[key]!, y[key]!))
      )
    }
    case 'id':
      return (a as Id).kind === (b as Id).kind && (a as Id).hex === (b as Id).hex
    case 'opaque':
      return a === b
    case 'double':
      return (isDouble(a) ? a.double : a) === (isDouble(b) ? b.double : b)
    default:
      return order(a, b) === 0
  }
}
