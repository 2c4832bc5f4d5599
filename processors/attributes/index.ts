import { compileActions, readsOfActions } from '../../pipeline/attributes/compile-actions.ts'
import { defineProcessor } from '../../pipeline/component.ts'
import { skipLogs, skipMetrics, skipSpans } from '../../pipeline/filterset/skip.ts'
import { config } from './config.ts'

export default defineProcessor({
  type: 'attributes',
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta' },
  placement: 'each',
  reads: ({ actions }) => readsOfActions(actions),
  create(settings, { signals }) {
    const apply = compileActions(settings.actions)
    // What may stand in `include` and `exclude` depends on the signal, so only those that arrive here are asked.
    const skipsSpan = signals.has('traces') ? skipSpans(settings) : undefined
    const skipsRecord = signals.has('logs') ? skipLogs(settings) : undefined
    const skipsMetric = signals.has('metrics') ? skipMetrics(settings) : undefined
    return {
      traces: (batch) =>
        batch.edit((span) => {
          if (!skipsSpan?.(span)) apply(span.attributes, batch.origin)
        }),
      logs: (batch) =>
        batch.edit((record) => {
          if (!skipsRecord?.(record)) apply(record.attributes, batch.origin)
        }),
      metrics: (batch) =>
        batch.edit((point) => {
          if (!skipsMetric?.(point.metric)) apply(point.attributes, batch.origin)
        }),
    }
  },
})
