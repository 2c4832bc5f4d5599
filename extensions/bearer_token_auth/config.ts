import { z } from 'zod'
import { duration, list, secret } from '../../pipeline/config/fields.ts'

const retry = z.strictObject({
  enabled: z.boolean().default(false).describe('Wait for a file that is not there yet.'),
  max_retries: z.int().default(0).describe('How often to look for it; 0 = until it is there.'),
  interval: duration().default(0).describe('Time between two looks; must be set.'),
})

export const config = z
  .strictObject({
    header: z.string().default('Authorization').describe('The header that carries the token.'),
    scheme: z.string().default('Bearer').describe('What stands before the token; empty = nothing.'),
    token: secret().default('').describe('The token.'),
    tokens: list(secret()).default([]).describe('Several: a server takes each of them, a client sends the first.'),
    filename: z
      .string()
      .default('')
      .describe('A file with one token a line, and anything after a space; read again when it changes.'),
    retry_on_failure: retry.prefault({}).describe('What to do while `filename` is not there at start.'),
    wait_for_token_file: z.boolean().default(false).describe('Start only when `filename` has been read.'),
  })
  .superRefine((settings, context) => {
    const message = problem(settings)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
export type Config = z.output<typeof config>

/** The first thing that is wrong, in upstream's order and words. */
function problem(c: {
  readonly token: string
  readonly tokens: readonly string[]
  readonly filename: string
  readonly retry_on_failure: { readonly enabled: boolean; readonly max_retries: number; readonly interval: number }
  readonly wait_for_token_file: boolean
}): string | undefined {
  const { enabled, max_retries, interval } = c.retry_on_failure
  if (c.token === '' && c.tokens.length === 0 && c.filename === '') return 'no bearer token provided'
  if (c.token !== '' && c.tokens.length > 0) return 'either tokens or token should be provided, not both'
  if ((enabled || c.wait_for_token_file) && c.filename === '') return 'requires filename to be set'
  if (enabled && max_retries < 0)
    return 'retry_on_failure.max_retries must be greater or equal to 0 when retry_on_failure.enabled is true'
  if (enabled && interval <= 0)
    return 'retry_on_failure.interval must be greater than 0 when retry_on_failure.enabled is true'
  if (c.wait_for_token_file && !enabled) return 'wait_for_token_file requires retry_on_failure to be enabled'
  return undefined
}
