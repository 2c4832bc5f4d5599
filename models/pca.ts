/** Principal components, and how far a row lies from the plane they span. Jackson & Mudholkar 1979 (SPE, or Q statistic). */
import type { Matrix } from './matrix.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

export interface Pca {
  readonly columns: number
  readonly kept: number
  readonly mean: Float64Array
  /** Variances along every component, descending (divided by n - 1, as scikit-learn's `explained_variance_`). */
  readonly variances: Float64Array
  /** Row k is component k: `components[k * columns + j]`. All of them; the first `kept` span the plane. */
  readonly components: Float64Array
}

/**
 * Fits on `data` [rows x columns], keeping the fewest components with at least `share` of the variance, as scikit-learn's `PCA(n_components=share)`.
 * `weights` (one a row, 0 = ignore) are optional. O(rows * columns^2 + columns^3). Throws `RangeError` on fewer than 2 rows of weight.
 */
export function fitPca(data: Matrix, share = 0.9, weights?: Float64Array): Pca {
  const { rows, columns } = data
  const mean = new Float64Array(columns)
  let total = 0
  for (let i = 0; i < rows; i++) {
    const w = weights === undefined ? 1 : (weights[i] as number)
    total += w
    for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) + w * (data.values[i * columns + j] as number)
  }
  if (total <= 1) throw new RangeError(`principal components need 2 rows or more, not ${total}`)
  for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) / total
  return pcaOf(mean, covariance(data, mean, total, weights), share)
}

/** The same of moments that are known already: `covariance` is columns x columns. O(columns^3). */
export function pcaOf(mean: Float64Array, covariances: Float64Array, share = 0.9): Pca {
  const columns = mean.length
  const { values: variances, vectors: components } = symmetricEigen(covariances, columns)
  for (let k = 0; k < columns; k++) variances[k] = Math.max(0, variances[k] as number)
  return { columns, kept: keptOf(variances, share), mean, variances, components }
}

function covariance(data: Matrix, mean: Float64Array, total: number, weights?: Float64Array): Float64Array {
  const { rows, columns, values } = data
  const sums = new Float64Array(columns * columns)
  const centred = new Float64Array(columns)
  for (let i = 0; i < rows; i++) {
    const w = weights === undefined ? 1 : (weights[i] as number)
    if (w === 0) continue
    for (let j = 0; j < columns; j++) centred[j] = (values[i * columns + j] as number) - (mean[j] as number)
    for (let j = 0; j < columns; j++) {
      const cj = w * (centred[j] as number)
      for (let k = j; k < columns; k++) {
        sums[j * columns + k] = (sums[j * columns + k] as number) + cj * (centred[k] as number)
      }
    }
  }
  for (let j = 0; j < columns; j++) {
    for (let k = j; k < columns; k++) {
      const value = (sums[j * columns + k] as number) / (total - 1)
      sums[j * columns + k] = value
      sums[k * columns + j] = value
    }
  }
  return sums
}

function keptOf(variances: Float64Array, share: number): number {
  const total = variances.reduce((sum, value) => sum + value, 0)
  let sum = 0
  for (let k = 0; k < variances.length; k++) {
    sum += variances[k] as number
    // Scikit-learn's searchsorted(..., side='right'): the first that goes beyond the share.
    if (sum > share * total) return k + 1
  }
  return variances.length
}

/**
 * Squared prediction error of one row: `row` holds `columns` numbers from `offset`. `residual` (length `columns`) gets x - PP'x by column,
 * whose squares say how much each column contributed. O(columns * kept).
 */
export function squaredError(pca: Pca, row: Float64Array, offset: number, residual: Float64Array): number {
  const { columns, kept, mean, components } = pca
  for (let j = 0; j < columns; j++) residual[j] = (row[offset + j] as number) - (mean[j] as number)
  // Components are orthonormal, so taking them off one after the other is the projection.
  for (let k = 0; k < kept; k++) {
    const at = k * columns
    let dot = 0
    for (let j = 0; j < columns; j++) dot += (components[at + j] as number) * (residual[j] as number)
    for (let j = 0; j < columns; j++) residual[j] = (residual[j] as number) - dot * (components[at + j] as number)
  }
  let sum = 0
  for (let j = 0; j < columns; j++) sum += (residual[j] as number) ** 2
  return sum
}
