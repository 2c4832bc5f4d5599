import { z } from 'zod'
import { secret } from '../../pipeline/config/fields.ts'

const hashFunctions = ['', 'sha1', 'sha3', 'md5', 'hmac-sha256', 'hmac-sha512'] as const
export type HashFunction = (typeof hashFunctions)[number]

const texts = () => z.array(z.string()).default([])

export const config = z
  .strictObject({
    allow_all_keys: z.boolean().default(false).describe('Keeps all attributes, whatever `allowed_keys` says.'),
    allowed_keys: texts().describe('Attributes that are kept; the others are deleted.'),
    ignored_keys: texts().describe('Attributes that are kept as they are.'),
    ignored_key_patterns: texts().describe('RE2 patterns of the names of attributes that are kept as they are.'),
    blocked_key_patterns: texts().describe('RE2 patterns of the names of attributes whose values are masked.'),
    blocked_values: texts().describe('RE2 patterns; what matches in the value of an attribute is masked.'),
    allowed_values: texts().describe('RE2 patterns; a value that matches is not masked.'),
    redact_all_types: z.boolean().default(false).describe('Looks at the text form of values that are no text, too.'),
    hash_function: z
      .preprocess(
        (value) => (typeof value === 'string' ? value.toLowerCase() : value),
        z.enum(hashFunctions, {
          error: ({ input }) =>
            `unknown HashFunction ${String(input)}, allowed functions are sha1, sha3, md5, hmac-sha256 and hmac-sha512`,
        }),
      )
      .default('')
      .describe('Masks with a hash instead of `masking_string`: `sha1`, `sha3`, `md5`, `hmac-sha256`, `hmac-sha512`.'),
    hmac_key: secret().default('').describe('Of the `hmac-*` functions: at least 32 or 64 bytes.'),
    masking_string: z.string().default('').describe('What stands for a masked value; empty is `****`.'),
    summary: z
      .string()
      .default('')
      .describe('Attributes that say what was done: `debug` (names and numbers), `info` (numbers) or `silent`.'),
  })
  .superRefine(({ hash_function, hmac_key, masking_string }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (hash_function.startsWith('hmac')) {
      const least = hash_function === 'hmac-sha512' ? 64 : 32
      const bytes = Buffer.byteLength(hmac_key)
      if (bytes === 0) problem(`hmac_key must not be empty when hash_function is "${hash_function}"`)
      else if (bytes < least)
        problem(`hmac_key must be at least ${least} bytes long for "${hash_function}", got ${bytes} bytes`)
    }
    if (masking_string !== '' && hash_function !== '')
      problem('masking_string must not be set when hash_function is defined')
  })
export type Config = z.output<typeof config>
