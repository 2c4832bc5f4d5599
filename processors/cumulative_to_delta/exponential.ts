import type { Distribution, Exponential, ExponentialBuckets } from '../../pipeline/data/telemetry.ts'
import { above, coarser, countUpTo } from '../../pipeline/streams/buckets.ts'
import { type Grown, sumDelta } from './histogram.ts'

/** What is remembered of an exponential histogram's last point. Of a point without a sum, the sum is 0. */
export interface ExponentialBaseline {
  time: bigint
  count: bigint
  sum: number
  exponential: Exponential
}

export function exponentialBaseline(time: bigint, { count, sum = 0, exponential }: Distribution): ExponentialBaseline {
  return { time, count, sum, exponential: exponential! }
}

/**
 * What came since `before`, or why that cannot be told. `now` becomes the next baseline, whatever the answer.
 * A histogram may have become coarser since then (lower scale, wider zero bucket): the older point is made as coarse.
 */
export function exponentialDelta(now: ExponentialBaseline, before: ExponentialBaseline): Grown | 'reset' {
  const to = now.exponential
  const from = before.exponential
  if (now.count < before.count || to.zeroThreshold < from.zeroThreshold || to.scale > from.scale) return 'reset'
  let { zeroCount, positive, negative } = from
  if (to.zeroThreshold > from.zeroThreshold) {
    const bucket = bucketOf(to.zeroThreshold, from.scale)
    // Upstream assumes that no bucket is filled which the threshold divides, rather than moving the threshold.
    zeroCount += countUpTo(positive, bucket) + countUpTo(negative, bucket)
    positive = above(positive, bucket)
    negative = above(negative, bucket)
  }
  if (to.scale < from.scale) {
    positive = coarser(positive, from.scale - to.scale)
    negative = coarser(negative, from.scale - to.scale)
  }
  const grownPositive = bucketsDelta(to.positive, positive)
  if (grownPositive === 'reset') return 'reset'
  const grownNegative = bucketsDelta(to.negative, negative)
  if (grownNegative === 'reset') return 'reset'
  return {
    count: now.count - before.count,
    sum: sumDelta(now, before),
    exponential: {
      scale: to.scale,
      zeroThreshold: to.zeroThreshold,
      // Unsigned, as upstream: that a zero bucket lost something is not seen as a reset.
      zeroCount: BigInt.asUintN(64, to.zeroCount - zeroCount),
      positive: grownPositive,
      negative: grownNegative,
    },
  }
}

/** The bucket that `value` falls into: the greatest i for which 2 ** (2 ** -scale * i) is below it. */
function bucketOf(value: number, scale: number): number {
  return Math.ceil(Math.log(value) * (Math.LOG2E * 2 ** scale)) - 1
}

/** What buckets of one scale gained, without empty buckets before and after; a bucket that lost something is a reset. */
export function bucketsDelta(now: ExponentialBuckets, before: ExponentialBuckets): ExponentialBuckets | 'reset' {
  // What lies before and after the buckets of now is empty now.
  const ahead = Math.min(Math.max(0, now.offset - before.offset), before.counts.length)
  for (let i = 0; i < ahead; i++) if (before.counts[i]! > 0n) return 'reset'
  const past = Math.max(0, now.offset + now.counts.length - before.offset)
  for (let i = past; i < before.counts.length; i++) if (before.counts[i]! > 0n) return 'reset'

  const counts = new BigUint64Array(now.counts.length)
  let first = -1
  let last = -1
  for (let i = 0; i < counts.length; i++) {
    const at = now.offset + i - before.offset
    const base = at >= 0 && at < before.counts.length ? before.counts[at]! : 0n
    const count = now.counts[i]!
    if (count < base) return 'reset'
    if (count === base) continue
    counts[i] = count - base
    if (first < 0) first = i
    last = i
  }
  return first < 0
    ? { offset: 0, counts: counts.slice(0, 0) }
    : { offset: now.offset + first, counts: counts.slice(first, last + 1) }
}
