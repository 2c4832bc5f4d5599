/** For tests: the same operations on decoded messages, the obvious way. */
import { comparable, type Decoded, decode } from './otlp.arbitrary.ts'
import type { Signal } from './telemetry.ts'

const names = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  profiles: ['resourceProfiles', 'scopeProfiles', 'profiles'],
} as const
const dataNames = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const
type DataName = (typeof dataNames)[number]

export interface ReferenceItem {
  readonly item: Decoded
  readonly scopeHolder: Decoded
  readonly resourceHolder: Decoded
  readonly metric: Decoded | undefined
  readonly data: DataName | undefined
}

export function list(of: Decoded, name: string): Decoded[] {
  return (of[name] ?? []) as Decoded[]
}

function dataOf(metric: Decoded): DataName | undefined {
  return dataNames.find((name) => metric[name] !== undefined && metric[name] !== null)
}

/** Spans, log records, data points (or profiles), in order. */
export function referenceItems(signal: Signal, decoded: Decoded): ReferenceItem[] {
  const [resources, scopes, items] = names[signal]
  const all: ReferenceItem[] = []
  for (const resourceHolder of list(decoded, resources)) {
    for (const scopeHolder of list(resourceHolder, scopes)) {
      for (const item of list(scopeHolder, items)) {
        const data = signal === 'metrics' ? dataOf(item) : undefined
        if (signal !== 'metrics') all.push({ item, scopeHolder, resourceHolder, metric: undefined, data })
        else if (data !== undefined) {
          for (const point of list(item[data] as Decoded, 'dataPoints')) {
            all.push({ item: point, scopeHolder, resourceHolder, metric: item, data })
          }
        }
      }
    }
  }
  return all
}

/** Keeps the items whose number is in `kept`, and what holds one; undefined when nothing is left. */
export function referenceSelect(signal: Signal, chunk: Uint8Array, kept: ReadonlySet<number>): unknown {
  const decoded = decode(signal, [chunk])
  const [resources, scopes, items] = names[signal]
  let number = 0
  const left = list(decoded, resources).filter((resource) => {
    const scopesLeft = list(resource, scopes).filter((scope) => {
      const itemsLeft = list(scope, items).filter((item) => {
        if (signal !== 'metrics') return kept.has(number++)
        const data = dataOf(item)
        if (data === undefined) return false
        const holder = item[data] as Decoded
        holder['dataPoints'] = list(holder, 'dataPoints').filter(() => kept.has(number++))
        return list(holder, 'dataPoints').length > 0
      })
      scope[items] = itemsLeft
      return itemsLeft.length > 0
    })
    resource[scopes] = scopesLeft
    return scopesLeft.length > 0
  })
  decoded[resources] = left
  return left.length === 0 ? undefined : comparable(decoded)
}
