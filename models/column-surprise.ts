/** How surprising one number of a row is, given what was expected of it. */
import type { Column } from './column.ts'
import { learnedUnit, naturalUnit } from './column.ts'
import { countZ, ratioZ } from './deviance.ts'
import { ratioTail } from './ratio-tail.ts'
import { twoSidedSurprise, upperSurprise } from './special-functions.ts'

/** Windows of fewer items say nothing of a ratio, whatever it is. */
const leastVolume = 20
/** Of a count nothing less is ever expected: what never happened can happen once. */
const leastMean = 0.05
/** Beyond this z a ratio's exact tail is worth its cost. */
const exactZ = 3
/** A number made of fewer items than usual scatters more, by this much at the most. */
const mostWidening = 10

export interface Expectation {
  /** In the unit that is learned; of a ratio the ratio, as it was. NaN while cold. */
  readonly location: number
  readonly sigma: number
  /** Usual value of the column's support; NaN where it has none. */
  readonly support: number
  /** Of a ratio: correlation of two of its items, 0 where they are independent. */
  readonly correlation: number
}

/** Standard deviation with all that is added to it; `support` is that of the row. */
function scatter(column: Column, { location, sigma, support }: Expectation, rowSupport: number): number {
  const own = Math.max(
    sigma,
    column.floor,
    column.statistic === 'level' ? column.relativeFloor * Math.abs(location) : 0,
  )
  const isThin = rowSupport < support
  return isThin ? own * Math.sqrt(Math.min(mostWidening, support / Math.max(1, rowSupport))) : own
}

/** z of a value, positive where it is high; NaN while cold, where it is missing, and for a ratio of too few. */
export function zOf(column: Column, expectation: Expectation, value: number, rowSupport: number): number {
  const { location, sigma, correlation } = expectation
  if (Number.isNaN(value) || Number.isNaN(location)) return Number.NaN
  switch (column.statistic) {
    case 'ratio': {
      if (!(rowSupport >= leastVolume)) return Number.NaN
      const { least, most } = ordinaryRatios(column, location)
      if (value >= least && value <= most) return 0
      return ratioZ(value * rowSupport, rowSupport, value < least ? least : most, 1 + (rowSupport - 1) * correlation)
    }
    case 'count': {
      const mean = Math.max(leastMean, Math.exp(location) - 0.5)
      // The scatter of the logarithm has the counting noise in it already.
      const own = Math.sqrt(Math.max(column.floor ** 2, sigma ** 2 - 1 / Math.max(1, mean)))
      return countZ(value * column.countsPerUnit, mean, own)
    }
    default: {
      const width = scatter(column, expectation, rowSupport)
      return (learnedUnit(column, value) - location) / Math.max(width, Number.MIN_VALUE)
    }
  }
}

/** -ln P(as bad or worse), by the column's bad side. `z` may be less than that of the value, where another window does not confirm it. */
export function natsOf(
  column: Column,
  { location, correlation }: Expectation,
  z: number,
  value: number,
  rowSupport: number,
): number {
  if (column.statistic === 'ratio' && z > exactZ && column.bad === 'high' && column.confirmedBy < 0) {
    const { most: expected } = ordinaryRatios(column, location)
    const strength = 1 / Math.max(correlation, 1e-12) - 1
    const norm =
      correlation > 1e-9
        ? { a: expected * strength, b: (1 - expected) * strength, ratio: expected }
        : { a: Number.POSITIVE_INFINITY, b: Number.POSITIVE_INFINITY, ratio: expected }
    const total = Math.round(rowSupport)
    const p = ratioTail(norm, Math.round(value * total), total)
    if (p > 1e-250) return -Math.log(p)
  }
  if (column.bad === 'both') return twoSidedSurprise(z)
  return upperSurprise(column.bad === 'high' ? z : -z)
}

/** What 95 of 100 normal values lie within, in the column's own unit. Undefined while cold. */
export function expectedRange(
  column: Column,
  expectation: Expectation,
  rowSupport: number,
): { readonly lower: number; readonly upper: number } | undefined {
  const { location, sigma, correlation } = expectation
  if (Number.isNaN(location)) return undefined
  if (column.statistic === 'ratio') {
    const total = Math.max(1, rowSupport)
    const widthOf = (ratio: number) => 1.96 * Math.sqrt((ratio * (1 - ratio) * (1 + (total - 1) * correlation)) / total)
    const { least, most } = ordinaryRatios(column, location)
    return { lower: Math.max(0, least - widthOf(least)), upper: Math.min(1, most + widthOf(most)) }
  }
  if (column.statistic === 'count') {
    const mean = Math.max(0, Math.exp(location) - 0.5)
    const extra = Math.max(column.floor ** 2, sigma ** 2 - 1 / Math.max(1, mean))
    const width = 1.96 * Math.sqrt(mean + extra * mean * mean)
    return { lower: Math.max(0, mean - width) / column.countsPerUnit, upper: (mean + width) / column.countsPerUnit }
  }
  const width = 1.96 * scatter(column, expectation, rowSupport)
  return { lower: naturalUnit(column, location - width), upper: naturalUnit(column, location + width) }
}

/** What is as expected: a ratio of which little was ever seen may be as far on its bad side as `floor`, since what never happened can happen once. */
function ordinaryRatios({ bad, floor }: Column, location: number): { readonly least: number; readonly most: number } {
  return {
    least: inside(bad === 'low' ? Math.min(location, 1 - floor) : location),
    most: inside(bad === 'low' ? location : Math.max(location, floor)),
  }
}

function inside(ratio: number): number {
  return Math.min(1 - 1e-9, Math.max(1e-9, ratio))
}
