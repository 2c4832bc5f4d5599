/** The options of a schema as a Markdown table: what stands between `<!-- options -->` and `<!-- /options -->` in a README. */
import { formatDuration } from '../../pipeline/config/duration.ts'
import { branches, type FieldSchema } from '../../pipeline/config/field-schema.ts'

/** Sections that many components have: one row, and the page that has the rest. */
export interface SharedSection {
  readonly key: string
  readonly page: string
  readonly title: string
}

interface Row {
  readonly key: string
  readonly default: string
  readonly description: string
}

export function optionsTable(schema: FieldSchema, shared: readonly SharedSection[] = []): string {
  const rows = rowsOf(schema, '', shared, new Set())
  if (rows.length === 0) return 'It has no options.'
  const cells = rows.map(({ key, default: value, description }) => [`\`${key}\``, value, description])
  return markdownTable([['key', 'default', 'description'], ...cells])
}

/** Aligned, as the formatter of this repository has it. The first row is the head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ')))
  const widths = (cells[0] ?? []).map((_, i) => Math.max(3, ...cells.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = cells
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n')
}

function rowsOf(schema: FieldSchema, prefix: string, shared: readonly SharedSection[], above: Set<FieldSchema>): Row[] {
  if (above.has(schema)) return []
  const inside = new Set([...above, schema])
  return Object.entries(propertiesOf(schema)).flatMap(([name, field]) => {
    const key = `${prefix}${name}`
    const section = shared.find((one) => one.key === name)
    const row = { key, default: defaultOf(field), description: field.description ?? '' }
    if (section !== undefined) {
      return [
        { ...row, default: '', description: `${row.description} See [${section.title}](${section.page}).`.trim() },
      ]
    }
    if (field['x-like'] !== undefined)
      return [{ ...row, description: `${row.description} Keys as of \`${field['x-like']}\`.`.trim() }]
    const [only, ...others] = Object.entries(propertiesOf(field))
    if (only?.[0] === 'enabled' && others.length === 0 && row.description !== '') {
      return [{ key: `${key}::enabled`, default: defaultOf(only[1]), description: row.description }]
    }
    // A map of names to texts, whose other form is a list.
    return field['x-kind'] === 'headers' ? [row] : [row, ...nested(field, key, shared, inside)]
  })
}

function nested(field: FieldSchema, key: string, shared: readonly SharedSection[], above: Set<FieldSchema>): Row[] {
  const item = field.items || undefined
  const each = typeof field.additionalProperties === 'object' ? field.additionalProperties : undefined
  return [
    ...rowsOf(field, `${key}::`, shared, above),
    ...(item ? rowsOf(item, `${key}[]::`, shared, above) : []),
    ...(each ? rowsOf(each, `${key}::<name>::`, shared, above) : []),
  ]
}

/** Of every form that a value may have. */
function propertiesOf(schema: FieldSchema): Readonly<Record<string, FieldSchema>> {
  const parts = [...(branches(schema) ?? []), ...(schema.allOf ?? [])]
  return Object.assign({}, ...parts.map(propertiesOf), schema.properties) as Record<string, FieldSchema>
}

function defaultOf(field: FieldSchema): string {
  const isSection = Object.keys(propertiesOf(field)).length > 0
  if (isSection) return field['x-kind'] === 'optional' && field['x-flavour'] !== 'default-on' ? 'off' : ''
  const value = field['x-default']
  if (value === undefined || value === null) return ''
  if (field['x-kind'] === 'duration' && typeof value === 'number') return `\`${formatDuration(value)}\``
  if (value === '' || (Array.isArray(value) && value.length === 0)) return 'empty'
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}
