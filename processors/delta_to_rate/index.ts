import { defineProcessor } from '../../pipeline/component.ts'
import { readDouble } from '../../pipeline/data/any-value.ts'
import { rewriteMetrics } from '../../pipeline/data/metric-rewrite.ts'
import type { PointRewrite } from '../../pipeline/data/rewritten-point.ts'
import { isDouble } from '../../pipeline/data/value.ts'
import { config } from './config.ts'
import { rate } from './rate.ts'

export default defineProcessor({
  type: 'delta_to_rate',
  aliases: ['deltatorate'],
  config,
  signals: { metrics: 'alpha' },
  placement: 'each',
  create(settings, { logger }) {
    const names = new Set(settings.metrics)
    const told = new Set<string>()
    return {
      metrics: (batch) =>
        rewriteMetrics(batch, ({ metrics }) => {
          for (const metric of metrics) {
            if (!names.has(metric.name)) continue
            if (metric.type !== 'sum' || metric.temporality !== 'delta') {
              if (told.has(metric.name)) continue
              told.add(metric.name)
              logger.info('A configured metric is not a delta sum; it goes on as it is.', { metric: metric.name })
              continue
            }
            for (const point of metric.points) setRate(point)
            metric.type = 'gauge'
            if (metric.unit !== '') metric.unit += '/s'
          }
        }),
    }
  },
})

/** A point without a value has no rate, and stays without one. Upstream refuses the whole batch for it. */
function setRate(point: PointRewrite): void {
  const { value, startUnixNano, timeUnixNano } = point
  if (value === undefined) return
  point.value = readDouble(rate(isDouble(value) ? value.double : Number(value), startUnixNano, timeUnixNano))
}
