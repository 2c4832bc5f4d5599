import { z } from 'zod'
import { level, list } from '../../pipeline/config/fields.ts'

/** Keys, defaults and texts are those of upstream's debug exporter. */
export const config = z
  .strictObject({
    verbosity: level(['none', 'basic', 'normal', 'detailed'])
      .default('basic')
      .describe('How much is printed: basic (a line a batch), normal (a line an item) or detailed (every field).'),
    sampling_initial: z.int().default(2).describe('Messages printed at first in each second; negative = all.'),
    sampling_thereafter: z
      .int()
      .default(1)
      .describe('After those, every n-th message of the second is printed; 1 prints all, 0 or less none.'),
    use_internal_logger: z.boolean().default(true).describe("Print through the Collector's own log."),
    output_paths: list(z.string())
      .optional()
      .describe('Where to print without the internal logger: stdout, stderr or file paths. Default: stdout.'),
  })
  .superRefine((value, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message })
    if (value.verbosity === 'none') refuse('verbosity level "None" is not supported')
    if (value.use_internal_logger && value.output_paths !== undefined) {
      refuse('output_paths is not supported when use_internal_logger is true')
    }
    if (!value.use_internal_logger && value.output_paths?.length === 0) {
      refuse('output_paths must not be empty when use_internal_logger is false')
    }
  })

export type DebugConfig = z.output<typeof config>
