import { z } from 'zod'
import { duration } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    interval: duration().default(60_000).describe('How often the last points go on.'),
    pass_through: z
      .strictObject({
        gauge: z.boolean().default(false).describe('Gauges go on at once, point by point.'),
        summary: z.boolean().default(false).describe('Summaries go on at once, point by point.'),
      })
      .prefault({})
      .describe('What does not wait for the end of the interval.'),
    max_streams: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('How many streams may wait; the points of further ones go on at once, and are counted.'),
  })
  .superRefine(({ interval }, context) => {
    if (interval <= 0) context.addIssue({ code: 'custom', message: 'invalid interval value', path: ['interval'] })
  })
export type Config = z.output<typeof config>
