/** Sums and differences of the values of points: exact for ints, which wrap at 64 bits as in Go. */
import { isDouble, readDouble } from '../data/any-value.ts'
import type { Double } from '../data/telemetry.ts'

/** What a point has; undefined = it has none, which counts as the int 0. */
export type Amount = number | bigint | Double | undefined

export function isInt(value: Amount): value is number | bigint | undefined {
  return value === undefined || typeof value === 'bigint' || Number.isSafeInteger(value)
}

/** 0 for an int. */
export function doubleOf(value: Amount): number {
  return isDouble(value) ? value.double : typeof value !== 'number' || Number.isSafeInteger(value) ? 0 : value
}

/** 0 for a double. */
export function intOf(value: Amount): number | bigint {
  return isInt(value) && value !== undefined ? value : 0
}

export function addInts(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return narrow(BigInt.asIntN(64, BigInt(a) + BigInt(b)))
}

export function subtractInts(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (Number.isSafeInteger(difference)) return difference
  }
  return narrow(BigInt.asIntN(64, BigInt(a) - BigInt(b)))
}

/** An int and a double give a double. */
export function add(a: Amount, b: Amount): number | bigint | Double {
  if (isInt(a) && isInt(b)) return addInts(a ?? 0, b ?? 0)
  return readDouble(Number(intOf(a)) + doubleOf(a) + Number(intOf(b)) + doubleOf(b))
}

/** As every int is read: a number when that is exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
