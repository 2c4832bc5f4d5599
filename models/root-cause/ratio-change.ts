/** The same as metric-change.ts for a ratio whose counts are known: one failure of two is not a hundred of two hundred. */
import { fitRatio } from '../ratio-tail.ts'
import { betaBinomialAtLeast, binomialAtLeast } from '../special-functions.ts'
import { mostSurprise } from './likelihood.ts'
import type { MetricChange } from './metric-change.ts'

export interface RatioSeries {
  /** s, ascending. */
  readonly times: Float64Array
  /** s that a row covers. */
  readonly step: number
  /** 0 to 1; NaN where missing. */
  readonly ratios: Float64Array
  readonly counts: Float64Array
  /** Of a quiet time, in rows as long. */
  readonly reference?: { readonly ratios: Float64Array; readonly counts: Float64Array }
}

/** Pseudo-counts of what few rows before the onset know. */
const halfAnItem = 0.5

/**
 * How surprising the worst row after the onset is, by the beta-binomial tail of the quiet time and by that of the rows just before: the milder one counts, so
 * that neither an old level nor a single odd row makes news. Undefined where no row can be compared. `effect` is the difference of the ratios.
 * O(rows x most count).
 */
export function ratioChange(
  { times, step, ratios, counts, reference }: RatioSeries,
  onset: number,
  onsetUncertainty = 60,
): MetricChange | undefined {
  const quiet = hitsOf(reference?.ratios ?? new Float64Array(0), reference?.counts ?? new Float64Array(0))
  const hits = hitsOf(ratios, counts)
  const from = times.findIndex((time) => time + step > onset - onsetUncertainty)
  if (from < 0) return undefined
  let [recentHits, recentTotal] = [0, 0]
  for (let i = 0; i < from; i++) {
    recentHits += hits.hits[i] as number
    recentTotal += hits.totals[i] as number
  }
  const quietTotal = quiet.totals.reduce((sum, value) => sum + value, 0)
  if (recentTotal + quietTotal === 0) return undefined
  const norm = quietTotal === 0 ? undefined : fitRatio(quiet)
  let [best, at, rows] = [0, -1, 0]
  for (let i = from; i < times.length; i++) {
    const [k, n] = [hits.hits[i] as number, hits.totals[i] as number]
    if (n === 0) continue
    rows++
    let p = recentTotal === 0 ? 0 : tail(k, n, recentHits + halfAnItem, recentTotal - recentHits + halfAnItem)
    if (norm !== undefined)
      p = Math.max(p, Number.isFinite(norm.a) ? tail(k, n, norm.a, norm.b) : binomialAtLeast(k, n, norm.ratio))
    const surprise = -Math.log(Math.max(p, 1e-300))
    if (surprise > best) [best, at] = [surprise, i]
  }
  if (rows === 0) return undefined
  const before = recentTotal > 0 ? recentHits / recentTotal : (norm?.ratio ?? 0)
  const surprise = Math.max(0, Math.min(mostSurprise, best - Math.log(rows)))
  const after = at < 0 ? before : (ratios[at] as number)
  return {
    surprise,
    direction: surprise === 0 ? 0 : 1,
    effect: Math.max(0, after - before),
    before,
    after,
    since: at < 0 ? Number.NaN : (times[at] as number),
    sinceUncertainty: at < 0 ? Number.NaN : 2 * step,
  }
}

function tail(k: number, n: number, a: number, b: number): number {
  return Math.min(1, betaBinomialAtLeast(k, n, a, b))
}

function hitsOf(
  ratios: Float64Array,
  counts: Float64Array,
): { readonly hits: Float64Array; readonly totals: Float64Array } {
  const totals = counts.map((count, i) => (Number.isNaN(ratios[i] as number) || !(count > 0) ? 0 : Math.round(count)))
  return { totals, hits: totals.map((total, i) => (total === 0 ? 0 : Math.round(total * (ratios[i] as number)))) }
}
