/** Plain statistics over series that are short. */

export function quantileOf(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const at = q * (sorted.length - 1)
  const low = Math.floor(at)
  return sorted[low]! + (at - low) * (sorted[Math.ceil(at)]! - sorted[low]!)
}

export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5)
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values)
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)))
}

/** Kolmogorov and Smirnov's largest distance between the distribution of values and a function. */
export function distanceOf(values: readonly number[], below: (value: number) => number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  return Math.max(0, ...sorted.map((value, i) => Math.max((i + 1) / n - below(value), below(value) - i / n)))
}

/** Of the standard normal distribution, to seven digits (Abramowitz and Stegun 26.2.17). */
export function normalBelow(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z))
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  const coefficients = [0.319_381_53, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429]
  const tail = density * coefficients.reduceRight((sum, one) => (sum + one) * t, 0)
  return z > 0 ? 1 - tail : tail
}

/** Coefficient of variation. */
export function variationOf(values: readonly number[]): number {
  return deviationOf(values) / meanOf(values)
}

/** Autocorrelation from one value to the next. */
export function lag1Of(values: readonly number[]): number {
  const mean = meanOf(values)
  let [all, next] = [0, 0]
  for (const [i, value] of values.entries()) {
    all += (value - mean) ** 2
    if (i > 0) next += (value - mean) * (values[i - 1]! - mean)
  }
  return next / all
}

/** The share of values that lie more than five interquartile ranges from the median. */
export function spikesOf(values: readonly number[]): number {
  const median = medianOf(values)
  const range = quantileOf(values, 0.75) - quantileOf(values, 0.25)
  return values.filter((value) => Math.abs(value - median) > 5 * range).length / values.length
}
