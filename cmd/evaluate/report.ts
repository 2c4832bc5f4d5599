/** Tables as text or as JSON; `page.ts` makes HTML of them. */
import type { Table } from './evaluation.ts'

type Cell = string | number | null

export function asText(tables: readonly Table[]): string {
  return tables.map(tableText).join('\n')
}

function tableText(table: Table): string {
  const lines = [table.columns, ...cellTexts(table)]
  const widths = table.columns.map((_, j) => Math.max(...lines.map((line) => line[j]?.length ?? 0)))
  const pad = (cell: string, j: number) => (j === 0 ? cell.padEnd(widths[j] ?? 0) : cell.padStart(widths[j] ?? 0))
  const body = lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`)
  return `${table.title}\n\n${body.join('')}\n${table.notes.map((note) => `${note}\n`).join('')}`
}

/** A column of whole numbers has no digits after the point, any other has three. */
export function cellTexts({ columns, rows }: Table): readonly (readonly string[])[] {
  const isWhole = columns.map((_, j) => rows.every((row) => typeof row[j] !== 'number' || Number.isInteger(row[j])))
  return rows.map((row) => columns.map((_, j) => cellText(row[j], isWhole[j] === true)))
}

function cellText(cell: Cell | undefined, isWhole: boolean): string {
  if (typeof cell !== 'number') return cell ?? '-'
  if (!Number.isFinite(cell)) return '-'
  return isWhole ? String(cell) : cell.toFixed(3)
}

/** Each row as an object by column; what JSON does not know (NaN) is null. */
export function asJson(tables: readonly Table[]): string {
  const named = tables.map(({ title, columns, rows, notes }) => ({
    title,
    rows: rows.map((row) => Object.fromEntries(columns.map((name, j) => [name, row[j] ?? null]))),
    notes,
  }))
  return `${JSON.stringify({ tables: named }, null, 2)}\n`
}

export function finite(cell: Cell | undefined): number {
  return typeof cell === 'number' && Number.isFinite(cell) ? cell : 0
}
