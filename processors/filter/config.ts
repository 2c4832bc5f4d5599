import { z } from 'zod'
import { attributeValue } from '../../pipeline/config/fields.ts'
import { matchKeys } from '../../pipeline/filterset/match-keys.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { contextName, errorMode } from '../../pipeline/ottl/fields.ts'
import { checkConflicts, checkStyle } from './check.ts'
import { checkCondition, checkList, contextsOf, type Filtered } from './compile.ts'
import { severityNumber } from './severity.ts'

const conditionList = (signal: Filtered, context: ContextName) =>
  z
    .array(z.string())
    .superRefine((conditions, report) => checkList(report, [], signal, conditions, context))
    .optional()

function groupsOf(signal: Filtered) {
  const group = z
    .strictObject({
      context: contextName(contextsOf[signal])
        .default('')
        .describe('Of paths that name none; without it the paths of each condition tell it.'),
      conditions: z.array(z.string()).default([]).describe('What meets one of them goes.'),
      error_mode: errorMode().optional().describe('For this group, instead of the one of the processor.'),
    })
    .superRefine(({ conditions, context }, report) => checkList(report, ['conditions'], signal, conditions, context))
  const condition = z.string().superRefine((text, report) => checkCondition(report, signal, text))
  return z
    .array(z.union([condition, group, z.null()]))
    .superRefine(checkStyle)
    .default([])
}

const attribute = z.strictObject({
  key: z.string().default('').describe('The name of the attribute.'),
  value: attributeValue().describe('What it must be, or match; any value where this is not set.'),
})
const regexp = z
  .strictObject({
    cacheenabled: z.boolean().default(false).describe('Remembers which texts matched.'),
    cachemaxnumentries: z.number().default(0).describe('How many texts that are; 0 = 10,000.'),
  })
  .optional()
const attributes = () => z.array(attribute).default([])

const noExpr =
  '`expr` (expr-lang, the expressions of the Go Collector) is not in this build; write OTTL into `metric_conditions`: HasAttrKeyOnDatapoint("foo") for HasLabel("foo"), datapoint.attributes["foo"] == "bar" for Label("foo") == "bar"'

const metricMatch = z
  .strictObject({
    match_type: z.string().default('').describe('`strict` (equal) or `regexp`.'),
    regexp: regexp.describe('Of `match_type: regexp`.'),
    metric_names: z.array(z.string()).default([]).describe('One of them is the name.'),
    expressions: z.array(z.string()).default([]).describe('Of `match_type: expr`, which this build does not have.'),
    resource_attributes: attributes().describe('All of them are attributes of the resource.'),
  })
  .superRefine(({ match_type, expressions }, report) => {
    if (match_type === 'expr' && expressions.length > 0)
      report.addIssue({ code: 'custom', path: ['match_type'], message: noExpr })
  })
export type MetricMatch = z.output<typeof metricMatch>

function severity() {
  return z.string().refine((text) => text === '' || severityNumber(text) !== undefined, {
    error: ({ input }) =>
      `'${String(input)}' is not a valid severity; use TRACE, DEBUG, INFO, WARN, ERROR or FATAL, with 2, 3 or 4 behind it for the finer steps, or 1 to 24`,
  })
}

const logMatch = z.strictObject({
  match_type: z.string().default('').describe('`strict` (equal) or `regexp`.'),
  resource_attributes: attributes().describe('All of them are attributes of the resource.'),
  record_attributes: attributes().describe('All of them are attributes of the record.'),
  severity_texts: z.array(z.string()).default([]).describe('One of them is the severity text.'),
  severity_number: z
    .strictObject({
      min: severity().default('').describe('The lowest severity that matches: `INFO`, `warn2`, or its number.'),
      match_undefined: z.boolean().default(false).describe('Whether a record without a severity number matches.'),
    })
    .optional()
    .describe('How severe the record is.'),
  bodies: z.array(z.string()).default([]).describe('One of them is the body.'),
})
export type LogMatch = z.output<typeof logMatch>

const notHere = () =>
  z
    .array(z.unknown())
    .max(0, 'profiles pass through this build unopened, so that no condition can be asked of them; remove it')
    .optional()
    .describe('Not in this build: it must be empty.')

const keys = z.strictObject({
  error_mode: errorMode()
    .default('ignore')
    .describe(
      'A condition that fails on an item: `ignore` logs it and goes on, `silent` goes on, `propagate` refuses the payload.',
    ),
  trace_conditions: groupsOf('traces').describe('Spans and span events that go: conditions, or groups of them.'),
  metric_conditions: groupsOf('metrics').describe('Metrics and data points that go: conditions, or groups of them.'),
  log_conditions: groupsOf('logs').describe('Log records that go: conditions, or groups of them.'),
  profile_conditions: notHere(),
  traces: z
    .strictObject({
      resource: conditionList('traces', 'resource').describe('Resources that go, with all their spans.'),
      span: conditionList('traces', 'span').describe('Spans that go.'),
      spanevent: conditionList('traces', 'spanevent').describe('Span events that go.'),
    })
    .prefault({})
    .describe('Older form of `trace_conditions`.'),
  metrics: z
    .strictObject({
      resource: conditionList('metrics', 'resource').describe('Resources that go, with all their metrics.'),
      metric: conditionList('metrics', 'metric').describe('Metrics that go.'),
      datapoint: conditionList('metrics', 'datapoint').describe('Data points that go.'),
      include: metricMatch.optional().describe('Only metrics that match all of this stay.'),
      exclude: metricMatch.optional().describe('Metrics that match all of this go.'),
      regexp: regexp.describe('Has no effect, as upstream.'),
    })
    .prefault({})
    .describe('Older form of `metric_conditions`.'),
  logs: z
    .strictObject({
      resource: conditionList('logs', 'resource').describe('Resources that go, with all their records.'),
      log_record: conditionList('logs', 'log').describe('Log records that go.'),
      include: logMatch.optional().describe('Only records that match all of this stay.'),
      exclude: logMatch.optional().describe('Records that match all of this go.'),
    })
    .prefault({})
    .describe('Older form of `log_conditions`.'),
  profiles: z
    .strictObject({
      resource: notHere(),
      profile: notHere(),
    })
    .prefault({})
    .describe('Older form of `profile_conditions`.'),
  spans: z.strictObject(matchKeys).prefault({}).describe('Oldest form of `trace_conditions`.'),
})
export type Config = z.output<typeof keys>
export const config = keys.superRefine(checkConflicts)
