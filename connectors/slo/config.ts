import { z } from 'zod'
import { componentId, duration } from '../../pipeline/config/fields.ts'
import { issuesOf } from '../../pipeline/config/issues.ts'
import { severities } from '../../pipeline/vocabulary/event.ts'
import { formOf, shorthand } from './open-slo.ts'

const burnRate = z
  .strictObject({
    burn: z
      .number()
      .gt(0)
      .describe(
        'How many times faster than it may the budget must be spent, in both windows. 14.4 spends 2 % of 30 days in an hour.',
      ),
    long: shorthand().describe('The window that says that enough was spent to matter, like `1h` or `3d`.'),
    short: shorthand().describe('The window that says that it is still going on; a twelfth of the other is usual.'),
    severity: z.enum(severities).describe('Severity of the event.'),
    wakes: z.boolean().default(false).describe('Whether a person may be woken for it.'),
  })
  .superRefine(({ long, short }, context) => {
    if (short > long)
      context.addIssue({ code: 'custom', message: 'short must not be longer than long', path: ['short'] })
    if (short < 10) context.addIssue({ code: 'custom', message: 'short must be at least 10s, a pane', path: ['short'] })
    if (long > longestWindow) context.addIssue({ code: 'custom', message: 'long must be at most 92d', path: ['long'] })
  })

const longestWindow = 92 * 86_400

export const config = z
  .strictObject({
    slos: z
      .array(z.unknown())
      .default([])
      .describe(
        'The objectives: OpenSLO documents, `{ file: path }` of files or folders with such, or the short form `{ service, operation, availability, latency: { threshold, target } }`.',
      ),
    window: shorthand()
      .prefault('30d')
      .describe('The time for which a budget is, where an objective of the short form does not say.'),
    burn_rates: z
      .array(burnRate)
      .min(1)
      .prefault([
        { burn: 14.4, long: '1h', short: '5m', severity: 'critical', wakes: true },
        { burn: 6, long: '6h', short: '30m', severity: 'high', wakes: true },
        { burn: 3, long: '1d', short: '2h', severity: 'medium' },
        { burn: 1, long: '3d', short: '6h', severity: 'medium' },
      ])
      .describe('When a burn of the budget is an alert. While a stronger one is active the weaker ones say nothing.'),
    min_requests: z
      .int()
      .min(0)
      .default(10)
      .describe('With fewer in the long window there is no alert, whatever their share of bad ones.'),
    significance: z
      .number()
      .gt(0)
      .max(1)
      .default(1e-6)
      .describe(
        'There is no alert while so many bad ones in the long window would be more probable than this if the objective were just met (binomial test); 1 = no test.',
      ),
    settle: duration()
      .default(30_000)
      .describe('For so long the good ones of a moment may come after its total, in event time.'),
    max_skew: duration()
      .default(60_000)
      .describe('Points that are further ahead of the clock than this count as of then.'),
    gauge_interval: duration()
      .default(60_000)
      .describe('How often the burn rates and budgets go to the metrics pipelines that take them, in event time.'),
    file_interval: duration().default(10_000).describe('How often the files are looked at for changes; 0 = never.'),
    storage: componentId()
      .optional()
      .describe('A storage extension that keeps counts and alerts over restarts. Without one they begin anew.'),
    save_interval: duration()
      .default(60_000)
      .describe('How often they are stored, beside at each alert and at the end.'),
    max_entities: z
      .int()
      .min(1)
      .default(2_000)
      .describe('How many pairs of objective and entity are counted; of more, points are dropped.'),
    max_streams: z
      .int()
      .min(1)
      .default(100_000)
      .describe('How many cumulative series are kept to take differences; of more, points are dropped.'),
  })
  .superRefine((settings, context) => {
    for (const [i, value] of settings.slos.entries()) {
      const found = formOf(value)
      if ('error' in found) context.addIssue({ code: 'custom', message: found.error, path: ['slos', i] })
      else
        for (const { path, message } of issuesOf(found.schema, value))
          context.addIssue({ code: 'custom', message, path: ['slos', i, ...path] })
    }
    for (const name of ['settle', 'max_skew', 'file_interval'] as const)
      if (settings[name] < 0)
        context.addIssue({ code: 'custom', message: `${name} must not be negative`, path: [name] })
    for (const name of ['gauge_interval', 'save_interval'] as const)
      if (settings[name] <= 0)
        context.addIssue({ code: 'custom', message: `${name} must be greater than 0`, path: [name] })
    if (settings.window > longestWindow)
      context.addIssue({ code: 'custom', message: 'window must be at most 92d', path: ['window'] })
    const seen = new Set<string>()
    for (const [i, { burn, long, short }] of settings.burn_rates.entries()) {
      const key = `${burn} ${long} ${short}`
      if (seen.has(key))
        context.addIssue({ code: 'custom', message: 'is there twice; leave one out', path: ['burn_rates', i] })
      seen.add(key)
    }
  })
export type Config = z.output<typeof config>
