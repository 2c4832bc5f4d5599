/**
 * Mahalanobis distance with a floor under every variance (ridge on the correlation structure): unlike the PCA reconstruction error it
 * also counts what is unusual *within* the plane, and unlike the plain distance it does not explode along directions that hardly ever moved.
 */
import type { Matrix } from './matrix.ts'
import { fitPca, type Pca } from './pca.ts'

export interface ShrunkDistance {
  readonly pca: Pca
  /** Added to the variance along every component. */
  readonly ridge: number
}

/** `floor` is the ridge as a share of the mean variance. Throws `RangeError` on fewer than 2 rows. O(rows * columns^2 + columns^3). */
export function fitShrunkDistance(data: Matrix, floor: number): ShrunkDistance {
  const pca = fitPca(data)
  const total = pca.variances.reduce((sum, value) => sum + value, 0)
  // Where nothing at all ever varied, 1 keeps the distance finite and in the units of the data.
  return { pca, ridge: total > 0 ? (floor * total) / pca.columns : 1 }
}

/**
 * The squared distance of `columns` numbers of `row` at `offset`. `contributions` (length `columns`), if given, gets each column's part: they sum to
 * the distance and may be negative. O(columns^2).
 */
export function squaredDistance(
  { pca, ridge }: ShrunkDistance,
  row: Float64Array,
  offset: number,
  contributions?: Float64Array,
): number {
  const { columns, mean, components, variances } = pca
  contributions?.fill(0)
  let sum = 0
  for (let k = 0; k < columns; k++) {
    const at = k * columns
    let dot = 0
    for (let j = 0; j < columns; j++)
      dot += (components[at + j] as number) * ((row[offset + j] as number) - (mean[j] as number))
    const weighted = dot / ((variances[k] as number) + ridge)
    sum += dot * weighted
    if (contributions === undefined) continue
    for (let j = 0; j < columns; j++)
      contributions[j] = (contributions[j] as number) + weighted * (components[at + j] as number)
  }
  if (contributions !== undefined) {
    for (let j = 0; j < columns; j++)
      contributions[j] = (contributions[j] as number) * ((row[offset + j] as number) - (mean[j] as number))
  }
  return sum
}
