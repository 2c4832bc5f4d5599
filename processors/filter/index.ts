import { type Context, defineProcessor, Rejected } from '../../pipeline/component.ts'
import type { Batch, In, LogRecord, Logs } from '../../pipeline/data/telemetry.ts'
import { StatementFailed } from '../../pipeline/ottl/failures.ts'
import type { Frame, Host } from '../../pipeline/ottl/frame.ts'
import type { Filtered } from './compile.ts'
import { type Config, config } from './config.ts'
import { legacyStep } from './include-exclude.ts'
import { filterItems } from './items.ts'
import { filterMetrics } from './metrics.ts'
import { conditionSteps, type Step } from './steps.ts'
import { filterTraces } from './traces.ts'

export default defineProcessor({
  type: 'filter',
  config,
  signals: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'development' },
  placement: 'each',
  create: (settings, context) => ({
    traces: newFilter('traces', settings, context, filterTraces),
    metrics: newFilter('metrics', settings, context, filterMetrics),
    logs: newFilter('logs', settings, context, filterLogs),
    profiles: (batch) => batch,
  }),
})

const enterLog = (frame: Frame, record: LogRecord & In) => frame.enterLog(record)

function filterLogs(batch: Logs, step: Step, host: Host): Logs {
  return filterItems(batch, step, host, enterLog)
}

const noun = { traces: 'spans', metrics: 'datapoints', logs: 'logs' } as const
const help = {
  traces: 'Number of spans dropped by the filter processor',
  metrics: 'Number of metric data points dropped by the filter processor',
  logs: 'Number of logs dropped by the filter processor',
} as const

function newFilter<B extends Batch>(
  signal: Filtered,
  settings: Config,
  context: Context,
  filter: (batch: B, step: Step, host: Host) => B,
): (batch: B) => B {
  if (!context.signals.has(signal)) return (batch) => batch
  const conditions = conditionSteps(signal, settings, context)
  const legacy = conditions.length > 0 ? undefined : legacyStep(signal, settings)
  const steps = legacy === undefined ? conditions : [legacy]
  if (steps.length === 0) return (batch) => batch
  const { clock, random, meter, id } = context
  const host: Host = { nowUnixNano: () => clock.nowUnixNano(), random }
  const filtered = meter.counter(`otelcol_processor_filter_${noun[signal]}.filtered`, help[signal])
  return (batch) => {
    let kept = batch
    try {
      for (const step of steps) kept = filter(kept, step, host)
    } catch (cause) {
      // Retryable as upstream: the sender keeps the payload while somebody mends the condition.
      if (cause instanceof StatementFailed) throw new Rejected(cause.message, { retryable: true, cause })
      throw cause
    }
    const gone = batch.count - kept.count
    if (gone > 0) {
      filtered.add(gone, { filter: id })
      context.dropped(gone, 'filtered', 'intended')
    }
    return kept
  }
}
