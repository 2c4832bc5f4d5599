/** What the settings and the feature gates come to, decided once. */
import type { Context } from '../../pipeline/component.ts'
import { boundsIn } from './bounds.ts'
import { type Config, deltaTimestampCacheSize, isDelta } from './config.ts'
import { type DimensionPlan, planDimensions } from './dimensions.ts'

export interface Plan {
  readonly dimensions: DimensionPlan
  readonly unit: 'ms' | 's'
  readonly nanosPerUnit: number
  readonly hasDurations: boolean
  readonly hasEvents: boolean
  /** Undefined for an exponential histogram. */
  readonly bounds: readonly number[] | undefined
  readonly maxSize: number
  readonly isDelta: boolean
  readonly timestampCacheSize: number
  /** The last part of the name follows a dot. */
  readonly prefix: string
  /** Which of the default dimensions there are. */
  readonly with: {
    readonly serviceName: boolean
    readonly spanName: boolean
    readonly spanKind: boolean
    readonly statusCode: boolean
    readonly instanceId: boolean
  }
  readonly isOtelStatus: boolean
  readonly instanceId: string
  readonly scopes: ReadonlySet<string>
  /** Empty = all attributes tell resources apart. */
  readonly resourceKeys: ReadonlySet<string>
  readonly sendsResources: boolean
  readonly samplingMethod: boolean
  readonly maxExemplars: number
  readonly cardinalityLimit: number
  readonly maxSeries: number
  readonly resourceLimit: number
  readonly resourceExpirationMs: number
  readonly seriesExpirationMs: number
  /** Equal for plans under which a series means the same: then its counts go on over a reload. */
  readonly shape: string
}

const gates = {
  excludesResources: ['connector.spanmetrics.excludeResourceMetrics', false],
  includesInstance: ['connector.spanmetrics.includeCollectorInstanceID', true],
  legacyNames: ['connector.spanmetrics.legacyMetricNames', false],
  seconds: ['connector.spanmetrics.useSecondAsDefaultMetricsUnit', false],
  otelStatus: ['spanmetrics.statusCodeConvention.useOtelPrefix', false],
} as const

export function planOf(settings: Config, { engine }: Pick<Context, 'engine'>): Plan {
  const isEnabled = ([id, byDefault]: readonly [string, boolean]) =>
    engine.featureGates.find((gate) => gate.id === id)?.enabled ?? byDefault
  const { histogram, exclude_dimensions: excluded, exemplars, namespace } = settings
  const unit = histogram.unit ?? (isEnabled(gates.seconds) ? 's' : 'ms')
  const isOtelStatus = isEnabled(gates.otelStatus)
  const has = (name: string) => !excluded.includes(name)
  const prefix =
    namespace === '' || (isEnabled(gates.legacyNames) && namespace === 'traces.span.metrics') ? '' : `${namespace}.`
  const parts = {
    unit,
    bounds: histogram.exponential === undefined ? boundsIn(unit, histogram.explicit?.buckets) : undefined,
    maxSize: histogram.exponential?.max_size ?? 0,
    hasDurations: !histogram.disable,
    hasEvents: settings.events.enabled,
    isDelta: isDelta(settings),
    prefix,
    with: {
      serviceName: has('service.name'),
      spanName: has('span.name'),
      spanKind: has('span.kind'),
      statusCode: has(isOtelStatus ? 'otel.status_code' : 'status.code'),
      instanceId: has('collector.instance.id') && isEnabled(gates.includesInstance),
    },
    isOtelStatus,
    instanceId: engine.instanceId,
    samplingMethod: settings.enable_metrics_sampling_method,
    sendsResources: !isEnabled(gates.excludesResources) || settings.add_resource_attributes,
  }
  const { dimensions, calls_dimensions, include_instrumentation_scope: scopes } = settings
  const keys = settings.resource_metrics_key_attributes
  return {
    ...parts,
    dimensions: planDimensions(settings),
    nanosPerUnit: unit === 'ms' ? 1e6 : 1e9,
    timestampCacheSize: deltaTimestampCacheSize(settings),
    scopes: new Set(scopes.filter((name) => name !== '')),
    resourceKeys: new Set(keys),
    maxExemplars: exemplars.enabled ? exemplars.max_per_data_point : 0,
    cardinalityLimit: settings.aggregation_cardinality_limit || Number.POSITIVE_INFINITY,
    maxSeries: settings.max_series,
    resourceLimit: settings.resource_metrics_cache_size,
    resourceExpirationMs: settings.metrics_expiration,
    seriesExpirationMs: settings.series_expiration,
    shape: JSON.stringify([
      parts,
      dimensions,
      calls_dimensions,
      histogram.dimensions,
      settings.events.dimensions,
      scopes,
      keys,
    ]),
  }
}
