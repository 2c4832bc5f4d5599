/** How surprising it is that two samples are of one kind: what every extractor of evidence compares the fault's window with the normal one by. */
import { twoSidedSurprise, upperSurprise } from '../special-functions.ts'
import { mostSurprise } from './likelihood.ts'

/**
 * Signed root of the deviance of two binomial samples with one ratio: positive where the ratio of `after` is larger. Hits may be fractions. 0
 * where a sample is empty.
 */
export function twoRatiosZ(hits: number, total: number, hitsAfter: number, totalAfter: number): number {
  if (total <= 0 || totalAfter <= 0) return 0
  const ratio = (hits + hitsAfter) / (total + totalAfter)
  const half =
    logRatio(hits, total * ratio) +
    logRatio(total - hits, total * (1 - ratio)) +
    logRatio(hitsAfter, totalAfter * ratio) +
    logRatio(totalAfter - hitsAfter, totalAfter * (1 - ratio))
  return Math.sign(hitsAfter / totalAfter - hits / total) * Math.sqrt(2 * Math.max(0, half))
}

function logRatio(count: number, mean: number): number {
  return count <= 0 || mean <= 0 ? 0 : count * Math.log(count / mean)
}

/** -ln P(Z >= z), from 0 to 27.6. */
export function surpriseOfZ(z: number): number {
  return Math.max(0, Math.min(mostSurprise, upperSurprise(z)))
}

/** -ln of the probability that the best of `looks` is as far out as `surprise` says of one; from 0 to 27.6. */
export function surpriseOfBest(surprise: number, looks: number): number {
  if (!(surprise > 0)) return 0
  const p = Math.exp(-surprise)
  // Bonferroni where p is too small for the digits of 1 - p.
  const adjusted =
    p * looks < 1e-6 ? surprise - Math.log(Math.max(1, looks)) : -Math.log(-Math.expm1(looks * Math.log1p(-p)))
  return Math.max(0, Math.min(mostSurprise, adjusted))
}

/**
 * Efron's empirical null (2004): most of what is looked at is not at fault, so the middle of all says where z lies between two windows, and
 * how wide it really spreads; never narrower than theory has it. Plain 0 and 1 for fewer than 5.
 */
export function middleOf(z: Float64Array): { readonly median: number; readonly spread: number } {
  const finite = z.filter(Number.isFinite)
  if (finite.length < 5) return { median: 0, spread: 1 }
  const median = medianOf(finite)
  return { median, spread: Math.max(1, 1.4826 * medianOf(finite.map((value) => Math.abs(value - median)))) }
}

/** -ln of the two-sided tail of Student's t, by Wallace's normal approximation (1959): within 4 % of the nats for 3 degrees and more. */
export function surpriseOfT(t: number, freedom: number): number {
  const z = ((8 * freedom + 1) / (8 * freedom + 3)) * Math.sqrt(freedom * Math.log1p((t * t) / freedom))
  return Math.min(mostSurprise, twoSidedSurprise(z))
}

/** The value at which half the weight is reached; halfway to the next where it is reached exactly. NaN for none. O(n log n). */
export function weightedMedian(values: readonly number[], weights: readonly number[]): number {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  for (const [k, i] of order.entries()) {
    sum += weights[i]!
    if (sum > total / 2) return values[i]!
    if (sum === total / 2) return (values[i]! + values[order[k + 1]!]!) / 2
  }
  return Number.NaN
}

/** NaN for none. O(n log n). */
export function medianOf(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort()
  if (sorted.length === 0) return Number.NaN
  const at = (sorted.length - 1) / 2
  return (sorted[Math.floor(at)]! + sorted[Math.ceil(at)]!) / 2
}
