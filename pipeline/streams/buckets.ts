/**
 * Arithmetic on the buckets of exponential histograms. Indices are plain numbers, never shifted: an offset plus a length may be more than
 * 32 bits. Work is bounded by the number of buckets, whatever offsets and scales a sender makes up.
 * https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
 */
import type { ExponentialBuckets } from '../data/telemetry.ts'

/** The same counts at a scale that is lower by `by`: indices are divided by 2 ** by. */
export function coarser({ offset, counts }: ExponentialBuckets, by: number): ExponentialBuckets {
  // No index needs more than 33 bits.
  const factor = 2 ** Math.min(by, 63)
  const first = Math.floor(offset / factor)
  if (counts.length === 0) return { offset: first, counts }
  const merged = new BigUint64Array(Math.floor((offset + counts.length - 1) / factor) - first + 1)
  for (let i = 0; i < counts.length; i++) {
    const to = Math.floor((offset + i) / factor) - first
    merged[to] = merged[to]! + counts[i]!
  }
  return { offset: first, counts: merged }
}

/** How many scales lower `a` and `b` together fill at most `limit` buckets. */
export function scalesOver(limit: number, a: ExponentialBuckets, b: ExponentialBuckets): number {
  let low = Math.min(firstFilled(a), firstFilled(b))
  let high = Math.max(lastFilled(a), lastFilled(b))
  let by = 0
  for (; high - low + 1 > limit; by++) {
    low = Math.floor(low / 2)
    high = Math.floor(high / 2)
  }
  return by
}

/** The sum of both, which have one scale; without empty buckets at the ends. */
export function merged(a: ExponentialBuckets, b: ExponentialBuckets): ExponentialBuckets {
  if (b.counts.length === 0) return a
  if (a.counts.length === 0) return b
  const low = Math.min(firstFilled(a), firstFilled(b))
  const high = Math.max(lastFilled(a), lastFilled(b))
  if (low > high) {
    const end = Math.max(a.offset + a.counts.length, b.offset + b.counts.length)
    return { offset: end, counts: new BigUint64Array(0) }
  }
  const counts = new BigUint64Array(high - low + 1)
  addInto(counts, low, a)
  addInto(counts, low, b)
  return { offset: low, counts }
}

function addInto(into: BigUint64Array, low: number, { offset, counts }: ExponentialBuckets): void {
  for (let i = 0; i < counts.length; i++) {
    const to = offset + i - low
    if (to >= 0 && to < into.length) into[to] = into[to]! + counts[i]!
  }
}

/** Infinity where nothing is filled. */
function firstFilled({ offset, counts }: ExponentialBuckets): number {
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0n) return offset + i
  return Number.POSITIVE_INFINITY
}

function lastFilled({ offset, counts }: ExponentialBuckets): number {
  for (let i = counts.length - 1; i >= 0; i--) if (counts[i] !== 0n) return offset + i
  return Number.NEGATIVE_INFINITY
}

/** How many of the buckets, from the first, lie at or below `index`. */
function lengthUpTo({ offset, counts }: ExponentialBuckets, index: number): number {
  return Math.min(Math.max(0, index - offset + 1), counts.length) || 0
}

export function countUpTo(buckets: ExponentialBuckets, index: number): bigint {
  let sum = 0n
  for (let i = lengthUpTo(buckets, index) - 1; i >= 0; i--) sum += buckets.counts[i]!
  return sum
}

/** What lies above `index`. */
export function above(buckets: ExponentialBuckets, index: number): ExponentialBuckets {
  const gone = lengthUpTo(buckets, index)
  return { offset: buckets.offset + gone, counts: buckets.counts.slice(gone) }
}

/** The index of the bucket that holds `value`, which is above its lower bound and not above its upper one. */
export function indexOf(value: number, scale: number): number {
  const exponent = Math.round(Math.log2(value))
  // Logarithms of powers of two come out a little beside the bound of the bucket.
  if (2 ** exponent === value) return Math.ceil(exponent * 2 ** scale) - 1
  return Math.floor(Math.log(value) * (Math.LOG2E * 2 ** scale))
}

export function upperBound(index: number, scale: number): number {
  return 2 ** ((index + 1) * 2 ** -scale)
}
