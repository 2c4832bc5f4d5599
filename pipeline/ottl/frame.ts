/** Where a statement stands while it runs: the item's handle, what holds it, and the cache. One frame serves a whole batch. */
import type { Editable, In, LogRecord, Metric, Origin, Point, Resource, Scope, Span } from '../data/telemetry.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { EventDraft } from './event-draft.ts'
import { fail } from './problems.ts'
import { localZone, Time } from './time.ts'
import { define, type OttlMap, type OttlValue, toWire } from './values.ts'

/** What statements may ask of their surroundings. */
export interface Host {
  /** For the errors that `error_mode: ignore` passes over. */
  readonly logger: Logger | undefined
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
  log: (Editable<LogRecord> & In) | undefined = undefined
  /** Set where they are what is edited, or where their edits are collected; else those of the item count. */
  ownResource: Editable<Resource> | undefined = undefined
  ownScope: Editable<Scope> | undefined = undefined
  origin: Origin | undefined = undefined
  cache: { [key: string]: OttlValue } = {}

  constructor(host: Host) {
    this.host = host
  }

  get resource(): Editable<Resource> {
    return this.ownResource ?? (this.place.resource as Editable<Resource>)
  }

  get scope(): Editable<Scope> {
    return this.ownScope ?? (this.place.scope as Editable<Scope>)
  }

  private get place(): In {
    return this.span ?? this.log ?? this.point ?? this.metric ?? fail('nothing to read the resource of')
  }

  /** The cache of the item before is not seen by the next one. */
  clearCache(): void {
    for (const _ in this.cache) {
      this.cache = {}
      return
    }
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
  logger: undefined,
  nowUnixNano: () => fail('no clock at compile time'),
  random: () => fail('no chance at compile time'),
})
