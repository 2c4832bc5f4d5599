/** Metrics of spans: how many, how long, and how many events. */
import { type Context, defineConnector } from '../../pipeline/component.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { SentLater } from '../../pipeline/sent-later.ts'
import { Slices } from '../../pipeline/slices.ts'
import { Aggregation } from './aggregation.ts'
import { config } from './config.ts'
import type { Tally } from './kept-series.ts'
import { planOf } from './plan.ts'
import type { Snapshot } from './snapshot.ts'
import { restoreState, saveState } from './state.ts'
import { writeMetrics } from './write.ts'

export default defineConnector({
  type: 'span_metrics',
  aliases: ['spanmetrics'],
  config,
  signals: { 'traces to metrics': 'alpha' },
  create(settings, context) {
    const plan = planOf(settings, context)
    const { clock, meter, logger } = context
    const aggregation = new Aggregation(plan, context.random, tallyOf(context))
    const { kept } = aggregation
    /** What a predecessor with other series had not sent. */
    let inherited: Metrics | undefined
    let stopTimer: (() => void) | undefined
    let isHandedOn = false
    let isStarted = false

    // Spans were counted when they came: what is refused now cannot be refused to their sender.
    const outgoing = new SentLater(context, 'metrics of spans')
    /** `slices`: what went before, too, held others up. */
    const sendSnapshot = (snapshot: Snapshot, slices = new Slices(clock)): Promise<void> => {
      if (snapshot.points === 0) return outgoing.settled()
      return outgoing.send(snapshot.points, () => writeMetrics(snapshot, plan, kept.timestamps, slices))
    }
    const flush = (isLast: boolean) => {
      const slices = new Slices(clock)
      return sendSnapshot(kept.take(clock.nowUnixNano(), isLast), slices)
    }

    return {
      start: async () => {
        isStarted = true
        if (settings.dimensions_cache_size !== 0)
          logger.warn('`dimensions_cache_size` has no effect; use `aggregation_cardinality_limit`.')
        if (!/^AGGREGATION_TEMPORALITY_(CUMULATIVE|DELTA)$/.test(settings.aggregation_temporality))
          logger.warn('`aggregation_temporality` is not one that exists; metrics are cumulative.', {
            aggregation_temporality: settings.aggregation_temporality,
          })
        meter.gauge('otelcol_connector_spanmetrics_series', () => kept.size, {}, 'Series that are kept')
        stopTimer = clock.every(settings.metrics_flush_interval, () => flush(false))
        const former = inherited
        inherited = undefined
        if (former !== undefined) void outgoing.send(former.count, () => former)
      },
      traces: async (batch) => {
        for (const early of aggregation.add(batch, clock.nowUnixNano())) await sendSnapshot(early)
      },
      save: async () => {
        stopTimer?.()
        isHandedOn = true
        await outgoing.settled()
        return saveState(kept, plan, clock)
      },
      restore: async (state) => {
        inherited = restoreState(state, kept, plan)
      },
      shutdown: async (deadline) => {
        stopTimer?.()
        if (isStarted && !isHandedOn) void flush(true)
        isHandedOn = true
        await beforeDeadline(outgoing.settled(), deadline)
      },
    }
  },
})

function tallyOf(context: Context): Tally {
  const { meter } = context
  const name = (rest: string) => `otelcol_connector_spanmetrics_${rest}`
  const overflows = meter.counter(name('overflows'), 'Spans and events counted in a series for what overflowed')
  const evicted = meter.counter(name('evicted_resources'), 'Resources forgotten because there were too many')
  const expired = meter.counter(name('expired_series'), 'Series forgotten because no span came')
  return {
    overflowed: (limit) => overflows.add(1, { limit }),
    evictedResource: () => evicted.add(1),
    expiredSeries: (count) => expired.add(count),
    nameless: (spans) => context.dropped(spans, 'no_service_name', 'intended'),
  }
}
