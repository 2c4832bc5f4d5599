import { twoSidedSurprise } from '../special-functions.ts'
import { mostSurprise } from './likelihood.ts'

/** Fewer rows in common say nothing. */
const leastRows = 4

/**
 * How a figure moves with what is felt, over the rows that both have (NaN where missing): Pearson's r by Fisher's z. Undefined where fewer than 4 rows are
 * common or either does not move. `effect` is |r|. O(n).
 */
export function together(
  values: Float64Array,
  felt: Float64Array,
): { readonly surprise: number; readonly direction: -1 | 0 | 1; readonly effect: number } | undefined {
  let [n, sumX, sumY] = [0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [values[i] as number, felt[i] as number]
    if (Number.isNaN(x) || Number.isNaN(y)) continue
    n++
    sumX += x
    sumY += y
  }
  if (n < leastRows) return undefined
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [(values[i] as number) - sumX / n, (felt[i] as number) - sumY / n]
    if (Number.isNaN(x) || Number.isNaN(y)) continue
    xx += x * x
    yy += y * y
    xy += x * y
  }
  if (!(xx > 0) || !(yy > 0)) return undefined
  const r = Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)))
  const z = Math.atanh(Math.min(0.999_999, Math.abs(r))) * Math.sqrt(n - 3)
  return { surprise: Math.min(mostSurprise, twoSidedSurprise(z)), direction: r > 0 ? 1 : -1, effect: Math.abs(r) }
}
