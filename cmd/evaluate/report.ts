/** Tables as text, as JSON, or as one HTML page with a bar under every number. */
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
function cellTexts({ columns, rows }: Table): readonly (readonly string[])[] {
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

export function asHtml(tables: readonly Table[]): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>vigil evaluate</title><style>${style}</style><body>${tables.map(tableHtml).join('')}</body></html>\n`
}

const style =
  'body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}table{border-collapse:collapse}th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}th:first-child,td:first-child{text-align:left}td i{display:block;height:3px;background:#3a7;margin-top:2px}p{color:#555}'

function tableHtml(table: Table): string {
  const texts = cellTexts(table)
  const most = table.columns.map((_, j) => Math.max(0, ...table.rows.map((row) => finite(row[j]))))
  const head = table.columns.map((name) => `<th>${escapeHtml(name)}</th>`).join('')
  const body = texts.map((line, i) => {
    const cells = line.map((text, j) => {
      const share = (most[j] ?? 0) > 0 ? (100 * finite(table.rows[i]?.[j])) / (most[j] as number) : 0
      return `<td>${escapeHtml(text)}${share > 0 ? `<i style="width:${share.toFixed(1)}%"></i>` : ''}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  const notes = table.notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('')
  return `<h2>${escapeHtml(table.title)}</h2><table><tr>${head}</tr>${body.join('')}</table>${notes}`
}

function finite(cell: Cell | undefined): number {
  return typeof cell === 'number' && Number.isFinite(cell) ? cell : 0
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
