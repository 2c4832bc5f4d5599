/** The resources and series that are kept: when they come, what is sent of them, and when they are forgotten. */
import type { WireAttributes } from '../../pipeline/data/attributes.ts'
import { preparedOf } from '../../pipeline/data/prepared-attributes.ts'
import type { Plan } from './plan.ts'
import { ResourceIdentities } from './resource-identities.ts'
import { kinds, type ResourceSeries, Resources, type Series, type SeriesKind } from './series.ts'
import { SeriesKey } from './series-key.ts'
import { lastSeenAt, SeriesTable } from './series-table.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'

/** What happened that somebody should be able to count. */
export interface Tally {
  /** Spans and events that found no room for a series of their own. */
  overflowed(limit: 'aggregation_cardinality_limit' | 'max_series'): void
  evictedResource(): void
  expiredSeries(count: number): void
  /** Spans of a resource without `service.name`, which is nobody's series. */
  nameless(spans: number): void
}

export class KeptSeries {
  readonly resources: Resources
  readonly table: SeriesTable
  /** Of delta series: the time of their last point, by resource and key, the longest not sent first. */
  readonly timestamps = new Map<string, bigint>()
  private readonly plan: Plan
  private readonly tally: Tally
  private readonly identities: ResourceIdentities
  private readonly key = new SeriesKey()
  private nextNumber = 1

  constructor(plan: Plan, tally: Tally) {
    this.plan = plan
    this.tally = tally
    this.resources = new Resources(plan.resourceLimit)
    this.identities = new ResourceIdentities(plan.resourceKeys)
    this.table = new SeriesTable(plan.hasDurations && plan.bounds !== undefined ? plan.bounds.length + 1 : 0)
  }

  get size(): number {
    return this.table.size
  }

  /** The Resource message stands in [start, end). */
  resource(b: Uint8Array, start: number, end: number, nowMs: number): ResourceSeries {
    const identity = this.identities.of(b, start, end)
    let resource = this.resources.get(identity)
    if (resource === undefined) {
      resource = this.newResource(identity, preparedOf(b.slice(start, end)), nowMs)
      if (this.resources.add(resource) !== undefined) this.tally.evictedResource()
    }
    resource.lastSeenMs = nowMs
    return resource
  }

  newResource(identity: string, attributes: WireAttributes, lastSeenMs: number): ResourceSeries {
    return { number: this.nextNumber++, identity, attributes, lastSeenMs, calls: [], durations: [], events: [] }
  }

  /** A series that another instance saved; `key` is what follows the number of the resource. */
  adopt(resource: ResourceSeries, kind: SeriesKind, series: Series, key: Uint8Array, row: Float64Array): void {
    this.key.clear()
    this.key.number(resource.number)
    for (const byte of key) this.key.byte(byte)
    if (this.table.find(this.key.bytes, this.key.length) >= 0) return
    const id = this.table.insert(series, this.key.bytes, this.key.length)
    this.table.row(id).set(row)
    resource[kind].push(series)
  }

  /** What is to be sent now; what is sent for the last time is forgotten. `isLast`: nothing will be sent after it. */
  take(timeUnixNano: bigint, isLast = false): Snapshot {
    const table = this.table.frozen(!this.plan.isDelta)
    const snapshot = snapshotOf(this.resources, table, this.plan, timeUnixNano, isLast)
    this.forget(Number(timeUnixNano / 1_000_000n))
    return snapshot
  }

  /** More resources left than are kept: those that left are to be sent now, or memory would grow with whoever makes up resources. */
  takeLeaving(timeUnixNano: bigint): Snapshot | undefined {
    const { leaving } = this.resources
    if (leaving.size < this.plan.resourceLimit) return undefined
    const snapshot = snapshotOf(leaving.values(), this.table.frozen(false), this.plan, timeUnixNano, true)
    for (const resource of leaving.values()) kill(resource)
    leaving.clear()
    this.table.sweep()
    return snapshot
  }

  private forget(nowMs: number): void {
    const { plan, resources, table } = this
    if (plan.isDelta) {
      resources.kept.clear()
      resources.leaving.clear()
      for (const series of table.entries) series.isLive = false
      table.sweep()
      return
    }
    for (const resource of resources.leaving.values()) kill(resource)
    resources.leaving.clear()
    for (const resource of resources.kept.values()) {
      let left = 0
      for (const kind of kinds) left += this.renew(resource, kind, nowMs)
      if (left === 0) resources.kept.delete(resource.identity)
      else if (plan.resourceExpirationMs > 0 && nowMs - resource.lastSeenMs >= plan.resourceExpirationMs)
        resources.leave(resource)
    }
    table.sweep()
  }

  /** Takes the exemplars, which were sent, and the series that were long not seen; the answer is how many are left. */
  private renew(resource: ResourceSeries, kind: SeriesKind, nowMs: number): number {
    const { table, plan } = this
    const { seriesExpirationMs } = plan
    const list = resource[kind]
    let left = 0
    for (const series of list) {
      if (series.exemplars.length > 0) series.exemplars = []
      const lastSeenMs = table.rows[series.id * table.stride + lastSeenAt]!
      if (seriesExpirationMs > 0 && nowMs - lastSeenMs >= seriesExpirationMs) series.isLive = false
      else list[left++] = series
    }
    if (left < list.length) {
      this.tally.expiredSeries(list.length - left)
      list.length = left
    }
    return left
  }
}

function kill(resource: ResourceSeries): void {
  for (const kind of kinds) for (const series of resource[kind]) series.isLive = false
}
