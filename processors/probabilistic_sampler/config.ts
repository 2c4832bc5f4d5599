import { z } from 'zod'
import { hexDigits, leastProbability } from '../../pipeline/sampling/threshold.ts'

const modes = ['', 'hash_seed', 'equalizing', 'proportional'] as const

export const config = z
  .strictObject({
    sampling_percentage: z
      .number()
      .default(0)
      .describe('How many of 100 are kept; 100 or more is all of them, 0 none.'),
    hash_seed: z.int().min(0).max(0xffff_ffff).default(0).describe('`hash_seed` mode: equal seeds decide equally.'),
    mode: z
      .enum(modes, { error: ({ input }) => `unsupported sampler mode ${JSON.stringify(input)}` })
      .default('')
      .describe('`hash_seed` (also when empty), `proportional` or `equalizing`.'),
    fail_closed: z
      .boolean()
      .default(true)
      .describe('Whether an item is dropped whose randomness or threshold is missing or wrong; otherwise it is kept.'),
    sampling_precision: z.int().default(4).describe('Hexadecimal digits of the threshold that is written, 1 to 14.'),
    attribute_source: z
      .string()
      .default('traceID')
      .describe('Log records in `hash_seed` mode: `traceID`, or `record` for `from_attribute` alone.'),
    from_attribute: z
      .string()
      .default('')
      .describe('Log records in `hash_seed` mode: the attribute to hash where there is no trace id.'),
    sampling_priority: z
      .string()
      .default('')
      .describe('Log records: an attribute with the percentage for this record.'),
  })
  .superRefine((settings, context) => {
    const message = problem(settings)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
export type Config = z.output<typeof config>

/** In upstream's order and words. */
function problem(settings: z.output<typeof config>): string | undefined {
  // Upstream counts in 32 bits here.
  const percentage = Math.fround(settings.sampling_percentage)
  const ratio = percentage / 100
  if (ratio < 0) return `sampling rate is negative: ${percentage.toFixed(6)}%`
  if (ratio > 0 && ratio < leastProbability) return `sampling rate is too small: ${settings.sampling_percentage}%`
  const { attribute_source, sampling_precision } = settings
  if (!['', 'traceID', 'record'].includes(attribute_source))
    return `invalid attribute source: ${attribute_source}. Expected: traceID or record`
  if (sampling_precision === 0) return 'invalid sampling precision: 0'
  if (sampling_precision > hexDigits) return `sampling precision is too great, should be <= 14: ${sampling_precision}`
  return undefined
}
