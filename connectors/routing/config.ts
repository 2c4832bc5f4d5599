import { z } from 'zod'
import { pipelineId } from '../../pipeline/config/fields.ts'
import { errorMode, explain } from '../../pipeline/ottl/fields.ts'
import type { CompileError } from '../../pipeline/ottl/problems.ts'
import { compileRule } from './compile.ts'
import { parseRequestCondition } from './request.ts'

const contextNames = ['', 'request', 'otelcol', 'resource', 'span', 'metric', 'datapoint', 'log'] as const
const actions = ['move', 'copy'] as const

const item = z.strictObject({
  context: z
    .enum(contextNames, { error: ({ input }) => `invalid context: ${String(input)}` })
    .default('')
    .describe(
      'What is asked one by one: `resource`, `span`, `metric`, `datapoint`, `log`, or the whole request (`otelcol`, `request`); without it the paths tell.',
    ),
  condition: z.string().default('').describe('What holds for data that takes this route, in OTTL.'),
  statement: z
    .string()
    .default('')
    .describe('The same as a statement: `route() where ...`, or `delete_key(...) where ...` to edit what is routed.'),
  action: z
    .enum(actions, { error: ({ input }) => `invalid Action string: ${String(input)}` })
    .default('move')
    .describe('`move`: no later route sees the data. `copy`: the others still do.'),
  pipelines: z.array(pipelineId()).default([]).describe('Where the data goes: to each of them.'),
})
export type TableItem = z.output<typeof item>

export const config = z
  .strictObject({
    error_mode: errorMode()
      .default('ignore')
      .describe(
        'Data for which a condition fails: `ignore` logs it and asks the next route, `silent` does so without the log line, `propagate` refuses the payload.',
      ),
    default_pipelines: z
      .array(pipelineId())
      .default([])
      .describe('Where data goes that no route has taken; without them it is dropped.'),
    table: z.array(item).default([]).describe('The routes, in order.'),
  })
  .superRefine(({ table }, report) => {
    if (table.length === 0)
      report.addIssue({ code: 'custom', path: ['table'], message: 'invalid routing table: the routing table is empty' })
    for (const [i, one] of table.entries()) {
      const problem = shapeProblem(one)
      if (problem !== undefined) report.addIssue({ code: 'custom', path: ['table', i], message: problem })
      else
        for (const { key, message } of textProblems(one))
          report.addIssue({ code: 'custom', path: ['table', i, key], message })
    }
  })
export type Config = z.output<typeof config>

/** In upstream's words. */
function shapeProblem({ context, condition, statement, pipelines }: TableItem): string | undefined {
  if (statement === '' && condition === '') return 'invalid route: no condition or statement provided'
  if (statement !== '' && condition !== '') return 'invalid route: both condition and statement provided'
  if (pipelines.length === 0) return 'invalid route: no pipelines defined'
  if (context === 'request' && statement !== '') return `"request" context requires a 'condition'`
  return undefined
}

function textProblems(one: TableItem): { readonly key: string; readonly message: string }[] {
  const key = one.condition === '' ? 'statement' : 'condition'
  if (one.context === 'request') {
    const parsed = parseRequestCondition(one.condition)
    return 'problem' in parsed ? [{ key, message: parsed.problem }] : []
  }
  try {
    compileRule(one)
    return []
  } catch (error) {
    if (!(error instanceof Error && 'problems' in error)) throw error
    return (error as CompileError).problems.map((problem) => ({ key, message: explain(problem) }))
  }
}
