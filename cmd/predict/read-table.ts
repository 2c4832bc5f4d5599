/** Reads tables of numbers as the public data sets come: CSV, gzipped or not, with a header or without. */
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

export interface Table {
  /** Of the header, or m0, m1, ... where the file has none. */
  readonly names: readonly string[]
  readonly rows: number
  /** Row-major; an empty cell, `nan` and `null` are NaN. */
  readonly values: Float64Array
}

const unzip = promisify(gunzip)
/** A file that unpacks to more is not one of these data sets. */
const maxBytes = 2 ** 30

/** Throws an `Error` that names file and line where a row has another number of cells, or a cell that is no number. */
export async function readTable(file: string): Promise<Table> {
  const bytes = await readFile(file)
  return parseTable(file.endsWith('.gz') ? await unzip(bytes, { maxOutputLength: maxBytes }) : bytes, file)
}

function parseTable(bytes: Buffer, file: string): Table {
  const lines = bytes.toString('latin1').split(/\r?\n/)
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop()
  const [first] = lines
  if (first === undefined) throw new Error(`${file} is empty: a table has a row or more`)
  const head = first.split(',')
  const hasHeader = head.some((cell) => Number.isNaN(cellOf(cell)) && !isMissing(cell))
  const columns = head.length
  const start = hasHeader ? 1 : 0
  const rows = lines.length - start
  const values = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    const cells = (lines[i + start] as string).split(',')
    if (cells.length !== columns) {
      throw new Error(`${file}:${i + start + 1} has ${cells.length} cells where the first line has ${columns}`)
    }
    for (let j = 0; j < columns; j++) {
      const cell = cells[j] as string
      const value = cellOf(cell)
      if (Number.isNaN(value) && !isMissing(cell)) {
        throw new Error(`${file}:${i + start + 1} cell ${j + 1}: "${cell.slice(0, 40)}" is not a number`)
      }
      values[i * columns + j] = value
    }
  }
  return { names: hasHeader ? head.map((name) => name.trim()) : head.map((_, j) => `m${j}`), rows, values }
}

function cellOf(cell: string): number {
  return cell.trim() === '' ? Number.NaN : Number(cell)
}

function isMissing(cell: string): boolean {
  return /^\s*(nan|null|na)?\s*$/i.test(cell)
}
