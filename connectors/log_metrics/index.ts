import { defineConnector } from '../../pipeline/component.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { SentLater } from '../../pipeline/sent-later.ts'
import { config } from './config.ts'
import { LogCounts } from './counts.ts'
import { writeMetrics } from './write.ts'

export default defineConnector({
  type: 'log_metrics',
  config,
  signals: { 'logs to metrics': 'alpha' },
  create(settings, context) {
    const { clock, meter } = context
    const counts = new LogCounts(settings, context)
    const outgoing = new SentLater(context, 'counts of log records')
    let stopTimer: (() => void) | undefined

    const flush = (): Promise<void> => {
      for (const resources of Map.groupBy(counts.take(), ({ origin }) => context.originKey(origin)).values()) {
        const metrics = writeMetrics(resources)
        for (const resource of resources) counts.clear(resource)
        void outgoing.send(metrics.count, () => metrics)
      }
      return outgoing.settled()
    }

    return {
      start: async () => {
        meter.gauge(
          'otelcol_connector_log_metrics_series',
          () => counts.size,
          {},
          'Templates that are kept, by severity.',
        )
        stopTimer = clock.every(settings.flush_interval, flush)
      },
      logs: async (batch) => {
        counts.add(batch)
        if (counts.isFull) await flush()
      },
      save: async () => {
        stopTimer?.()
        stopTimer = undefined
        await outgoing.settled()
        return counts.handOn()
      },
      restore: async (state) => counts.restore(state),
      shutdown: async (deadline) => {
        stopTimer?.()
        stopTimer = undefined
        await beforeDeadline(flush(), deadline)
      },
    }
  },
})
