/** How unlikely a ratio is, given its counts: an error ratio of 1 of 2 is not one of 500 of 1,000. */
import { betaBinomialAtLeast, binomialAtLeast } from './special-functions.ts'

export interface RatioHistory {
  /** Numerators and denominators of past windows that were normal. */
  readonly hits: Float64Array
  readonly totals: Float64Array
}

export interface RatioNorm {
  /** Beta(a, b) of the windows' own ratios; both infinite where the windows differ no more than chance, and then `ratio` is all. */
  readonly a: number
  readonly b: number
  readonly ratio: number
}

/** Windows of fewer items say nothing, whatever their ratio. */
const leastVolume = 20

/** Method of moments (Kleinman 1973) with Jeffreys' half an item of either kind, so that a past without errors is no certainty. O(windows). */
export function fitRatio({ hits, totals }: RatioHistory): RatioNorm {
  let [hit, total, squares, windows] = [0.5, 1, 0, 0]
  for (let i = 0; i < totals.length; i++) {
    hit += hits[i] as number
    total += totals[i] as number
  }
  const ratio = hit / total
  for (let i = 0; i < totals.length; i++) {
    const n = totals[i] as number
    if (n < leastVolume) continue
    // Each window's own estimate of the correlation of two of its items.
    squares += (((hits[i] as number) - n * ratio) ** 2 / (n * ratio * (1 - ratio)) - 1) / (n - 1)
    windows++
  }
  const correlation = windows < 10 ? 0 : squares / windows
  if (!(correlation > 1e-9)) return { a: Number.POSITIVE_INFINITY, b: Number.POSITIVE_INFINITY, ratio }
  const strength = 1 / Math.min(correlation, 0.5) - 1
  return { a: ratio * strength, b: (1 - ratio) * strength, ratio }
}

/** P(at least `hits` of `total`) under the norm. 1 below the least volume. Counts are whole numbers. */
export function ratioTail({ a, b, ratio }: RatioNorm, hits: number, total: number): number {
  if (total < leastVolume) return 1
  return Number.isFinite(a) ? betaBinomialAtLeast(hits, total, a, b) : binomialAtLeast(hits, total, ratio)
}
