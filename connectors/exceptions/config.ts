import { z } from 'zod'
import { duration, list } from '../../pipeline/config/fields.ts'

const dimension = z.strictObject({
  name: z.string().default('').describe('An attribute of the span, or else of the exception, or else of the resource.'),
  default: z
    .string()
    .optional()
    .describe('The value where none of them has it; without it there is no such attribute.'),
})
export type Dimension = z.output<typeof dimension>

const reserved = ['service.name', 'span.kind', 'span.name', 'status.code']

export const config = z
  .strictObject({
    dimensions: list(dimension)
      .default([{ name: 'exception.type' }, { name: 'exception.message' }])
      .describe('What metrics and logs say beside `service.name`, `span.name`, `span.kind` and `status.code`.'),
    exemplars: z
      .strictObject({ enabled: z.boolean().default(false).describe('Puts the spans on the points as exemplars.') })
      .prefault({})
      .describe('Exemplars.'),
    metrics_flush_interval: duration()
      .default(0)
      .describe('How often metrics are sent; 0 = whenever spans came, as upstream. Ours.'),
    series_expiration: duration()
      .default(3_600_000)
      .describe('A series without exceptions for this long is forgotten; 0 = never, as upstream. Ours.'),
    max_series: z
      .int()
      .min(1)
      .default(20_000)
      .describe(
        'How many series there may be; exceptions beyond are counted in one with `otel.metric.overflow`. Ours.',
      ),
  })
  .superRefine(({ dimensions, metrics_flush_interval, series_expiration }, context) => {
    const names = new Set(reserved)
    for (const [i, { name }] of dimensions.entries()) {
      if (names.has(name))
        context.addIssue({
          code: 'custom',
          message: `duplicate dimension name ${JSON.stringify(name)}`,
          path: ['dimensions', i, 'name'],
        })
      names.add(name)
    }
    for (const [key, ms] of Object.entries({ metrics_flush_interval, series_expiration }))
      if (ms < 0)
        context.addIssue({ code: 'custom', message: `invalid ${key}: the duration should be positive`, path: [key] })
  })
