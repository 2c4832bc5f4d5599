/**
 * Do the numbers of an entity still move together as those of its class do: the squared error of reconstructing a row of z by the plane of the class. Each
 * entity's z are in units of its own scatter, so a thousand services need one eigenproblem and not a thousand, and a new one is judged by its class.
 * The plane comes of running moments: no rows are kept. O(columns * kept) a row, O(columns^2) to learn one.
 */
import { type Pca, pcaOf, squaredError } from './pca.ts'

/** Rows before there is a plane. */
const leastRows = 200
const growth = 1.3
/** Beyond so many rows the past fades. */
const mostRows = 100_000
/** A z beyond this says no more than this. */
const clip = 10
const share = 0.9

export interface PcaErrorState {
  readonly version: 1
  readonly rows: number
  readonly sums: Float64Array
  readonly squares: Float64Array
  readonly plane: Plane | undefined
}

interface Plane {
  readonly pca: Pca
  /** Variance of the residual's largest direction; 0 where the plane is the whole space. */
  readonly unit: number
  /** Rows at which it is fitted anew. */
  readonly nextFit: number
}

export class PcaError {
  readonly columns: number
  /** Of the row last scored: what is not explained, by column. */
  readonly residual: Float64Array
  readonly #sums: Float64Array
  readonly #squares: Float64Array
  readonly #row: Float64Array
  #rows = 0
  #plane: Plane | undefined

  constructor(columns: number) {
    this.columns = columns
    this.residual = new Float64Array(columns)
    this.#sums = new Float64Array(columns)
    this.#squares = new Float64Array(columns * columns)
    this.#row = new Float64Array(columns)
  }

  /** Of `columns` z (NaN = not known, as if 0): the squared error, in nats if the residuals were normal; NaN while there is no plane, or none is left. */
  score(z: Float64Array): number {
    if (this.#plane === undefined || this.#plane.unit === 0) return Number.NaN
    this.#clipped(z)
    return squaredError(this.#plane.pca, this.#row, 0, this.residual) / (2 * this.#plane.unit)
  }

  learn(z: Float64Array): void {
    const { columns } = this
    this.#clipped(z)
    for (let j = 0; j < columns; j++) {
      const x = this.#row[j] as number
      if (x === 0) continue
      this.#sums[j] = (this.#sums[j] as number) + x
      const at = j * columns
      for (let k = j; k < columns; k++)
        this.#squares[at + k] = (this.#squares[at + k] as number) + x * (this.#row[k] as number)
    }
    this.#rows++
    if (this.#rows >= (this.#plane?.nextFit ?? leastRows)) this.fit()
  }

  /** Happens by itself as rows come; does nothing with fewer than two. */
  fit(): void {
    if (this.#rows > mostRows) this.#fade()
    if (this.#rows < 2) return
    const { columns } = this
    const mean = this.#sums.map((sum) => sum / this.#rows)
    const covariances = new Float64Array(columns * columns)
    for (let j = 0; j < columns; j++) {
      for (let k = j; k < columns; k++) {
        const value =
          ((this.#squares[j * columns + k] as number) - this.#rows * (mean[j] as number) * (mean[k] as number)) /
          (this.#rows - 1)
        covariances[j * columns + k] = value
        covariances[k * columns + j] = value
      }
    }
    const pca = pcaOf(mean, covariances, share)
    const left = pca.kept < columns ? (pca.variances[pca.kept] as number) : 0
    this.#plane = { pca, unit: left < 1e-6 ? 0 : left, nextFit: Math.ceil(this.#rows * growth) }
  }

  save(): PcaErrorState {
    return {
      version: 1,
      rows: this.#rows,
      sums: this.#sums.slice(),
      squares: this.#squares.slice(),
      plane: this.#plane,
    }
  }

  /** Throws `RangeError` on a state of another version or shape. */
  restore({ version, rows, sums, squares, plane }: PcaErrorState): void {
    if (version !== 1 || sums.length !== this.columns || squares.length !== this.columns ** 2)
      throw new RangeError(`this is no state of a plane of ${this.columns} columns`)
    this.#rows = rows
    this.#sums.set(sums)
    this.#squares.set(squares)
    this.#plane = plane
  }

  #clipped(z: Float64Array): void {
    for (let j = 0; j < this.columns; j++) {
      const x = z[j] as number
      this.#row[j] = Number.isNaN(x) ? 0 : Math.max(-clip, Math.min(clip, x))
    }
  }

  #fade(): void {
    this.#rows /= 2
    for (let i = 0; i < this.#sums.length; i++) this.#sums[i] = (this.#sums[i] as number) / 2
    for (let i = 0; i < this.#squares.length; i++) this.#squares[i] = (this.#squares[i] as number) / 2
  }
}
