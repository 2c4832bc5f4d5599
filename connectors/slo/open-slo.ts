/** OpenSLO documents (openslo/v1), and the short form of our own, as schemas that name what is wrong. */
import { z } from 'zod'
import { duration } from '../../pipeline/config/fields.ts'

const text = () => z.string().min(1)
const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }

/** OpenSLO's duration shorthand, `5m`, `1h`, `30d`, `4w`; seconds come out. */
export function shorthand() {
  return z.string().transform((value, context): number => {
    const match = /^(\d+)([smhdw])$/.exec(value)
    const seconds = match === null ? 0 : Number(match[1]) * unitSeconds[match[2]!]!
    if (seconds > 0) return seconds
    context.addIssue({
      code: 'custom',
      input: value,
      message: /^\d+[MQY]$/.test(value)
        ? `${value} is a calendar's window, and only rolling ones are known here: write it in days, like 30d`
        : `not a duration: ${JSON.stringify(value)}; write a number with its unit (s, m, h, d, w), like 5m or 30d`,
    })
    return z.NEVER
  })
}

const scalar = z.union([z.string(), z.number(), z.boolean()])
const condition = z.union([
  scalar,
  z.array(scalar).min(1),
  z.strictObject({ matches: text() }).superRefine(({ matches }, context) => {
    try {
      void new RegExp(matches, 'v')
    } catch (error) {
      context.addIssue({ code: 'custom', message: `not a regular expression: ${String(error)}`, path: ['matches'] })
    }
  }),
  z.strictObject({ exists: z.boolean() }),
])
const conditions = z.record(z.string(), condition)

const sourceSpec = z
  .looseObject({
    metric: z.string().optional(),
    attributes: conditions.optional(),
    resource: conditions.optional(),
    at_most: z.number().optional(),
    above: z.number().optional(),
  })
  .superRefine((spec, context) => {
    const known = ['metric', 'attributes', 'resource', 'at_most', 'above']
    const wrong = Object.keys(spec).filter((key) => !known.includes(key))
    if (wrong.length > 0)
      context.addIssue({
        code: 'custom',
        message: `has invalid keys: ${wrong.join(', ')}; a metric of the stream is read, by ${known.join(', ')}`,
      })
    else if (spec.metric === undefined || spec.metric === '')
      context.addIssue({ code: 'custom', message: 'metric is required; name an OpenTelemetry metric of the stream' })
  })
const metricSource = z.strictObject({
  metricSource: z.strictObject({
    metricSourceRef: z.string().optional(),
    type: z.string().optional(),
    spec: sourceSpec,
  }),
})

const ratioMetric = z
  .strictObject({
    counter: z.boolean().optional(),
    good: metricSource.optional(),
    bad: metricSource.optional(),
    total: metricSource.optional(),
    rawType: z.string().optional(),
    raw: z.unknown().optional(),
  })
  .superRefine((ratio, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (ratio.raw !== undefined)
      problem('raw: a ratio that somebody else made has no counts to go by; give total and good or bad')
    else if (ratio.total === undefined) problem('total is required; set it')
    else if ((ratio.good === undefined) === (ratio.bad === undefined)) problem('set exactly one of: good, bad')
  })

const indicatorSpec = z
  .strictObject({
    description: z.string().optional(),
    thresholdMetric: metricSource.optional(),
    ratioMetric: ratioMetric.optional(),
  })
  .superRefine((spec, context) => {
    if ((spec.thresholdMetric === undefined) === (spec.ratioMetric === undefined))
      context.addIssue({ code: 'custom', message: 'set exactly one of: thresholdMetric, ratioMetric' })
  })

const metadata = z.strictObject({
  name: text(),
  displayName: z.string().optional(),
  labels: z.record(z.string(), z.unknown()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
})
const inlineMetadata = metadata.partial()

const timeWindow = z
  .strictObject({ duration: shorthand(), isRolling: z.boolean().optional(), calendar: z.unknown().optional() })
  .superRefine(({ isRolling, calendar }, context) => {
    if (calendar !== undefined || isRolling === false)
      context.addIssue({
        code: 'custom',
        message: 'calendar: only rolling windows are known here; write isRolling: true and no calendar',
      })
  })

const goal = z
  .strictObject({
    displayName: z.string().optional(),
    op: z.enum(['lte', 'lt', 'gte', 'gt']).optional(),
    value: z.number().optional(),
    target: z.number().optional(),
    targetPercent: z.number().optional(),
    timeSliceTarget: z.number().gt(0).max(1).optional(),
    timeSliceWindow: z
      .union([
        shorthand(),
        z
          .number()
          .positive()
          .transform((minutes) => minutes * 60),
      ])
      .optional(),
  })
  .superRefine(({ target, targetPercent }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if ((target === undefined) === (targetPercent === undefined)) problem('set exactly one of: target, targetPercent')
    if (target !== undefined && !(target > 0 && target < 1))
      problem(`target must be between 0 and 1, got ${target}: 0.999 is 99.9 %`)
    if (targetPercent !== undefined && !(targetPercent > 0 && targetPercent < 100))
      problem(`targetPercent must be between 0 and 100, got ${targetPercent}`)
  })

const sloSpec = z
  .strictObject({
    description: z.string().optional(),
    service: text(),
    indicator: z.strictObject({ metadata: inlineMetadata.optional(), spec: indicatorSpec }).optional(),
    indicatorRef: z.string().optional(),
    timeWindow: z.array(timeWindow).length(1),
    budgetingMethod: z.enum(['Occurrences', 'Timeslices']).default('Occurrences'),
    objectives: z.array(goal).min(1),
    alertPolicies: z.unknown().optional(),
  })
  .superRefine((spec, context) => {
    const problem = (message: string, path: (string | number)[] = []) =>
      context.addIssue({ code: 'custom', message, path })
    if ((spec.indicator === undefined) === (spec.indicatorRef === undefined))
      problem('set exactly one of: indicator, indicatorRef')
    for (const [i, { timeSliceTarget, timeSliceWindow }] of spec.objectives.entries()) {
      const isSliced = spec.budgetingMethod === 'Timeslices'
      if (isSliced && (timeSliceTarget === undefined || timeSliceWindow === undefined))
        problem('Timeslices need timeSliceTarget and timeSliceWindow', ['objectives', i])
      if (!isSliced && (timeSliceTarget ?? timeSliceWindow) !== undefined)
        problem('timeSliceTarget and timeSliceWindow need budgetingMethod: Timeslices', ['objectives', i])
      if (timeSliceWindow !== undefined && !(timeSliceWindow >= 10 && timeSliceWindow <= 3_600))
        problem('timeSliceWindow must be from 10s to 1h', ['objectives', i, 'timeSliceWindow'])
    }
  })

const version = z.literal('openslo/v1')
const slo = z.strictObject({ apiVersion: version, kind: z.literal('SLO'), metadata, spec: sloSpec })
const sli = z.strictObject({ apiVersion: version, kind: z.literal('SLI'), metadata, spec: indicatorSpec })
const other = z.looseObject({ apiVersion: version, kind: z.string(), metadata })

const share = z.number().gt(0).lt(100)
const shortForm = z
  .strictObject({
    name: text().optional(),
    service: text(),
    operation: text().optional(),
    namespace: z.string().optional(),
    environment: z.string().optional(),
    cluster: z.string().optional(),
    availability: share.optional(),
    latency: z.strictObject({ threshold: duration(), target: share }).optional(),
    window: shorthand().optional(),
  })
  .superRefine(({ availability, latency }, context) => {
    if (availability === undefined && latency === undefined)
      context.addIssue({ code: 'custom', message: 'set availability, latency or both: availability: 99.9' })
    if (latency !== undefined && !(latency.threshold > 0))
      context.addIssue({ code: 'custom', message: 'threshold must be more than 0', path: ['latency'] })
  })

const fileEntry = z.strictObject({ file: text() })

export type OpenSlo = z.output<typeof slo>
export type OpenSli = z.output<typeof sli>
export type Goal = z.output<typeof goal>
export type IndicatorSpec = z.output<typeof indicatorSpec>
export type MetricSource = z.output<typeof metricSource>
export type Conditions = z.output<typeof conditions>
export type ShortForm = z.output<typeof shortForm>

/** Kinds that an SLO may refer to and that say nothing that is needed here. */
const ignoredKinds: readonly string[] = [
  'Service',
  'DataSource',
  'AlertPolicy',
  'AlertCondition',
  'AlertNotificationTarget',
]

export type Form = 'file' | 'SLO' | 'SLI' | 'ignored' | 'short'

/** Which form an entry is meant to have, and the schema that checks it. */
export function formOf(
  value: unknown,
): { readonly form: Form; readonly schema: z.ZodType } | { readonly error: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { error: 'write a map: an OpenSLO document, { service, availability }, or { file }' }
  if ('file' in value) return { form: 'file', schema: fileEntry }
  if (!('apiVersion' in value) && !('kind' in value)) return { form: 'short', schema: shortForm }
  const kind = 'kind' in value ? value.kind : undefined
  if (kind === 'SLO') return { form: 'SLO', schema: slo }
  if (kind === 'SLI') return { form: 'SLI', schema: sli }
  if (ignoredKinds.includes(String(kind))) return { form: 'ignored', schema: other }
  return { error: `kind must be SLO, SLI or one of ${ignoredKinds.join(', ')}, got ${String(kind)}` }
}
