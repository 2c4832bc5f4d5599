import { z } from 'zod'
import { duration } from '../../pipeline/config/fields.ts'
import type { MetricType } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { textSet } from '../../pipeline/filterset/text-set.ts'

/** As the configuration spells them, in lower case. */
export const typeNames: Readonly<Record<string, MetricType>> = {
  exponentialhistogram: 'exponential_histogram',
  histogram: 'histogram',
  sum: 'sum',
}

const match = z.strictObject({
  metrics: z.array(z.string()).default([]).describe('One of them is the name.'),
  match_type: z.string().default('').describe('How names are compared: `strict` (equal) or `regexp`.'),
  regexp: z
    .strictObject({
      cacheenabled: z.boolean().default(false).describe('Remembers which names matched.'),
      cachemaxnumentries: z.int().default(0).describe('How many names that are; 0 = 10,000.'),
    })
    .optional()
    .describe('Of `match_type: regexp`.'),
  metric_types: z
    .array(z.string())
    .default([])
    .describe('One of them is the type: `sum`, `histogram` or `exponentialhistogram`.'),
})
export type Match = z.output<typeof match>

export const config = z
  .strictObject({
    max_staleness: duration()
      .default(3_600_000)
      .describe('A stream is forgotten when its last point is older than this; 0 = never.'),
    initial_value: z
      .string()
      .default('auto')
      .describe(
        'The first point of a stream: `keep` passes it on, `drop` only remembers it, `auto` passes it on when it began after this processor.',
      ),
    max_streams: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('How many streams are remembered; the points of further ones are dropped and counted.'),
    include: match.prefault({}).describe('Only metrics that match all of this are converted.'),
    exclude: match.prefault({}).describe('Metrics that match this are not converted, even if included.'),
  })
  .superRefine(({ include, exclude, initial_value }, context) => {
    const problem = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path })
    if (!['auto', 'keep', 'drop'].includes(initial_value))
      problem(`unknown initial_value: ${initial_value}; it is auto, keep or drop`, 'initial_value')
    const both = { include, exclude }
    const some = (test: (of: Match) => boolean) => Object.entries(both).find(([, of]) => test(of))?.[0]
    const untyped = some(({ metrics, match_type }) => metrics.length > 0 && match_type === '')
    if (untyped !== undefined) problem('match_type must be set if metrics are supplied', untyped)
    const unnamed = some(({ metrics, match_type }) => metrics.length === 0 && match_type !== '')
    if (unnamed !== undefined) problem('metrics must be supplied if match_type is set', unnamed)
    for (const [key, of] of Object.entries(both)) {
      const wrong = of.metric_types.find((type) => !Object.hasOwn(typeNames, type.toLowerCase()))
      const valid = Object.keys(typeNames).join(' ')
      if (wrong !== undefined)
        problem(`found invalid metric type in ${key}.metric_types: ${wrong}. Valid values are [${valid}]`, key)
      if (of.metrics.length === 0 || of.match_type === '') continue
      try {
        textSet(of.metrics, of)
      } catch (error) {
        problem(`invalid ${key} filter: ${errorMessage(error)}`, key)
      }
    }
  })
export type Config = z.output<typeof config>
