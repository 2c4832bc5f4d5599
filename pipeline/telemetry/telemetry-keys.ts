/** The keys of `service::telemetry`, in the shape of upstream (otelconf 0.3.0), and what this build makes of them. */
import { z } from 'zod'
import { duration, level, list } from '../config/fields.ts'
import { exporterOf, itemProcessor, metricExporterKeys, processorKeys, samplerKeys, samplerOf } from './export-keys.ts'
import { includeExclude, producers, spanLimits, views } from './inert-keys.ts'
import type { LogSettings, MetricSettings, ServiceTelemetry, TraceSettings } from './settings.ts'

const levels = ['none', 'basic', 'normal', 'detailed'] as const
/** What zap knows above `error` never occurs here: those levels print what `error` does. Its empty one is `info`. */
const logLevels = ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal', ''] as const
const metricLevel = () => level(levels).default('normal')
const unheardOf = 'Without effect in this build'

const logKeys = z.strictObject({
  level: level(logLevels, (text) => `unrecognized level: ${JSON.stringify(text)}; write debug, info, warn or error`)
    .default('info')
    .describe('Lowest level that is written: debug, info, warn or error'),
  development: z.boolean().default(false).describe('Stacks from warn on, not only from error on'),
  encoding: z
    .enum(['console', 'json'], {
      error: ({ input }) => `no encoder registered for name ${JSON.stringify(input)}; write console or json`,
    })
    .default('console')
    .describe('Form of a line: console or json'),
  disable_caller: z.boolean().default(false).describe('Leave out which file logged'),
  disable_stacktrace: z.boolean().default(false).describe('Leave out stacks'),
  disable_zap_resource: z.boolean().default(false).describe('Leave out the resource of the engine'),
  sampling: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Write only some of many equal lines'),
      tick: duration().default(10_000).describe('Time in which equal lines are counted'),
      initial: z.int().default(10).describe('Lines of one level and message that are written in each tick'),
      thereafter: z.int().default(100).describe('Of the lines after those, each how manieth is written; 0 = none'),
    })
    .prefault({})
    .describe('Limit on equal lines'),
  output_paths: list(z.string()).default(['stderr']).describe('stderr, stdout or files, which are appended to'),
  error_output_paths: list(z.string()).default(['stderr']).describe('Where it is told that an output fails'),
  initial_fields: z.record(z.string(), z.unknown()).default({}).describe('Fields of each line'),
  processors: z.array(processorKeys(1_000)).nullish().describe('Where lines go as OTLP too'),
})

const alwaysSo = () => z.boolean().nullable().default(true).describe('Always so')
const prometheusKeys = z.strictObject({
  host: z.string({ error: orMissing('host must be specified, like localhost') }).describe('Where to listen'),
  port: z
    .int({ error: orMissing('port must be specified, like 8888') })
    .min(0)
    .max(65_535)
    .describe('Where to listen; 0 = any free one'),
  with_resource_constant_labels: includeExclude,
  without_scope_info: alwaysSo(),
  without_type_suffix: alwaysSo(),
  without_units: alwaysSo(),
})
const positiveOr = (standard: number) =>
  z
    .int()
    .transform((ms) => (ms > 0 ? ms : standard))
    .default(standard)
const readerKeys = z
  .strictObject({
    pull: z
      .strictObject({
        exporter: z
          .looseObject({ prometheus: prometheusKeys.nullish().describe('Serves /metrics') })
          .describe('Only prometheus has an effect'),
      })
      .nullish()
      .describe('A reader that asks'),
    periodic: z
      .strictObject({
        exporter: metricExporterKeys.describe('Where to'),
        interval: positiveOr(60_000).describe('Milliseconds between two exports; 0 or less = 60000'),
        timeout: positiveOr(30_000).describe('Of one export, in milliseconds; 0 or less = 30000'),
      })
      .nullish()
      .describe('A reader that sends'),
    producers,
  })
  .superRefine(({ pull, periodic }, context) => {
    const problem =
      pull && periodic
        ? 'must not specify multiple metric reader type: keep pull or periodic'
        : !pull && !periodic
          ? 'no valid metric reader: write pull or periodic'
          : pull && !pull.exporter.prometheus
            ? 'no valid metric exporter: write exporter: {prometheus: {host: localhost, port: 8888}}'
            : undefined
    if (problem) context.addIssue({ code: 'custom', message: problem })
  })
const defaultReaders: z.output<typeof readerKeys>[] = [
  { pull: { exporter: { prometheus: prometheusKeys.parse({ host: 'localhost', port: 8888 }) } } },
]

const metricKeys = z
  .strictObject({
    level: metricLevel().describe('none, basic, normal or detailed'),
    readers: z.array(readerKeys).default(defaultReaders).describe('Prometheus endpoints'),
    views,
  })
  .meta({
    'x-removed': { address: 'write readers: [{pull: {exporter: {prometheus: {host: localhost, port: 8888}}}}]' },
  })

const propagators = ['tracecontext', 'b3']
const traceKeys = z
  .strictObject({
    level: level(levels).optional().describe('none records no spans; the others are one'),
    propagators: list(z.string()).nullish().describe('tracecontext: spans join the trace that a request names'),
    processors: z.array(processorKeys(5_000)).nullish().describe('Where own spans go'),
    sampler: samplerKeys.nullish().describe('Which traces are recorded; absent = as the parent, all that begin here'),
    limits: spanLimits,
  })
  .superRefine((traces, context) => {
    // Upstream looks at them where spans are exported, and starts without.
    if (traces.level === 'none' || !traces.processors?.length) return
    for (const [i, name] of (traces.propagators ?? []).entries()) {
      if (propagators.includes(name)) continue
      const message = `unsupported trace propagator ${JSON.stringify(name)}; write tracecontext`
      context.addIssue({ code: 'custom', message, path: ['propagators', i] })
    }
  })

const attributeKeys = z.strictObject({
  name: z.string().describe('Name of the attribute'),
  value: z.unknown().describe('Its value'),
  type: z.string().nullish().describe('Without effect: the value says it'),
})
const resourceKeys = z
  .looseObject({
    attributes: z.array(attributeKeys).nullish().describe('Attributes of the engine on its log lines and metrics'),
    attributes_list: z.string().nullish().describe('Refused, as upstream: use attributes'),
    detectors: z.looseObject({}).nullish().describe(unheardOf),
    'detection/development': z.looseObject({}).nullish().describe(unheardOf),
    schema_url: z.string().nullable().default('https://opentelemetry.io/schemas/1.40.0').describe(unheardOf),
  })
  .superRefine((resource, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (typeof resource.attributes_list === 'string') {
      problem('resource::attributes_list is not currently supported, please use resource::attributes')
    }
    const legacy = legacyAttributes(resource)
    for (const [name, value] of legacy) {
      if (value === null || typeof value === 'string') continue
      problem(`legacy resource attribute ${JSON.stringify(name)} must be string or null`)
    }
    if (legacy.length > 0 && (resource.attributes?.length ?? 0) > 0) {
      problem('resource::attributes cannot be used together with legacy inline resource attributes')
    }
  })

export const telemetryKeys = z
  .strictObject({
    logs: logKeys.prefault({}).describe('The own log'),
    metrics: metricKeys.prefault({}).describe('The own metrics'),
    traces: traceKeys.prefault({}).describe('The own spans: one of each batch received and exported'),
    resource: resourceKeys.prefault({}).describe('Who the engine says it is'),
  })
  .superRefine(({ metrics }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (metrics.level !== 'none' && metrics.readers.length === 0) {
      problem('collector telemetry metrics reader should exist when metric level is not none')
    }
    if (metrics.views && metrics.level !== 'detailed') {
      problem('service::telemetry::metrics::views can only be set when service::telemetry::metrics::level is detailed')
    }
  })
export type TelemetryKeys = z.output<typeof telemetryKeys>

export function serviceTelemetry(keys: TelemetryKeys): ServiceTelemetry {
  return {
    logs: logSettings(keys.logs),
    metrics: metricSettings(keys.metrics),
    traces: traceSettings(keys.traces),
    resource: resourceAttributes(keys.resource),
    warnings: [...warningsOf(keys)],
  }
}

function logSettings(logs: TelemetryKeys['logs']): LogSettings {
  const { processors, level: named, ...rest } = logs
  const known = named === 'debug' || named === 'info' || named === 'warn'
  const level = named === '' ? 'info' : known ? named : 'error'
  return { ...rest, level, processors: (processors ?? []).flatMap(itemProcessor) }
}

function metricSettings({ level, readers }: TelemetryKeys['metrics']): MetricSettings {
  const prometheus = level === 'none' ? [] : readers.flatMap((reader) => reader.pull?.exporter.prometheus ?? [])
  const periodic = level === 'none' ? [] : readers.flatMap((reader) => reader.periodic ?? [])
  return {
    level,
    prometheus: prometheus.map(({ host, port }) => ({ host: withoutBrackets(host), port })),
    periodic: periodic.map(({ exporter, interval, timeout }) => {
      return { exporter: exporterOf(exporter), intervalMs: interval, timeoutMs: timeout }
    }),
  }
}

function traceSettings({ level, processors, sampler, propagators }: TelemetryKeys['traces']): TraceSettings {
  return {
    processors: level === 'none' ? [] : (processors ?? []).flatMap(itemProcessor),
    sampler: samplerOf(sampler),
    joinsRemote: propagators?.includes('tracecontext') ?? false,
  }
}

/** `[::1]` is `::1`. */
function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

function resourceAttributes(resource: TelemetryKeys['resource']): ReadonlyMap<string, string | null> {
  const out = new Map<string, string | null>()
  for (const [name, value] of legacyAttributes(resource)) out.set(name, typeof value === 'string' ? value : null)
  for (const { name, value } of resource.attributes ?? []) {
    out.set(name, typeof value === 'string' ? value : JSON.stringify(value ?? ''))
  }
  return out
}

function legacyAttributes(resource: Record<string, unknown>): [string, unknown][] {
  return Object.entries(resource).filter(([name]) => !(name in resourceKeys.shape))
}

function* warningsOf({ metrics, traces, resource }: TelemetryKeys): Generator<string> {
  const legacy = legacyAttributes(resource).map(([name]) => name)
  if (legacy.length > 0) {
    yield `Using legacy service.telemetry.resource inline map format; prefer service.telemetry.resource.attributes (array of maps with \`name\` and \`value\` keys): ${legacy.sort().join(', ')}`
  }
  const unused = (path: string, cure: string) => `service::telemetry::${path} has no effect in this build: ${cure}`
  if (metrics.views?.length) yield unused('metrics::views', 'all metrics keep their names and labels')
  for (const [i, { pull }] of metrics.readers.entries()) {
    const path = `metrics::readers::${i}`
    const prometheus = pull?.exporter.prometheus
    const suffixes = [prometheus?.without_scope_info, prometheus?.without_type_suffix, prometheus?.without_units]
    if (suffixes.includes(false)) yield unused(`${path}::pull`, 'names have no suffixes and no scope labels')
    if (prometheus?.with_resource_constant_labels) {
      yield unused(`${path}::pull::exporter::prometheus::with_resource_constant_labels`, 'join with target_info')
    }
  }
  if (traces.propagators?.includes('b3')) yield unused('traces::propagators', 'only tracecontext is read')
  if (traces.limits) yield unused('traces::limits', 'own spans have a handful of attributes and at most 128 links')
  if (resource.detectors ?? resource['detection/development']) {
    yield unused('resource::detectors', 'name the attributes under resource::attributes')
  }
}

function orMissing(message: string): (issue: { input?: unknown; code?: string }) => string | undefined {
  return ({ input }) => (input === undefined || input === null ? message : undefined)
}
