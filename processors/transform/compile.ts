/** Groups of OTTL statements, compiled for one signal. */
import type { z } from 'zod'
import { type ConditionalGroup, compileGroup } from '../../pipeline/ottl/compile.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { reportProblems } from '../../pipeline/ottl/fields.ts'
import { hasOnDatapoint } from '../../pipeline/ottl/functions/datapoints.ts'
import type { FunctionSpec } from '../../pipeline/ottl/functions/signature.ts'
import { transformFunctions } from './functions.ts'

export const contextsOf = {
  traces: ['resource', 'scope', 'span', 'spanevent'],
  metrics: ['resource', 'scope', 'metric', 'datapoint', 'exemplar'],
  logs: ['resource', 'scope', 'log'],
} as const
export type Transformed = keyof typeof contextsOf

export interface StatementGroup {
  readonly context: ContextName | ''
  readonly conditions: readonly string[]
  readonly statements: readonly string[]
}

function functionsIn(context: ContextName): readonly FunctionSpec[] {
  return [...transformFunctions(context), ...hasOnDatapoint(context)]
}

/** With the context '' the paths of the group tell it. Throws a CompileError with all that is wrong. */
export function compileStatementGroup(
  signal: Transformed,
  { context, conditions, statements }: StatementGroup,
): ConditionalGroup {
  const options = { contexts: contextsOf[signal], functions: functionsIn }
  return compileGroup(statements, conditions, context === '' ? 'infer' : context, options)
}

export function checkGroup(report: z.RefinementCtx, signal: Transformed, group: StatementGroup): void {
  const count = group.statements.length
  reportProblems(
    report,
    (i) => (i < count ? ['statements', i] : ['conditions', i - count]),
    () => void compileStatementGroup(signal, group),
  )
}

/** Items of a list: statements that stand alone are one group, the last; their problems are told at the item. */
export function checkList(report: z.RefinementCtx, key: string, signal: Transformed, items: readonly unknown[]): void {
  const say = (i: number, message: string) => report.addIssue({ code: 'custom', path: [i], message })
  const places: number[] = []
  const statements: string[] = []
  for (const [i, item] of items.entries()) {
    if (item === null) say(i, `invalid ${key} item: empty statement list items are not supported`)
    else if (typeof item === 'string') {
      places.push(i)
      statements.push(item)
    } else if (statements.length > 0) say(i, mixedStyles)
  }
  if (statements.length === 0) return
  reportProblems(
    report,
    (i) => [places[i] ?? 0],
    () => void compileStatementGroup(signal, { context: '', conditions: [], statements }),
  )
}

const mixedStyles =
  'configuring multiple configuration styles is not supported, please use only Basic configuration or only Advanced configuration'
