/** What upstream makes of attributes: numbers to add, and texts to group by. */
import type { Value } from '../../pipeline/data/telemetry.ts'
import { isDouble } from '../../pipeline/data/value.ts'
import { parseFloatText } from '../../pipeline/ottl/numbers.ts'

/** 0 for what is no number. */
export function numberOf(value: Value | undefined): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string') return parseFloatText(value) ?? 0
  if (typeof value === 'bigint') return Number(value)
  return isDouble(value) ? value.double : 0
}

/** Strings and numbers other than zero; undefined for the rest, whose items are left out. */
export function textOf(value: Value): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'bigint') return String(value)
  const number = isDouble(value) ? value.double : value
  if (typeof number !== 'number' || number === 0) return undefined
  return isDouble(value) || !Number.isInteger(number) ? goText(number) : String(number)
}

/** A float64 as Go's `%v` writes it: `2.5`, `1e+06`. */
export function goText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(value)
  const digits = String(Math.abs(power)).padStart(2, '0')
  return `${mantissa}e${power < 0 ? '-' : '+'}${digits}`
}
