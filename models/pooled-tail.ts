/**
 * One tail for all entities of a class. A thousand scores of one entity say nothing about 1e-6; a thousand each of a thousand entities do, once every
 * entity's scores are in units of its own scale.
 */
import { fitGeneralizedPareto, type GeneralizedPareto, tailBeyond } from './generalized-pareto.ts'
import { quantileOfSorted, sortedFinite, spreadOf } from './order-statistics.ts'

export interface EntityScale {
  readonly location: number
  readonly scale: number
}

export interface PooledTail {
  readonly threshold: number
  readonly share: number
  readonly tail: GeneralizedPareto
  /** Shares of standardised scores at or beyond these levels, for what is not in the tail. */
  readonly bulk: Float64Array
}

const tailStart = 0.98
const bulkLevels = 1024

/** Median, and distance from it to the 90 % quantile of an entity's scores: the upper side only, since that is the side that alarms. */
export function entityScale(scores: Float64Array): EntityScale {
  const sorted = sortedFinite(scores)
  const { median, sd } = spreadOf(sorted)
  const upper = sorted.length === 0 ? 0 : quantileOfSorted(sorted, 0.9) - median
  return { location: median, scale: Math.max(upper, 0.1 * sd, 1e-12) }
}

/** `scores[k]` are of the entity with `scales[k]`. Throws `RangeError` if there is no finite score. O(n log n). */
export function fitPooledTail(scores: readonly Float64Array[], scales: readonly EntityScale[]): PooledTail {
  const size = scores.reduce((sum, { length }) => sum + length, 0)
  const pooled = new Float64Array(size)
  let at = 0
  for (const [k, own] of scores.entries()) {
    const { location, scale } = scales[k] as EntityScale
    for (const score of own) pooled[at++] = (score - location) / scale
  }
  const sorted = sortedFinite(pooled)
  const threshold = quantileOfSorted(sorted, tailStart)
  const excesses = sorted.filter((score) => score > threshold).map((score) => score - threshold)
  return {
    threshold,
    share: Math.max(1, excesses.length) / (sorted.length + 1),
    tail: excesses.length === 0 ? { shape: 0, scale: 1e-9 } : fitGeneralizedPareto(excesses),
    bulk: Float64Array.from({ length: bulkLevels + 1 }, (_, i) => quantileOfSorted(sorted, i / bulkLevels)),
  }
}

/** P(score >= x) for an entity of this class. O(log levels). */
export function pooledP(
  { threshold, share, tail, bulk }: PooledTail,
  { location, scale }: EntityScale,
  x: number,
): number {
  const z = (x - location) / scale
  if (Number.isNaN(z)) return 1
  if (z > threshold) return Math.max(share * tailBeyond(tail, z - threshold), 1e-300)
  let [low, high] = [0, bulk.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bulk[middle] as number) < z) low = middle + 1
    else high = middle
  }
  return Math.max(share, 1 - low / bulk.length)
}
