import { z } from 'zod'
import { matchKeys } from '../../pipeline/filterset/match-keys.ts'

const toAttributes = z.strictObject({
  rules: z
    .array(z.string())
    .default([])
    .describe('RE2 patterns for the name, in order: each group becomes an attribute, and `{group}` in the name.'),
  break_after_match: z.boolean().default(false).describe('Stops at the first rule that matches.'),
  keep_original_name: z.boolean().default(false).describe('Sets attributes and leaves the name.'),
})
const name = z.strictObject({
  from_attributes: z
    .array(z.string())
    .default([])
    .describe('Their values, in order, are the new name; all must be there.'),
  separator: z.string().default('').describe('Stands between these values.'),
  to_attributes: toAttributes.optional().describe('Takes the name apart.'),
})
const status = z.strictObject({
  code: z.string().default('').describe('`Ok`, `Error` or `Unset`.'),
  description: z.string().default('').describe('Of `Error` alone.'),
})

export const config = z.strictObject({
  ...matchKeys,
  name: name.prefault({}).describe('Makes the name of attributes, or attributes of the name.'),
  status: status.optional().describe('Sets the status.'),
})
export type Config = z.output<typeof config>
