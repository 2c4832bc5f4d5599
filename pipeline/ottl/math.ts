/** Arithmetic: int64 with Go's wrap-around, float64, times and durations. Mixing them is an error. */
import type { MathOp } from './ast.ts'
import { fail } from './problems.ts'
import { Duration, type Duration as DurationValue, isDuration, isTime, Time } from './time.ts'
import { float, int, kindOf, type OttlValue, toNumber, typeName } from './values.ts'

export function calculate(a: OttlValue, b: OttlValue, op: MathOp): OttlValue {
  const kind = kindOf(a)
  switch (kind) {
    case 'int':
      if (kindOf(b) !== 'int') fail(`cannot convert ${typeName(b)} to int64`)
      return ofInts(a as number | bigint, b as number | bigint, op)
    case 'double':
      if (kindOf(b) !== 'double') fail(`cannot convert ${typeName(b)} to float64`)
      return ofFloats(toNumber(a), toNumber(b), op)
    case 'time':
    case 'duration':
      return ofTimes(a as Time | DurationValue, b, op)
    default:
      fail(`${typeName(a)} must be int64, float64, time.Time or time.Duration`)
  }
}

function ofInts(a: number | bigint, b: number | bigint, op: MathOp): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const result =
      op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : b === 0 ? divideByZero() : Math.trunc(a / b)
    // Adding zero turns -0 into 0. A quotient of safe integers is exact when truncated only if both are safe.
    if (Number.isSafeInteger(result) && (op !== '/' || (Number.isSafeInteger(a) && Number.isSafeInteger(b))))
      return result + 0
  }
  const [x, y] = [BigInt(a), BigInt(b)]
  if (op === '/' && y === 0n) divideByZero()
  return int(op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : x / y)
}

function ofFloats(a: number, b: number, op: MathOp): OttlValue {
  if (op === '/' && b === 0) divideByZero()
  return float(op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : a / b)
}

function divideByZero(): never {
  fail('attempted to divide by 0')
}

function ofTimes(a: Time | DurationValue, b: OttlValue, op: MathOp): OttlValue {
  if (op === '*' || op === '/') fail('only addition and subtraction supported for time.Time and time.Duration')
  const sign = op === '+' ? 1n : -1n
  if (isTime(a)) {
    if (isDuration(b)) return new Time(a.nanos + sign * b.nanos, a.zone)
    if (isTime(b) && op === '-') return new Duration(a.nanos - b.nanos)
    fail(
      isTime(b)
        ? 'only subtraction supported for two time.Time values'
        : `cannot convert ${typeName(b)} to time.Duration`,
    )
  }
  if (isDuration(b)) return new Duration(a.nanos + sign * b.nanos)
  if (isTime(b) && op === '+') return new Time(a.nanos + b.nanos, b.zone)
  fail(
    isTime(b)
      ? 'a time.Time cannot be subtracted from a time.Duration'
      : `cannot convert ${typeName(b)} to time.Duration`,
  )
}
