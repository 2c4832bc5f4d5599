/** What the registry shows, as OTLP metrics: upstream's names, units and kinds. */
import { type MetricsBuilder, newMetrics } from '../data/builders.ts'
import type { Metrics, Value } from '../data/telemetry.ts'
import { double } from '../data/value.ts'
import type { OwnResource } from './own-resource.ts'
import type { FamilySnapshot, SeriesSnapshot } from './registry.ts'
import type { OtlpSettings } from './settings.ts'
import { unitOf } from './upstream-units.ts'

/** What upstream adds up and we look at when asked: a sum over OTLP all the same. */
const observedSums: ReadonlySet<string> = new Set(['otelcol_processor_batch_metadata_cardinality'])

/** Readings at the last export that arrived, by series: what a delta is counted from. */
export type Readings = Map<object, { readonly series: SeriesSnapshot; readonly atUnixNano: bigint }>

export interface MetricsOptions {
  readonly resource: OwnResource
  readonly nowUnixNano: bigint
  readonly temporality: OtlpSettings['temporality']
  readonly before: Readings
}

export function metricsBatch(families: readonly FamilySnapshot[], options: MetricsOptions): Metrics {
  const { attributes, scope, version } = options.resource
  const builder = newMetrics().resource(attributes).scope(scope, { version })
  for (const family of families) addFamily(builder, family, options)
  return builder.build()
}

export function readingsOf(families: readonly FamilySnapshot[], atUnixNano: bigint): Readings {
  const all = families.flatMap((family) => family.series)
  return new Map(all.map((series) => [series.identity, { series, atUnixNano }]))
}

function addFamily(builder: MetricsBuilder, family: FamilySnapshot, options: MetricsOptions): void {
  const { nowUnixNano } = options
  const unit = unitOf(family.givenName)
  const about = { unit, description: family.description }
  // One type for a metric's life: seconds are fractions even where one reading is whole.
  const isDouble = unit === 's' || unit === '1'
  const number = (value: number) => (isDouble ? double(value) : value)
  const isDelta = options.temporality !== 'cumulative' && family.type !== 'gauge'
  const temporal = { ...about, temporality: isDelta ? ('delta' as const) : ('cumulative' as const) }
  const start = (series: SeriesSnapshot) =>
    (isDelta ? options.before.get(series.identity)?.atUnixNano : undefined) ?? series.startUnixNano
  const place = (series: SeriesSnapshot) => {
    return { attributes: attributesOf(series), timeUnixNano: nowUnixNano, startUnixNano: start(series) }
  }
  const since = (series: SeriesSnapshot) => (isDelta ? options.before.get(series.identity)?.series : undefined)

  if (family.type === 'histogram') {
    const points = family.series.map((series) => {
      const last = since(series)
      const counts = series.buckets.map((count, i) => count - (last?.buckets[i] ?? 0))
      const sum = series.sum - (last?.sum ?? 0)
      return { ...place(series), count: series.value - (last?.value ?? 0), sum, bounds: family.bounds, counts }
    })
    builder.histogram(family.givenName, points, temporal)
  } else if (family.type === 'counter' || family.isAdded || observedSums.has(family.givenName)) {
    const points = family.series.map((series) => {
      return { ...place(series), value: number(series.value - (since(series)?.value ?? 0)) }
    })
    builder.sum(family.givenName, points, { ...temporal, monotonic: family.type === 'counter' })
  } else {
    const points = family.series.map((series) => {
      return { attributes: attributesOf(series), timeUnixNano: nowUnixNano, value: number(series.value) }
    })
    builder.gauge(family.givenName, points, about)
  }
}

/** Upstream says this one as a boolean; labels are text. */
function attributesOf({ attributes }: SeriesSnapshot): Readonly<Record<string, Value>> {
  const permanent = attributes['error.permanent']
  return permanent === undefined ? attributes : { ...attributes, 'error.permanent': permanent === 'true' }
}
