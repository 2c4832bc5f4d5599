import { z } from 'zod'
import { secret } from '../../pipeline/config/fields.ts'

const hashFunctions = ['', 'sha1', 'sha3', 'md5', 'hmac-sha256', 'hmac-sha512'] as const

const texts = () => z.array(z.string()).default([])

const sanitizer = () =>
  z
    .strictObject({
      enabled: z.boolean().default(false).describe('Refused when on.'),
      attributes: texts().describe('Which attributes.'),
    })
    .prefault({})
    .describe('Not supported; may stand here while it is off.')
const sanitizesSpanName = z.boolean().optional().describe('Whether span names are cleaned, too.')
const databases = ['sql', 'redis', 'valkey', 'memcached', 'mongo', 'opensearch', 'es'] as const

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
    url_sanitizer: sanitizer()
      .unwrap()
      .extend({ sanitize_span_name: sanitizesSpanName })
      .prefault({})
      .describe('Not supported; may stand here while it is off.'),
    db_sanitizer: z
      .strictObject({
        sql: sanitizer(),
        redis: sanitizer(),
        valkey: sanitizer(),
        memcached: sanitizer(),
        mongo: sanitizer(),
        opensearch: sanitizer(),
        es: sanitizer(),
        sanitize_span_name: sanitizesSpanName,
      })
      .prefault({})
      .describe('Not supported; may stand here while all of it is off.'),
    summary: z
      .string()
      .default('')
      .describe('Attributes that say what was done: `debug` (names and numbers), `info` (numbers) or `silent`.'),
  })
  .superRefine(({ hash_function, hmac_key, masking_string, url_sanitizer, db_sanitizer }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    const cure = 'is not supported; turn it off, or mask with blocked_values'
    if (url_sanitizer.enabled) problem(`url_sanitizer ${cure}`)
    for (const name of databases) if (db_sanitizer[name].enabled) problem(`db_sanitizer::${name} ${cure}`)
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
