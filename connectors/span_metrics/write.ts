/** Series as metrics. */
import { double } from '../../pipeline/data/any-value.ts'
import { EncodedPoints, newMetrics } from '../../pipeline/data/builders.ts'
import type { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import type {
  ExemplarInit,
  ExponentialPointInit,
  HistogramPointInit,
  NumberPointInit,
} from '../../pipeline/data/items.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import type { Slices } from '../../pipeline/slices.ts'
import type { Plan } from './plan.ts'
import { bucketsAt, countAt, type FrozenTable, sumAt } from './series-table.ts'
import type { ResourceSnapshot, SeriesSnapshot, Snapshot } from './snapshot.ts'

/** So many are written without a look at the time. */
const pointsAtOnce = 100

/** `timestamps`: of delta series, the time of their last point. Lets other work in between. */
export async function writeMetrics(
  { resources, table, timeUnixNano }: Snapshot,
  plan: Plan,
  timestamps: Map<string, bigint>,
  slices: Slices,
): Promise<Metrics> {
  const metrics = newMetrics()
  const temporality = plan.isDelta ? 'delta' : 'cumulative'
  for (const resource of resources) {
    const starts = new Starts(plan, timestamps, table, resource)
    const common = (of: SeriesSnapshot) => ({
      attributes: of.series.attributes,
      startUnixNano: starts.of(of),
      timeUnixNano,
      ...(of.exemplars.length > 0 && { exemplars: exemplarsOf(of, timeUnixNano) }),
    })
    const sum = (of: SeriesSnapshot): NumberPointInit => ({
      ...common(of),
      value: of.isZero ? 0 : table.row(of.id)[countAt]!,
    })
    metrics.resource(plan.sendsResources ? resource.attributes : {}).scope('spanmetricsconnector')
    const calls = await encoded(EncodedPoints.ofNumbers(), resource.calls, sum, slices)
    metrics.sum(`${plan.prefix}calls`, calls, { monotonic: true, temporality })
    if (plan.hasDurations) {
      const options = { unit: plan.unit, temporality } as const
      const name = `${plan.prefix}duration`
      const { bounds } = plan
      if (bounds === undefined) {
        const point = (of: SeriesSnapshot): ExponentialPointInit => ({ ...common(of), ...exponential(released(of)) })
        const points = EncodedPoints.ofExponentialHistograms()
        metrics.exponentialHistogram(name, await encoded(points, resource.durations, point, slices), options)
      } else {
        const point = (of: SeriesSnapshot): HistogramPointInit => ({
          ...common(of),
          ...explicit(table.row(of.id), bounds),
        })
        const points = EncodedPoints.ofHistograms()
        metrics.histogram(name, await encoded(points, resource.durations, point, slices), options)
      }
    }
    if (plan.hasEvents) {
      const events = await encoded(EncodedPoints.ofNumbers(), resource.events, sum, slices)
      // Upstream has the others too where they are empty.
      metrics.sum(`${plan.prefix}events`, events, { monotonic: true, temporality })
    }
    starts.remember(timeUnixNano)
  }
  if (slices.isOver) await slices.pause()
  return metrics.build()
}

async function encoded<P>(
  points: EncodedPoints<P>,
  of: readonly SeriesSnapshot[],
  point: (of: SeriesSnapshot) => P,
  slices: Slices,
): Promise<EncodedPoints<P>> {
  for (let i = 0; i < of.length; i += pointsAtOnce) {
    if (slices.isOver) await slices.pause()
    points.add(of.slice(i, i + pointsAtOnce).map(point))
  }
  return points
}

function exemplarsOf({ exemplars }: SeriesSnapshot, timeUnixNano: bigint): ExemplarInit[] {
  return exemplars.map(({ traceId, spanId, value }) => ({ traceId, spanId, value: double(value), timeUnixNano }))
}

function explicit(row: Float64Array, bounds: readonly number[]) {
  return { bounds, counts: row.subarray(bucketsAt), count: row[countAt]!, sum: row[sumAt]! }
}

/** The histogram, which from now on may be counted into again. */
function released({ series, exponential }: SeriesSnapshot): ExponentialHistogram {
  if (series.exponential === exponential) series.isShared = false
  return exponential!
}

function exponential(histogram: ExponentialHistogram) {
  const { count, sum, min, max, scale, zeroCount, positive, negative } = histogram
  const range = count > 0 ? { min, max } : {}
  return { count, sum, ...range, scale, zeroCount, positive: positive.read(), negative: negative.read() }
}

/** When series begin: a cumulative one when it was first seen, a delta one where its last point ended. */
class Starts {
  private readonly plan: Plan
  private readonly timestamps: Map<string, bigint>
  private readonly table: FrozenTable
  private readonly resource: ResourceSnapshot
  private readonly sent = new Set<string>()

  constructor(plan: Plan, timestamps: Map<string, bigint>, table: FrozenTable, resource: ResourceSnapshot) {
    this.plan = plan
    this.timestamps = timestamps
    this.table = table
    this.resource = resource
  }

  of({ series, id }: SeriesSnapshot): bigint {
    if (!this.plan.isDelta) return series.startUnixNano
    const key = this.key(id)
    const { timestamps } = this
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
    const { timestamps } = this
    for (const key of this.sent) {
      timestamps.delete(key)
      timestamps.set(key, timeUnixNano)
      if (timestamps.size <= this.plan.timestampCacheSize) continue
      const [oldest] = timestamps.keys()
      timestamps.delete(oldest!)
    }
  }

  private key(id: number): string {
    // Without the numbers of the resource and of the metric.
    const bytes = this.table.key(id).subarray(5)
    return `${this.resource.identity}\0${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`
  }
}
