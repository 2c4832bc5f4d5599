/** The graph as it was at a time: edges that were alive, and what went over them shortly before. */
import type { Graph, GraphQuery } from '../../pipeline/capability/feature-store.ts'
import type { Clock } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import { tracePanes } from '../../pipeline/vocabulary/panes.ts'
import type { Edge, Edges } from './edges.ts'
import type { EntityHistories } from './history.ts'
import type { HistoryReader } from './read-history.ts'
import { rowOf, stepSeconds } from './tiers.ts'

const panes = [tracePanes.requests, tracePanes.errors, tracePanes.duration]

interface Found {
  readonly edge: Edge
  readonly id: string
  readonly lastSeconds: number
  /** Sums over the window: requests, errors, seconds. */
  readonly sums: readonly number[]
}

export async function readGraph(
  { asOfUnixNano, windowSeconds = 300 }: GraphQuery,
  edges: Edges,
  histories: EntityHistories,
  reader: HistoryReader,
  { clock, ttlSeconds }: { readonly clock: Clock; readonly ttlSeconds: number },
): Promise<Graph> {
  const asOf = Number(asOfUnixNano) / 1e9
  const slices = new Slices(clock)
  const columns = panes.map((name) => histories.columns.get(name))
  const tier = histories.newestSeconds - asOf + windowSeconds <= histories.keepSeconds(0) ? 0 : 1
  const found: Found[] = []
  for (const [id, edge] of edges.byId) {
    if (edge.firstSeconds > asOf || edge.history === undefined) continue
    const step = stepSeconds[tier]!
    const last = Math.floor(asOf / step)
    const rows = await reader.rowsOf(edge.history, tier, columns, last - Math.round(windowSeconds / step) + 1, last)
    const sums = rows.map((values) => values.reduce((sum, value) => (Number.isNaN(value) ? sum : sum + value), 0))
    const lastSeconds = edge.lastSeconds <= asOf ? edge.lastSeconds : await lastSeen(edge, asOf)
    if (lastSeconds > asOf - ttlSeconds) found.push({ edge, id, lastSeconds, sums })
    if (slices.isOver) await slices.pause()
  }
  for (const edge of edges.drawnByEnds.values()) {
    if (edge.firstSeconds > asOf || edge.lastSeconds <= asOf - ttlSeconds) continue
    found.push({ edge, id: '', lastSeconds: Math.min(edge.lastSeconds, asOf), sums: [0, 0, 0] })
  }
  return columnsOf(found, asOfUnixNano, windowSeconds)

  /** Of one that was seen after that time too. */
  async function lastSeen({ history, firstSeconds }: Edge, before: number): Promise<number> {
    for (const t of [0, 1]) {
      const last = Math.floor(before / stepSeconds[t]!)
      const span = t === 0 ? Math.min(ttlSeconds, histories.keepSeconds(0)) : ttlSeconds
      const [requests] = await reader.rowsOf(history, t, columns.slice(0, 1), rowOf(before - span, t), last)
      const at = requests!.findLastIndex((value) => !Number.isNaN(value))
      if (at >= 0) return (last - requests!.length + 1 + at) * stepSeconds[t]!
    }
    return before - firstSeconds < ttlSeconds ? firstSeconds : 0
  }
}

function columnsOf(found: readonly Found[], asOfUnixNano: bigint, windowSeconds: number): Graph {
  const nodes: string[] = []
  const numbers = new Map<string, number>()
  const numberOf = (id: string) => {
    let number = numbers.get(id)
    if (number === undefined) {
      number = nodes.push(id) - 1
      numbers.set(id, number)
    }
    return number
  }
  const column = (of: (one: Found) => number) => Float64Array.from(found, of)
  return {
    asOfUnixNano,
    source: Uint32Array.from(found, ({ edge }) => numberOf(edge.source)),
    target: Uint32Array.from(found, ({ edge }) => numberOf(edge.target)),
    nodes,
    types: found.map(({ edge }) => edge.type),
    edges: found.map(({ id }) => id),
    requestsPerSecond: column(({ sums }) => sums[0]! / windowSeconds),
    errorRatio: column(({ sums }) => (sums[0]! > 0 ? Math.min(1, sums[1]! / sums[0]!) : Number.NaN)),
    meanSeconds: column(({ sums }) => (sums[0]! > 0 ? sums[2]! / sums[0]! : Number.NaN)),
    firstSeen: column(({ edge }) => edge.firstSeconds),
    lastSeen: column(({ lastSeconds }) => lastSeconds),
  }
}
