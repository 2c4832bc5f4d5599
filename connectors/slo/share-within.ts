/** How many values of a distribution lie up to a threshold. */
import type { Distribution } from '../../pipeline/data/telemetry.ts'

export interface Share {
  count: number
  /** Values up to the threshold; interpolated in the bucket that holds it. */
  within: number
  /** Values in the bucket that holds the threshold: by so many `within` may be wrong at most. 0 = exact. */
  unsure: number
}

/**
 * Buckets hold (lower, upper], so a threshold that is a bound is exact. Within a bucket values are taken to lie evenly: on the logarithm in an
 * exponential histogram, on the value itself in one with explicit bounds. O(buckets).
 */
export function shareWithin(distribution: Distribution, threshold: number, into: Share): Share {
  into.count = Number(distribution.count)
  into.within = 0
  into.unsure = 0
  if (distribution.exponential !== undefined) exponential(distribution, threshold, into)
  else if (distribution.counts.length > 0) explicit(distribution, threshold, into)
  else bare(distribution, threshold, into)
  return into
}

function exponential({ exponential: of, max }: Distribution, threshold: number, into: Share): void {
  const { scale, zeroCount, zeroThreshold, positive, negative } = of!
  if (threshold >= 0) {
    for (const count of negative.counts) into.within += Number(count)
    // What lies about zero is up to a threshold that is at least as far from it.
    if (threshold >= zeroThreshold) into.within += Number(zeroCount)
    else addPart(into, Number(zeroCount), 1)
    if (threshold > 0) below(positive.offset, positive.counts, scale, threshold, max, into)
    return
  }
  // -x <= threshold is x >= -threshold.
  const mirrored: Share = { count: 0, within: 0, unsure: 0 }
  below(negative.offset, negative.counts, scale, -threshold, undefined, mirrored)
  let all = 0
  for (const count of negative.counts) all += Number(count)
  into.within += all - mirrored.within
  into.unsure += mirrored.unsure
}

function below(
  offset: number,
  counts: BigUint64Array,
  scale: number,
  threshold: number,
  max: number | undefined,
  into: Share,
): void {
  // Bucket i holds (base^i, base^(i+1)] with base = 2^(2^-scale).
  const place = Math.log2(threshold) * 2 ** scale - offset
  const nearest = Math.round(place)
  // A power of two of the base is a bound, whatever rounding made of its logarithm.
  const bounds = Math.abs(place - nearest) < 1e-9 * Math.max(1, Math.abs(place + offset)) ? nearest : place
  const whole = Math.min(Math.floor(bounds), counts.length)
  for (let i = 0; i < whole; i++) into.within += Number(counts[i])
  if (whole < 0 || whole >= counts.length || whole === bounds) return
  const count = Number(counts[whole])
  // No value is above `max`.
  if (max !== undefined && max <= threshold) into.within += count
  else addPart(into, count, bounds - whole)
}

function explicit({ bounds, counts, min, max }: Distribution, threshold: number, into: Share): void {
  let i = 0
  for (; i < counts.length && (bounds[i] ?? Number.POSITIVE_INFINITY) <= threshold; i++)
    into.within += Number(counts[i])
  if (i >= counts.length) return
  const count = Number(counts[i])
  if (count === 0) return
  if (max !== undefined && max <= threshold) {
    into.within += count
    return
  }
  const lower = Math.max(
    i === 0 ? (min ?? Math.min(0, bounds[0] ?? 0)) : bounds[i - 1]!,
    min ?? Number.NEGATIVE_INFINITY,
  )
  const upper = Math.min(bounds[i] ?? max ?? Number.POSITIVE_INFINITY, max ?? Number.POSITIVE_INFINITY)
  if (threshold <= lower && i > 0 && threshold === bounds[i - 1]) return
  if (threshold < lower) return
  // Nothing says how far the last bucket reaches: none of it is up to the threshold then.
  const share = Number.isFinite(upper) && upper > lower ? (threshold - lower) / (upper - lower) : 0
  addPart(into, count, share)
}

/** Without buckets only the extremes say something. */
function bare({ min, max }: Distribution, threshold: number, into: Share): void {
  if (max !== undefined && max <= threshold) into.within = into.count
  else if (min === undefined || min <= threshold) {
    into.unsure = into.count
    into.within = max === undefined || min === undefined ? 0 : (into.count * (threshold - min)) / (max - min)
  }
}

function addPart(into: Share, count: number, share: number): void {
  into.within += count * Math.min(1, Math.max(0, share))
  into.unsure += count
}
