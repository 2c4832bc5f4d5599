import { z } from 'zod'
import { attributeValue, list, optional } from '../../pipeline/config/fields.ts'
import { compileConditions, compileValue } from '../../pipeline/ottl/compile.ts'
import { errorMode, reportProblems } from '../../pipeline/ottl/fields.ts'
import { contexts, type Kind, optionsOf } from './language.ts'

const attribute = z.strictObject({
  key: z.string().default('').describe('The name of the attribute.'),
  keys_expression: z.string().default('').describe('Instead of `key`: OTTL that gives a list of names.'),
  optional: z.boolean().default(false).describe('Items that lack it count too, without it.'),
  default_value: attributeValue().describe('Items that lack it count as if they had this.'),
})
export type AttributeConfig = z.output<typeof attribute>

const value = (what: string) => z.string().default('').describe(`OTTL that gives ${what}, an int or a double.`)
const count = z.string().default('').describe('OTTL that gives how often; 1 without it.')

const histogram = z.strictObject({
  buckets: z
    .array(z.number())
    .default([])
    .describe('The upper bounds of the buckets; 2 to 15000 where there are none.'),
  count,
  value: value('the value'),
})
const exponential = z.strictObject({
  max_size: z.int().default(160).describe('How many buckets there may be, for positive and for negative values.'),
  count,
  value: value('the value'),
})
const sum = z.strictObject({
  value: value('what is added'),
  monotonic: z.boolean().default(false).describe('Whether the sum only grows.'),
})
const gauge = z.strictObject({ value: value('the value; the last one of a batch stays') })

const metric = z.strictObject({
  name: z.string().default('').describe('The name of the metric.'),
  description: z.string().default('').describe('Its description.'),
  unit: z.string().default('').describe('Its unit.'),
  include_resource_attributes: z
    .array(attribute)
    .default([])
    .describe('The attributes of the resource that the metric keeps; none = all.'),
  attributes: z
    .array(attribute)
    .default([])
    .describe('One data point for each combination of their values; items that lack one are left out.'),
  conditions: list(z.string()).default([]).describe('OTTL conditions, of which one must hold; none = all items.'),
  histogram: optional(histogram, 'off').describe('A histogram with fixed buckets.'),
  exponential_histogram: optional(exponential, 'off').describe('An exponential histogram.'),
  sum: optional(sum, 'off').describe('A sum.'),
  gauge: optional(gauge, 'off').describe('A gauge.'),
})
export type MetricConfig = z.output<typeof metric>

const section = (what: string) => z.array(metric).default([]).describe(`Metrics of ${what}.`)

export const config = z
  .strictObject({
    spans: section('spans'),
    datapoints: section('data points'),
    logs: section('log records'),
    error_mode: errorMode()
      .default('propagate')
      .describe('When OTTL fails on an item: `propagate` refuses the batch, `ignore` logs it, `silent` does not.'),
  })
  .superRefine((settings, context) => {
    const kinds = Object.keys(contexts) as Kind[]
    if (kinds.every((kind) => settings[kind].length === 0))
      context.addIssue({ code: 'custom', message: 'no configuration provided, at least one should be specified' })
    for (const kind of kinds) for (const [at, one] of settings[kind].entries()) checkMetric(kind, at, one, context)
  })
export type Config = z.output<typeof config>

function checkMetric(kind: Kind, at: number, one: MetricConfig, context: z.RefinementCtx<unknown>): void {
  const problem = problemOf(one)
  if (problem !== undefined) {
    const message = `failed to validate ${kind} configuration: ${problem}`
    context.addIssue({ code: 'custom', path: [kind, at], message })
  }
  const compile = (path: readonly (string | number)[], text: string) => {
    if (text === '') return
    reportProblems(
      context,
      () => [kind, at, ...path],
      () => compileValue(text, contexts[kind], optionsOf),
    )
  }
  reportProblems(
    context,
    (index) => [kind, at, 'conditions', index],
    () => compileConditions(one.conditions, contexts[kind], optionsOf),
  )
  for (const type of ['histogram', 'exponential_histogram', 'sum', 'gauge'] as const) {
    const of = one[type]
    if (of === undefined) continue
    compile([type, 'value'], of.value)
    if ('count' in of) compile([type, 'count'], of.count)
  }
  for (const where of ['attributes', 'include_resource_attributes'] as const)
    for (const [i, { keys_expression }] of one[where].entries()) compile([where, i, 'keys_expression'], keys_expression)
}

/** The first one, in upstream's order and words. */
function problemOf(one: MetricConfig): string | undefined {
  const { name, histogram: explicit, exponential_histogram, sum: added, gauge: measured } = one
  if (name === '') return 'missing required metric name configuration'
  for (const where of ['include_resource_attributes', 'attributes'] as const) {
    const problem = attributesProblem(one[where], where)
    if (problem !== undefined) return `${where} validation failed: ${problem}`
  }
  if (explicit?.value === '') return 'histogram validation failed: value OTTL statement is required'
  if (exponential_histogram !== undefined) {
    const { max_size, value: text } = exponential_histogram
    if (max_size !== 0 && (max_size < 2 || max_size > 16_384))
      return `histogram validation failed: invalid histogram size: ${max_size}`
    if (text === '') return 'histogram validation failed: value OTTL statement is required'
  }
  if (added?.value === '') return 'sum validation failed: value must be defined for sum metrics'
  if (measured?.value === '') return 'gauge validation failed: value must be defined for gauge metrics'
  if (
    measured?.value.includes('ExtractGrokPatterns') &&
    !/ExtractGrokPatterns\([^)]*\)\s*\[[^\]]+\]/.test(measured.value)
  )
    return 'ExtractGrokPatterns: a single key selector[key] is required for signal to gauge'
  const metrics = [explicit, exponential_histogram, added, measured].filter((of) => of !== undefined).length
  return metrics === 1 ? undefined : `exactly one of the metrics must be defined, ${metrics} found`
}

function attributesProblem(attributes: readonly AttributeConfig[], label: string): string | undefined {
  const keys = new Set<string>()
  for (const { key, keys_expression, optional: isOptional, default_value } of attributes) {
    if ((key === '') === (keys_expression === ''))
      return `exactly one of key or keys_expression must be set for ${label}`
    if (key !== '' && keys.has(key)) return `duplicate key found in ${label} config: ${key}`
    if (key !== '') keys.add(key)
    if (default_value !== undefined && isOptional)
      return `only one of default_value or optional should be set for ${label}`
  }
  return undefined
}
