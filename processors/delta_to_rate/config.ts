import { z } from 'zod'

export const config = z
  .strictObject({
    metrics: z.array(z.string()).default([]).describe('Names of the delta sums that become rates.'),
  })
  .superRefine(({ metrics }, context) => {
    if (metrics.length === 0) context.addIssue({ code: 'custom', message: 'metric names are missing' })
  })
