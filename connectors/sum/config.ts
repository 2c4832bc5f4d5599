import { z } from 'zod'
import { attributeValue, list } from '../../pipeline/config/fields.ts'
import { checkDerived, type ItemLanguage } from '../../pipeline/derived-config.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
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

const section = (what: string) =>
  z.record(z.string(), metric).default({}).describe(`Metrics that add up an attribute of ${what}, by name.`)

/** The sections, and the OTTL context of each. */
const contexts = {
  spans: 'span',
  spanevents: 'spanevent',
  metrics: 'metric',
  datapoints: 'datapoint',
  logs: 'log',
} as const satisfies Record<string, ContextName>
export type Kind = keyof typeof contexts

export function languageOf(kind: Kind): ItemLanguage {
  return { context: contexts[kind], options: { functions: hasOnDatapoint } }
}

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
      for (const [name, of] of Object.entries(settings[kind])) {
        if (of.source_attribute === '')
          context.addIssue({ code: 'custom', path: [kind, name], message: `${kind}: metric source_attribute missing` })
        checkDerived(kind, name, of, languageOf(kind), context)
      }
  })
export type Config = z.output<typeof config>
