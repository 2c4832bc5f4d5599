import { z } from 'zod'
import { contextName, errorMode } from '../../pipeline/ottl/fields.ts'
import { checkGroup, checkList, contextsOf, type Transformed } from './compile.ts'

function statementsOf(key: string, signal: Transformed) {
  const group = z
    .strictObject({
      context: contextName(contextsOf[signal])
        .default('')
        .describe('Of paths that name none; without it the paths of the group tell it.'),
      conditions: z
        .array(z.string())
        .default([])
        .describe('The statements run where one of them holds; everywhere without any.'),
      statements: z.array(z.string()).default([]).describe('What is done to each item, in order.'),
      error_mode: errorMode().optional().describe('For this group, instead of the one of the processor.'),
      shared_cache: z
        .boolean()
        .default(false)
        .describe(
          '`cache` lasts for the whole payload, and is the same for all such groups of a context; otherwise it is empty for each item.',
        ),
    })
    .superRefine((settings, report) => checkGroup(report, signal, settings))
  return z
    .array(z.union([z.string(), group, z.null()]))
    .superRefine((items, report) => checkList(report, key, signal, items))
    .default([])
}

export const config = z.strictObject({
  error_mode: errorMode()
    .default('ignore')
    .describe(
      'A statement that fails on an item: `ignore` logs it and goes on, `silent` goes on, `propagate` refuses the payload.',
    ),
  trace_statements: statementsOf('trace_statements', 'traces').describe(
    'What is done to traces: statements, or groups of them.',
  ),
  metric_statements: statementsOf('metric_statements', 'metrics').describe(
    'What is done to metrics: statements, or groups of them.',
  ),
  log_statements: statementsOf('log_statements', 'logs').describe(
    'What is done to logs: statements, or groups of them.',
  ),
  profile_statements: z
    .array(z.unknown())
    .max(0, 'profiles pass through this build unopened, so that no statement can change them; remove it')
    .optional()
    .describe('Not in this build: it must be empty.'),
  flatten_data: z.boolean().default(false).describe('Former name of `flatten.log`.'),
  flatten: z
    .strictObject({
      log: z
        .boolean()
        .default(false)
        .describe(
          'Each log record has a resource and a scope of its own while the statements run; equal ones are one again afterwards. Needs the feature gate `transform.flatten.logs`.',
        ),
    })
    .prefault({})
    .describe('What is taken apart before the statements run.'),
})
export type Config = z.output<typeof config>
