/** What a point says, as it is compared with the point before: a value that fell, or buckets that changed, are a reset. */
import type { Distribution, Exponential, ExponentialBuckets } from '../../pipeline/data/telemetry.ts'
import { sameBounds, sharedBounds } from '../../pipeline/streams/bounds.ts'

/** Of a histogram, an exponential histogram or a summary. Without a sum, the sum is 0. */
export interface Reading {
  readonly count: bigint
  readonly sum: number
  readonly bounds: Float64Array
  readonly counts: BigUint64Array
  readonly exponential: Exponential | undefined
}

const noBounds = new Float64Array(0)
const noCounts = new BigUint64Array(0)

export function readingOf({ count, sum = 0, bounds, counts, exponential }: Distribution): Reading {
  return {
    count,
    sum,
    // Not an empty array for each stream that has no buckets.
    bounds: bounds.length === 0 ? noBounds : sharedBounds(bounds),
    counts: counts.length === 0 ? noCounts : counts,
    exponential,
  }
}

export function isReset(now: Reading, before: Reading): boolean {
  if (now.count < before.count || now.sum < before.sum) return true
  if (!sameBounds(now.bounds, before.bounds) || hasFallen(now.counts, before.counts)) return true
  const to = now.exponential
  const from = before.exponential
  if (to === undefined || from === undefined) return false
  // Buckets are compared by their place, whatever their offset, as upstream has it.
  return (
    to.zeroCount < from.zeroCount ||
    to.scale !== from.scale ||
    hasFallen(to.positive.counts, from.positive.counts) ||
    hasFallen(to.negative.counts, from.negative.counts)
  )
}

function hasFallen(now: BigUint64Array, before: BigUint64Array): boolean {
  if (now.length !== before.length) return true
  for (let i = 0; i < now.length; i++) if (now[i]! < before[i]!) return true
  return false
}

/** Counts wrap where they are below the reference, as unsigned numbers do. */
export function subtract(now: Distribution, { count, sum, counts, exponential }: Reading): Distribution {
  return {
    ...now,
    count: BigInt.asUintN(64, now.count - count),
    sum: now.sum === undefined ? undefined : now.sum - sum,
    counts: counts.length === now.counts.length ? subtractCounts(now.counts, counts, 0) : now.counts,
    exponential:
      now.exponential === undefined || exponential === undefined
        ? now.exponential
        : subtractExponential(now.exponential, exponential),
  }
}

function subtractExponential(now: Exponential, reference: Exponential): Exponential {
  const { positive, negative } = reference
  const zeroCount = BigInt.asUintN(64, now.zeroCount - reference.zeroCount)
  const isAlike =
    now.positive.counts.length === positive.counts.length && now.negative.counts.length === negative.counts.length
  if (!isAlike) return { ...now, zeroCount }
  return {
    ...now,
    zeroCount,
    positive: subtractBuckets(now.positive, positive),
    negative: subtractBuckets(now.negative, negative),
  }
}

function subtractBuckets({ offset, counts }: ExponentialBuckets, reference: ExponentialBuckets): ExponentialBuckets {
  return { offset, counts: subtractCounts(counts, reference.counts, offset - reference.offset) }
}

/** `shift`: where the first bucket stands in the reference. A bucket that has none there stays. */
function subtractCounts(now: BigUint64Array, reference: BigUint64Array, shift: number): BigUint64Array {
  const counts = now.slice()
  for (let i = 0; i < counts.length; i++) {
    const at = i + shift
    if (at >= 0 && at < reference.length) counts[i] = counts[i]! - reference[at]!
  }
  return counts
}
