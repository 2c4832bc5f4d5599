/** Tail probabilities of the distributions that counts and residuals have. */

/** Lanczos, g = 7, n = 9: 15 digits. */
const lanczos = [
  0.999_999_999_999_809_9, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_1,
  -176.615_029_162_140_6, 12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
  1.505_632_735_149_311_6e-7,
] as const

/** ln Gamma(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  let sum: number = lanczos[0]
  for (let i = 1; i < lanczos.length; i++) sum += (lanczos[i] as number) / (x - 1 + i)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Regularised incomplete beta function I_x(a, b), by its continued fraction (Numerical Recipes 6.4). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b
}

const tiny = 1e-300

function betaFraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1))
  let h = d
  // The number of steps grows with sqrt(max(a, b)).
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / nonZero(1 + even * d)
    c = nonZero(1 + even / c)
    h *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonZero(1 + odd * d)
    c = nonZero(1 + odd / c)
    h *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return h
}

function nonZero(x: number): number {
  return Math.abs(x) < tiny ? tiny : x
}

/** P(X >= k) for X ~ Binomial(n, p). */
export function binomialAtLeast(k: number, n: number, p: number): number {
  return k <= 0 ? 1 : k > n ? 0 : incompleteBeta(p, k, n - k + 1)
}

/** P(X >= k) for a count of n whose ratio is itself Beta(a, b): what a binomial with an uncertain or wandering ratio does. O(n - k). */
export function betaBinomialAtLeast(k: number, n: number, a: number, b: number): number {
  if (k <= 0) return 1
  let sum = 0
  let term = Math.exp(
    logGamma(n + 1) -
      logGamma(k + 1) -
      logGamma(n - k + 1) +
      logGamma(k + a) +
      logGamma(n - k + b) -
      logGamma(n + a + b) +
      logGamma(a + b) -
      logGamma(a) -
      logGamma(b),
  )
  for (let i = k; i <= n; i++) {
    sum += term
    if (term < 1e-17 * sum) break
    term *= ((n - i) * (i + a)) / ((i + 1) * (n - i - 1 + b))
  }
  return Math.min(1, sum)
}

/** P(|Z| >= z) for a standard normal Z; relative error below 1.2e-7 (Numerical Recipes' erfc). */
export function normalTwoSided(z: number): number {
  return Math.exp(-twoSidedSurprise(z))
}

/** -ln P(|Z| >= |z|), which does not end where the probability is too small to be a number. */
export function twoSidedSurprise(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.5 * x)
  // Horner's scheme, written out: it runs for every number of every tick.
  let sum = 0.170_872_77
  sum = sum * t - 0.822_152_23
  sum = sum * t + 1.488_515_87
  sum = sum * t - 1.135_203_98
  sum = sum * t + 0.278_868_07
  sum = sum * t - 0.186_288_06
  sum = sum * t + 0.096_784_18
  sum = sum * t + 0.374_091_96
  sum = sum * t + 1.000_023_68
  return Math.max(0, x * x + 1.265_512_23 - t * sum - Math.log(t))
}

/** -ln P(Z >= z). */
export function upperSurprise(z: number): number {
  return z >= 0 ? Math.LN2 + twoSidedSurprise(z) : -Math.log1p(-0.5 * normalTwoSided(z))
}
