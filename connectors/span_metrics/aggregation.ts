/** Counts spans into series. The hot path of the connector: one pass over each span, no object a span. */

import { chunkCounts } from '../../pipeline/data/batch.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import { NamedResources } from '../../pipeline/data/named-resources.ts'
import { prepareAttributes } from '../../pipeline/data/prepared-attributes.ts'
import { SpanScan } from '../../pipeline/data/span-scan.ts'
import type { Traces, Value } from '../../pipeline/data/telemetry.ts'
import { resourceLevel, scopeLevel, Tree } from '../../pipeline/data/tree.ts'
import { cursor, find, hex, text, uvarint } from '../../pipeline/data/wire.ts'
import { Weight } from '../../pipeline/sampling/weight.ts'
import { bucketOf } from './bounds.ts'
import type { Dimensions } from './dimensions.ts'
import { KeptSeries, type Tally } from './kept-series.ts'
import { Lookups } from './lookups.ts'
import type { Plan } from './plan.ts'
import type { ResourceSeries, Series, SeriesKind } from './series.ts'
import { SeriesKey } from './series-key.ts'
import { bucketsAt, countAt, lastSeenAt, type SeriesTable, sumAt } from './series-table.ts'
import type { Snapshot } from './snapshot.ts'

/** Where the number of the metric stands in a key, after the number of the resource. */
const kindAt = 4
/** The key of the series for what found no room: no composed text begins with this byte, but see `SeriesKey`. */
const overflow = 0xfd
const spanKinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const statusCodes = ['UNSET', 'OK', 'ERROR']

export class Aggregation {
  readonly kept: KeptSeries
  private readonly table: SeriesTable
  private readonly plan: Plan
  private readonly tally: Tally
  private readonly nameless: (spans: number) => void
  private readonly weight: Weight
  private readonly scan: SpanScan
  private readonly lookups: Lookups
  private readonly key = new SeriesKey()
  private readonly keepsServiceName: boolean
  private readonly hasGlobs: boolean

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
    this.nameless = (spans) => tally.nameless(spans)
    this.weight = new Weight(random)
    this.kept = new KeptSeries(plan, tally)
    this.table = this.kept.table
    const { names, hasGlobs } = plan.dimensions
    this.scan = new SpanScan(names, plan.hasEvents)
    this.lookups = new Lookups(this.scan, names)
    // Otherwise the resource says it already.
    this.keepsServiceName =
      plan.with.serviceName && plan.resourceKeys.size > 0 && !plan.resourceKeys.has('service.name')
    this.hasGlobs = hasGlobs
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

  private addChunk(tree: Tree, early: Snapshot[]): void {
    const b = tree.bytes
    this.b = b
    const { firstChild } = tree.levels[resourceLevel]!
    const scopes = tree.levels[scopeLevel]!
    const named = new NamedResources(tree, this.nameless)
    while (named.next()) {
      const { index, start, end, service } = named
      this.service = typeof service === 'string' ? service : ''
      const resource = this.kept.resource(b, start, end, this.nowMs)
      this.lookups.inResource(b, start, end)
      for (let s = firstChild[index]!; s < firstChild[index + 1]!; s++) {
        this.readScope(scopes.start[s]!, scopes.end[s]!)
        for (let i = scopes.firstChild[s]!; i < scopes.firstChild[s + 1]!; i++)
          this.addSpan(resource, tree.items.start[i]!, tree.items.end[i]!)
      }
      const leaving = this.kept.takeLeaving(this.nowUnixNano)
      if (leaving !== undefined) early.push(leaving)
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
      attributes: prepareAttributes(Object.fromEntries(attributes)),
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
}

const noTrace = '0'.repeat(32)

function textAt(b: Uint8Array, start: number, end: number, tag: number): string {
  const at = find(b, start, end, tag)
  if (at < 0) return ''
  const length = uvarint(b, at)
  return text(b, cursor, cursor + length)
}
