/** Quantiles and robust spread of small samples. */

/** Of 1.4826 * MAD and the standard deviation of a normal distribution. */
const madToSigma = 1.482_602_218_505_602

/** Linear interpolation between order statistics (NumPy's default). `sorted` is ascending and not empty. */
export function quantileOfSorted(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) throw new RangeError('an empty sample has no quantile')
  const at = (sorted.length - 1) * q
  const below = Math.floor(at)
  const low = sorted[below] ?? 0
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low
  return low + (high - low) * (at - below)
}

/** A sorted copy without the numbers that are not finite. */
export function sortedFinite(values: Float64Array): Float64Array {
  return values.filter(Number.isFinite).sort()
}

export interface Spread {
  readonly median: number
  /** 1.4826 * median absolute deviation. */
  readonly mad: number
  readonly mean: number
  readonly sd: number
}

/** Median, MAD, mean and standard deviation of the finite values; all 0 if there are none. O(n log n). */
export function spreadOf(values: Float64Array): Spread {
  const sorted = sortedFinite(values)
  const n = sorted.length
  if (n === 0) return { median: 0, mad: 0, mean: 0, sd: 0 }
  const median = quantileOfSorted(sorted, 0.5)
  let sum = 0
  for (let i = 0; i < n; i++) sum += sorted[i] ?? 0
  const mean = sum / n
  let squares = 0
  for (let i = 0; i < n; i++) squares += ((sorted[i] ?? 0) - mean) ** 2
  for (let i = 0; i < n; i++) sorted[i] = Math.abs((sorted[i] ?? 0) - median)
  sorted.sort()
  return { median, mad: madToSigma * quantileOfSorted(sorted, 0.5), mean, sd: Math.sqrt(squares / n) }
}
