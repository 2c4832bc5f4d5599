/** Which component types a Collector has, and what stands in for the types that no Collector has any more. */
import { parse } from 'yaml'
import { isMap, type KnownTypes, type Section, sections, type TypeName } from './corpus.ts'
import type { Program } from './program.ts'

/** Upstream's deprecated spellings; `components` does not list them, `validate` takes them. */
const aliases: readonly (readonly [Section, string, string])[] = [
  ['exporters', 'otlp_grpc', 'otlp'],
  ['exporters', 'otlp_http', 'otlphttp'],
]

export async function knownTypes(program: Program, folder: string): Promise<KnownTypes> {
  const { stdout } = await program.run(['components'], folder)
  const listed: unknown = parse(stdout)
  const of = (section: Section): Set<string> => {
    const entries = isMap(listed) && Array.isArray(listed[section]) ? (listed[section] as { name: string }[]) : []
    const names = new Set(entries.map(({ name }) => name))
    for (const [where, name, alias] of aliases) if (where === section && names.has(name)) names.add(alias)
    if (program.ignoresUnderscores) for (const name of new Set(names)) names.add(name.replaceAll('_', ''))
    return names
  }
  return Object.fromEntries(sections.map((section) => [section, of(section)])) as unknown as KnownTypes
}

const replacements: Readonly<Partial<Record<TypeName, string>>> = {
  'exporters/logging': 'exporters/debug',
  'exporters/jaeger': 'exporters/otlp_grpc (Jaeger takes OTLP since 1.35)',
  'exporters/jaeger_thrift': 'exporters/otlp_http (Jaeger takes OTLP since 1.35)',
  'exporters/loki': 'exporters/otlp_http (Loki takes OTLP since 3.0)',
  'exporters/sapm': 'exporters/otlp_http',
  'exporters/opencensus': 'exporters/otlp_grpc',
  'receivers/opencensus': 'receivers/otlp',
  'exporters/clickhousetraces': 'exporters/clickhouse',
  'exporters/clickhouselogsexporter': 'exporters/clickhouse',
  'extensions/memory_ballast': 'the environment variable GOMEMLIMIT, or processors/memory_limiter',
  'extensions/ballast': 'the environment variable GOMEMLIMIT, or processors/memory_limiter',
  'processors/span_metrics': 'connectors/span_metrics',
  'processors/signozspanmetrics': 'connectors/span_metrics',
  'processors/service_graph': 'connectors/service_graph',
  'processors/queued_retry': "the exporter's sending_queue and retry_on_failure",
  'processors/experimental_metricsgeneration': 'processors/metrics_generation',
  'processors/routing': 'connectors/routing',
}

/** Upstream renamed these to snake_case one by one and takes both spellings. */
const renamed = (
  'cumulative_to_delta file_log file_stats fluent_forward host_metrics http_check k8s_attributes k8s_objects kafka_metrics ' +
  'kubelet_stats load_balancing metrics_generation metrics_transform prometheus_remote_write resource_detection service_graph ' +
  'span_metrics basic_auth'
).split(' ')
const newSpellings = new Map(renamed.map((name) => [name.replaceAll('_', ''), name]))

function newSpelling(type: TypeName): TypeName {
  const [section, name] = type.split('/') as [Section, string]
  return `${section}/${newSpellings.get(name) ?? name}`
}

export interface MissingType {
  readonly type: TypeName
  /** How many configurations use it. */
  readonly configs: number
  /** How many have no other missing type: adding this one makes them run. */
  readonly unblocks: number
  readonly replacement: string | undefined
}

export function countMissing(missingPerConfig: readonly (readonly TypeName[])[]): MissingType[] {
  const canonical = missingPerConfig.map((missing) => new Set(missing.map(newSpelling)))
  const all = new Set(canonical.flatMap((missing) => [...missing]))
  const counted = [...all].map((type): MissingType => {
    const using = canonical.filter((missing) => missing.has(type))
    const unblocks = using.filter((missing) => missing.size === 1).length
    return { type, configs: using.length, unblocks, replacement: replacements[type] }
  })
  return counted.sort((a, b) => b.unblocks - a.unblocks || b.configs - a.configs || a.type.localeCompare(b.type))
}
