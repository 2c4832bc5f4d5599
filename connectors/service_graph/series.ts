/** What edges add up to: one series for each pair of services, kind of connection, outcome and dimensions. */
import { WireAttributes } from '../../pipeline/data/attributes.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import { writeAttributes } from '../../pipeline/data/items.ts'
import type { Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { written } from '../../pipeline/data/writer.ts'
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
const overflowKey = 'otel.metric.overflow'

interface Series {
  attributes: WireAttributes
  total: number
  failed: number
  readonly server: Latency
  readonly client: Latency
  readonly startUnixNano: bigint
  lastSeenMs: number
}
export interface SavedSeries {
  readonly startUnixNano: bigint
  readonly series: readonly (readonly [
    key: string,
    values: {
      readonly attributes: Uint8Array
      readonly total: number
      readonly failed: number
      readonly server: SavedLatency
      readonly client: SavedLatency
      readonly startUnixNano: bigint
      readonly idleMs: number
    },
  ])[]
}
export interface SeriesOptions {
  readonly shape: LatencyShape
  readonly dimensions: readonly string[]
  readonly hasVirtualNodeLabel: boolean
  readonly maxSeries: number
  overflowed(): void
}

export class GraphSeries {
  private readonly options: SeriesOptions
  private readonly series = new Map<string, Series>()
  /** No series that is not there counts anything since then. */
  private startUnixNano: bigint

  constructor(options: SeriesOptions, startUnixNano: bigint) {
    this.options = options
    this.startUnixNano = startUnixNano
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
    const before = this.series.size
    for (const [key, { lastSeenMs }] of this.series) if (lastSeenMs + staleMs < nowMs) this.series.delete(key)
    // One that comes back counts from zero, which its start must say.
    if (this.series.size < before) this.startUnixNano = nowUnixNano
    return before - this.series.size
  }

  /** Undefined when there is none. */
  build(timeUnixNano: bigint): Metrics | undefined {
    if (this.series.size === 0) return undefined
    const all = [...this.series.values()]
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

  save(nowMs: number): SavedSeries {
    return {
      startUnixNano: this.startUnixNano,
      series: [...this.series].map(
        ([key, { attributes, total, failed, server, client, startUnixNano, lastSeenMs }]) => [
          key,
          {
            attributes: written((to) => attributes.copy(to, 10)),
            total,
            failed,
            server: saveLatency(server),
            client: saveLatency(client),
            startUnixNano,
            idleMs: nowMs - lastSeenMs,
          },
        ],
      ),
    }
  }

  restore({ startUnixNano, series }: SavedSeries, nowMs: number): void {
    this.startUnixNano = startUnixNano
    for (const [key, saved] of series)
      this.series.set(key, {
        attributes: viewOf(saved.attributes),
        total: saved.total,
        failed: saved.failed,
        server: restoreLatency(saved.server, this.options.shape),
        client: restoreLatency(saved.client, this.options.shape),
        startUnixNano: saved.startUnixNano,
        lastSeenMs: nowMs - saved.idleMs,
      })
  }

  private of(edge: Edge, nowMs: number): Series {
    const { hasVirtualNodeLabel, maxSeries } = this.options
    let key = this.key(edge)
    let series = this.series.get(key)
    if (series !== undefined) {
      // As upstream: the label of the last edge wins.
      if (hasVirtualNodeLabel) series.attributes = prepare(this.attributes(edge))
      return series
    }
    let attributes: { [name: string]: Value }
    if (this.series.size < maxSeries) attributes = this.attributes(edge)
    else {
      this.options.overflowed()
      key = overflowKey
      series = this.series.get(key)
      if (series !== undefined) return series
      attributes = { [overflowKey]: true }
    }
    series = {
      attributes: prepare(attributes),
      total: 0,
      failed: 0,
      server: newLatency(this.options.shape),
      client: newLatency(this.options.shape),
      startUnixNano: this.startUnixNano,
      lastSeenMs: nowMs,
    }
    this.series.set(key, series)
    return series
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

/** Attributes whose bytes are prepared once, and copied into each point. */
function prepare(attributes: { readonly [name: string]: Value }): WireAttributes {
  return viewOf(written((to) => writeAttributes(to, 10, attributes)))
}

function viewOf(bytes: Uint8Array): WireAttributes {
  return new WireAttributes(bytes, 0, bytes.length, 10)
}
