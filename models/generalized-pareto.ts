/** The tail of a distribution beyond a high threshold: generalised Pareto, P(Y > y) = (1 + shape * y / scale)^(-1 / shape). */
export interface GeneralizedPareto {
  readonly shape: number
  readonly scale: number
}

/** Estimates outside mean either fewer than ten useful excesses or a tail with no variance: both would make thresholds absurd. */
const leastShape = -0.5
const mostShape = 1

/**
 * Maximum likelihood from positive excesses, by Grimshaw's (1993) profile in one variable theta = shape / scale, searched on a grid and then refined.
 * `shape` is held within [-0.5, 1]. `weights` (one each, not negative) say how often an excess was seen; absent = once. O(120 n). Throws `RangeError` on an
 * empty sample.
 */
export function fitGeneralizedPareto(excesses: Float64Array, weights?: Float64Array): GeneralizedPareto {
  const n = excesses.length
  const weightOf = (i: number) => (weights === undefined ? 1 : (weights[i] as number))
  let total = 0
  for (let i = 0; i < n; i++) total += weightOf(i)
  if (!(total > 0)) throw new RangeError('a tail cannot be fitted to no excesses')
  let mean = 0
  let most = 0
  for (let i = 0; i < n; i++) {
    mean += (weightOf(i) * (excesses[i] as number)) / total
    if (weightOf(i) > 0) most = Math.max(most, excesses[i] as number)
  }
  if (!(mean > 0)) return { shape: 0, scale: Number.MIN_VALUE }
  // In units of the mean, so that the grid fits every sample.
  const shapeAt = (theta: number) => {
    let sum = 0
    for (let i = 0; i < n; i++) {
      const w = weightOf(i)
      if (w > 0) sum += w * Math.log1p((theta * (excesses[i] as number)) / mean)
    }
    return sum / total
  }
  const likelihood = (theta: number) => {
    if (Math.abs(theta) < 1e-9) return -1
    const shape = shapeAt(theta)
    const scale = shape / theta
    return shape < leastShape || shape > mostShape || !(scale > 0) ? -Infinity : -Math.log(scale) - shape - 1
  }
  const least = -mean / most
  let best = 0
  let step = 0
  let top = likelihood(0)
  for (let i = 1; i < 80; i++) {
    // Dense near the pole at `least`, near 0, and log-spaced to heavy tails.
    const theta = i < 40 ? least * (1 - (i / 40) ** 2) : 1e-3 * 1e4 ** ((i - 40) / 39)
    const value = likelihood(theta)
    if (value > top) {
      top = value
      best = theta
      step = i < 40 ? Math.abs(least) / 18 : theta * 0.3
    }
  }
  if (step === 0) step = Math.min(1e-3, Math.abs(least) / 20)
  const theta = goldenSection(likelihood, Math.max(least * (1 - 1e-9), best - step), best + step)
  if (likelihood(theta) < top || Math.abs(theta) < 1e-9) return { shape: 0, scale: mean }
  const shape = shapeAt(theta)
  return { shape, scale: (shape / theta) * mean }
}

function goldenSection(f: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2
  let [a, b] = [from, to]
  let c = b - ratio * (b - a)
  let d = a + ratio * (b - a)
  let [fc, fd] = [f(c), f(d)]
  for (let i = 0; i < 60 && b - a > 1e-12 * (Math.abs(a) + Math.abs(b)); i++) {
    if (fc > fd) {
      ;[b, d, fd] = [d, c, fc]
      c = b - ratio * (b - a)
      fc = f(c)
    } else {
      ;[a, c, fc] = [c, d, fd]
      d = a + ratio * (b - a)
      fd = f(d)
    }
  }
  return (a + b) / 2
}

/** P(Y > excess). */
export function tailBeyond({ shape, scale }: GeneralizedPareto, excess: number): number {
  if (excess <= 0) return 1
  if (Math.abs(shape) < 1e-9) return Math.exp(-excess / scale)
  const base = 1 + (shape * excess) / scale
  return base <= 0 ? 0 : base ** (-1 / shape)
}

/** The excess that is exceeded with probability `p`. */
export function excessAt({ shape, scale }: GeneralizedPareto, p: number): number {
  return Math.abs(shape) < 1e-9 ? -scale * Math.log(p) : (scale / shape) * (p ** -shape - 1)
}
