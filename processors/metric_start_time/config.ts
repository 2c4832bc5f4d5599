import { z } from 'zod'
import { duration } from '../../pipeline/config/fields.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'

const strategies = ['true_reset_point', 'subtract_initial_point', 'start_time_metric'] as const
export type Strategy = (typeof strategies)[number]

export const config = z
  .strictObject({
    strategy: z
      .string()
      .default('true_reset_point')
      .describe(`What becomes of points without a start time: \`${strategies.join('`, `')}\`.`),
    gc_interval: duration()
      .default(600_000)
      .describe('A stream is forgotten when it had no point for as long as this, and at most twice as long.'),
    start_time_metric_regex: z
      .string()
      .default('')
      .describe(
        'Of `start_time_metric`: an RE2 pattern for the name of the metric that tells the start; empty = `process_start_time_seconds`.',
      ),
    max_streams: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('How many streams are remembered; the points of further ones go on as they are, and are counted.'),
  })
  .superRefine(({ strategy, gc_interval, start_time_metric_regex: pattern }, context) => {
    const problem = (message: string, key: string) => context.addIssue({ code: 'custom', message, path: [key] })
    if (!strategies.includes(strategy as Strategy))
      problem(`${JSON.stringify(strategy)} is not a valid strategy; it is one of ${strategies.join(', ')}`, 'strategy')
    if (gc_interval <= 0) problem('gc_interval must be positive', 'gc_interval')
    if (pattern === '') return
    try {
      // Compiled to see that it can be.
      void new Regex(pattern)
    } catch (error) {
      problem(errorMessage(error), 'start_time_metric_regex')
      return
    }
    if (strategy !== 'start_time_metric')
      problem('start_time_metric_regex can only be used with the start_time_metric strategy', 'start_time_metric_regex')
  })
