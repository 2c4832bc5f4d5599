/** What a file exporter wrote, as a list of records that does not depend on how they were batched. */
import type { Signal } from '../../pipeline/data/telemetry.ts'

interface Level {
  readonly resources: string
  readonly scopes: string
  readonly items: string
}

export const levels: Readonly<Record<Exclude<Signal, 'profiles'>, Level>> = {
  traces: { resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' },
  metrics: { resources: 'resourceMetrics', scopes: 'scopeMetrics', items: 'metrics' },
  logs: { resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' },
}

type Json = Record<string, unknown>

/** One canonical text per span, metric and log record, its resource and scope included; sorted. */
export function recordsOf(lines: string): string[] {
  const parsed = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)
  return parsed.flatMap((line) => Object.values(levels).flatMap((level) => recordsAt(line, level))).sort()
}

const pointKinds = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

/**
 * As `recordsOf`, with one text per data point of a metric, without an order of attributes; `blank`: names of fields and attributes whose
 * values mean nothing.
 */
export function leavesOf(lines: string, blank: ReadonlySet<string>): string[] {
  return recordsOf(lines)
    .flatMap((record) => {
      const parsed = JSON.parse(record) as Json
      const metric = parsed['metrics'] as Json | undefined
      const kind = pointKinds.find((one) => metric?.[one] !== undefined)
      if (metric === undefined || kind === undefined) return [parsed]
      const { dataPoints = [], ...rest } = metric[kind] as Json & { dataPoints?: unknown[] }
      return dataPoints.map((point) => ({ ...parsed, metrics: { ...metric, [kind]: rest }, point }))
    })
    .map((leaf) => canonical(normal(leaf, blank)))
    .sort()
}

function normal(part: unknown, blank: ReadonlySet<string>): unknown {
  if (Array.isArray(part)) {
    const items = part.map((item) => normal(item, blank))
    return items.every(isAttribute) ? items.sort((a, b) => (a.key < b.key ? -1 : 1)) : items
  }
  if (typeof part !== 'object' || part === null) return part
  const isBlank = isAttribute(part) && blank.has(part.key)
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [
      key,
      blank.has(key) || (isBlank && key === 'value') ? '*' : normal(value, blank),
    ]),
  )
}

function isAttribute(item: unknown): item is { readonly key: string } {
  return typeof item === 'object' && item !== null && 'key' in item && typeof item.key === 'string'
}

function recordsAt(line: Json, level: Level): string[] {
  return listOf(line, level.resources).flatMap((resource) => {
    const scopes = listOf(resource, level.scopes)
    if (scopes.length === 0) return [canonical({ resource })]
    return scopes.flatMap((scope) => {
      const around = { resource: without(resource, level.scopes), scope: without(scope, level.items) }
      const items = listOf(scope, level.items)
      return items.length === 0
        ? [canonical(around)]
        : items.map((item) => canonical({ ...around, [level.items]: item }))
    })
  })
}

function listOf(value: Json, key: string): Json[] {
  const list = value[key]
  return Array.isArray(list) ? (list as Json[]) : []
}

function without(value: Json, key: string): Json {
  const { [key]: _, ...rest } = value
  return rest
}

/** JSON with sorted keys; the order within lists stays, because it means something. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`
}

/** What is in one list and not in the other, as multisets. */
export function difference(
  wanted: readonly string[],
  given: readonly string[],
): { missing: string[]; extra: string[] } {
  const counts = new Map<string, number>()
  for (const record of wanted) counts.set(record, (counts.get(record) ?? 0) + 1)
  const extra = given.filter((record) => {
    const left = counts.get(record) ?? 0
    if (left > 0) counts.set(record, left - 1)
    return left === 0
  })
  const missing = [...counts].flatMap(([record, count]) => Array.from({ length: count }, () => record))
  return { missing, extra }
}
