/** Reads CSV with quoted cells (RFC 4180): logs, graphs, labels. For large tables of numbers see `read-table.ts`. */
import { readFile } from 'node:fs/promises'

export interface Csv {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Throws an `Error` that names file and row where a quote is not closed, or a row has another number of cells than the header. */
export async function readCsv(file: string): Promise<Csv> {
  return parseCsv(await readFile(file, 'utf8'), file)
}

export function parseCsv(text: string, file: string): Csv {
  const rows: string[][] = []
  let row: string[] = []
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  while (at < text.length) {
    const cell = text[at] === '"' ? quoted(text, at, file, rows.length + 1) : bare(text, at)
    row.push(cell.text)
    at = cell.end
    if (text[at] === ',') {
      at++
      if (at === text.length) row.push('')
      else continue
    }
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  const [header, ...body] = rows
  if (header === undefined) throw new Error(`${file} is empty: its first line must name the columns`)
  const odd = body.findIndex(({ length }) => length !== header.length)
  if (odd >= 0)
    throw new Error(`${file}: row ${odd + 1} has ${body[odd]!.length} cells where the header has ${header.length}`)
  return { header, rows: body }
}

interface Cell {
  readonly text: string
  /** Where the comma, the line end or the end of the text stands. */
  readonly end: number
}

function bare(text: string, from: number): Cell {
  let end = from
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') end++
  return { text: text.slice(from, end), end }
}

function quoted(text: string, from: number, file: string, row: number): Cell {
  let value = ''
  for (let at = from + 1; ; ) {
    const close = text.indexOf('"', at)
    if (close < 0) throw new Error(`${file}: row ${row} opens a quote that is not closed`)
    value += text.slice(at, close)
    if (text[close + 1] === '"') {
      value += '"'
      at = close + 2
      continue
    }
    const rest = bare(text, close + 1)
    return { text: value + rest.text, end: rest.end }
  }
}

/** The cells of one column. Throws an `Error` that names the columns there are. */
export function columnOf({ header, rows }: Csv, name: string, file: string): readonly string[] {
  const at = header.indexOf(name)
  if (at < 0) throw new Error(`${file} has no column ${name}: it has ${header.join(', ')}`)
  return rows.map((row) => row[at]!)
}
