import { z } from 'zod'
import { componentId, secret } from '../../pipeline/config/fields.ts'

const header = z.strictObject({
  action: z
    .string()
    .default('')
    .describe(
      '`insert` where it is missing, `update` where it is there, `upsert`, or `delete`; empty or unknown is `upsert`.',
    ),
  key: z.string().default('').describe('The name of the header.'),
  value: secret().optional().describe('What to set it to.'),
  value_file: z.string().optional().describe('A file whose content it is set to; read again when it changes.'),
  from_context: z
    .string()
    .optional()
    .describe('The client metadata it is set to, or with `auth.` before it an attribute of the authenticated client.'),
  from_attribute: z.string().optional().describe('The attribute of the authenticated client that it is set to.'),
  default_value: secret().optional().describe('What it is set to where the client has no such thing.'),
})
export type HeaderSettings = z.output<typeof header>

const sources = ['from_context', 'from_attribute', 'value', 'value_file'] as const

export const config = z
  .strictObject({
    headers: z.array(header).default([]).describe('What is done to the headers of each request, in order.'),
    additional_auth: componentId().optional().describe('Another authenticator, which comes first.'),
  })
  .superRefine((settings, context) => {
    const message = problem(settings.headers)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

/** The first thing that is wrong, in upstream's order and words. */
function problem(headers: readonly HeaderSettings[]): string | undefined {
  if (headers.length === 0) return 'missing headers configuration'
  for (const settings of headers) {
    if (settings.key === '') return 'missing header name'
    if (settings.action === 'delete') continue
    const given = sources.filter((source) => settings[source] !== undefined)
    if (given.length === 0)
      return "missing header source, must be 'from_context', 'from_attribute', 'value', or 'value_file'"
    if (given.length > 1)
      return "invalid header source, must be only one of 'from_context', 'from_attribute', 'value', or 'value_file'"
  }
  return undefined
}
