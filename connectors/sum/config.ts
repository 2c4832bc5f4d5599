import { z } from 'zod'
import { attributeValue, list } from '../../pipeline/config/fields.ts'
import { compileConditions } from '../../pipeline/ottl/compile.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { reportProblems } from '../../pipeline/ottl/fields.ts'
import { hasOnDatapoint } from '../../pipeline/ottl/functions/datapoints.ts'

const attribute = z.strictObject({
  key: z.string().default('').describe('An attribute of the item.'),
  default_value: attributeValue().describe(
    'What it is where the item lacks it, a string, an int or a double other than `""` and 0; without this, an item that lacks it is left out.',
  ),
})
const metric = z.strictObject({
  description: z.string().default('').describe('The description of the metric.'),
  source_attribute: z
    .string()
    .default('')
    .describe('The attribute whose numbers are added: an int, a double, or a string that reads as one; others are 0.'),
  conditions: list(z.string())
    .default([])
    .describe('OTTL conditions in the context of the items, of which one must hold; none = all items are added.'),
  attributes: z.array(attribute).default([]).describe('One data point for each combination of their values.'),
})
export type MetricConfig = z.output<typeof metric>

const section = (what: string) =>
  z.record(z.string(), metric).default({}).describe(`Metrics that add up an attribute of ${what}, by name.`)

/** The sections, and the OTTL context of each. */
export const contexts = {
  spans: 'span',
  spanevents: 'spanevent',
  metrics: 'metric',
  datapoints: 'datapoint',
  logs: 'log',
} as const satisfies Record<string, ContextName>
export type Kind = keyof typeof contexts

export const config = z
  .strictObject({
    spans: section('spans'),
    spanevents: section('span events'),
    metrics: section('metrics, which have none: these sums are 0'),
    datapoints: section('data points'),
    logs: section('log records'),
  })
  .superRefine((settings, context) => {
    for (const kind of Object.keys(contexts) as Kind[])
      for (const [name, of] of Object.entries(settings[kind])) checkMetric(kind, name, of, context)
  })
export type Config = z.output<typeof config>

function checkMetric(kind: Kind, name: string, of: MetricConfig, context: z.RefinementCtx<unknown>): void {
  const problem = (message: string) => context.addIssue({ code: 'custom', path: [kind, name], message })
  if (name === '') problem(`${kind}: metric name missing`)
  if (of.source_attribute === '') problem(`${kind}: metric source_attribute missing`)
  reportProblems(
    context,
    (at) => [kind, name, 'conditions', at],
    () => compileConditions(of.conditions, contexts[kind], { functions: hasOnDatapoint }),
  )
  if (kind === 'metrics') {
    if (of.attributes.length > 0) problem(`metrics attributes not supported: metric ${JSON.stringify(name)}`)
  } else if (of.attributes.some(({ key }) => key === ''))
    problem(`${kind} attributes: metric ${JSON.stringify(name)}: attribute key missing`)
}
