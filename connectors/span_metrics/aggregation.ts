/** Counts spans into series. The hot path of the connector: one pass over each span, no object a span. */

import { readKeyed } from '../../pipeline/data/any-value.ts'
import { findAttribute, foundEnd, WireAttributes } from '../../pipeline/data/attributes.ts'
import { chunkCounts } from '../../pipeline/data/batch.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import { prepared } from '../../pipeline/data/key.ts'
import { SpanScan } from '../../pipeline/data/span-scan.ts'
import type { Traces, Value } from '../../pipeline/data/telemetry.ts'
import { resourceLevel, scopeLevel, Tree } from '../../pipeline/data/tree.ts'
import { cursor, find, hex, text, uvarint } from '../../pipeline/data/wire.ts'
import { Weight } from '../../pipeline/sampling/weight.ts'
import { bucketOf } from './bounds.ts'
import type { Dimensions } from './dimensions.ts'
import { Lookups } from './lookups.ts'
import type { Plan } from './plan.ts'
import { ResourceIdentities } from './resource-identities.ts'
import { kinds, prepare, type ResourceSeries, Resources, type Series, type SeriesKind } from './series.ts'
import { SeriesKey } from './series-key.ts'
import { bucketsAt, countAt, lastSeenAt, SeriesTable, sumAt } from './series-table.ts'
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

const serviceName = prepared('service.name')
/** Where the number of the metric stands in a key, after the number of the resource. */
const kindAt = 4
/** The key of the series for what found no room: no composed text begins with this byte, but see `SeriesKey`. */
const overflow = 0xfd
const spanKinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const statusCodes = ['UNSET', 'OK', 'ERROR']

export class Aggregation {
  readonly resources: Resources
  readonly table: SeriesTable
  /** Of delta series: the time of their last point, by resource and key, the longest not sent first. */
  readonly timestamps = new Map<string, bigint>()
  private readonly plan: Plan
  private readonly tally: Tally
  private readonly weight: Weight
  private readonly scan: SpanScan
  private readonly lookups: Lookups
  private readonly key = new SeriesKey()
  private readonly keepsServiceName: boolean
  private readonly hasGlobs: boolean
  private readonly identities: ResourceIdentities
  private nextNumber = 1

  // Where the span at hand stands.
  private b: Uint8Array = new Uint8Array()
  private service = ''
  private scope: readonly [name: string, version: string] | undefined
  private nowUnixNano = 0n
  private nowMs = 0
  /** Whether the series that was found last is that for what overflowed. */
  private isOverflow = false

  constructor(plan: Plan, random: () => number, tally: Tally) {
    this.plan = plan
    this.tally = tally
    this.weight = new Weight(random)
    this.resources = new Resources(plan.resourceLimit)
    this.identities = new ResourceIdentities(plan.resourceKeys)
    this.table = new SeriesTable(plan.hasDurations && plan.bounds !== undefined ? plan.bounds.length + 1 : 0)
    const { names, hasGlobs } = plan.dimensions
    this.scan = new SpanScan(names, plan.hasEvents)
    this.lookups = new Lookups(this.scan, names)
    // Otherwise the resource says it already.
    this.keepsServiceName =
      plan.with.serviceName && plan.resourceKeys.size > 0 && !plan.resourceKeys.has('service.name')
    this.hasGlobs = hasGlobs
  }

  get size(): number {
    return this.table.size
  }

  /** The answer is what has to be sent early: resources that left for newer ones. */
  add(batch: Traces, nowUnixNano: bigint): readonly Snapshot[] {
    this.nowUnixNano = nowUnixNano
    this.nowMs = Number(nowUnixNano / 1_000_000n)
    const early: Snapshot[] = []
    const counts = chunkCounts(batch)
    for (const [i, chunk] of batch.chunks.entries()) this.addChunk(new Tree('traces', chunk, counts[i]!), early)
    return early
  }

  /** What is to be sent now; what is sent for the last time is forgotten. `isLast`: nothing will be sent after it. */
  take(timeUnixNano: bigint, isLast = false): Snapshot {
    const table = this.table.frozen(!this.plan.isDelta)
    const snapshot = snapshotOf(this.resources, table, this.plan, timeUnixNano, isLast)
    this.forget(Number(timeUnixNano / 1_000_000n))
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

  newResource(identity: string, attributes: WireAttributes): ResourceSeries {
    return {
      number: this.nextNumber++,
      identity,
      attributes,
      lastSeenMs: this.nowMs,
      calls: [],
      durations: [],
      events: [],
    }
  }

  private addChunk(tree: Tree, early: Snapshot[]): void {
    const b = tree.bytes
    this.b = b
    const level = tree.levels[resourceLevel]!
    const scopes = tree.levels[scopeLevel]!
    for (let r = 0; r < level.size; r++) {
      const at = find(b, level.start[r]!, level.end[r]!, 10)
      const length = at < 0 ? 0 : uvarint(b, at)
      const start = at < 0 ? 0 : cursor
      const first = scopes.firstChild[level.firstChild[r]!]!
      const last = scopes.firstChild[level.firstChild[r + 1]!]!
      const found = findAttribute(b, start, start + length, 10, serviceName)
      if (found < 0) {
        if (last > first) this.tally.nameless(last - first)
        continue
      }
      const service = readKeyed(b, found, foundEnd)
      this.service = typeof service === 'string' ? service : ''
      const resource = this.resource(start, start + length)
      this.lookups.inResource(b, start, start + length)
      for (let s = level.firstChild[r]!; s < level.firstChild[r + 1]!; s++) {
        this.readScope(scopes.start[s]!, scopes.end[s]!)
        for (let i = scopes.firstChild[s]!; i < scopes.firstChild[s + 1]!; i++)
          this.addSpan(resource, tree.items.start[i]!, tree.items.end[i]!)
      }
      if (this.resources.leaving.size >= this.plan.resourceLimit) this.sendLeaving(early)
    }
  }

  private addSpan(resource: ResourceSeries, start: number, end: number): void {
    const { b, plan, scan, weight, key } = this
    const { dimensions } = plan
    scan.read(b, start, end)
    if (this.hasGlobs) this.lookups.inSpan(start, end)
    if (scan.stateEnd > scan.stateStart) weight.of(text(b, scan.stateStart, scan.stateEnd))
    else weight.none()
    const value = scan.durationNanos / plan.nanosPerUnit

    const base = this.composeBase(resource)
    this.lookups.compose(key, dimensions.common, -1, -1)
    const shared = key.length
    this.lookups.compose(key, dimensions.calls, -1, -1)
    const calls = this.find(resource, 'calls', dimensions.calls, -1, -1)
    this.count(calls, value)
    if (plan.hasDurations) {
      if (dimensions.isShared) this.observe(calls, value)
      else {
        key.truncate(shared)
        key.bytes[kindAt] = 1
        this.lookups.compose(key, dimensions.durations, -1, -1)
        const durations = this.find(resource, 'durations', dimensions.durations, -1, -1)
        this.count(durations, value)
        this.observe(durations, value)
      }
    }
    for (let i = 0; i < scan.eventCount; i++) {
      const event = scan.events[i * 2]!
      const eventEnd = scan.events[i * 2 + 1]!
      key.truncate(base)
      key.bytes[kindAt] = 2
      this.lookups.compose(key, dimensions.common, event, eventEnd)
      this.lookups.compose(key, dimensions.events, event, eventEnd)
      this.count(this.find(resource, 'events', dimensions.events, event, eventEnd), value)
    }
  }

  private count(id: number, value: number): void {
    const { rows, stride } = this.table
    const at = id * stride
    rows[at + countAt]! += this.weight.count
    rows[at + lastSeenAt] = this.nowMs
    if (this.plan.maxExemplars > 0 && !this.isOverflow) this.addExemplar(this.table.entries[id]!, value)
  }

  private observe(id: number, value: number): void {
    const { table, weight } = this
    const { bounds } = this.plan
    if (bounds === undefined) {
      const series = table.entries[id]!
      if (series.isShared) {
        series.exponential = ExponentialHistogram.restore(series.exponential!.save())
        series.isShared = false
      }
      series.exponential!.add(value, weight.count)
      return
    }
    const { rows, stride } = table
    const at = id * stride
    rows[at + sumAt]! += value * weight.count
    rows[at + bucketsAt + bucketOf(bounds, value)]! += weight.count
  }

  /** What all metrics of the span have in common; the answer is its length. */
  private composeBase(resource: ResourceSeries): number {
    const { b, plan, scan, key, scope } = this
    key.clear()
    key.number(resource.number)
    key.byte(0)
    if (this.keepsServiceName) key.text(this.service)
    if (plan.with.spanName) key.range(b, scan.nameStart, scan.nameEnd)
    if (plan.with.spanKind) key.byte(Math.min(scan.kind, spanKinds.length))
    if (plan.with.statusCode) key.byte(Math.min(scan.status, statusCodes.length))
    if (plan.samplingMethod) key.byte(this.weight.isAdjusted ? 1 : 0)
    if (scope !== undefined) {
      key.text(scope[0])
      key.text(scope[1])
    }
    return key.length
  }

  /** The series of the key that was composed; where there is no room for a new one, that for what overflowed. */
  private find(resource: ResourceSeries, kind: SeriesKind, own: Dimensions, event: number, eventEnd: number): number {
    const { key, table, plan } = this
    this.isOverflow = false
    const id = table.find(key.bytes, key.length)
    if (id >= 0) return id
    const isFull = resource[kind].length >= plan.cardinalityLimit
    if (!isFull && table.size < plan.maxSeries)
      return this.newSeries(resource, kind, this.attributes(own, event, eventEnd))
    this.tally.overflowed(isFull ? 'aggregation_cardinality_limit' : 'max_series')
    this.isOverflow = true
    key.truncate(kindAt + 1)
    key.byte(overflow)
    const known = table.find(key.bytes, key.length)
    return known >= 0 ? known : this.newSeries(resource, kind, new Map([['otel.metric.overflow', true]]))
  }

  /** Under the key that was not found. */
  private newSeries(resource: ResourceSeries, kind: SeriesKind, attributes: ReadonlyMap<string, Value>): number {
    const { plan } = this
    const hasHistogram = plan.hasDurations && (kind === 'durations' || (kind === 'calls' && plan.dimensions.isShared))
    const series: Series = {
      id: 0,
      attributes: prepare(Object.fromEntries(attributes)),
      startUnixNano: this.nowUnixNano,
      isFirst: true,
      exponential: hasHistogram && plan.bounds === undefined ? new ExponentialHistogram(plan.maxSize) : undefined,
      isShared: false,
      exemplars: [],
      isLive: true,
    }
    resource[kind].push(series)
    return this.table.insert(series, this.key.bytes, this.key.length)
  }

  private attributes(own: Dimensions, event: number, eventEnd: number): ReadonlyMap<string, Value> {
    const { b, plan, scan, scope } = this
    const attributes = new Map<string, Value>()
    if (plan.with.serviceName) attributes.set('service.name', this.service)
    if (plan.with.spanName) attributes.set('span.name', text(b, scan.nameStart, scan.nameEnd))
    if (plan.with.spanKind) {
      const kind = spanKinds[scan.kind]
      attributes.set('span.kind', kind === undefined ? '' : `SPAN_KIND_${kind}`)
    }
    if (plan.with.statusCode) {
      const code = statusCodes[scan.status]
      if (!plan.isOtelStatus) attributes.set('status.code', code === undefined ? '' : `STATUS_CODE_${code}`)
      else if (scan.status === 1 || scan.status === 2) attributes.set('otel.status_code', code!)
    }
    if (plan.with.instanceId) attributes.set('collector.instance.id', plan.instanceId)
    if (scope !== undefined) {
      attributes.set('span.instrumentation.scope.name', scope[0])
      if (scope[1] !== '') attributes.set('span.instrumentation.scope.version', scope[1])
    }
    if (plan.samplingMethod) attributes.set('sampling.method', this.weight.isAdjusted ? 'extrapolated' : 'counted')
    this.lookups.put(attributes, plan.dimensions.common, event, eventEnd)
    this.lookups.put(attributes, own, event, eventEnd)
    return attributes
  }

  private addExemplar(series: Series, value: number): void {
    const { b, scan, plan } = this
    if (series.exemplars.length >= plan.maxExemplars) return
    const traceId = scan.traceIdAt < 0 ? '' : hex(b, scan.traceIdAt, scan.traceIdAt + 16)
    if (traceId === '' || traceId === noTrace) return
    const spanId = scan.spanIdAt < 0 ? '' : hex(b, scan.spanIdAt, scan.spanIdAt + 8)
    series.exemplars.push({ traceId, spanId, value })
  }

  /** The Resource message stands in [start, end). */
  private resource(start: number, end: number): ResourceSeries {
    const identity = this.identities.of(this.b, start, end)
    let resource = this.resources.get(identity)
    if (resource === undefined) {
      const own = this.b.slice(start, end)
      resource = this.newResource(identity, new WireAttributes(own, 0, own.length, 10))
      if (this.resources.add(resource) !== undefined) this.tally.evictedResource()
    }
    resource.lastSeenMs = this.nowMs
    return resource
  }

  private readScope(start: number, end: number): void {
    this.scope = undefined
    if (this.plan.scopes.size === 0) return
    const { b } = this
    const at = find(b, start, end, 10)
    if (at < 0) return
    const length = uvarint(b, at)
    const from = cursor
    const name = textAt(b, from, from + length, 10)
    if (this.plan.scopes.has(name)) this.scope = [name, textAt(b, from, from + length, 18)]
  }

  /** More resources left than are kept: those that left go now, or memory would grow with whoever makes up resources. */
  private sendLeaving(early: Snapshot[]): void {
    const { leaving } = this.resources
    early.push(snapshotOf(leaving.values(), this.table.frozen(false), this.plan, this.nowUnixNano, true))
    for (const resource of leaving.values()) kill(resource)
    leaving.clear()
    this.table.sweep()
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

const noTrace = '0'.repeat(32)

function kill(resource: ResourceSeries): void {
  for (const kind of kinds) for (const series of resource[kind]) series.isLive = false
}

function textAt(b: Uint8Array, start: number, end: number, tag: number): string {
  const at = find(b, start, end, tag)
  if (at < 0) return ''
  const length = uvarint(b, at)
  return text(b, cursor, cursor + length)
}
