import { defineProcessor } from '../../pipeline/component.ts'
import { Adjuster } from './adjust.ts'
import { config, type Strategy } from './config.ts'
import { processStart } from './process-start.ts'
import { StartTimes } from './start-times.ts'

export default defineProcessor({
  type: 'metric_start_time',
  aliases: ['metricstarttime'],
  config,
  signals: { metrics: 'beta' },
  create(settings, context) {
    const { clock, engine, logger, meter } = context
    const { max_streams } = settings
    const streams = new StartTimes(max_streams, settings.gc_interval, clock.nowMs())
    const startOf = processStart(settings.start_time_metric_regex, engine.startedUnixNano)
    const adjuster = new Adjuster(settings.strategy as Strategy, streams, startOf)
    const unadjusted = meter.counter(
      'otelcol_processor_metric_start_time_unadjusted_datapoints',
      'Number of datapoints that went on without a start time because max_streams are remembered.',
    )
    let isTold = false
    return {
      start: async () => {
        meter.gauge(
          'otelcol_processor_metric_start_time_streams',
          () => streams.size,
          {},
          'Number of metric streams whose start time is remembered.',
        )
      },
      metrics(batch) {
        const { batch: adjusted, taken, left } = adjuster.adjust(batch)
        streams.collect(clock.nowMs())
        if (taken > 0) context.dropped(taken, 'initial', 'intended')
        if (left > 0) {
          unadjusted.add(left)
          if (!isTold)
            logger.warn('max_streams are remembered; points of further streams go on as they are.', { max_streams })
          isTold = true
        }
        return adjusted
      },
      save: async () => streams.save(),
      async restore(state) {
        const forgotten = streams.restore(state)
        if (forgotten > 0)
          logger.warn('max_streams is lower than before the reload; some streams begin anew.', { forgotten })
      },
    }
  },
})
