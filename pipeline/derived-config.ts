/** What the settings of connectors that count or add up items have alike: metrics by name, each with conditions, and attributes to group by. */
import type { z } from 'zod'
import type { Key, Value } from './data/telemetry.ts'
import { key as prepareKey } from './data/value.ts'
import { type CompileOptions, compileConditions } from './ottl/compile.ts'
import { type Conditions, conditionsOf } from './ottl/conditions.ts'
import type { ContextName } from './ottl/contexts/contexts.ts'
import type { Failures } from './ottl/failures.ts'
import { reportProblems } from './ottl/fields.ts'

interface Grouped {
  readonly conditions: readonly string[]
  readonly attributes: readonly { readonly key: string; readonly default_value?: Value | undefined }[]
}
export interface ItemLanguage {
  readonly context: ContextName
  readonly options: CompileOptions
}

/** `kind` is the section of the settings, `name` the metric in it. */
export function checkDerived(
  kind: string,
  name: string,
  { conditions, attributes }: Grouped,
  { context: ottl, options }: ItemLanguage,
  context: z.RefinementCtx<unknown>,
): void {
  const problem = (message: string) => context.addIssue({ code: 'custom', path: [kind, name], message })
  if (name === '') problem(`${kind}: metric name missing`)
  reportProblems(
    context,
    (at) => [kind, name, 'conditions', at],
    () => compileConditions(conditions, ottl, options),
  )
  if (kind === 'metrics') {
    if (attributes.length > 0) problem(`metrics attributes not supported: metric ${JSON.stringify(name)}`)
  } else if (attributes.some(({ key }) => key === ''))
    problem(`${kind} attributes: metric ${JSON.stringify(name)}: attribute key missing`)
}

export interface Grouping {
  readonly attributes: readonly { readonly key: Key; readonly fallback: Value | undefined }[]
  /** Undefined = everything. */
  readonly conditions: Conditions | undefined
}

/** Ready to use. `fallback` says what a default value is good for. */
export function groupingOf(
  { conditions, attributes }: Grouped,
  language: ItemLanguage,
  failures: Failures,
  fallback: (value: Value | undefined) => Value | undefined = (value) => value,
): Grouping {
  const byKey = new Map(attributes.map(({ key, default_value }) => [key, default_value]))
  return {
    attributes: Array.from(byKey, ([key, value]) => ({ key: prepareKey(key), fallback: fallback(value) })),
    conditions: conditionsOf(conditions, language, 'propagate', failures),
  }
}
