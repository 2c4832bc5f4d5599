/** The entities that spans told of: bounded by kind, forgotten when nothing is heard of them. */
import type { Origin, Value } from '../../pipeline/data/telemetry.ts'
import {
  type Entity,
  entityAttributes,
  entityId,
  entityPoint,
  entityResource,
} from '../../pipeline/vocabulary/entity.ts'
import { paneAttributes } from '../../pipeline/vocabulary/panes.ts'
import { Cells } from './cell.ts'
import type { Kind } from './config.ts'
import type { OperationCrossings } from './crossings.ts'
import { histogramAttributes, numberAttributes } from './encode.ts'

export type EdgeType = 'call' | 'messaging' | 'database' | 'cache'
const overflowAttribute = 'otel.metric.overflow'

/** What differs for senders whose batches must not be merged. */
export interface Sender {
  readonly key: string
  readonly origin: Origin
}

export class EntitySeries {
  readonly sender: Sender
  readonly kind: Kind
  /** Undefined for one that stands for all for which there was no room. */
  readonly entity: Entity | undefined
  readonly id: string
  /** Resource attributes, and a text that is equal for equal ones. */
  readonly resource: Readonly<Record<string, Value>>
  readonly resourceKey: string
  /** The attributes of a point that is a point that is a number, and in one that is an exponential histogram. */
  readonly ofNumbers: Uint8Array
  readonly ofHistograms: Uint8Array
  readonly cells: Cells
  lastSeenMs = 0
  /** Of an operation: which entities its requests crossed. */
  crossings: OperationCrossings | undefined = undefined
  /** The last trace that was seen to cross it. */
  crossedBy = 0

  constructor(
    sender: Sender,
    kind: Kind,
    entity: Entity | undefined,
    resource: Record<string, Value>,
    attributes: Record<string, Value>,
  ) {
    this.sender = sender
    this.kind = kind
    this.entity = entity
    this.id = entity === undefined ? '' : entityId(entity)
    this.resource = resource
    this.resourceKey = JSON.stringify(resource)
    this.ofNumbers = numberAttributes(attributes)
    this.ofHistograms = histogramAttributes(attributes)
    this.cells = new Cells(this)
  }

  /** The attribute of a crossing that says that it was of this one. */
  get asCrossed(): Uint8Array {
    return (this.crossedBytes ??= numberAttributes({ [paneAttributes.crossed]: this.id }))
  }
  private crossedBytes: Uint8Array | undefined = undefined

  get isOverflow(): boolean {
    return this.entity === undefined
  }
}

export interface EntityLimits {
  readonly limits: Readonly<Record<Kind, number>>
  readonly maxOperationsPerService: number
  readonly maxQueriesPerDatabase: number
  readonly expirationMs: number
}

/** May be asked for room by a search through all at most so often. */
const sweepEveryMs = 10_000

export class Entities {
  private readonly limits: EntityLimits
  private readonly known = new Map<string, EntitySeries>()
  private readonly overflow = new Map<string, EntitySeries>()
  private readonly counts: Record<Kind, number>
  /** Operations of a service, queries of a database. */
  private readonly within = new Map<string, number>()
  private lastSweepMs = Number.NEGATIVE_INFINITY
  private readonly onExpired: (count: number) => void

  constructor(limits: EntityLimits, onExpired: (count: number) => void) {
    this.limits = limits
    this.onExpired = onExpired
    this.counts = Object.fromEntries(Object.keys(limits.limits).map((kind) => [kind, 0])) as Record<Kind, number>
  }

  size(kind: Kind): number {
    return this.counts[kind]
  }

  /** The one, or that for what found no room. `within` = what it is a part of, if only so many parts are kept apart. */
  find(sender: Sender, entity: Entity & { readonly kind: Kind }, nowMs: number, within?: EntitySeries): EntitySeries {
    if (within?.isOverflow) return this.overflowOf(sender, entity.kind, nowMs)
    const key = `${sender.key}\0${entityId(entity)}`
    const known = this.known.get(key)
    if (known !== undefined) {
      known.lastSeenMs = nowMs
      return known
    }
    if (!this.hasRoom(entity.kind, within) && !(this.sweep(nowMs) && this.hasRoom(entity.kind, within)))
      return this.overflowOf(sender, entity.kind, nowMs, within)
    return this.add(
      key,
      new EntitySeries(sender, entity.kind, entity, entityResource(entity), entityPoint(entity)),
      within,
      nowMs,
    )
  }

  findEdge(
    source: EntitySeries,
    target: EntitySeries,
    edge: Entity & { readonly kind: Kind },
    type: EdgeType,
    nowMs: number,
  ): EntitySeries {
    const { sender } = source
    if (source.isOverflow || target.isOverflow) return this.overflowOf(sender, 'edge', nowMs)
    const key = `${sender.key}\0edge ${source.id} ${target.id} ${type}`
    const known = this.known.get(key)
    if (known !== undefined) {
      known.lastSeenMs = nowMs
      return known
    }
    if (!this.hasRoom('edge', undefined) && !(this.sweep(nowMs) && this.hasRoom('edge', undefined)))
      return this.overflowOf(sender, 'edge', nowMs)
    const { source: sourceName, target: targetName, edgeType } = paneAttributes
    const attributes = { ...entityPoint(edge), [sourceName]: source.id, [targetName]: target.id, [edgeType]: type }
    return this.add(key, new EntitySeries(sender, 'edge', edge, entityResource(edge), attributes), undefined, nowMs)
  }

  /** True when some were forgotten: whoever keeps entities at hand must let go of them. */
  sweep(nowMs: number, isAsked = true): boolean {
    if (isAsked && nowMs - this.lastSweepMs < sweepEveryMs) return false
    this.lastSweepMs = nowMs
    const oldest = nowMs - this.limits.expirationMs
    let count = 0
    for (const [key, series] of this.known) {
      if (series.lastSeenMs >= oldest || !series.cells.isEmpty) continue
      this.known.delete(key)
      this.counts[series.kind]--
      this.leave(series)
      count++
    }
    for (const [key, series] of this.overflow)
      if (series.lastSeenMs < oldest && series.cells.isEmpty) this.overflow.delete(key)
    if (count > 0) this.onExpired(count)
    return count > 0
  }

  private add(key: string, series: EntitySeries, within: EntitySeries | undefined, nowMs: number): EntitySeries {
    series.lastSeenMs = nowMs
    this.known.set(key, series)
    this.counts[series.kind]++
    if (within !== undefined) {
      const place = placeOf(series.kind, within)
      this.within.set(place, (this.within.get(place) ?? 0) + 1)
      this.places.set(series, place)
    }
    return series
  }

  /** Where an entity is one of a bounded number of parts. */
  private readonly places = new WeakMap<EntitySeries, string>()

  private leave(series: EntitySeries): void {
    const place = this.places.get(series)
    if (place === undefined) return
    const left = (this.within.get(place) ?? 0) - 1
    if (left > 0) this.within.set(place, left)
    else this.within.delete(place)
  }

  private hasRoom(kind: Kind, within: EntitySeries | undefined): boolean {
    const { limits, maxOperationsPerService, maxQueriesPerDatabase } = this.limits
    if (this.counts[kind] >= limits[kind]) return false
    if (within === undefined || (kind !== 'operation' && kind !== 'query')) return true
    const most = kind === 'operation' ? maxOperationsPerService : maxQueriesPerDatabase
    return (this.within.get(placeOf(kind, within)) ?? 0) < most
  }

  /** By kind, and for parts of a service by service: there are no more of these than of services. */
  private overflowOf(sender: Sender, kind: Kind, nowMs: number, within?: EntitySeries): EntitySeries {
    const resource = within?.kind === 'service' ? within.resource : {}
    const key = `${sender.key}\0${kind}\0${within?.kind === 'service' ? within.resourceKey : ''}`
    let series = this.overflow.get(key)
    if (series === undefined) {
      const attributes = { [entityAttributes.kind]: kind, [overflowAttribute]: true }
      series = new EntitySeries(sender, kind, undefined, resource, attributes)
      this.overflow.set(key, series)
    }
    series.lastSeenMs = nowMs
    return series
  }
}

function placeOf(kind: Kind, { sender, id }: EntitySeries): string {
  return `${kind} ${sender.key}\0${id}`
}
