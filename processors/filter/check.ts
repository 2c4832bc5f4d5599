/** What is wrong with a configuration beyond its types and conditions: forms that exclude each other. */
import type { z } from 'zod'
import type { Config } from './config.ts'

export function checkConflicts(settings: Config, report: z.RefinementCtx): void {
  for (const [key, message] of conflicts(settings)) report.addIssue({ code: 'custom', path: [key], message })
}

/** In upstream's words. */
function* conflicts(settings: Config): Iterable<readonly [key: string, message: string]> {
  const { traces, metrics, logs, spans } = settings
  const hasTraces = traces.resource ?? traces.span ?? traces.spanevent
  const hasMetrics = metrics.resource ?? metrics.metric ?? metrics.datapoint
  const hasLogs = logs.resource ?? logs.log_record
  const matchesMetrics = metrics.include ?? metrics.exclude
  const matchesLogs = logs.include ?? logs.exclude
  if (settings.trace_conditions.length > 0 && hasTraces)
    yield [
      'trace_conditions',
      'cannot use context inferred trace conditions "trace_conditions" and the settings "traces.resource", "traces.span", "traces.spanevent" at the same time',
    ]
  if (settings.metric_conditions.length > 0 && (hasMetrics ?? matchesMetrics))
    yield [
      'metric_conditions',
      'cannot use context inferred metric conditions "metric_conditions" and the settings "metrics.resource", "metrics.metric", "metrics.datapoint", "metrics.include", "metrics.exclude" at the same time',
    ]
  if (settings.log_conditions.length > 0 && (hasLogs ?? matchesLogs))
    yield [
      'log_conditions',
      'cannot use context inferred log conditions "log_conditions" and the settings "logs.resource", "logs.log", "logs.include", "logs.exclude" at the same time',
    ]
  if (hasTraces && (spans.include ?? spans.exclude))
    yield [
      'traces',
      'cannot use "traces.resource", "traces.span", "traces.spanevent" and the span settings "spans.include", "spans.exclude" at the same time',
    ]
  if (hasMetrics && matchesMetrics)
    yield [
      'metrics',
      'cannot use "metrics.resource", "metrics.metric", "metrics.datapoint" and the settings "metrics.include", "metrics.exclude" at the same time',
    ]
  if (hasLogs && matchesLogs)
    yield [
      'logs',
      'cannot use "logs.resource", "logs.log" and the settings "logs.include", "logs.exclude" at the same time',
    ]
}

/** All are conditions, or all are groups. */
export function checkStyle(items: readonly unknown[], report: z.RefinementCtx): void {
  const isText = typeof items.find((one) => one !== null) === 'string'
  for (const [i, one] of items.entries()) {
    if (one === null) report.addIssue({ code: 'custom', path: [i], message: 'condition cannot be empty' })
    else if ((typeof one === 'string') !== isText) report.addIssue({ code: 'custom', path: [i], message: mixedStyles })
  }
}

const mixedStyles =
  'configuring multiple configuration styles is not supported, please use only Basic configuration or only Advanced configuration'
