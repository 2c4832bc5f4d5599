import type { Distribution } from '../../pipeline/data/telemetry.ts'
import { sameBounds, sharedBounds } from '../../pipeline/streams/bounds.ts'

/** What is remembered of a histogram's last point. Of a point without a sum, the sum is 0. */
export interface HistogramBaseline {
  time: bigint
  count: bigint
  sum: number
  bounds: Float64Array
  counts: BigUint64Array
}
export type Grown = Pick<Distribution, 'count' | 'sum'> & Partial<Distribution>

export function histogramBaseline(time: bigint, { count, sum = 0, bounds, counts }: Distribution): HistogramBaseline {
  return { time, count, sum, bounds: sharedBounds(bounds), counts }
}

/** What came since `before`, or why that cannot be told. `now` becomes the next baseline, whatever the answer. */
export function histogramDelta(now: HistogramBaseline, before: HistogramBaseline): Grown | 'reset' | 'bucket_mismatch' {
  if (now.counts.length !== before.counts.length || !sameBounds(now.bounds, before.bounds)) return 'bucket_mismatch'
  if (now.count < before.count) return 'reset'
  const counts = new BigUint64Array(now.counts.length)
  for (let i = 0; i < counts.length; i++) {
    const count = now.counts[i]!
    const base = before.counts[i]!
    if (count < base) return 'reset'
    counts[i] = count - base
  }
  return { count: now.count - before.count, sum: sumDelta(now, before), counts }
}

/**
 * 0 where one of the two is NaN, that is unknown. Of a point without a known sum the last known one stays the baseline, so that
 * the deltas add up to the growth.
 */
export function sumDelta(now: { sum: number }, before: { readonly sum: number }): number {
  const delta = now.sum - before.sum
  if (!Number.isNaN(delta)) return delta
  if (Number.isNaN(now.sum)) now.sum = before.sum
  return 0
}
