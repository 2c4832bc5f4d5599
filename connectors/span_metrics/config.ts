import { z } from 'zod'
import { formatDuration } from '../../pipeline/config/duration.ts'
import { duration, list, optional } from '../../pipeline/config/fields.ts'
import { compileGlob } from './glob.ts'

const dimension = z.strictObject({
  name: z.string().default('').describe('An attribute of the span, or else of its resource.'),
  default: z
    .string()
    .optional()
    .describe('The value where neither has it; without it the series has no such attribute.'),
  glob: z
    .string()
    .default('')
    .describe('Instead of `name`: every attribute whose name matches; `*` matches up to the next dot, `**` beyond it.'),
})
export type Dimension = z.output<typeof dimension>

const dimensions = (description: string) => list(dimension).default([]).describe(description)

const unit = z
  .preprocess(
    (value) => (typeof value === 'string' ? value.toLowerCase() : value),
    z.enum(['ms', 's'], {
      error: ({ input }) => `unknown Unit ${JSON.stringify(input)}, allowed units are "ms" and "s"`,
    }),
  )
  .optional()
  .describe(
    '`ms` or `s`; `ms`, or `s` under the feature gate `connector.spanmetrics.useSecondAsDefaultMetricsUnit`, when left out.',
  )

const histogram = z.strictObject({
  disable: z.boolean().default(false).describe('Makes no `duration` metric.'),
  unit,
  explicit: optional(
    z.strictObject({
      buckets: list(duration())
        .default([])
        .describe(
          'The upper bounds. Without this section: 2, 4, 6, 8, 10, 50, 100, 200, 400, 800 ms, 1, 1.4, 2, 5, 10, 15 s.',
        ),
    }),
    'off',
  ).describe('A histogram with the bounds that are given.'),
  exponential: optional(
    z.strictObject({
      max_size: z.int32().default(0).describe('How many buckets it may have; 0 is 160.'),
    }),
    'off',
  ).describe('An exponential histogram.'),
  dimensions: dimensions('More dimensions, of `duration` only.'),
})

export const config = z
  .strictObject({
    histogram: histogram.prefault({}).describe('The metric `duration`.'),
    dimensions: dimensions('More dimensions, of all metrics.'),
    calls_dimensions: dimensions('More dimensions, of `calls` only.'),
    exclude_dimensions: list(z.string())
      .default([])
      .describe(
        'Default dimensions to leave out: `service.name`, `span.name`, `span.kind`, `status.code`, `collector.instance.id`.',
      ),
    dimensions_cache_size: z
      .int()
      .default(0)
      .describe('Deprecated and without effect, as upstream; use `aggregation_cardinality_limit`.'),
    resource_metrics_cache_size: z
      .int()
      .default(1000)
      .describe('How many resources are kept; the one that was longest not seen is sent once more and forgotten.'),
    resource_metrics_key_attributes: list(z.string())
      .default([])
      .describe('The resource attributes that tell resources apart; none = all.'),
    aggregation_temporality: z
      .string()
      .default('AGGREGATION_TEMPORALITY_CUMULATIVE')
      .describe('`AGGREGATION_TEMPORALITY_CUMULATIVE` or `AGGREGATION_TEMPORALITY_DELTA`.'),
    metrics_flush_interval: duration().default(60_000).describe('How often metrics are sent.'),
    metrics_expiration: duration()
      .default(0)
      .describe('A resource without spans for this long is sent once more and forgotten; 0 = never.'),
    series_expiration: duration()
      .default(3_600_000)
      .describe('A series without spans for this long is forgotten; 0 = never, which is the default of upstream.'),
    metric_timestamp_cache_size: z
      .int()
      .optional()
      .describe(
        'Of how many delta series the last timestamp is kept; 10 times `resource_metrics_cache_size` and at least 1000, when left out.',
      ),
    namespace: z.string().default('traces.span.metrics').describe('What the names of the metrics begin with.'),
    exemplars: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Puts spans on the points as exemplars.'),
        max_per_data_point: z.int().default(5).describe('How many, at most, on each point between two flushes.'),
      })
      .prefault({})
      .describe('Exemplars.'),
    events: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Makes the metric `events`, which counts the events of spans.'),
        dimensions: dimensions('Dimensions of `events`, also looked up in the attributes of the event; at least one.'),
      })
      .prefault({})
      .describe('The metric `events`.'),
    include_instrumentation_scope: list(z.string())
      .default([])
      .describe('Names of the instrumentation scopes that become a dimension.'),
    aggregation_cardinality_limit: z
      .int()
      .default(0)
      .describe(
        'How many series each metric of each resource may have; what is beyond goes into one with `otel.metric.overflow`. 0 = no limit.',
      ),
    max_series: z
      .int()
      .min(1)
      .default(200_000)
      .describe(
        'How many series there may be in all; what is beyond goes into those with `otel.metric.overflow`. Ours.',
      ),
    add_resource_attributes: z
      .boolean()
      .default(false)
      .describe(
        'Keeps the resource attributes under the feature gate `connector.spanmetrics.excludeResourceMetrics`, without which they are kept anyway.',
      ),
    enable_metrics_sampling_method: z
      .boolean()
      .default(false)
      .describe(
        'Adds `sampling.method`: `extrapolated` where the tracestate of the span says how it was sampled, else `counted`.',
      ),
  })
  .superRefine((settings, context) => {
    const problem = (...path: PropertyKey[]) => ({
      is: (message: string | undefined) => {
        if (message !== undefined) context.addIssue({ code: 'custom', message, path })
      },
    })
    const prefixed = (prefix: string, message: string | undefined) =>
      message && `failed validating ${prefix}: ${message}`
    const { histogram, events, exemplars } = settings
    problem('dimensions').is(prefixed('dimensions', dimensionsProblem(settings.dimensions)))
    problem('calls_dimensions').is(prefixed('calls dimensions', dimensionsProblem(settings.calls_dimensions)))
    problem('histogram', 'dimensions').is(prefixed('histogram dimensions', dimensionsProblem(histogram.dimensions)))
    if (events.enabled)
      problem('events', 'dimensions').is(
        prefixed(
          'event dimensions',
          events.dimensions.length === 0 ? 'no dimensions configured for events' : dimensionsProblem(events.dimensions),
        ),
      )
    if (histogram.explicit !== undefined && histogram.exponential !== undefined)
      problem('histogram').is('use either `explicit` or `exponential` buckets histogram')
    for (const key of ['metrics_flush_interval', 'metrics_expiration', 'series_expiration'] as const) {
      const ms = settings[key]
      if (ms < 0 || (key === 'metrics_flush_interval' && ms === 0))
        problem(key).is(`invalid ${key}: ${formatDuration(ms)}, the duration should be positive`)
    }
    const timestamps = deltaTimestampCacheSize(settings)
    if (isDelta(settings) && timestamps <= 0)
      problem('metric_timestamp_cache_size').is(
        `invalid delta timestamp cache size: ${timestamps}, the maximum number of the items in the cache should be positive`,
      )
    if (settings.aggregation_cardinality_limit < 0)
      problem('aggregation_cardinality_limit').is(
        `invalid aggregation_cardinality_limit: ${settings.aggregation_cardinality_limit}, the limit should be positive`,
      )
    if (exemplars.enabled && exemplars.max_per_data_point < 0)
      problem('exemplars', 'max_per_data_point').is(
        `invalid max_per_data_point: ${exemplars.max_per_data_point}, the value should be positive`,
      )
    if (settings.resource_metrics_cache_size <= 0)
      problem('resource_metrics_cache_size').is('must provide a positive size')
  })
export type Config = z.output<typeof config>

/** Anything else is cumulative, as upstream. */
export function isDelta({ aggregation_temporality }: Config): boolean {
  return aggregation_temporality === 'AGGREGATION_TEMPORALITY_DELTA'
}

export function deltaTimestampCacheSize({
  metric_timestamp_cache_size,
  resource_metrics_cache_size,
}: Pick<Config, 'metric_timestamp_cache_size' | 'resource_metrics_cache_size'>): number {
  return metric_timestamp_cache_size ?? Math.max(1000, resource_metrics_cache_size * 10)
}

const reserved = ['service.name', 'span.kind', 'status.code', 'span.name', 'collector.instance.id']

function dimensionsProblem(dimensions: readonly Dimension[]): string | undefined {
  const names = new Set(reserved)
  const globs = new Map<string, RegExp>()
  for (const { name, default: value, glob } of dimensions) {
    if (name !== '' && glob !== '')
      return `dimension entry must set only one of \`name\` or \`glob\`, got both: name=${quoted(name)} glob=${quoted(glob)}`
    if (name === '' && glob === '') return 'dimension entry must set one of `name` or `glob`'
    if (name !== '') {
      if (names.has(name)) return `duplicate dimension name ${quoted(name)}`
      names.add(name)
      continue
    }
    if (value !== undefined) return `\`default\` is not supported on \`glob\` dimension ${quoted(glob)}`
    const compiled = compileGlob(glob)
    if ('error' in compiled) return `invalid dimension glob ${quoted(glob)}: ${compiled.error}`
    globs.set(glob, compiled)
  }
  for (const name of names)
    for (const [glob, pattern] of globs)
      if (pattern.test(name)) return `duplicate dimension name ${quoted(name)} conflicting with glob ${quoted(glob)}`
  return undefined
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
