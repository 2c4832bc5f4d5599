/** Metrics and logs of the exceptions that spans recorded. */
import { deserialize, serialize } from 'node:v8'
import { defineConnector } from '../../pipeline/component.ts'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { SentLater } from '../../pipeline/sent-later.ts'
import { config } from './config.ts'
import { Counts, type SavedCounts } from './counts.ts'
import { Finder } from './found.ts'
import { logsOf } from './logs.ts'

interface Saved {
  readonly version: 1
  /** Equal where series go on. */
  readonly shape: string
  readonly counts: SavedCounts
  /** For a successor with other series. */
  readonly last: SavedBatch<'metrics'> | undefined
}

export default defineConnector({
  type: 'exceptions',
  config,
  signals: { 'traces to metrics': 'alpha', 'traces to logs': 'alpha' },
  create(settings, context) {
    const { clock, meter, outputs } = context
    const name = (rest: string) => `otelcol_connector_exceptions_${rest}`
    const overflows = meter.counter(name('overflows'), 'Exceptions counted in the series for what overflowed')
    const expired = meter.counter(name('expired_series'), 'Series forgotten because no exception came')
    const finder = new Finder(settings.dimensions)
    const counts = new Counts(
      {
        maxSeries: settings.max_series,
        expirationMs: settings.series_expiration,
        hasExemplars: settings.exemplars.enabled,
        overflowed: () => overflows.add(1),
      },
      clock.nowUnixNano(),
    )
    const shape = JSON.stringify(settings.dimensions)
    const isAtOnce = settings.metrics_flush_interval === 0
    const nameless = (spans: number) => context.dropped(spans, 'no_service_name', 'intended')

    let inherited: Metrics | undefined
    let isStarted = false
    let isHandedOn = false
    let stopTimer: (() => void) | undefined
    const outgoing = new SentLater(context, 'metrics of exceptions')
    const send = (metrics: Metrics | undefined): Promise<void> =>
      metrics === undefined ? outgoing.settled() : outgoing.send(metrics.count, () => metrics)
    const flush = () => {
      expired.add(counts.expire(clock.nowMs(), clock.nowUnixNano()))
      return send(counts.build(clock.nowUnixNano()))
    }

    return {
      start: async () => {
        isStarted = true
        meter.gauge(name('series'), () => counts.size, {}, 'Series that are kept')
        if (!isAtOnce) stopTimer = clock.every(settings.metrics_flush_interval, flush)
        if (inherited !== undefined) void send(inherited)
        inherited = undefined
      },
      traces: async (batch) => {
        const exceptions = [...finder.in(batch, nameless)]
        // First: when logs are refused the spans come again, and must not be counted twice.
        const logs = outputs.has('logs') ? logsOf(exceptions, batch.origin) : undefined
        if (logs !== undefined) await context.emit.logs(logs)
        if (!outputs.has('metrics')) return
        for (const found of exceptions) counts.add(found, clock.nowMs())
        if (isAtOnce) await flush()
      },
      save: async () => {
        stopTimer?.()
        isHandedOn = true
        await outgoing.settled()
        const state = counts.save(clock.nowMs())
        // What was sent with the last batch need not be sent again.
        const last = isAtOnce ? undefined : counts.build(clock.nowUnixNano())
        return serialize({ version: 1, shape, counts: state, last: last && saved(last) } satisfies Saved)
      },
      restore: async (state) => {
        const saved = deserialize(state) as Saved
        if (saved.shape === shape) counts.restore(saved.counts, clock.nowMs())
        else if (saved.last !== undefined) inherited = batchOf(saved.last)
      },
      shutdown: async (deadline) => {
        stopTimer?.()
        if (isStarted && !isHandedOn && !isAtOnce) void flush()
        isHandedOn = true
        await beforeDeadline(outgoing.settled(), deadline)
      },
    }
  },
})
