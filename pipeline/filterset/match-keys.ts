/** `include` and `exclude`: what the user may write, and what of it a signal takes. */
import { z } from 'zod'
import { attributeValue } from '../config/fields.ts'
import type { Signal } from '../data/telemetry.ts'

const attribute = z.strictObject({
  key: z.string().default('').describe('The name of the attribute.'),
  value: attributeValue().describe('What it must be, or match; any value where this is not set.'),
})
const library = z.strictObject({
  name: z.string().default('').describe("The scope's name."),
  version: z.string().optional().describe("The scope's version; any where this is not set."),
})

const match = z.strictObject({
  match_type: z.string().default('').describe('`strict` (equal) or `regexp`.'),
  regexp: z
    .strictObject({
      cacheenabled: z.boolean().default(false).describe('Remembers which texts matched.'),
      cachemaxnumentries: z.number().default(0).describe('How many texts that are; 0 = 10,000.'),
    })
    .optional()
    .describe('Of `match_type: regexp`.'),
  services: z.array(z.string()).default([]).describe('Spans: one of them is the `service.name` of the resource.'),
  span_names: z.array(z.string()).default([]).describe('Spans: one of them is the name.'),
  span_kinds: z.array(z.string()).default([]).describe('Spans: one of them is the kind, like `SPAN_KIND_SERVER`.'),
  log_bodies: z.array(z.string()).default([]).describe('Log records: one of them is the body.'),
  log_severity_texts: z.array(z.string()).default([]).describe('Log records: one of them is the severity text.'),
  log_severity_number: z
    .strictObject({
      min: z.number().default(0).describe('The lowest severity number that matches.'),
      match_undefined: z.boolean().default(false).describe('Whether a record without a severity number matches.'),
    })
    .optional()
    .describe('Log records: how severe.'),
  metric_names: z.array(z.string()).default([]).describe('Metrics: one of them is the name.'),
  attributes: z.array(attribute).default([]).describe('Spans and log records: all of them are there.'),
  resources: z.array(attribute).default([]).describe('All of them are attributes of the resource.'),
  libraries: z.array(library).default([]).describe('Spans and log records: all of them are the scope.'),
})
export type Match = z.output<typeof match>

export const matchKeys = {
  include: match.optional().describe('Only what matches all of this.'),
  exclude: match.optional().describe('Not what matches all of this.'),
}
export interface IncludeExclude {
  readonly include?: Match | undefined
  readonly exclude?: Match | undefined
}

/** By number, as the protocol counts them. */
export const spanKinds = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
] as const

type ListKey = { [K in keyof Match]-?: Match[K] extends readonly unknown[] ? K : never }[keyof Match]

/** What is wrong with it for this signal, in upstream's words. */
export function problemFor(signal: Signal, of: Match): string | undefined {
  const has = (...keys: ListKey[]) => keys.some((key) => of[key].length > 0)
  const hasSeverity = of.log_severity_number !== undefined
  if (signal === 'traces') {
    for (const key of ['log_bodies', 'log_severity_texts'] as const)
      if (has(key)) return `${key} should not be specified for trace spans`
    if (hasSeverity) return 'log_severity_number should not be specified for trace spans'
    if (has('metric_names')) return 'metric_names should not be specified for trace spans'
    if (!has('services', 'span_names', 'attributes', 'libraries', 'resources', 'span_kinds'))
      return 'at least one of "attributes", "libraries",  or "resources" field must be specified; "services", "span_names" and "span_kinds" will do as well'
    const known: readonly string[] = spanKinds.slice(1)
    if (of.match_type === 'strict' && of.span_kinds.some((kind) => !known.includes(kind)))
      return `span_kinds string must match one of the standard span kinds when match_type=strict: [${[...known].sort().join(' ')}]`
    return undefined
  }
  if (signal === 'logs') {
    if (has('span_names', 'services', 'span_kinds', 'metric_names'))
      return 'services, span_names, span_kinds and metric_names are not valid for log records'
    return hasSeverity || has('attributes', 'libraries', 'resources', 'log_bodies', 'log_severity_texts')
      ? undefined
      : 'at least one of "attributes", "libraries", "span_kinds", "resources", "log_bodies", "log_severity_texts" or "log_severity_number" field must be specified'
  }
  if (
    hasSeverity ||
    has('log_bodies', 'log_severity_texts', 'span_names', 'services', 'span_kinds', 'attributes', 'libraries')
  )
    return '"span_names", "span_kinds", "log_bodies", "log_severity_texts", "log_severity_number", "services", "attributes" and "libraries" are not valid for metrics'
  return has('metric_names', 'resources')
    ? undefined
    : 'at least one of "metric_names" or "resources" field must be specified'
}
