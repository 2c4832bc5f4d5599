/** convert_exponential_histogram_to_histogram: the counts of exponential buckets distributed over explicit bounds, by one of upstream's four rules. */
import type { EditableDistribution } from '../../../pipeline/data/distribution-edits.ts'
import { newPointDraft } from '../../../pipeline/data/rewritten-point.ts'
import { listOf } from '../../../pipeline/ottl/functions/params.ts'
import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { checked, fractionLiteral, textLiteral } from './arguments.ts'

type Random = () => number
/** Adds a count whose values lie between lower and upper to the buckets that end at the bounds. */
type Rule = (
  count: bigint,
  lower: number,
  upper: number,
  bounds: Float64Array,
  into: BigUint64Array,
  random: Random,
) => void

const rules: Readonly<Record<string, Rule>> = {
  upper: byUpper,
  midpoint: byMidpoint,
  random: byChance,
  uniform: evenly,
}

const ruleLiteral = checked(
  textLiteral,
  (name): name is string => name === '' || Object.hasOwn(rules, name),
  (name) => `invalid conversion function: ${name}, must be one of [upper, midpoint, random, uniform]`,
)
const boundsLiteral = checked(
  listOf(fractionLiteral),
  (bounds): bounds is readonly number[] => bounds.length > 0,
  () => 'explicit bounds cannot be empty: []',
)

export const convertExponentialHistogram = metricEditor(
  'convert_exponential_histogram_to_histogram',
  { distribution_fn: ruleLiteral, explicit_bounds: boundsLiteral },
  ({ distribution_fn: name, explicit_bounds }) => {
    const rule = rules[name === '' ? 'random' : name]!
    const bounds = Float64Array.from(explicit_bounds)
    return ({ metric }, { host }) => {
      if (metric.type !== 'exponential_histogram') return
      const points = metric.points.map((point) => {
        const { attributes, startUnixNano, timeUnixNano, flags, exemplars } = point
        const distribution = explicit(point.distribution!, bounds, rule, () => host.random())
        return newPointDraft('histogram', { attributes, startUnixNano, timeUnixNano, flags, exemplars, distribution })
      })
      metric.type = 'histogram'
      metric.points = points
    }
  },
)

function explicit(of: EditableDistribution, bounds: Float64Array, rule: Rule, random: Random): EditableDistribution {
  const { scale, zeroCount, positive } = of.exponential!
  // As upstream has it, as many counts as bounds: the last takes what lies above.
  const counts = new BigUint64Array(bounds.length)
  const last = bounds.length - 1
  const factor = Math.LN2 * 2 ** -scale
  if (zeroCount > 0n && bounds[0] === 0) counts[0]! += zeroCount
  for (let i = 0; i < positive.counts.length; i++) {
    const count = positive.counts[i]!
    const upper = Math.exp((positive.offset + i + 1) * factor)
    const lower = Math.exp((positive.offset + i) * factor)
    if (lower > bounds[last]!) counts[last]! += count
    else {
      const within = bounds.findIndex((bound, b) => b > 0 && lower > bounds[b - 1]! && upper <= bound)
      if (within > 0) counts[within - 1]! += count
      else rule(count, lower, upper, bounds, counts, random)
    }
  }
  const { count, sum = 0, min = 0, max = 0 } = of
  return { count, sum, min, max, bounds, counts, exponential: undefined, quantiles: [] }
}

function byUpper(count: bigint, _lower: number, upper: number, bounds: Float64Array, into: BigUint64Array): void {
  const at = bounds.findIndex((bound) => upper <= bound)
  into[at < 0 ? into.length - 1 : at]! += count
}

function byMidpoint(count: bigint, lower: number, upper: number, bounds: Float64Array, into: BigUint64Array): void {
  const at = bounds.findIndex((bound) => (upper + lower) / 2 <= bound)
  into[at < 0 ? into.length - 1 : Math.max(0, at - 1)]! += count
}

/** The buckets that [lower, upper] touches, as the first and the last of them. */
function touched(lower: number, upper: number, bounds: Float64Array): readonly [number, number] {
  let start = 0
  while (start < bounds.length && bounds[start]! < lower) start++
  let end = start
  while (end < bounds.length && bounds[end]! < upper) end++
  return [Math.min(start, bounds.length - 1), Math.min(end, bounds.length - 1)]
}

function evenly(count: bigint, lower: number, upper: number, bounds: Float64Array, into: BigUint64Array): void {
  const [start, end] = touched(lower, upper, bounds)
  const buckets = BigInt(end - start + 1)
  const extra = count % buckets
  for (let i = start; i <= end; i++) into[i]! += count / buckets + (BigInt(i - start) < extra ? 1n : 0n)
}

function byChance(
  count: bigint,
  lower: number,
  upper: number,
  bounds: Float64Array,
  into: BigUint64Array,
  random: Random,
): void {
  const [start, end] = touched(lower, upper, bounds)
  if (start === end) {
    into[start]! += count
    return
  }
  let left = count
  for (let i = start; i <= end; i++) {
    const from = i === 0 ? lower : bounds[i - 1]!
    const overlap = Math.min(bounds[i]!, upper) - Math.max(from, lower)
    const share = Math.trunc(Number(count) * (overlap / (upper - lower)))
    const taken = BigInt(Math.max(0, Math.trunc(random() * share)))
    into[i]! += taken
    left -= taken
  }
  scatter(left, start, end, into, random)
}

/** More single draws than this would hold up everybody: the rest is split evenly, which is what so many draws come to. */
const maxDraws = 10_000n

function scatter(left: bigint, start: number, end: number, into: BigUint64Array, random: Random): void {
  const buckets = end - start + 1
  if (left > maxDraws) {
    const even = (left - maxDraws) / BigInt(buckets)
    for (let i = start; i <= end; i++) into[i]! += even
    left -= even * BigInt(buckets)
  }
  for (; left > 0n; left--) into[start + Math.floor(random() * buckets)]! += 1n
}
