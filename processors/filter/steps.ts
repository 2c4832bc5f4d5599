/** The conditions of a configuration as steps over a batch, each a walk. */
import type { Context } from '../../pipeline/component.ts'
import type { ErrorMode } from '../../pipeline/ottl/compile.ts'
import { Conditions } from '../../pipeline/ottl/conditions.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { Failures } from '../../pipeline/ottl/failures.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import { compileList, type Filtered } from './compile.ts'
import type { Config } from './config.ts'

export type Test = (frame: Frame) => boolean

/** What goes, by level: an item is a span, a metric or a log record, a part is a span event or a data point. */
export interface Step {
  readonly resource: readonly Test[]
  readonly scope: readonly Test[]
  readonly item: readonly Test[]
  readonly part: readonly Test[]
}

const levels = {
  resource: 'resource',
  scope: 'scope',
  span: 'item',
  metric: 'item',
  log: 'item',
  spanevent: 'part',
  datapoint: 'part',
  // Refused before: no signal of this processor has it.
  exemplar: 'part',
} as const satisfies Record<ContextName, keyof Step>

/** Conditions that the user wrote as one list. */
interface List {
  readonly conditions: readonly string[]
  readonly context: ContextName | ''
  readonly errorMode: ErrorMode
}

/** In order; empty = there are no conditions for this signal. */
export function conditionSteps(
  signal: Filtered,
  settings: Config,
  { logger }: Pick<Context, 'logger'>,
): readonly Step[] {
  const groups = groupsOf(signal, settings)
  const isGrouped = groups.length > 0
  const steps: Step[] = []
  let open: Record<keyof Step, Test[]> | undefined
  for (const { conditions, context, errorMode } of isGrouped ? groups : listsOf(signal, settings)) {
    // A group after one that takes parts of items away sees what is left. Else one walk does for both.
    if (open === undefined || (isGrouped && open.part.length > 0))
      steps.push((open = { resource: [], scope: [], item: [], part: [] }))
    const failures = new Failures(errorMode, logger, 'condition')
    for (const group of compileList(signal, conditions, context)) {
      const tested = new Conditions(group.items, errorMode, failures)
      open[levels[group.context]].push((frame) => tested.test(frame))
    }
  }
  return steps
}

function groupsOf(signal: Filtered, settings: Config): readonly List[] {
  const { trace_conditions, metric_conditions, log_conditions, error_mode: errorMode } = settings
  const all = { traces: trace_conditions, metrics: metric_conditions, logs: log_conditions }[signal]
  const flat = all.filter((one) => typeof one === 'string')
  const groups = all
    .filter((one) => typeof one === 'object' && one !== null)
    .map(({ conditions, context, error_mode }) => ({ conditions, context, errorMode: error_mode ?? errorMode }))
  return flat.length > 0 ? [{ conditions: flat, context: '', errorMode }, ...groups] : groups
}

function listsOf(signal: Filtered, { error_mode: errorMode, traces, metrics, logs }: Config): readonly List[] {
  const lists = {
    traces: { resource: traces.resource, span: traces.span, spanevent: traces.spanevent },
    metrics: { resource: metrics.resource, metric: metrics.metric, datapoint: metrics.datapoint },
    logs: { resource: logs.resource, log: logs.log_record },
  }[signal]
  return Object.entries(lists).flatMap(([context, conditions]) =>
    conditions === undefined ? [] : { conditions, context: context as ContextName, errorMode },
  )
}
