/** The sections of a policy. Each kind of policy reads the section that has its name; others may stand there and mean nothing, as upstream has it. */
import { z } from 'zod'
import { byteSize, componentId, duration } from '../../pipeline/config/fields.ts'

const sections = {
  name: z.string().default('').describe('Stands in metrics, and in `tailsampling.policy`. Must be unique.'),
  type: z.string().default('').describe('Which of the policies below it is.'),
  latency: z
    .strictObject({
      threshold_ms: z.int().default(0).describe('Traces that last longer are kept.'),
      upper_threshold_ms: z.int().default(0).describe('Traces that last longer than this are not; 0 = no bound.'),
    })
    .optional()
    .describe('Keeps by the time from the earliest start to the latest end.'),
  numeric_attribute: z
    .strictObject({
      key: z.string().default('').describe('An integer attribute of a span or a resource.'),
      min_value: z.int().default(0).describe('0 = no lower bound.'),
      max_value: z.int().default(0).describe('0 = no upper bound.'),
      invert_match: z.boolean().default(false).describe('Keeps traces in which none matches.'),
    })
    .optional()
    .describe('Keeps traces in which an attribute is within bounds.'),
  probabilistic: z
    .strictObject({
      hash_salt: z.string().default('').describe('Equal salts decide equally; empty is `default-hash-seed`.'),
      sampling_percentage: z.number().default(0).describe('How many of 100 are kept.'),
    })
    .optional()
    .describe('Keeps a share of all traces, by their id.'),
  status_code: z
    .strictObject({
      status_codes: z.array(z.string()).default([]).describe('`OK`, `ERROR`, `UNSET`.'),
    })
    .optional()
    .describe('Keeps traces in which a span has one of these states.'),
  string_attribute: z
    .strictObject({
      key: z.string().default('').describe('A text attribute of a span or a resource.'),
      values: z.array(z.string()).default([]).describe('Its values, or regular expressions (RE2).'),
      enabled_regex_matching: z.boolean().default(false).describe('Whether the values are regular expressions.'),
      cache_max_size: z.int().default(0).describe('Results of regular expressions that are kept; 0 is 128.'),
      invert_match: z.boolean().default(false).describe('Keeps traces in which none matches.'),
    })
    .optional()
    .describe('Keeps traces in which an attribute has one of these values.'),
  rate_limiting: z
    .strictObject({
      spans_per_second: z.int().default(0).describe('Spans that are kept in a second, on average.'),
      burst_capacity: z.int().default(0).describe('Spans at once, and so of one trace; 0 is twice the rate.'),
    })
    .optional()
    .describe('Keeps traces until the limit is reached.'),
  bytes_limiting: z
    .strictObject({
      bytes_per_second: z.int().default(0).describe('Bytes that are kept in a second, on average.'),
      burst_capacity: z.int().default(0).describe('Bytes at once, and so of one trace; 0 is twice the rate.'),
    })
    .optional()
    .describe('Keeps traces until the limit is reached; a trace is as large as its OTLP bytes.'),
  span_count: z
    .strictObject({
      min_spans: z.int().default(0).describe('At least so many.'),
      max_spans: z.int().default(0).describe('At most so many; 0 = no bound.'),
    })
    .optional()
    .describe('Keeps by the number of spans.'),
  trace_state: z
    .strictObject({
      key: z.string().default('').describe('A member of the tracestate.'),
      values: z.array(z.string()).default([]).describe('Its values.'),
    })
    .optional()
    .describe('Keeps traces in which a span has this in its tracestate.'),
  boolean_attribute: z
    .strictObject({
      key: z.string().default('').describe('A boolean attribute of a span or a resource.'),
      value: z.boolean().default(false).describe('Its value.'),
      invert_match: z.boolean().default(false).describe('Keeps traces in which none matches.'),
    })
    .optional()
    .describe('Keeps traces in which an attribute has this value.'),
  ottl_condition: z
    .strictObject({
      error_mode: z
        .enum(['', 'ignore', 'silent', 'propagate'], {
          error: ({ input }) => `unknown error mode ${String(input)}; use ignore, silent or propagate`,
        })
        .default('')
        .describe('`ignore`, `silent` (also when empty) or `propagate`, which makes it an error of the policy.'),
      span: z.array(z.string()).default([]).describe('OTTL conditions of spans.'),
      spanevent: z.array(z.string()).default([]).describe('OTTL conditions of span events.'),
    })
    .optional()
    .describe('Keeps traces in which a condition holds for a span or an event.'),
  incident: z
    .strictObject({
      judgements: componentId()
        .optional()
        .describe('The extension that knows open alarms, like feature_store; needed only where there are several.'),
      flight_recorder: componentId()
        .optional()
        .describe('The extension that traces from before an alarm are read from; without any they are not.'),
      lookback: duration().default(300_000).describe('So long before the onset of an alarm traces are kept too.'),
      max_traces: z
        .int()
        .min(0)
        .default(1_000)
        .describe('So many are taken out of the recorder for an alarm; 0 = none.'),
      max_bytes: byteSize()
        .default(16 * 1024 * 1024)
        .describe('And so many bytes, about.'),
    })
    .optional()
    .describe('Keeps traces that cross an entity with an open alarm or incident, and those from shortly before.'),
}

/** Keys beside these are for policies of extensions upstream, and accepted there whatever they are. */
const sharedPolicy = z.looseObject(sections)
export type PolicySettings = z.output<typeof sharedPolicy>

/** They would fill a page with the same keys. */
const like = { 'x-like': 'policies[]' }

const not = z
  .strictObject({
    not_sub_policy: sharedPolicy
      .prefault({})
      .meta(like)
      .describe('The policy whose opposite it is; not `and`, `not` or another that has parts.'),
  })
  .optional()
  .describe('Keeps what its policy does not.')
const partOfAnd = z.looseObject({ ...sections, not })
const and = z
  .strictObject({
    and_sub_policy: z.array(partOfAnd).default([]).meta(like).describe('Policies; `not` is the only one with parts.'),
  })
  .optional()
  .describe('Keeps what all of its policies keep.')
const partOfComposite = z.looseObject({ ...sections, and })
const drop = z
  .strictObject({
    drop_sub_policy: z.array(partOfAnd).default([]).meta(like).describe('Policies; `not` is the only one with parts.'),
  })
  .optional()
  .describe('Drops what all of its policies keep, whatever other policies say.')
const composite = z
  .strictObject({
    max_total_spans_per_second: z.int().default(0).describe('No policy of it keeps more spans in a second.'),
    policy_order: z
      .array(z.string())
      .default([])
      .describe('Changes nothing, as upstream: they are asked in the order of composite_sub_policy.'),
    composite_sub_policy: z
      .array(partOfComposite)
      .default([])
      .meta(like)
      .describe('Policies; the first that keeps decides.'),
    rate_allocation: z
      .array(
        z.strictObject({
          policy: z.string().default('').describe('The name of one of the policies.'),
          percent: z.int().default(0).describe('Its share of the spans; 0 is an equal share.'),
        }),
      )
      .default([])
      .describe('How the spans of a second are shared.'),
  })
  .optional()
  .describe('Asks policies in turn, each with a share of the spans of a second.')

export const policy = z.looseObject({ ...sections, composite, and, not, drop })
export type TopPolicySettings = z.output<typeof policy>
/** What a policy inside of another may have. */
export type PartSettings = PolicySettings & {
  readonly and?: z.output<typeof and>
  readonly not?: z.output<typeof not>
}
