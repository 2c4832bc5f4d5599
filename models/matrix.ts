/** Rows of numbers, row-major: `values[row * columns + column]`. */
export interface Matrix {
  readonly values: Float64Array
  readonly rows: number
  readonly columns: number
}

/** Throws `RangeError` if `values` does not hold exactly `rows * columns` numbers. */
export function matrix(values: Float64Array, columns: number): Matrix {
  if (!Number.isInteger(columns) || columns < 1) throw new RangeError(`a matrix has 1 column or more, not ${columns}`)
  if (values.length % columns !== 0)
    throw new RangeError(`${values.length} numbers are no whole rows of ${columns} columns`)
  return { values, rows: values.length / columns, columns }
}
