/** One row of CSV, as encoding/csv reads it: newlines inside count as part of their field. */
import { fail } from '../problems.ts'

export type RowMode = 'strict' | 'lazyQuotes' | 'ignoreQuotes'

export function readRow(text: string, delimiter: string, mode: RowMode): string[] {
  const row = text.replace(/^[\r\n]+|[\r\n]+$/g, '')
  if (mode === 'ignoreQuotes') return row.split(delimiter)
  const isLazy = mode === 'lazyQuotes'
  const fields: string[] = []
  let at = 0
  for (;;) {
    let field: string
    if (row[at] === '"') [field, at] = readQuoted(row, at, delimiter, isLazy)
    else {
      const end = row.indexOf(delimiter, at)
      field = row.slice(at, end < 0 ? row.length : end)
      if (!isLazy && field.includes('"')) fail('parse error: bare " in non-quoted field')
      at = end < 0 ? row.length : end
    }
    fields.push(field)
    if (at >= row.length) return fields
    at += delimiter.length
  }
}

/** The field, and where what follows it begins. */
function readQuoted(row: string, start: number, delimiter: string, isLazy: boolean): [string, number] {
  let field = ''
  let at = start + 1
  for (;;) {
    const quote = row.indexOf('"', at)
    if (quote < 0) {
      if (!isLazy) fail('parse error: extraneous or missing " in quoted-field')
      return [field + row.slice(at), row.length]
    }
    field += row.slice(at, quote)
    if (row[quote + 1] === '"') {
      field += '"'
      at = quote + 2
    } else if (quote + 1 === row.length || row.startsWith(delimiter, quote + 1)) return [field, quote + 1]
    else if (isLazy) {
      field += '"'
      at = quote + 1
    } else fail('parse error: extraneous or missing " in quoted-field')
  }
}
