import { z } from 'zod'
import { duration, list } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    resource_attributes: list(z.string())
      .default(['service.namespace', 'service.name', 'deployment.environment.name', 'k8s.cluster.name'])
      .describe('The resource attributes by which records are counted; the metrics have these only.'),
    template_attribute: z
      .string()
      .default('log.template')
      .describe('The attribute with the template, which `log_template` sets; the signals show it.'),
    id_attribute: z
      .string()
      .default('log.template.id')
      .describe(
        'The attribute by which records are counted as one template; records without it are counted by severity only.',
      ),
    flush_interval: duration().default(5_000).describe('How often what was counted goes on.'),
    learning_period: duration()
      .default(600_000)
      .describe('For so long after its first record a resource has no new templates and no bursts.'),
    min_burst: z.int().default(10).describe('A pane with fewer records of a template is no burst.'),
    burst_surprise: z
      .number()
      .default(6)
      .describe(
        'A count is a burst when the odds against it, by the panes before, are 1 to 10 to the power of this; at most 12.',
      ),
    max_resources: z
      .int()
      .default(10_000)
      .describe('How many resources are kept apart; the records of more are counted as one.'),
    max_series: z
      .int()
      .default(50_000)
      .describe(
        'How many pairs of template and severity are kept over all resources; the records of more are counted as one for each resource.',
      ),
    series_expiration: duration()
      .default(86_400_000)
      .describe(
        'A template without records for this long is forgotten when there is no room, and is new when it comes again.',
      ),
  })
  .superRefine((settings, context) => {
    const positive = ['flush_interval', 'min_burst', 'max_resources', 'max_series', 'series_expiration'] as const
    for (const name of positive)
      if (settings[name] <= 0)
        context.addIssue({ code: 'custom', path: [name], message: `${name} must be greater than 0` })
    if (settings.learning_period < 0)
      context.addIssue({ code: 'custom', path: ['learning_period'], message: 'learning_period must not be negative' })
    if (!(settings.burst_surprise > 0 && settings.burst_surprise <= 12))
      context.addIssue({
        code: 'custom',
        path: ['burst_surprise'],
        message: 'burst_surprise must be more than 0 and at most 12: 6 is one in a million',
      })
    if (settings.resource_attributes.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['resource_attributes'],
        message: 'resource_attributes must name one or more',
      })
  })
export type Config = z.output<typeof config>
