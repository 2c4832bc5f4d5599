/** What is to be sent, as it was at one moment. Writing it takes time, and spans that come meanwhile belong to the next one. */
import type { WireAttributes } from '../../pipeline/data/attributes.ts'
import type { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import type { Plan } from './plan.ts'
import type { ResourceSeries, Series, SeriesExemplar } from './series.ts'
import type { FrozenTable } from './series-table.ts'

export interface SeriesSnapshot {
  readonly series: Series
  /** In the table of the snapshot. */
  readonly id: number
  /** Its first cumulative value is sent as 0. */
  readonly isZero: boolean
  readonly exemplars: readonly SeriesExemplar[]
  readonly exponential: ExponentialHistogram | undefined
}
export interface ResourceSnapshot {
  readonly identity: string
  readonly attributes: WireAttributes
  readonly calls: readonly SeriesSnapshot[]
  readonly durations: readonly SeriesSnapshot[]
  readonly events: readonly SeriesSnapshot[]
}
export interface Snapshot {
  readonly resources: readonly ResourceSnapshot[]
  readonly table: FrozenTable
  readonly timeUnixNano: bigint
  /** How many points it comes to. */
  readonly points: number
}

/** `isLast`: nothing more will be sent of these series. */
export function snapshotOf(
  resources: Iterable<ResourceSeries>,
  table: FrozenTable,
  plan: Plan,
  timeUnixNano: bigint,
  isLast: boolean,
): Snapshot {
  const sendsZero = !plan.isDelta && !isLast
  const taken: ResourceSnapshot[] = []
  let points = 0
  const take = (series: Series): SeriesSnapshot => {
    const { id, isFirst, exemplars, exponential } = series
    series.isFirst = false
    series.isShared = exponential !== undefined
    return { series, id, isZero: sendsZero && isFirst, exemplars, exponential }
  }
  for (const { identity, attributes, calls, durations, events } of resources) {
    if (calls.length + durations.length + events.length === 0) continue
    const ofCalls = calls.map(take)
    const ofDurations = plan.dimensions.isShared ? ofCalls : durations.map(take)
    taken.push({ identity, attributes, calls: ofCalls, durations: ofDurations, events: events.map(take) })
    points += calls.length + (plan.hasDurations ? ofDurations.length : 0) + events.length
  }
  return { resources: taken, table, timeUnixNano, points }
}
