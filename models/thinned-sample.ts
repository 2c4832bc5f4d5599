/**
 * A bounded, even sample of a stream: every row at first, every 2nd once it is full, then every 4th. Deterministic, so that a replay learns the same.
 * Holds `capacity` rows of `columns` numbers at most. O(columns) a row, amortised.
 */
export interface ThinnedSampleState {
  readonly values: Float64Array
  readonly stride: number
  readonly seen: number
}

export class ThinnedSample {
  readonly columns: number
  readonly #capacity: number
  #values: Float64Array
  #rows = 0
  #stride = 1
  #seen = 0

  constructor(columns: number, capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 2 || capacity % 2 !== 0)
      throw new RangeError(`a sample holds an even number of rows, 2 or more, not ${capacity}`)
    this.columns = columns
    this.#capacity = capacity
    this.#values = new Float64Array(columns * Math.min(64, capacity))
  }

  get rows(): number {
    return this.#rows
  }

  /** Rows offered so far, kept or not. */
  get seen(): number {
    return this.#seen
  }

  /** Row-major, `rows * columns` numbers; valid until the next `add`. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#rows * this.columns)
  }

  /** Takes `columns` numbers of `from` at `offset`. */
  add(from: Float64Array, offset = 0): void {
    if (this.#seen++ % this.#stride !== 0) return
    const { columns } = this
    if (this.#rows === this.#capacity) this.#halve()
    if ((this.#seen - 1) % this.#stride !== 0) return
    if ((this.#rows + 1) * columns > this.#values.length) this.#grow()
    for (let j = 0; j < columns; j++) this.#values[this.#rows * columns + j] = from[offset + j] as number
    this.#rows++
  }

  /** Bytes of the rows that it holds room for. */
  get bytes(): number {
    return this.#values.byteLength
  }

  save(): ThinnedSampleState {
    return { values: this.values.slice(), stride: this.#stride, seen: this.#seen }
  }

  /** Throws `RangeError` on rows of another width, or more than there is room for. */
  restore({ values, stride, seen }: ThinnedSampleState): void {
    const rows = values.length / this.columns
    if (!Number.isInteger(rows) || rows > this.#capacity)
      throw new RangeError(
        `${values.length} numbers are no sample of ${this.#capacity} rows of ${this.columns} at the most`,
      )
    while (this.#values.length < values.length) this.#grow()
    this.#values.set(values)
    this.#rows = rows
    this.#stride = stride
    this.#seen = seen
  }

  #halve(): void {
    const { columns } = this
    for (let i = 0; i < this.#rows; i += 2) {
      this.#values.copyWithin((i / 2) * columns, i * columns, (i + 1) * columns)
    }
    this.#rows /= 2
    this.#stride *= 2
  }

  #grow(): void {
    const larger = new Float64Array(Math.min(this.#capacity * this.columns, this.#values.length * 2))
    larger.set(this.#values)
    this.#values = larger
  }
}
