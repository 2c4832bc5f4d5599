import { z } from 'zod'
import { attributeValue, list } from '../../pipeline/config/fields.ts'
import { checkDerived, type ItemLanguage } from '../../pipeline/derived-config.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { hasOnDatapoint } from '../../pipeline/ottl/functions/datapoints.ts'

const attribute = z.strictObject({
  key: z.string().default('').describe('The attribute: of the item, else of its scope, else of its resource.'),
  default_value: attributeValue().describe(
    'What it is where nobody has it; without this, an item that lacks it is not counted.',
  ),
})
const metric = z.strictObject({
  description: z.string().default('').describe('The description of the metric.'),
  conditions: list(z.string())
    .default([])
    .describe('OTTL conditions in the context of the items, of which one must hold; none = all items count.'),
  attributes: z.array(attribute).default([]).describe('One data point for each combination of their values.'),
})

const section = (what: string) =>
  z.record(z.string(), metric).default({}).describe(`Metrics that count ${what}, by name.`)

/** What the sections count: the OTTL context, and the metric that counts where the section names none. */
export const kinds = {
  spans: { context: 'span', name: 'trace.span.count', what: 'spans' },
  spanevents: { context: 'spanevent', name: 'trace.span.event.count', what: 'span events' },
  metrics: { context: 'metric', name: 'metric.count', what: 'metrics' },
  datapoints: { context: 'datapoint', name: 'metric.datapoint.count', what: 'data points' },
  logs: { context: 'log', name: 'log.record.count', what: 'log records' },
  // OTTL does not see profiles, only where they stand.
  profiles: { context: 'scope', name: 'profile.count', what: 'profiles' },
} as const satisfies Record<string, { context: ContextName; name: string; what: string }>
export type Kind = keyof typeof kinds

export function languageOf(kind: Kind): ItemLanguage {
  // A path without its context would be the scope's, where a profile is meant.
  return {
    context: kinds[kind].context,
    options: { allowsBarePaths: kind !== 'profiles', functions: hasOnDatapoint },
  }
}

export const config = z
  .strictObject({
    spans: section('spans'),
    spanevents: section('span events'),
    metrics: section('metrics'),
    datapoints: section('data points'),
    logs: section('log records'),
    profiles: section('profiles; their conditions see resource and scope only'),
  })
  .superRefine((settings, context) => {
    for (const kind of Object.keys(kinds) as Kind[])
      for (const [name, of] of Object.entries(settings[kind])) checkDerived(kind, name, of, languageOf(kind), context)
  })
export type Config = z.output<typeof config>
