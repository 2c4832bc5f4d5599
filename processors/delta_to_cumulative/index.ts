import { defineProcessor } from '../../pipeline/component.ts'
import { rewriteMetrics } from '../../pipeline/data/metric-rewrite.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import { metricId, placeId } from '../../pipeline/streams/identity.ts'
import { config } from './config.ts'
import { newTally, type Tally } from './tally.ts'
import { Totals } from './totals.ts'

const sweepMs = 60_000
const noRecordedValue = 1

export default defineProcessor({
  type: 'delta_to_cumulative',
  aliases: ['deltatocumulative'],
  config,
  signals: { metrics: 'alpha' },
  placement: { by: 'series' },
  create(settings, context) {
    const { clock, logger, meter } = context
    const { max_stale: staleMs, max_streams } = settings
    const totals = new Totals(max_streams)
    const tally = newTally(context)
    let stopSweeping = () => {}
    return {
      start: async () => {
        const name = (rest: string) => `otelcol_deltatocumulative_${rest}`
        meter.gauge(name('streams_limit'), () => max_streams, {}, 'upper limit of tracked streams')
        meter.gauge(
          name('streams_max_stale'),
          () => Math.trunc(staleMs / 1_000),
          {},
          'duration after which streams inactive streams are dropped',
        )
        meter.gauge(name('streams_tracked'), () => totals.size, {}, 'number of streams tracked')
        stopSweeping = clock.every(sweepMs, () => totals.forgetBefore(clock.nowMs() - staleMs))
      },
      metrics(batch) {
        const nowMs = clock.nowMs()
        const cumulative = rewriteMetrics(batch, (group) => {
          let place: string | undefined
          const emptied = new Set<MetricRewrite>()
          for (const metric of group.metrics) {
            if (metric.temporality !== 'delta') continue
            place ??= placeId(group)
            if (!addUp(metric, place, totals, tally, nowMs)) emptied.add(metric)
          }
          if (emptied.size > 0) group.metrics = group.metrics.filter((metric) => !emptied.has(metric))
        })
        tally.flush()
        return cumulative
      },
      shutdown: async () => stopSweeping(),
      save: async () => totals.save(clock.nowMs()),
      async restore(state) {
        const forgotten = totals.restore(state, clock.nowMs())
        if (forgotten > 0)
          logger.warn('max_streams is lower than before the reload; some streams begin anew.', { forgotten })
      },
    }
  },
})

/** Whether a point is left. */
function addUp(metric: MetricRewrite, place: string, totals: Totals, tally: Tally, nowMs: number): boolean {
  const id = place + metricId(metric)
  const { points } = metric
  let kept = 0
  for (const point of points) {
    // It says that there is nothing to add, and goes on to say so.
    const outcome = (point.flags & noRecordedValue) !== 0 ? 'added' : totals.add(id, point, nowMs)
    tally.count(outcome)
    if (outcome === 'added') points[kept++] = point
  }
  points.length = kept
  metric.temporality = 'cumulative'
  return kept > 0
}
