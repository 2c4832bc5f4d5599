/** An order of columns that depends on what is in them, and on neither their names nor their places. */
import type { Table } from './read-table.ts'

/** The places of the columns, by their first rows that differ. Columns that agree in every row keep their order, which then cannot matter. */
export function columnOrder({ names, rows, values }: Table): readonly number[] {
  const columns = names.length
  const compare = (a: number, b: number) => {
    for (let i = 0; i < rows; i++) {
      const [x, y] = [values[i * columns + a] as number, values[i * columns + b] as number]
      if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue
      if (Number.isNaN(x)) return 1
      return Number.isNaN(y) || x < y ? -1 : 1
    }
    return 0
  }
  return names.map((_, j) => j).sort(compare)
}

export function reordered({ names, rows, values }: Table, order: readonly number[]): Table {
  const columns = order.length
  const moved = new Float64Array(values.length)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) moved[i * columns + j] = values[i * columns + (order[j] as number)] as number
  }
  return { names: order.map((j) => names[j] ?? ''), rows, values: moved }
}
