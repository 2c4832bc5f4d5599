/** Series as metrics. */
import { double } from '../../pipeline/data/any-value.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import type { ExemplarInit, ExponentialPointInit, HistogramPointInit } from '../../pipeline/data/items.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import type { Plan } from './plan.ts'
import type { ResourceSeries, Series } from './series.ts'
import { bucketsAt, countAt, type SeriesTable, sumAt } from './series-table.ts'

export interface Known {
  readonly table: SeriesTable
  readonly timestamps: Map<string, bigint>
}

/** Undefined when there is nothing to say. `isLast`: nothing more will be sent of these series. */
export function writeMetrics(
  resources: Iterable<ResourceSeries>,
  plan: Plan,
  known: Known,
  timeUnixNano: bigint,
  isLast: boolean,
): Metrics | undefined {
  const metrics = newMetrics()
  const temporality = plan.isDelta ? 'delta' : 'cumulative'
  let points = 0
  for (const resource of resources) {
    const { calls, events } = resource
    const durations = plan.dimensions.isShared ? calls : resource.durations
    points += calls.length + events.length
    if (calls.length + durations.length + events.length === 0) continue
    const starts = new Starts(plan, known, resource)
    const common = (series: Series) => ({
      attributes: series.attributes,
      startUnixNano: starts.of(series),
      timeUnixNano,
      ...(series.exemplars.length > 0 && { exemplars: exemplarsOf(series, timeUnixNano) }),
    })
    const sum = (series: Series) => {
      const isZero = series.isFirst && !plan.isDelta && !isLast
      series.isFirst = false
      return { ...common(series), value: isZero ? 0 : known.table.row(series.id)[countAt]! }
    }
    metrics.resource(plan.sendsResources ? resource.attributes : {}).scope('spanmetricsconnector')
    metrics.sum(`${plan.prefix}calls`, calls.map(sum), { monotonic: true, temporality })
    if (plan.hasDurations) {
      const options = { unit: plan.unit, temporality } as const
      const name = `${plan.prefix}duration`
      if (plan.bounds === undefined)
        metrics.exponentialHistogram(
          name,
          durations.map((series) => ({ ...common(series), ...exponential(series.exponential!) })),
          options,
        )
      else
        metrics.histogram(
          name,
          durations.map((series) => ({ ...common(series), ...explicit(known.table.row(series.id), plan.bounds!) })),
          options,
        )
    }
    // Upstream has the others too where they are empty.
    if (plan.hasEvents) metrics.sum(`${plan.prefix}events`, events.map(sum), { monotonic: true, temporality })
    starts.remember(timeUnixNano)
  }
  return points === 0 ? undefined : metrics.build()
}

function exemplarsOf({ exemplars }: Series, timeUnixNano: bigint): ExemplarInit[] {
  return exemplars.map(({ traceId, spanId, value }) => ({ traceId, spanId, value: double(value), timeUnixNano }))
}

function explicit(row: Float64Array, bounds: readonly number[]): HistogramPointInit {
  return { bounds, counts: row.subarray(bucketsAt), count: row[countAt]!, sum: row[sumAt]! }
}

function exponential(histogram: ExponentialHistogram): ExponentialPointInit {
  const { count, sum, min, max, scale, zeroCount, positive, negative } = histogram
  const range = count > 0 ? { min, max } : {}
  return { count, sum, ...range, scale, zeroCount, positive: positive.read(), negative: negative.read() }
}

/** When series begin: a cumulative one when it was first seen, a delta one where its last point ended. */
class Starts {
  private readonly plan: Plan
  private readonly known: Known
  private readonly resource: ResourceSeries
  private readonly sent = new Set<string>()

  constructor(plan: Plan, known: Known, resource: ResourceSeries) {
    this.plan = plan
    this.known = known
    this.resource = resource
  }

  of(series: Series): bigint {
    if (!this.plan.isDelta) return series.startUnixNano
    const key = this.key(series)
    const { timestamps } = this.known
    const last = timestamps.get(key)
    if (last !== undefined) {
      timestamps.delete(key)
      timestamps.set(key, last)
    }
    // Metrics share keys, so that what is sent now counts only when all of them are through.
    this.sent.add(key)
    return last ?? series.startUnixNano
  }

  remember(timeUnixNano: bigint): void {
    const { timestamps } = this.known
    for (const key of this.sent) {
      timestamps.delete(key)
      timestamps.set(key, timeUnixNano)
      if (timestamps.size <= this.plan.timestampCacheSize) continue
      const [oldest] = timestamps.keys()
      timestamps.delete(oldest!)
    }
  }

  private key(series: Series): string {
    // Without the numbers of the resource and of the metric.
    const bytes = this.known.table.key(series.id).subarray(5)
    return `${this.resource.identity}\0${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`
  }
}
