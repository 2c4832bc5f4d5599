import { defineConnector } from '../../pipeline/component.ts'
import { config } from './config.ts'
import { LogCounts } from './counts.ts'
import type { ResourceSeries } from './series.ts'
import { writeMetrics } from './write.ts'

export default defineConnector({
  type: 'log_metrics',
  config,
  signals: { 'logs to metrics': 'alpha' },
  create(settings, context) {
    const { clock, meter, logger } = context
    const counts = new LogCounts(settings, context)
    let sending: Promise<void> = Promise.resolve()
    let stopTimer: (() => void) | undefined

    /** Records were accepted when they were counted: what is refused now is lost to nobody who could send it again. */
    const send = async (resources: readonly ResourceSeries[]): Promise<void> => {
      const metrics = writeMetrics(resources)
      for (const resource of resources) counts.clear(resource)
      try {
        await context.emit.metrics(metrics)
      } catch (error) {
        context.dropped(metrics.count, 'refused_downstream', 'lost')
        logger.error('The next component refused the counts of log records.', { error, points: metrics.count })
      }
    }
    const flush = (): Promise<void> => {
      const byOrigin = Map.groupBy(counts.take(), ({ origin }) => context.originKey(origin))
      for (const resources of byOrigin.values()) {
        const sent = send(resources)
        sending = sending.then(() => sent)
      }
      return sending
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
        await sending
        return counts.handOn()
      },
      restore: async (state) => counts.restore(state),
      shutdown: async (deadline) => {
        stopTimer?.()
        stopTimer = undefined
        await Promise.race([flush(), aborted(deadline)])
      },
    }
  },
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
