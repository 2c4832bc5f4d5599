/** Where a statement stands while it runs: the item's handle, what holds it, and the cache. One frame serves a whole batch. */
import type { Editable, In, LogRecord, Metric, Origin, Point, Resource, Scope, Span } from '../data/telemetry.ts'
import type { EventDraft } from './event-draft.ts'
import type { ExemplarDraft } from './exemplar-draft.ts'
import type { MetricRewriting } from './metric-rewriting.ts'
import { fail } from './problems.ts'
import { localZone, Time } from './time.ts'
import { define, type OttlMap, type OttlValue, toWire } from './values.ts'

/** What statements may ask of their surroundings. */
export interface Host {
  nowUnixNano(): bigint
  random(): number
}

/** Where a handle is read-only, as in a filter, writing to it throws. */
export class Frame {
  readonly host: Host
  span: (Editable<Span> & In) | undefined = undefined
  event: EventDraft | undefined = undefined
  eventIndex = 0
  metric: (Editable<Metric> & In) | undefined = undefined
  point: (Editable<Point> & In) | undefined = undefined
  exemplar: ExemplarDraft | undefined = undefined
  log: (Editable<LogRecord> & In) | undefined = undefined
  /** While lists of metrics are rewritten; `metric` and `point` are its drafts then. */
  rewriting: MetricRewriting | undefined = undefined
  /** Set where they are what is edited, or where their edits are collected; else those of the item count. */
  ownResource: Editable<Resource> | undefined = undefined
  ownScope: Editable<Scope> | undefined = undefined
  origin: Origin | undefined = undefined
  cache: { [key: string]: OttlValue } = {}
  keepsCache = false

  constructor(host: Host) {
    this.host = host
  }

  /** Stands on a span; conditions do so on read views, where writing throws. */
  enterSpan(span: Span & In): this {
    this.span = span as Editable<Span> & In
    return this.enter()
  }

  enterEvent(span: Span & In, event: EventDraft, index: number): this {
    this.event = event
    this.eventIndex = index
    return this.enterSpan(span)
  }

  enterMetric(metric: Metric & In): this {
    this.metric = metric as Editable<Metric> & In
    return this.enter()
  }

  enterPoint(point: Point & In): this {
    this.point = point as Editable<Point> & In
    return this.enter()
  }

  enterRewriting(at: MetricRewriting): this {
    this.rewriting = at
    // What drafts lack, and views have: where they stand, which `resource` and `scope` below know.
    this.metric = at.metric as unknown as Editable<Metric> & In
    this.point = at.point as unknown as (Editable<Point> & In) | undefined
    return this.enter()
  }

  leaveRewriting(): void {
    this.rewriting = undefined
    this.metric = undefined
    this.point = undefined
    this.exemplar = undefined
  }

  enterLog(log: LogRecord & In): this {
    this.log = log as Editable<LogRecord> & In
    return this.enter()
  }

  enterResource(resource: Resource): this {
    this.ownResource = resource as Editable<Resource>
    return this.enter()
  }

  enterScope(scope: Scope & { readonly resource: Resource }): this {
    this.ownScope = scope as unknown as Editable<Scope>
    return this.enterResource(scope.resource)
  }

  /** Forgets where it stood, which would keep a whole chunk in memory until the next batch comes. */
  leave(): void {
    this.span = undefined
    this.event = undefined
    this.log = undefined
    this.metric = undefined
    this.point = undefined
    this.exemplar = undefined
    this.ownResource = undefined
    this.ownScope = undefined
    this.origin = undefined
    this.cache = {}
  }

  /** The cache of the item before is not seen by this one. */
  private enter(): this {
    if (this.keepsCache) return this
    for (const _ in this.cache) {
      this.cache = {}
      break
    }
    return this
  }

  get resource(): Editable<Resource> {
    return this.ownResource ?? (this.place.resource as Editable<Resource>)
  }

  get scope(): Editable<Scope> {
    return this.ownScope ?? (this.place.scope as Editable<Scope>)
  }

  private get place(): In {
    return (
      this.span ??
      this.log ??
      this.rewriting?.group ??
      this.point ??
      this.metric ??
      fail('nothing to read the resource of')
    )
  }

  setCache(map: OttlMap): void {
    this.cache = {}
    for (const [key, value] of Object.entries(map)) define(this.cache, key, toWire(value))
  }

  now(): Time {
    return new Time(this.host.nowUnixNano(), localZone())
  }
}

/** For what is computed at compile time. */
export const noFrame = new Frame({
  nowUnixNano: () => fail('no clock at compile time'),
  random: () => fail('no chance at compile time'),
})
