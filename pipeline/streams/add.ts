/** Adds the points of delta streams: what lies in two intervals lies in both together. */
import type { Distribution, Exponential, ExponentialBuckets } from '../data/telemetry.ts'
import { sameBounds } from './bounds.ts'
import { above, coarser, countUpTo, indexOf, merged, scalesOver, upperBound } from './buckets.ts'

/** What SDKs have as their limit, too. */
const maxBuckets = 160

/** With other bounds there is no sum: what came last stays. */
export function addHistograms(a: Distribution, b: Distribution): Distribution {
  if (!sameBounds(a.bounds, b.bounds)) return b
  const counts = a.counts.slice()
  const shared = Math.min(counts.length, b.counts.length)
  for (let i = 0; i < shared; i++) counts[i] = counts[i]! + b.counts[i]!
  return { ...a, ...addTotals(a, b), counts }
}

export function addExponentials(a: Distribution, b: Distribution): Distribution {
  let [one, two] = [a.exponential!, b.exponential!]
  const scale = Math.min(one.scale, two.scale)
  one = atScale(one, scale)
  two = atScale(two, scale)

  const by = Math.max(
    scalesOver(maxBuckets, one.positive, two.positive),
    scalesOver(maxBuckets, one.negative, two.negative),
  )
  one = atScale(one, scale - by)
  two = atScale(two, scale - by)

  if (one.zeroThreshold < two.zeroThreshold) one = withZero(one, two.zeroThreshold)
  else if (two.zeroThreshold < one.zeroThreshold) two = withZero(two, one.zeroThreshold)
  const exponential: Exponential = {
    scale: one.scale,
    zeroThreshold: one.zeroThreshold,
    zeroCount: BigInt.asUintN(64, one.zeroCount + two.zeroCount),
    positive: merged(one.positive, two.positive),
    negative: merged(one.negative, two.negative),
  }
  return { ...a, ...addTotals(a, b), exponential }
}

function addTotals(a: Distribution, b: Distribution): Pick<Distribution, 'count' | 'sum' | 'min' | 'max'> {
  const both = (x: number | undefined, y: number | undefined, of: (x: number, y: number) => number) =>
    x === undefined || y === undefined ? undefined : of(x, y)
  return {
    count: BigInt.asUintN(64, a.count + b.count),
    sum: both(a.sum, b.sum, (x, y) => x + y),
    min: both(a.min, b.min, Math.min),
    max: both(a.max, b.max, Math.max),
  }
}

function atScale(of: Exponential, scale: number): Exponential {
  const by = of.scale - scale
  if (by <= 0) return of
  return { ...of, scale, positive: downscaled(of.positive, by), negative: downscaled(of.negative, by) }
}

/** As upstream leaves them: as many buckets as before, the last ones empty. `merged` takes them away, where there is something to merge. */
function downscaled(buckets: ExponentialBuckets, by: number): ExponentialBuckets {
  const { offset, counts } = coarser(buckets, by)
  const padded = new BigUint64Array(buckets.counts.length)
  padded.set(counts)
  return { offset, counts: padded }
}

/** Counts what lies in [-width, width] as zero; the threshold becomes the bound of the bucket that `width` divides. */
function withZero(of: Exponential, width: number): Exponential {
  const last = indexOf(width, of.scale)
  return {
    ...of,
    zeroThreshold: upperBound(last, of.scale),
    zeroCount: of.zeroCount + countUpTo(of.positive, last) + countUpTo(of.negative, last),
    positive: above(of.positive, last),
    negative: above(of.negative, last),
  }
}
