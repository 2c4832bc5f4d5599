/** Two-sample Kolmogorov-Smirnov: do two samples come from one distribution? Samples of a series must be thinned first: neighbours are not independent. */

export interface KsResult {
  readonly statistic: number
  readonly p: number
}

/** Products of sizes up to this are answered exactly, beyond it by the asymptotic formula with Stephens' correction. */
const mostExact = 1e6

/** Two-sided. Throws `RangeError` on an empty sample. O(n log n), and n * m where exact. */
export function ksTwoSample(a: Float64Array, b: Float64Array): KsResult {
  const [n, m] = [a.length, b.length]
  if (n === 0 || m === 0) throw new RangeError('Kolmogorov-Smirnov needs two samples')
  const [x, y] = [a.toSorted(), b.toSorted()]
  let [i, j, most] = [0, 0, 0]
  while (i < n && j < m) {
    const at = Math.min(x[i] as number, y[j] as number)
    while (i < n && (x[i] as number) <= at) i++
    while (j < m && (y[j] as number) <= at) j++
    most = Math.max(most, Math.abs(i / n - j / m))
  }
  return { statistic: most, p: n * m <= mostExact ? exactP(n, m, most) : asymptoticP(n, m, most) }
}

/** Share of lattice paths that leave the band, as a recursion on probabilities, so that nothing overflows. */
function exactP(n: number, m: number, d: number): number {
  let row = new Float64Array(m + 1)
  for (let i = 0; i <= n; i++) {
    const next = new Float64Array(m + 1)
    for (let j = 0; j <= m; j++) {
      if (Math.abs(i / n - j / m) >= d - 1e-12) continue
      if (i === 0 && j === 0) next[j] = 1
      else next[j] = ((row[j] as number) * i + (j > 0 ? (next[j - 1] as number) * j : 0)) / (i + j)
    }
    row = next
  }
  return Math.min(1, Math.max(0, 1 - (row[m] as number)))
}

function asymptoticP(n: number, m: number, d: number): number {
  const effective = Math.sqrt((n * m) / (n + m))
  const lambda = (effective + 0.12 + 0.11 / effective) * d
  if (lambda < 0.2) return 1
  let sum = 0
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * lambda * lambda)
  return Math.min(1, Math.max(0, sum))
}
