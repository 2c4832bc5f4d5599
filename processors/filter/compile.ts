/** Lists of OTTL conditions, compiled for one signal. */
import type { z } from 'zod'
import { type CompiledCondition, compileConditions, type Group } from '../../pipeline/ottl/compile.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { reportProblems } from '../../pipeline/ottl/fields.ts'
import { hasOnDatapoint } from '../../pipeline/ottl/functions/datapoints.ts'
import { CompileError, type Problem } from '../../pipeline/ottl/problems.ts'

export const contextsOf = {
  traces: ['resource', 'scope', 'span', 'spanevent'],
  metrics: ['resource', 'scope', 'metric', 'datapoint'],
  logs: ['resource', 'scope', 'log'],
} as const
export type Filtered = keyof typeof contextsOf

/** With the context '' each condition is of the one that its paths tell. Throws a CompileError with all that is wrong. */
export function compileList(
  signal: Filtered,
  conditions: readonly string[],
  context: ContextName | '',
): readonly Group<CompiledCondition>[] {
  const options = { functions: hasOnDatapoint, contexts: contextsOf[signal] }
  if (context !== '') return [compileConditions(conditions, context, options)]
  const problems: Problem[] = []
  const groups = conditions.flatMap((condition, i) => {
    try {
      return compileConditions([condition], 'infer', options)
    } catch (error) {
      if (!(error instanceof CompileError)) throw error
      problems.push(...error.problems.map((problem) => ({ ...problem, statement: i })))
      return []
    }
  })
  if (problems.length > 0) throw new CompileError(problems)
  return groups
}

/** The same, of a configuration that is being checked; `path` leads to the list. */
export function checkList(
  report: z.RefinementCtx,
  path: readonly string[],
  signal: Filtered,
  conditions: readonly string[],
  context: ContextName | '',
): void {
  reportProblems(
    report,
    (i) => [...path, i],
    () => compileList(signal, conditions, context),
  )
}

/** Of one that stands alone. */
export function checkCondition(report: z.RefinementCtx, signal: Filtered, condition: string): void {
  reportProblems(
    report,
    () => [],
    () => compileList(signal, [condition], ''),
  )
}
