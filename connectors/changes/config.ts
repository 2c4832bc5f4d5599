import { z } from 'zod'
import { componentId, duration } from '../../pipeline/config/fields.ts'

export const config = z
  .strictObject({
    settle: duration()
      .default(120_000)
      .describe('For so long after a service was first heard of, its versions are taken to have been there before.'),
    version_gone: duration()
      .default(900_000)
      .describe(
        'A version that nothing was heard of for so long is gone; coming back while another runs is a rollback.',
      ),
    same_within: duration()
      .default(600_000)
      .describe('A deploy that Kubernetes told of, and a version that is first seen within this, are one change.'),
    max_services: z
      .int()
      .min(1)
      .default(10_000)
      .describe('Services that are known; for one more, those that were silent longest are forgotten.'),
    storage: componentId()
      .optional()
      .describe(
        'A storage extension that keeps which versions there are, so that a deploy while Vigil was away is told.',
      ),
    save_interval: duration().default(60_000).describe('How often they are stored; when one comes they are at once.'),
  })
  .superRefine((settings, context) => {
    for (const name of ['version_gone', 'same_within', 'save_interval'] as const)
      if (settings[name] <= 0)
        context.addIssue({ code: 'custom', path: [name], message: `${name} must be greater than 0` })
    if (settings.settle < 0)
      context.addIssue({ code: 'custom', path: ['settle'], message: 'settle must not be negative' })
  })
export type Config = z.output<typeof config>
