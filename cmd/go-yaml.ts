/** YAML in the layout that upstream's commands print: four spaces, `- ` two wide inside of them. */
import { stringify } from 'yaml'

export function goYaml(value: unknown, { areKeysSorted }: { readonly areKeysSorted: boolean }): string {
  const lines: string[] = []
  const entriesOf = (map: object) => {
    const entries = Object.entries(map).filter(([, item]) => item !== undefined)
    return areKeysSorted ? entries.sort(([a], [b]) => (a < b ? -1 : 1)) : entries
  }

  /** `first` is what stands before the first line: a key, or the dash of a list. */
  const write = (first: string, node: unknown, indent: number): void => {
    const pad = ' '.repeat(indent)
    if (Array.isArray(node) && node.length > 0) {
      if (first !== '') lines.push(first)
      for (const item of node) write(`${pad}-`, item, indent)
    } else if (typeof node === 'object' && node !== null && !Array.isArray(node) && entriesOf(node).length > 0) {
      const isItem = first.endsWith('-')
      if (first !== '' && !isItem) lines.push(first)
      for (const [i, [key, item]] of entriesOf(node).entries()) {
        const start = isItem ? (i === 0 ? `${first} ` : `${pad}  `) : pad
        write(`${start}${scalar(key)}:`, item, indent + 4)
      }
    } else {
      lines.push(...leaf(first === '' ? '' : `${first} `, node, pad))
    }
  }
  write('', value, 0)
  return `${lines.join('\n')}\n`
}

function leaf(before: string, value: unknown, pad: string): readonly string[] {
  if (Array.isArray(value)) return [`${before}[]`]
  if (typeof value === 'object' && value !== null) return [`${before}{}`]
  if (typeof value !== 'string' || !value.includes('\n')) return [before + scalar(value)]
  const chomp = value.endsWith('\n\n') ? '+' : value.endsWith('\n') ? '' : '-'
  const text = value.endsWith('\n') ? value.slice(0, -1) : value
  return [`${before}|${chomp}`, ...text.split('\n').map((line) => (line === '' ? '' : pad + line))]
}

function scalar(value: unknown): string {
  if (value === '') return '""'
  return stringify(value, { lineWidth: 0, singleQuote: true }).trimEnd()
}
