import { z } from 'zod'
import { list } from '../../pipeline/config/fields.ts'
import { aggregations } from '../../pipeline/data/aggregate-points.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'

const actions = ['insert', 'update', 'combine', 'group'] as const
const matchTypes = ['strict', 'regexp'] as const
const cases = ['lower', 'upper'] as const
const operations = [
  'add_label',
  'update_label',
  'delete_label_value',
  'toggle_scalar_data_type',
  'experimental_scale_value',
  'aggregate_labels',
  'aggregate_label_values',
] as const

const text = (what: string) => z.string().default('').describe(what)
const aggregationType =
  'How values are aggregated: `sum`, `mean`, `min`, `max`, `median` or `count`; histograms are added.'

const valueAction = z.strictObject({
  value: text('What the label says.'),
  new_value: text('What it says then; `{{version}}` is the version of this program.'),
})
const operation = z.strictObject({
  action: text(
    '`add_label`, `update_label`, `delete_label_value`, `toggle_scalar_data_type`, `experimental_scale_value`, `aggregate_labels` or `aggregate_label_values`.',
  ),
  label: text('The label that it is about.'),
  new_label: text('`update_label`: what it is called then. `add_label`: the label.'),
  label_set: list(z.string())
    .default([])
    .describe('`aggregate_labels`: the labels that stay; points that are then the same become one.'),
  aggregation_type: text(aggregationType),
  aggregated_values: list(z.string())
    .default([])
    .describe('`aggregate_label_values`: these values become `new_value`; points that are then the same become one.'),
  new_value: text(
    'The value that `add_label` and `aggregate_label_values` set; `{{version}}` is the version of this program.',
  ),
  value_actions: z.array(valueAction).default([]).describe('`update_label`: how its values change.'),
  experimental_scale: z.number().default(0).describe('`experimental_scale_value`: values are multiplied by it.'),
  label_value: text('`delete_label_value`: points whose label says this are dropped.'),
})
export type OperationConfig = z.output<typeof operation>

const transform = z.strictObject({
  include: text('The name of the metric, or the RE2 pattern that names match.'),
  match_type: text('`strict` (the default) or `regexp`.'),
  experimental_match_labels: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'Only points with these labels: equal, or matching where `match_type` is `regexp`; empty also where absent.',
    ),
  action: text(
    '`update` the metrics, `insert` changed copies, `combine` them into one, or `group` them under a resource of their own.',
  ),
  new_name: text(
    'The name then. With `regexp`, `$1` and `$name` are what the groups of `include` took; `$$` is a dollar.',
  ),
  group_resource_labels: z
    .record(z.string(), z.string())
    .optional()
    .describe('`group`: the attributes that the new resource has besides.'),
  aggregation_type: text(`\`combine\`. ${aggregationType}`),
  submatch_case: text('`combine`: makes labels from groups of `include` `lower` or `upper`.'),
  operations: z.array(operation).default([]).describe('What is done then, one after another.'),
})
export type TransformConfig = z.output<typeof transform>

export const config = z
  .strictObject({
    transforms: z.array(transform).default([]).describe('What is done, one after another, scope by scope.'),
  })
  .superRefine(({ transforms }, context) => {
    for (const [at, one] of transforms.entries()) {
      const message = problemOf(one)
      if (message !== undefined) context.addIssue({ code: 'custom', path: ['transforms', at], message })
    }
  })
export type Config = z.output<typeof config>

/** The first one, in upstream's order and words. */
function problemOf(transform: TransformConfig): string | undefined {
  const { include, match_type, action, new_name, aggregation_type, submatch_case } = transform
  if (include === '') return 'missing required field "include"'
  if (match_type !== '' && !isOf(matchTypes, match_type)) return mustBeIn('match_type', matchTypes)
  if (match_type === 'regexp') {
    for (const pattern of [include, ...Object.values(transform.experimental_match_labels)]) {
      const problem = patternProblem(pattern)
      if (problem !== undefined) return `"include", ${problem}`
    }
  }
  if (!isOf(actions, action)) return mustBeIn('action', actions)
  const missing = (field: string) => `missing required field "${field}" while "action" is ${action}`
  if ((action === 'insert' || action === 'combine') && new_name === '') return missing('new_name')
  if (action === 'combine' && aggregation_type === '') return missing('aggregation_type')
  if (action === 'group' && transform.group_resource_labels === undefined) return missing('group_resource_labels')
  if (aggregation_type !== '' && !isOf(aggregations, aggregation_type))
    return mustBeIn('aggregation_type', aggregations)
  if (submatch_case !== '' && !isOf(cases, submatch_case)) return mustBeIn('submatch_case', cases)
  for (const [i, operation] of transform.operations.entries()) {
    const problem = operationProblem(operation)
    if (problem !== undefined) return `operation ${i + 1}: ${problem}`
  }
  return undefined
}

function operationProblem({
  action,
  label,
  new_label,
  new_value,
  experimental_scale,
  aggregation_type,
}: OperationConfig): string | undefined {
  if (!isOf(operations, action)) return mustBeIn('action', operations)
  const missing = (field: string) => `missing required field "${field}" while "action" is ${action}`
  if (action === 'update_label' && label === '') return missing('label')
  if (action === 'add_label' && new_label === '') return missing('new_label')
  if (action === 'add_label' && new_value === '') return missing('new_value')
  if (action === 'experimental_scale_value' && experimental_scale === 0) return missing('experimental_scale')
  if (aggregation_type !== '' && !isOf(aggregations, aggregation_type))
    return mustBeIn('aggregation_type', aggregations)
  return undefined
}

function isOf(names: readonly string[], name: string): boolean {
  return names.includes(name)
}

function mustBeIn(field: string, names: readonly string[]): string {
  return `"${field}" must be in [${names.map((name) => `"${name}"`).join(' ')}]`
}

function patternProblem(pattern: string): string | undefined {
  try {
    new Regex(pattern)
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}
