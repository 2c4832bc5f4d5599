import type { Value } from '../data/telemetry.ts'
import { isDouble } from '../data/value.ts'
import { parseFloatText, parseIntText } from '../ottl/numbers.ts'
import { asText, float, int, kindOf } from '../ottl/values.ts'
import type { ConvertedType } from './check-action.ts'

/** Undefined where the value has that type already, or cannot be converted. */
export function convertValue(value: Value, to: ConvertedType): Value | undefined {
  if (to === 'string') return typeof value === 'string' ? undefined : asText(value)
  return to === 'int' ? toInt(value) : toDouble(value)
}

function toInt(value: Value): Value | undefined {
  switch (kindOf(value)) {
    case 'double':
      return truncated(isDouble(value) ? value.double : (value as number))
    case 'bool':
      return value ? 1 : 0
    case 'string':
      return parseIntText(value as string, 10)
    default:
      return undefined
  }
}

/** What Go makes of it on amd64: the lowest int64 for what does not fit. */
function truncated(value: number): number | bigint {
  return Math.abs(value) < 2 ** 63 ? int(Math.trunc(value)) : -(2n ** 63n)
}

function toDouble(value: Value): Value | undefined {
  switch (kindOf(value)) {
    case 'int':
      return float(Number(value))
    case 'bool':
      return float(value ? 1 : 0)
    case 'string': {
      const number = parseFloatText(value as string)
      return number === undefined ? undefined : float(number)
    }
    default:
      return undefined
  }
}
