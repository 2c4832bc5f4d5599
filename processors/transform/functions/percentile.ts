/** extract_percentile_metric: a percentile of each point of a histogram, as a gauge; interpolated within its bucket. O(buckets) per point. */
import type { EditableDistribution, EditableExponential } from '../../../pipeline/data/distribution-edits.ts'
import { double } from '../../../pipeline/data/value.ts'
import { optional } from '../../../pipeline/ottl/functions/signature.ts'
import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'
import { checked, fractionLiteral, textLiteral } from './arguments.ts'
import { derived, numberAt } from './new-metrics.ts'

const percentileLiteral = checked(
  fractionLiteral,
  (percentile): percentile is number => percentile > 0 && percentile < 100,
  (percentile) => `percentile must be greater than 0 and less than 100, got ${percentile.toFixed(6)}`,
)

export const extractPercentileMetric = metricEditor(
  'extract_percentile_metric',
  { percentile: percentileLiteral, suffix: optional(textLiteral) },
  ({ percentile, suffix }) => {
    const label = `p${percentile}`
    return (at) => {
      const { metric } = at
      if (metric.type !== 'histogram' && metric.type !== 'exponential_histogram') return
      const points = metric.points.flatMap((point) => {
        const value = percentileOf(point.distribution!, percentile)
        return value === undefined ? [] : [numberAt(point, double(value))]
      })
      if (points.length === 0) return
      const description = metric.description === '' ? label : `${metric.description} (${label})`
      at.add(derived(metric, suffix === undefined || suffix === '' ? `_${label}` : suffix, { description, points }))
    }
  },
)

/** undefined for a point that says nothing. Throws where its parts do not fit together. */
function percentileOf(of: EditableDistribution, percentile: number): number | undefined {
  if (of.count === 0n) return undefined
  const target = Math.ceil(Number(of.count) * (percentile / 100))
  return of.exponential === undefined ? ofHistogram(of, target) : ofExponential(of.exponential, target)
}

function ofHistogram({ min, max, bounds, counts }: EditableDistribution, target: number): number | undefined {
  if (counts.length === 0) return undefined
  if (counts.length !== bounds.length + 1) {
    malformed(`bucketCounts length (${counts.length}) != explicitBounds length (${bounds.length}) + 1`)
  }
  if (bounds.length === 0) {
    // One bucket from -Inf to +Inf: only its ends tell something.
    return min === undefined || max === undefined ? undefined : linear(min, max, target / Number(counts[0]!))
  }
  let before = 0
  for (let i = 0; i < counts.length; i++) {
    const count = Number(counts[i]!)
    if (before + count < target) {
      before += count
      continue
    }
    const ratio = (target - before) / count
    if (i === 0) {
      const upper = bounds[0]!
      if (min !== undefined && min < upper) return linear(min, upper, ratio)
      return upper < 0 ? upper : linear(0, upper, ratio)
    }
    const lower = bounds[i - 1]!
    if (i < bounds.length) return linear(lower, bounds[i]!, ratio)
    return max === undefined || max <= lower ? lower : linear(lower, max, ratio)
  }
  return unreached(target, before)
}

function ofExponential(of: EditableExponential, target: number): number | undefined {
  const { scale, zeroThreshold, positive, negative } = of
  const zeroCount = Number(of.zeroCount)
  if (negative.counts.length === 0 && positive.counts.length === 0 && zeroCount === 0) return undefined
  let before = 0
  for (let i = negative.counts.length - 1; i >= 0; i--) {
    const count = Number(negative.counts[i]!)
    if (before + count < target) {
      before += count
      continue
    }
    const index = negative.offset + i
    const [nearest, farthest] = [boundOf(index, scale), boundOf(index + 1, scale)]
    if (nearest >= farthest) malformed(`the negative bucket ${index} at scale ${scale} has no extent`)
    return -logarithmic(nearest, farthest, 1 - (target - before) / count)
  }
  if (before + zeroCount >= target) {
    // Where there are values on one side only, those near zero are taken to be on that side too.
    const lower = negative.counts.length === 0 && positive.counts.length > 0 ? 0 : -zeroThreshold
    const upper = positive.counts.length === 0 && negative.counts.length > 0 ? 0 : zeroThreshold
    return linear(lower, upper, (target - before) / zeroCount)
  }
  before += zeroCount
  for (let i = 0; i < positive.counts.length; i++) {
    const count = Number(positive.counts[i]!)
    if (before + count < target) {
      before += count
      continue
    }
    const index = positive.offset + i
    return logarithmic(boundOf(index, scale), boundOf(index + 1, scale), (target - before) / count)
  }
  return unreached(target, before)
}

/** The lower bound of a bucket. */
function boundOf(index: number, scale: number): number {
  return scale <= 0 ? 2 ** (index * 2 ** -scale) : Math.exp(index * Math.LN2 * 2 ** -scale)
}

function linear(lower: number, upper: number, ratio: number): number {
  if (!(ratio >= 0 && ratio <= 1))
    fail(`linear interpolation: invalid ratio ${ratio.toFixed(6)}, must be between 0 and 1`)
  return lower + ratio * (upper - lower)
}

function logarithmic(lower: number, upper: number, ratio: number): number {
  if (!(ratio >= 0 && ratio <= 1)) {
    fail(`logarithmic interpolation: invalid ratio ${ratio.toFixed(6)}, must be between 0 and 1`)
  }
  if (lower <= 0 || upper <= 0) {
    fail(`logarithmic interpolation: bounds must be positive, got lowerBound=${lower}, upperBound=${upper}`)
  }
  const from = Math.log2(lower)
  return 2 ** (from + (Math.log2(upper) - from) * ratio)
}

function unreached(target: number, total: number): never {
  return malformed(
    `cumulative count doesn't reach target count corresponding to percentile. targetCount=${target}, total count=${total}`,
  )
}

function malformed(why: string): never {
  return fail(`calculating histogram percentile: malformed data: ${why}`)
}
