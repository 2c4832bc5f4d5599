import { dirname, resolve } from 'node:path'
import { type Catalog, type CatalogEntry, ConfigError, type ConfigProblem } from '../pipeline/config/config.ts'
import type { PluginReference } from '../pipeline/config/plugin-references.ts'
import { entry, newCatalog } from '../pipeline/engine/catalog.ts'
import { loadPlugin } from '../pipeline/engine/plugins.ts'
import { errorMessage } from '../pipeline/error-message.ts'

/** Every component of this build. One line here is all that registers one. */
export const components: readonly CatalogEntry[] = [
  entry('receiver', 'alerts', [], () => import('../receivers/alerts/index.ts')),
  entry('receiver', 'changes', [], () => import('../receivers/changes/index.ts')),
  entry('receiver', 'mysql', [], () => import('../receivers/mysql/index.ts')),
  entry('receiver', 'nop', [], () => import('../receivers/nop/index.ts')),
  entry('receiver', 'otlp', [], () => import('../receivers/otlp/index.ts')),
  entry('receiver', 'otlp_json_file', ['otlpjsonfile'], () => import('../receivers/otlp_json_file/index.ts')),
  entry('receiver', 'postgresql', [], () => import('../receivers/postgresql/index.ts')),

  entry('processor', 'anomaly', [], () => import('../processors/anomaly/index.ts')),
  entry('processor', 'attributes', [], () => import('../processors/attributes/index.ts')),
  entry('processor', 'batch', [], () => import('../processors/batch/index.ts')),
  entry(
    'processor',
    'cumulative_to_delta',
    ['cumulativetodelta'],
    () => import('../processors/cumulative_to_delta/index.ts'),
  ),
  entry(
    'processor',
    'delta_to_cumulative',
    ['deltatocumulative'],
    () => import('../processors/delta_to_cumulative/index.ts'),
  ),
  entry('processor', 'delta_to_rate', ['deltatorate'], () => import('../processors/delta_to_rate/index.ts')),
  entry('processor', 'features', [], () => import('../processors/features/index.ts')),
  entry('processor', 'filter', [], () => import('../processors/filter/index.ts')),
  entry('processor', 'group_by_attrs', ['groupbyattrs'], () => import('../processors/group_by_attrs/index.ts')),
  entry('processor', 'group_by_trace', ['groupbytrace'], () => import('../processors/group_by_trace/index.ts')),
  entry('processor', 'interval', [], () => import('../processors/interval/index.ts')),
  entry('processor', 'isolation_forest', ['isolationforest'], () => import('../processors/isolation_forest/index.ts')),
  entry('processor', 'k8s_attributes', ['k8sattributes'], () => import('../processors/k8s_attributes/index.ts')),
  entry('processor', 'log_dedup', ['logdedup'], () => import('../processors/log_dedup/index.ts')),
  entry('processor', 'log_template', ['drain'], () => import('../processors/log_template/index.ts')),
  entry('processor', 'memory_limiter', [], () => import('../processors/memory_limiter/index.ts')),
  entry(
    'processor',
    'metric_start_time',
    ['metricstarttime'],
    () => import('../processors/metric_start_time/index.ts'),
  ),
  entry(
    'processor',
    'metrics_transform',
    ['metricstransform'],
    () => import('../processors/metrics_transform/index.ts'),
  ),
  entry('processor', 'narrate', [], () => import('../processors/narrate/index.ts')),
  entry('processor', 'probabilistic_sampler', [], () => import('../processors/probabilistic_sampler/index.ts')),
  entry('processor', 'rca', [], () => import('../processors/rca/index.ts')),
  entry('processor', 'redaction', [], () => import('../processors/redaction/index.ts')),
  entry('processor', 'resource', [], () => import('../processors/resource/index.ts')),
  entry(
    'processor',
    'resource_detection',
    ['resourcedetection'],
    () => import('../processors/resource_detection/index.ts'),
  ),
  entry('processor', 'span', [], () => import('../processors/span/index.ts')),
  entry('processor', 'tail_sampling', [], () => import('../processors/tail_sampling/index.ts')),
  entry('processor', 'transform', [], () => import('../processors/transform/index.ts')),

  entry('exporter', 'debug', [], () => import('../exporters/debug/index.ts')),
  entry('exporter', 'feature_store', [], () => import('../exporters/feature_store/index.ts')),
  entry('exporter', 'file', [], () => import('../exporters/file/index.ts')),
  entry('exporter', 'flight_recorder', [], () => import('../exporters/flight_recorder/index.ts')),
  entry('exporter', 'nop', [], () => import('../exporters/nop/index.ts')),
  entry('exporter', 'notify', [], () => import('../exporters/notify/index.ts')),
  entry('exporter', 'otlp_grpc', ['otlp'], () => import('../exporters/otlp_grpc/index.ts')),
  entry('exporter', 'otlp_http', ['otlphttp'], () => import('../exporters/otlp_http/index.ts')),

  entry('connector', 'alarms', [], () => import('../connectors/alarms/index.ts')),
  entry('connector', 'changes', [], () => import('../connectors/changes/index.ts')),
  entry('connector', 'count', [], () => import('../connectors/count/index.ts')),
  entry('connector', 'exceptions', [], () => import('../connectors/exceptions/index.ts')),
  entry('connector', 'failover', [], () => import('../connectors/failover/index.ts')),
  entry('connector', 'forward', [], () => import('../connectors/forward/index.ts')),
  entry('connector', 'incidents', [], () => import('../connectors/incidents/index.ts')),
  entry('connector', 'log_metrics', [], () => import('../connectors/log_metrics/index.ts')),
  entry('connector', 'nop', [], () => import('../connectors/nop/index.ts')),
  entry('connector', 'routing', [], () => import('../connectors/routing/index.ts')),
  entry(
    'connector',
    'signal_to_metrics',
    ['signaltometrics'],
    () => import('../connectors/signal_to_metrics/index.ts'),
  ),
  entry('connector', 'slo', [], () => import('../connectors/slo/index.ts')),
  entry('connector', 'sum', [], () => import('../connectors/sum/index.ts')),
  entry('connector', 'service_graph', ['servicegraph'], () => import('../connectors/service_graph/index.ts')),
  entry('connector', 'span_metrics', ['spanmetrics'], () => import('../connectors/span_metrics/index.ts')),
  entry('connector', 'trace_features', [], () => import('../connectors/trace_features/index.ts')),

  entry('extension', 'basic_auth', ['basicauth'], () => import('../extensions/basic_auth/index.ts')),
  entry(
    'extension',
    'bearer_token_auth',
    ['bearertokenauth'],
    () => import('../extensions/bearer_token_auth/index.ts'),
  ),
  entry('extension', 'feature_store', [], () => import('../extensions/feature_store/index.ts')),
  entry('extension', 'file_storage', [], () => import('../extensions/file_storage/index.ts')),
  entry('extension', 'flight_recorder', [], () => import('../extensions/flight_recorder/index.ts')),
  entry('extension', 'headers_setter', [], () => import('../extensions/headers_setter/index.ts')),
  entry('extension', 'health_check', [], () => import('../extensions/health_check/index.ts')),
  entry('extension', 'llm', [], () => import('../extensions/llm/index.ts')),
  entry('extension', 'memory_limiter', [], () => import('../extensions/memory_limiter/index.ts')),
  entry('extension', 'models', [], () => import('../extensions/models/index.ts')),
  entry('extension', 'pprof', [], () => import('../extensions/pprof/index.ts')),
  entry('extension', 'service_catalog', [], () => import('../extensions/service_catalog/index.ts')),
  entry('extension', 'state_store', [], () => import('../extensions/state_store/index.ts')),
  entry('extension', 'zpages', [], () => import('../extensions/zpages/index.ts')),
]

/** The build's components and those of the plugins: of the command line, and of the configuration. Throws what is wrong with a plugin. */
export async function loadCatalog(
  pluginPaths: readonly string[],
  references: readonly PluginReference[] = [],
  files: readonly string[] = [],
): Promise<Catalog> {
  const given = await Promise.all(pluginPaths.map((path) => loadPlugin(path)))
  const problems: ConfigProblem[] = []
  const named = await Promise.all(
    references.map(async ({ specifier, position }, i) => {
      try {
        return await loadPlugin(specifier, folderOf(position.source, files))
      } catch (error) {
        const message = errorMessage(error)
        problems.push({ path: `service::plugins::${i}`, message, position })
        return []
      }
    }),
  )
  if (problems.length > 0) throw new ConfigError(problems)
  return newCatalog([...new Set([...components, ...given.flat(), ...named.flat()])])
}

/** Of a file its own folder; what has no file (`--set`, `env:`, `yaml:`, `https:`) means the current one. */
function folderOf(source: string, files: readonly string[]): string {
  const file = resolve(source)
  return files.includes(file) ? dirname(file) : process.cwd()
}
