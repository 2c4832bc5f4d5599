/** Pure statistics of the benchmark; `testdata/reference.py` makes the values that they are tested against. */

/** With linear interpolation, as numpy has it. NaN for nothing. `sorted` is ascending. */
export function quantileOf(sorted: ArrayLike<number>, q: number): number {
  const { length } = sorted
  if (length === 0) return Number.NaN
  const at = q * (length - 1)
  const below = Math.floor(at)
  const low = sorted[below]!
  const high = sorted[Math.min(length - 1, below + 1)]!
  // Infinite times two are no interpolation.
  return low === high ? low : low + (at - below) * (high - low)
}

export interface RobustScale {
  readonly center: number
  /** The interquartile range; 0 where half of the values are alike. */
  readonly scale: number
}

/** Median and interquartile range, as scikit-learn's RobustScaler. Leaves NaN out. */
export function robustScaleOf(values: Iterable<number>): RobustScale {
  const sorted = Float64Array.from([...values].filter((value) => !Number.isNaN(value))).sort()
  return { center: quantileOf(sorted, 0.5), scale: quantileOf(sorted, 0.75) - quantileOf(sorted, 0.25) }
}

export interface Lifetime {
  readonly time: number
  /** False: until then it had not happened, and nobody looked longer. */
  readonly isObserved: boolean
}

/** Kaplan-Meier: the first time at which at most half are left, infinite where that is never so. NaN for nobody. */
export function medianSurvival(lifetimes: readonly Lifetime[]): number {
  return (
    survivalOf(lifetimes).find(({ share }) => share <= 0.5)?.time ?? (lifetimes.length === 0 ? Number.NaN : Infinity)
  )
}

/** The share that is left after each time at which something happened. */
export function survivalOf(
  lifetimes: readonly Lifetime[],
): readonly { readonly time: number; readonly share: number }[] {
  const sorted = lifetimes.toSorted((a, b) => a.time - b.time)
  const curve: { time: number; share: number }[] = []
  let share = 1
  for (let i = 0; i < sorted.length; ) {
    const { time } = sorted[i]!
    const atRisk = sorted.length - i
    let happened = 0
    for (; i < sorted.length && sorted[i]!.time === time; i++) if (sorted[i]!.isObserved) happened++
    if (happened === 0) continue
    share *= 1 - happened / atRisk
    curve.push({ time, share })
  }
  return curve
}

export interface VMeasure {
  /** 1 = no cluster has members of two classes. */
  readonly homogeneity: number
  /** 1 = no class is split over two clusters. */
  readonly completeness: number
  /** Their harmonic mean. */
  readonly v: number
}

export interface Members {
  readonly truth: string
  readonly cluster: string
  /** How many are alike; 1 if absent. */
  readonly count?: number
}

/** Rosenberg and Hirschberg 2007, as scikit-learn has it. */
export function vMeasureOf(members: readonly Members[]): VMeasure {
  const truths = new Map<string, number>()
  const clusters = new Map<string, number>()
  const both = new Map<string, { readonly truth: string; readonly cluster: string; count: number }>()
  let all = 0
  for (const { truth, cluster, count = 1 } of members) {
    all += count
    truths.set(truth, (truths.get(truth) ?? 0) + count)
    clusters.set(cluster, (clusters.get(cluster) ?? 0) + count)
    const key = JSON.stringify([truth, cluster])
    const known = both.get(key)
    if (known === undefined) both.set(key, { truth, cluster, count })
    else known.count += count
  }
  let mutual = 0
  for (const { truth, cluster, count } of both.values())
    mutual += (count / all) * Math.log((all * count) / (truths.get(truth)! * clusters.get(cluster)!))
  const ofTruths = entropy(truths.values(), all)
  const ofClusters = entropy(clusters.values(), all)
  const homogeneity = ofTruths === 0 ? 1 : mutual / ofTruths
  const completeness = ofClusters === 0 ? 1 : mutual / ofClusters
  const sum = homogeneity + completeness
  return { homogeneity, completeness, v: sum === 0 ? 0 : (2 * homogeneity * completeness) / sum }
}

function entropy(counts: Iterable<number>, all: number): number {
  let sum = 0
  for (const count of counts) sum -= (count / all) * Math.log(count / all)
  return sum
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

export interface BootstrapOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly resamples?: number
}

/** The measure with its 95 % percentile bootstrap interval over `items`; samples on which it is NaN do not count. */
export function bootstrap<T>(
  items: readonly T[],
  measure: (sample: readonly T[]) => number,
  { random, resamples = 1_000 }: BootstrapOptions,
): Interval {
  const value = measure(items)
  const found: number[] = []
  for (let k = 0; k < resamples && items.length > 0; k++) {
    const sample = items.map(() => items[Math.floor(random() * items.length)]!)
    const one = measure(sample)
    if (!Number.isNaN(one)) found.push(one)
  }
  const sorted = Float64Array.from(found).sort()
  return { value, low: quantileOf(sorted, 0.025), high: quantileOf(sorted, 0.975) }
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length
}
