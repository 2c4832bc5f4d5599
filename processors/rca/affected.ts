/** Which share of whose requests needs what is broken: counted in recorded traces, so that nobody guesses. */
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'
import type { RecordedSpans } from './recorded-spans.ts'
import { type Surroundings, wholeOf } from './surroundings.ts'

export interface Affected {
  readonly operation: Entity
  readonly share: number
  readonly requests: number
}

/** Fewer traces of an operation tell no share. */
const leastTraces = 5
const most = 16

/** Operations by which requests come in from outside, with the share of their traces that crossed the node; largest first. */
export function affectedOperations(
  { spans, service, isRoot, operations }: RecordedSpans,
  around: Surroundings,
  node: number,
): readonly Affected[] {
  const crossed = new Set<number>()
  const entries = new Map<number, number>()
  for (let row = 0; row < service.length; row++) {
    const trace = spans.trace[row]!
    if (isWithin(around, spans.node[row]!, node) || isWithin(around, service[row]!, node)) crossed.add(trace)
    if (isRoot[row] === 1) {
      const known = entries.get(trace)
      if (known === undefined || spans.start[row]! < spans.start[known]!) entries.set(trace, row)
    }
  }
  const counts = new Map<string, { operation: Entity; traces: number; crossed: number }>()
  for (const [trace, row] of entries) {
    const operation = operations[spans.operation[row]!]!
    const key = entityId(operation)
    let count = counts.get(key)
    if (count === undefined) counts.set(key, (count = { operation, traces: 0, crossed: 0 }))
    count.traces++
    if (crossed.has(trace)) count.crossed++
  }
  return [...counts.values()]
    .filter(({ traces, crossed }) => traces >= leastTraces && crossed > 0)
    .map(({ operation, traces, crossed }) => ({ operation, share: crossed / traces, requests: traces }))
    .sort((a, b) => b.share - a.share || b.requests - a.requests)
    .slice(0, most)
}

/** Whether it is the node or a part of it; a query is not its database, whose other queries may be fine. */
function isWithin(around: Surroundings, one: number, node: number): boolean {
  for (let at = one, depth = 0; at >= 0 && depth < 4; depth++) {
    if (at === node) return true
    at = around.partOf[at]!
  }
  return around.kinds[node] === 'node' && one >= 0 && around.runsOn[one] === node
}

export function sameWhole(around: Surroundings, a: number, b: number): boolean {
  return a >= 0 && b >= 0 && wholeOf(around, a) === wholeOf(around, b)
}
