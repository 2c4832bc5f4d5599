/** Entries of a W3C trace state. */
import { fail } from '../problems.ts'

const keyPattern = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
const valuePattern = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const maxEntries = 32

/** In order; undefined if the text is no trace state. */
function entriesOf(text: string): [string, string][] | undefined {
  const entries: [string, string][] = []
  for (const member of text.split(',')) {
    const trimmed = member.trim()
    if (trimmed === '') continue
    const at = trimmed.indexOf('=')
    const [key, value] = [trimmed.slice(0, at), trimmed.slice(at + 1)]
    if (at < 0 || !keyPattern.test(key) || !valuePattern.test(value)) return undefined
    if (entries.some(([name]) => name === key)) return undefined
    entries.push([key, value])
  }
  return entries.length > maxEntries ? undefined : entries
}

/** Empty where the entry is missing; nil where the whole is not a trace state. */
export function readEntry(text: string, key: string): string | null {
  const entries = entriesOf(text)
  return entries === undefined ? null : (entries.find(([name]) => name === key)?.[1] ?? '')
}

/** The entry that was set comes first; the last one goes when there are too many. Unchanged if the text is no trace state. */
export function withEntry(text: string, key: string, value: string): string {
  const entries = entriesOf(text)
  if (entries === undefined) return text
  if (!keyPattern.test(key)) fail(`${JSON.stringify(key)} is not a key of a trace state`)
  if (!valuePattern.test(value)) fail(`${JSON.stringify(value)} is not a value of a trace state`)
  const others = entries.filter(([name]) => name !== key)
  return [[key, value], ...others]
    .slice(0, maxEntries)
    .map((entry) => entry.join('='))
    .join(',')
}
