import { defineProcessor, held } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { WaitingPoints } from './waiting.ts'

export default defineProcessor({
  type: 'interval',
  config,
  signals: { metrics: 'alpha' },
  placement: { by: 'series' },
  create(settings, context) {
    const waiting = new WaitingPoints(settings, context)
    let stop = () => {}
    return {
      start: async () => {
        context.meter.gauge(
          'otelcol_processor_interval_streams',
          () => waiting.size,
          {},
          'Number of metric streams whose last point waits for the end of the interval.',
        )
        stop = context.clock.every(settings.interval, () => waiting.release())
      },
      metrics(batch) {
        const rest = waiting.take(batch)
        return rest.count === 0 && batch.count > 0 ? held : rest
      },
      async shutdown(deadline) {
        stop()
        await waiting.drain(deadline)
      },
      save: async () => waiting.save(),
      restore: async (state) => waiting.restore(state),
    }
  },
})
