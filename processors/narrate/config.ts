import { z } from 'zod'
import { componentId, duration } from '../../pipeline/config/fields.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { languages } from './lexicon.ts'

export const config = z
  .strictObject({
    llm: componentId()
      .optional()
      .describe('The extension that asks a language model; without one the text is put together by rules.'),
    language: z.enum(languages).default('en').describe('The language of the text.'),
    timeout: duration()
      .default(8_000)
      .describe('A diagnosis waits so long for the model; after that it goes on with the text by rules.'),
    max_waiting: z
      .int()
      .min(1)
      .max(1_000)
      .default(8)
      .describe('Diagnoses that may wait for the model at once; one more gets the text by rules at once.'),
    time_zone: z.string().default('UTC').describe('The time zone of times in texts, as `Europe/Berlin`.'),
  })
  .superRefine((settings, context) => {
    const problem = (path: keyof typeof settings, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (settings.timeout <= 0 || settings.timeout > 60_000)
      problem('timeout', 'timeout must be greater than 0 and at most 1m: whoever reads a diagnosis waits for it')
    try {
      new LocalTime(settings.time_zone)
    } catch {
      problem('time_zone', `there is no time zone ${settings.time_zone}: write it as Europe/Berlin`)
    }
  })
export type Config = z.output<typeof config>
