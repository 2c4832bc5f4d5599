/** What edges add up to: one series for each pair of services, kind of connection, outcome and dimensions. */
import { newMetrics } from '../../pipeline/data/builders.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import { prepareAttributes } from '../../pipeline/data/prepared-attributes.ts'
import type { Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { type Counted, CountedSeries, type SavedSeries } from '../../pipeline/streams/counted-series.ts'
import type { Edge } from './edge.ts'
import {
  ExplicitHistogram,
  type Latency,
  type LatencyShape,
  newLatency,
  restoreLatency,
  type SavedLatency,
  saveLatency,
} from './histogram.ts'

/** Upstream's, and not to be set there either. */
const staleMs = 15 * 60_000

interface Series extends Counted {
  total: number
  failed: number
  readonly server: Latency
  readonly client: Latency
}
export type SavedGraph = SavedSeries<{
  readonly total: number
  readonly failed: number
  readonly server: SavedLatency
  readonly client: SavedLatency
}>
export interface SeriesOptions {
  readonly shape: LatencyShape
  readonly dimensions: readonly string[]
  readonly hasVirtualNodeLabel: boolean
  readonly maxSeries: number
  overflowed(): void
}

export class GraphSeries {
  private readonly options: SeriesOptions
  private readonly series: CountedSeries<Series>

  constructor(options: SeriesOptions, startUnixNano: bigint) {
    this.options = options
    this.series = new CountedSeries(options, startUnixNano)
  }

  get size(): number {
    return this.series.size
  }

  add(edge: Edge, nowMs: number): void {
    const series = this.of(edge, nowMs)
    series.total += edge.weight
    if (edge.failed) series.failed += edge.weight
    series.server.add(edge.serverSeconds, edge.weight)
    series.client.add(edge.clientSeconds, edge.weight)
    series.lastSeenMs = nowMs
  }

  /** Forgets the series that no edge came to for long; the answer is how many. */
  clean(nowMs: number, nowUnixNano: bigint): number {
    return this.series.expire((lastSeenMs) => lastSeenMs + staleMs < nowMs, nowUnixNano)
  }

  /** Undefined when there is none. */
  build(timeUnixNano: bigint): Metrics | undefined {
    if (this.series.size === 0) return undefined
    const all = Array.from(this.series.values())
    const common = ({ attributes, startUnixNano }: Series) => ({ attributes, startUnixNano, timeUnixNano })
    const counter = { monotonic: true } as const
    const failed = all.filter((series) => series.failed > 0)
    const metrics = newMetrics().resource().scope('traces_service_graph')
    const total = all.map((series) => ({ ...common(series), value: series.total }))
    metrics.sum('traces_service_graph_request_total', total, counter)
    if (failed.length > 0) {
      const points = failed.map((series) => ({ ...common(series), value: series.failed }))
      metrics.sum('traces_service_graph_request_failed_total', points, counter)
    }
    for (const side of ['server', 'client'] as const) {
      const name = `traces_service_graph_request_${side}`
      if (this.options.shape.bounds === undefined) {
        const points = all.map((series) => ({ ...common(series), ...exponential(series[side]) }))
        metrics.exponentialHistogram(name, points, { unit: 's' })
      } else {
        const points = all.map((series) => ({ ...common(series), ...explicit(series[side]) }))
        metrics.histogram(name, points, { unit: 's' })
      }
    }
    return metrics.build()
  }

  save(nowMs: number): SavedGraph {
    return this.series.save(nowMs, ({ total, failed, server, client }) => ({
      total,
      failed,
      server: saveLatency(server),
      client: saveLatency(client),
    }))
  }

  restore(saved: SavedGraph, nowMs: number): void {
    const { shape } = this.options
    this.series.restore(saved, nowMs, (counted, { total, failed, server, client }) => ({
      ...counted,
      total,
      failed,
      server: restoreLatency(server, shape),
      client: restoreLatency(client, shape),
    }))
  }

  private of(edge: Edge, nowMs: number): Series {
    const { hasVirtualNodeLabel, shape } = this.options
    const key = this.key(edge)
    const known = this.series.get(key)
    if (known === undefined)
      return this.series.add(
        key,
        nowMs,
        () => this.attributes(edge),
        (counted) => ({ ...counted, total: 0, failed: 0, server: newLatency(shape), client: newLatency(shape) }),
      )
    // As upstream: the label of the last edge wins.
    if (hasVirtualNodeLabel) known.attributes = prepareAttributes(this.attributes(edge))
    return known
  }

  private key({ client, server, connectionType, failed, clientDimensions, serverDimensions }: Edge): string {
    let key = `${client}\0${server}\0${connectionType}\0${failed}`
    for (let i = 0; i < this.options.dimensions.length; i++) {
      const [ofClient, ofServer] = [clientDimensions[i], serverDimensions[i]]
      if (ofClient !== undefined) key += `\0c${i}_${ofClient}`
      if (ofServer !== undefined) key += `\0s${i}_${ofServer}`
    }
    return key
  }

  private attributes(edge: Edge): { [name: string]: Value } {
    const { dimensions, hasVirtualNodeLabel } = this.options
    const attributes = new Map<string, Value>([
      ['client', edge.client],
      ['server', edge.server],
      ['connection_type', edge.connectionType],
      ['failed', edge.failed],
    ])
    for (const [i, name] of dimensions.entries()) {
      const [ofClient, ofServer] = [edge.clientDimensions[i], edge.serverDimensions[i]]
      if (ofClient !== undefined) attributes.set(`client_${name}`, ofClient)
      if (ofServer !== undefined) attributes.set(`server_${name}`, ofServer)
    }
    if (hasVirtualNodeLabel) attributes.set('virtual_node', edge.virtualNode)
    return Object.fromEntries(attributes)
  }
}

function explicit(latency: Latency) {
  if (!(latency instanceof ExplicitHistogram)) throw new Error('an exponential histogram among explicit ones')
  const { bounds, counts, count, sum } = latency
  return { bounds, counts, count, sum }
}

function exponential(latency: Latency) {
  if (!(latency instanceof ExponentialHistogram)) throw new Error('an explicit histogram among exponential ones')
  const { count, sum, min, max, scale, zeroCount, positive, negative } = latency
  return { count, sum, min, max, scale, zeroCount, positive: positive.read(), negative: negative.read() }
}
