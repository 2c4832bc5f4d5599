/** From a score to the probability of one at least as high: empirical in the bulk, generalised Pareto beyond the 98 % quantile. */
import { fitGeneralizedPareto, type GeneralizedPareto, tailBeyond } from './generalized-pareto.ts'
import { quantileOfSorted, sortedFinite } from './order-statistics.ts'

const tailStart = 0.98
/** Fewer excesses give no tail worth the name: then it is exponential beyond the 90 % quantile. */
const leastExcesses = 10

export interface ScoreTail {
  readonly sorted: Float64Array
  readonly threshold: number
  readonly share: number
  readonly tail: GeneralizedPareto
}

/** `scores` need not be sorted; NaN is left out. Throws `RangeError` on an empty sample. O(n log n). */
export function fitScoreTail(scores: Float64Array): ScoreTail {
  const sorted = sortedFinite(scores)
  const start = sorted.length * (1 - tailStart) >= leastExcesses ? tailStart : 0.9
  const threshold = quantileOfSorted(sorted, start)
  const excesses = sorted.filter((score) => score > threshold).map((score) => score - threshold)
  const share = Math.max(excesses.length, 1) / (sorted.length + 1)
  if (excesses.length === 0)
    return { sorted, threshold, share, tail: { shape: 0, scale: Math.abs(threshold) * 1e-3 + 1e-9 } }
  if (excesses.length >= leastExcesses) return { sorted, threshold, share, tail: fitGeneralizedPareto(excesses) }
  const scale = excesses.reduce((sum, value) => sum + value, 0) / excesses.length
  return { sorted, threshold, share, tail: { shape: 0, scale } }
}

/** P(score >= x), never 0. O(log n). */
export function pOfScore({ sorted, threshold, share, tail }: ScoreTail, x: number): number {
  if (Number.isNaN(x)) return 1
  if (x > threshold) return Math.max(share * tailBeyond(tail, x - threshold), 1e-300)
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < x) low = middle + 1
    else high = middle
  }
  return (sorted.length - low + 1) / (sorted.length + 1)
}
