/** Metrics of the requests between services, by pairing the spans of client and server. */
import { deserialize, serialize } from 'node:v8'
import { defineConnector } from '../../pipeline/component.ts'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { Weight } from '../../pipeline/sampling/weight.ts'
import { SentLater } from '../../pipeline/sent-later.ts'
import { config } from './config.ts'
import type { Edge } from './edge.ts'
import { shapeOf } from './histogram.ts'
import { GraphSeries, type SavedGraph } from './series.ts'
import { isRoot, SpanReader } from './spans.ts'
import { Store } from './store.ts'

interface Saved {
  readonly version: 1
  /** Equal where series go on. */
  readonly shape: string
  readonly series: SavedGraph
  /** With how long they still have to wait, instead of until when. */
  readonly edges: readonly Edge[]
  /** For a successor with other series. */
  readonly last: SavedBatch<'metrics'> | undefined
}

export default defineConnector({
  type: 'service_graph',
  aliases: ['servicegraph'],
  config,
  signals: { 'traces to metrics': 'alpha' },
  create(settings, context) {
    const { clock, logger, meter } = context
    const name = (rest: string) => `otelcol_connector_servicegraph_${rest}`
    const counters = {
      dropped: meter.counter(name('dropped_spans'), 'Number of spans dropped when trying to add edges'),
      expired: meter.counter(name('expired_edges'), 'Number of edges that expired before finding its matching span'),
      total: meter.counter(name('total_edges'), 'Total number of unique edges'),
      overflows: meter.counter(name('overflows'), 'Edges counted in the series for what overflowed'),
    }
    const { dimensions, virtual_node_peer_attributes: peerAttributes, store: limits } = settings
    const shape = shapeOf(settings.latency_histogram_buckets, settings.exponential_histogram_max_size)
    const series = new GraphSeries(
      {
        shape,
        dimensions,
        hasVirtualNodeLabel: settings.virtual_node_extra_label,
        maxSeries: settings.max_series,
        overflowed: () => counters.overflows.add(1),
      },
      clock.nowUnixNano(),
    )
    const shapeText = JSON.stringify([shape, dimensions, settings.virtual_node_extra_label])
    const complete = (edge: Edge) => series.add(edge, clock.nowMs())
    const expire = (edge: Edge) => {
      counters.expired.add(1)
      if (peerAttributes.length === 0) return
      if (edge.client === '' && isRoot(edge.key)) {
        edge.client = 'user'
        edge.virtualNode = 'client'
      } else if (edge.server === '') {
        edge.server = edge.peer ?? 'unknown'
        edge.virtualNode = 'server'
      } else return
      edge.connectionType = 'virtual_node'
      complete(edge)
    }
    const store = new Store({ maxItems: limits.max_items, ttlMs: limits.ttl, complete, expire })
    const reader = new SpanReader({
      dimensions,
      peerAttributes,
      databaseAttributes:
        settings.database_name_attributes.length === 0 ? ['db.name'] : settings.database_name_attributes,
      weight: settings.weigh_by_sampling ? new Weight(context.random) : undefined,
      upsert: (key, update) => {
        const became = store.upsert(key, clock.nowMs(), update)
        if (became === 'new') counters.total.add(1)
        else if (became === 'full') {
          counters.dropped.add(1)
          context.dropped(1, 'store_full', 'lost')
        }
      },
      nameless: (spans) => context.dropped(spans, 'no_service_name', 'intended'),
    })
    const offset = BigInt(Math.round(settings.metrics_timestamp_offset * 1e6))
    const build = () => series.build(clock.nowUnixNano() - offset)

    let inherited: Metrics | undefined
    let isStarted = false
    let isHandedOn = false
    const timers: (() => void)[] = []
    const stopTimers = () => {
      for (const stop of timers.splice(0)) stop()
    }
    const outgoing = new SentLater(context, 'metrics of the service graph')
    const send = (metrics: Metrics | undefined): Promise<void> =>
      metrics === undefined ? outgoing.settled() : outgoing.send(metrics.count, () => metrics)

    return {
      start: async () => {
        isStarted = true
        meter.gauge(name('series'), () => series.size, {}, 'Series that are kept')
        meter.gauge(name('waiting_edges'), () => store.size, {}, 'Edges that wait for their other span')
        const { cache_loop, store_expiration_loop, metrics_flush_interval: interval } = settings
        timers.push(
          clock.every(store_expiration_loop > 0 ? store_expiration_loop : 2_000, () => store.expire(clock.nowMs())),
          clock.every(
            cache_loop > 0 ? cache_loop : 60_000,
            () => void series.clean(clock.nowMs(), clock.nowUnixNano()),
          ),
        )
        if (interval > 0) timers.push(clock.every(interval, () => send(build())))
        else logger.warn('`metrics_flush_interval` is 0: metrics are sent whenever spans came.')
        if (inherited !== undefined) void send(inherited)
        inherited = undefined
      },
      traces: async (batch) => {
        reader.read(batch)
        // What follows must not make the sender of the spans send them again: they are counted.
        if (settings.metrics_flush_interval <= 0) await send(build())
      },
      save: async () => {
        stopTimers()
        isHandedOn = true
        await outgoing.settled()
        const nowMs = clock.nowMs()
        const last = build()
        return serialize({
          version: 1,
          shape: shapeText,
          series: series.save(nowMs),
          edges: store.take().map((edge) => ({ ...edge, expiresMs: edge.expiresMs - nowMs })),
          last: last && saved(last),
        } satisfies Saved)
      },
      restore: async (state) => {
        const saved = deserialize(state) as Saved
        const nowMs = clock.nowMs()
        if (saved.shape === shapeText) series.restore(saved.series, nowMs)
        else if (saved.last !== undefined) inherited = batchOf(saved.last)
        // Their dimensions are in the order of other settings then.
        const edges = saved.shape === shapeText ? saved.edges : saved.edges.map(withoutDimensions)
        const lost = store.adopt(
          edges.map((edge) => ({ ...edge, expiresMs: nowMs + Math.min(edge.expiresMs, limits.ttl) })),
        )
        if (lost > 0) context.dropped(lost, 'store_full', 'lost')
      },
      shutdown: async (deadline) => {
        stopTimers()
        if (isStarted && !isHandedOn) {
          const waiting = store.take().length
          if (waiting > 0) context.dropped(waiting, 'incomplete_edge', 'lost')
          void send(build())
        }
        isHandedOn = true
        await beforeDeadline(outgoing.settled(), deadline)
      },
    }
  },
})

function withoutDimensions(edge: Edge): Edge {
  return { ...edge, clientDimensions: [], serverDimensions: [] }
}
