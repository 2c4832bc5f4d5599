import { z } from 'zod'
import { byteSize, duration, list } from '../../pipeline/config/fields.ts'
import { compileConditions } from '../../pipeline/ottl/compile.ts'
import { reportProblems } from '../../pipeline/ottl/fields.ts'
import { zoneNamed } from '../../pipeline/ottl/time.ts'

export const config = z
  .strictObject({
    interval: duration()
      .default(10_000)
      .describe('Equal records are collected for so long, then one goes on for all of them.'),
    log_count_attribute: z.string().default('log_count').describe('The attribute that says how many records it was.'),
    timezone: z
      .string()
      .default('UTC')
      .describe('The zone, by its IANA name, of `first_observed_timestamp` and `last_observed_timestamp`.'),
    exclude_fields: list(z.string())
      .default([])
      .describe(
        'What is taken out of records before they are compared: `attributes`, `attributes.<key>` or `body.<key>`; a dot in a key is `\\.`.',
      ),
    include_fields: list(z.string())
      .default([])
      .describe('What alone is compared, written likewise; a record that has none of it is compared as a whole.'),
    conditions: list(z.string())
      .default([])
      .describe('OTTL conditions in the log context: records that meet none of them go on at once, as they are.'),
    metadata_keys: list(z.string())
      .default([])
      .describe('Client metadata by which records are kept apart; needs `include_metadata` at the receiver.'),
    metadata_cardinality_limit: z
      .int()
      .min(0)
      .default(0)
      .describe('How many combinations of that metadata there may be; more are refused; 0 = no limit.'),
    max_records: z
      .int()
      .default(50_000)
      .describe('How many different records may be held; when there are so many, all go on before the interval ends.'),
    max_bytes: byteSize()
      .default(64 * 1024 * 1024)
      .describe('About how much memory they may take; when it is reached, all go on before the interval ends.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    const { interval, log_count_attribute, timezone, exclude_fields, include_fields, metadata_keys } = settings
    if (interval <= 0) problem('interval must be greater than 0')
    if (log_count_attribute === '') problem('log_count_attribute must be set')
    if (zoneNamed(timezone) === undefined) problem(`timezone is invalid: unknown time zone ${timezone}`)
    if (exclude_fields.length > 0 && include_fields.length > 0)
      problem('cannot define both exclude_fields and include_fields')
    checkFields(exclude_fields, 'exclude', 'excludefield', 'exclude_field', problem)
    checkFields(include_fields, 'include', 'include_fields', 'include_fields', problem)
    reportProblems(
      context,
      (at) => ['conditions', at],
      () => compileConditions(settings.conditions, 'log'),
    )
    const lower = metadata_keys.map((key) => key.toLowerCase())
    const twice = lower.find((key, at) => lower.indexOf(key) !== at)
    if (twice !== undefined) problem(`duplicate entry in metadata_keys: ${JSON.stringify(twice)} (case-insensitive)`)
    if (settings.max_records < 1) problem('max_records must be greater than 0')
    if (settings.max_bytes < 1) problem('max_bytes must be greater than 0')
  })
export type Config = z.output<typeof config>

/** The nouns are upstream's, which names the two lists differently. */
function checkFields(
  fields: readonly string[],
  verb: string,
  noun: string,
  listNoun: string,
  problem: (message: string) => void,
): void {
  for (const [at, field] of fields.entries()) {
    const [root] = field.split('.')
    if (field === 'body') problem(`cannot ${verb} the entire body`)
    else if (root !== 'body' && root !== 'attributes') problem(`an ${noun} must start with body or attributes`)
    else if (fields.indexOf(field) < at) problem(`duplicate ${listNoun} ${field}`)
  }
}
