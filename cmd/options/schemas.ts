/** JSON Schemas as pages: files that follow from the code, as tables of options do. */
import { eventSchemas } from '../../pipeline/vocabulary/event-schemas.ts'

/** Path from the root of the repository, and content. */
export function schemaFiles(): (readonly [path: string, content: string])[] {
  return [...eventSchemas()].map(([name, schema]) => [
    `pipeline/vocabulary/schemas/${name}.json`,
    `${printed(schema, '')}\n`,
  ])
}

const lineWidth = 120

/** As the formatter of this repository has it: lists of plain values stand on one line where they fit. */
function printed(value: unknown, indent: string, used = indent.length): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inside = `${indent}  `
  if (Array.isArray(value)) {
    const isPlain = value.every((one) => typeof one !== 'object' || one === null)
    const line = `[${value.map((one) => JSON.stringify(one)).join(', ')}]`
    if (value.length === 0 || (isPlain && used + line.length < lineWidth)) return line
    return `[\n${value.map((one) => `${inside}${printed(one, inside)}`).join(',\n')}\n${indent}]`
  }
  const entries = Object.entries(value)
  if (entries.length === 0) return '{}'
  const lines = entries.map(([key, one]) => {
    const start = `${inside}${JSON.stringify(key)}: `
    return `${start}${printed(one, inside, start.length)}`
  })
  return `{\n${lines.join(',\n')}\n${indent}}`
}
