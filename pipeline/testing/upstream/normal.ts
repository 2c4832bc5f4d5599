import type { UpstreamCase } from './cases.ts'

const lists = new Set(
  'resourceSpans scopeSpans spans resourceMetrics scopeMetrics metrics dataPoints resourceLogs scopeLogs logRecords'.split(
    ' ',
  ),
)

/** What an outcome says, whatever means nothing in it: the order of attributes, and what the case calls volatile or unordered. */
export function normalOutcome(outcome: unknown, { volatile, unordered, digits }: UpstreamCase): unknown {
  const blank = new Set(volatile)
  const sort = (items: unknown[]) => (unordered ? items.sort(byText) : items)
  const normal = (part: unknown, key: string | undefined): unknown => {
    if (Array.isArray(part)) {
      const items = part.map((item) => normal(item, undefined))
      if (items.every(isAttribute)) return items.sort((a, b) => (a.key < b.key ? -1 : 1))
      return key !== undefined && lists.has(key) ? sort(items) : items
    }
    if (typeof part === 'number' && digits !== undefined) return Number(part.toPrecision(digits))
    if (typeof part !== 'object' || part === null) return part
    const isVolatile = isAttribute(part) && blank.has(part.key)
    return Object.fromEntries(
      Object.entries(part).map(([name, value]) => [
        name,
        blank.has(name) || (isVolatile && name === 'value') ? '*' : normal(value, name),
      ]),
    )
  }
  if (Array.isArray(outcome)) return sort(outcome.map((request) => normal(request, undefined)))
  if (typeof outcome !== 'object' || outcome === null) return outcome
  return Object.fromEntries(
    Object.entries(outcome).map(([target, requests]) => [
      target,
      sort((requests as unknown[]).map((request) => normal(request, undefined))),
    ]),
  )
}

function byText(a: unknown, b: unknown): number {
  const [first, second] = [JSON.stringify(a), JSON.stringify(b)]
  return first < second ? -1 : first > second ? 1 : 0
}

function isAttribute(item: unknown): item is { readonly key: string } {
  return typeof item === 'object' && item !== null && 'key' in item && typeof item.key === 'string'
}
