import { type Context, defineProcessor, Rejected } from '../../pipeline/component.ts'
import type { Batch, Logs } from '../../pipeline/data/telemetry.ts'
import { StatementFailed } from '../../pipeline/ottl/failures.ts'
import type { Host } from '../../pipeline/ottl/frame.ts'
import { Runner, type SharedCaches } from '../../pipeline/ottl/run.ts'
import { compileStatementGroup, type Transformed } from './compile.ts'
import { type Config, config } from './config.ts'
import { flatten, regroup } from './flatten.ts'

const flattenGate = 'transform.flatten.logs'

export default defineProcessor({
  type: 'transform',
  config,
  signals: { traces: 'beta', metrics: 'beta', logs: 'beta', profiles: 'development' },
  placement: 'each',
  create(settings, context) {
    const logs = newTransform<Logs>('logs', settings, context)
    return {
      traces: newTransform('traces', settings, context),
      metrics: newTransform('metrics', settings, context),
      logs: isFlat(settings, context) ? (batch) => regroup(logs(flatten(batch))) : logs,
      profiles: (batch) => batch,
    }
  },
})

function newTransform<B extends Batch>(signal: Transformed, settings: Config, context: Context): (batch: B) => B {
  if (!context.signals.has(signal)) return (batch) => batch
  const { clock, random, logger } = context
  const host: Host = { nowUnixNano: () => clock.nowUnixNano(), random }
  const groups = groupsOf(signal, settings).map(({ errorMode, sharesCache, ...group }) => ({
    runner: new Runner(compileStatementGroup(signal, group), { host, errorMode, logger }),
    sharesCache,
  }))
  return (batch) => {
    const caches: SharedCaches = new Map()
    try {
      let changed = batch
      for (const { runner, sharesCache } of groups) changed = runner.run(changed, sharesCache ? caches : undefined)
      return changed
    } catch (cause) {
      // Retryable as upstream: the sender keeps the payload while somebody mends the statement.
      if (cause instanceof StatementFailed) throw new Rejected(cause.message, { retryable: true, cause })
      throw cause
    }
  }
}

/** In the order in which they run: statements that stand alone are the last. */
function groupsOf(signal: Transformed, settings: Config) {
  const { trace_statements, metric_statements, log_statements, error_mode: errorMode } = settings
  const all = { traces: trace_statements, metrics: metric_statements, logs: log_statements }[signal]
  const groups = all
    .filter((one) => typeof one === 'object' && one !== null)
    .map(({ error_mode, shared_cache: sharesCache, ...group }) => ({
      ...group,
      errorMode: error_mode ?? errorMode,
      sharesCache,
    }))
  const statements = all.filter((one) => typeof one === 'string')
  const alone = { context: '', conditions: [], statements, errorMode, sharesCache: false } as const
  return statements.length > 0 ? [...groups, alone] : groups
}

function isFlat({ flatten_data, flatten }: Config, { engine }: Context): boolean {
  if (!flatten_data && !flatten.log) return false
  if (engine.featureGates.some(({ id, enabled }) => id === flattenGate && enabled)) return true
  const key = flatten_data ? 'flatten_data' : 'flatten.log'
  throw new Error(
    `'${key}' requires the '${flattenGate}' feature gate to be enabled; start with --feature-gates=${flattenGate}`,
  )
}
