/** Counts what passes by, and decides: the trackers of all objectives, each moved along its own event time. */
import { deserialize, serialize } from 'node:v8'
import type { Context } from '../../pipeline/component.ts'
import { gaugeRows } from '../../pipeline/data/gauges.ts'
import type { In, Metric, Metrics, Origin, Point } from '../../pipeline/data/telemetry.ts'
import { Slices } from '../../pipeline/slices.ts'
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'
import { eventId } from '../../pipeline/vocabulary/event.ts'
import { type Alert, endOf, type Guard, isFiring, newReading, type Reading, type Rule } from './alert.ts'
import { allowedShare, type Objective, objectiveKey } from './objective.ts'
import {
  type Amounts,
  badExemplar,
  entityFor,
  indexOf,
  Reader,
  type SavedStreams,
  type Tap,
  type TapIndex,
  takesPoint,
} from './taps.ts'
import { type SavedTracker, slotSeconds, Tracker } from './tracker.ts'

export interface WatchSettings {
  readonly rules: readonly Rule[]
  readonly guard: Guard
  readonly settleSeconds: number
  readonly maxSkewSeconds: number
  readonly maxTrackers: number
  readonly maxStreams: number
}

/** Something began or ended. The reading may be used until the next one. */
export interface Transition {
  readonly tracker: Tracker
  readonly alert: Alert
  /** `withdrawn`: its objective or its rule is gone. */
  readonly state: 'active' | 'met' | 'silent' | 'withdrawn'
  readonly reading: Reading
}

interface Saved {
  readonly version: 2
  /** A `SavedTracker` each. */
  readonly trackers: readonly Uint8Array[]
  readonly streams: SavedStreams
}

/** Trackers that nothing comes for are looked at so often, in event time: windows go on without data. */
const sweepSeconds = 60

export class Watch {
  private readonly settings: WatchSettings
  private readonly context: Context
  private readonly onTransition: (transition: Transition) => void
  private objectives: readonly Objective[] = []
  private index: TapIndex = new Map()
  private trackers = new Map<string, Tracker>()
  private dirty: Tracker[] = []
  /** Restored, of objectives that are no longer there. */
  private readonly orphans: Tracker[] = []
  private readonly reader: Reader
  private readonly reading = newReading()
  private readonly amounts: Amounts = { total: 0, part: 0, seen: 0 }
  /** The newest event time that was seen, of all that passes by. */
  private watermark = -1
  private lastSweep = -1
  /** By dictionary of a columns-first batch: whether its metrics, by series id, are read by nobody. */
  private unread = new WeakMap<object, Map<number, boolean>>()

  constructor(settings: WatchSettings, context: Context, onTransition: (transition: Transition) => void) {
    this.settings = settings
    this.context = context
    this.onTransition = onTransition
    this.reader = new Reader(settings.maxStreams)
  }

  get objectiveCount(): number {
    return this.objectives.length
  }
  get size(): number {
    return this.trackers.size
  }
  get streams(): number {
    return this.reader.size
  }
  get activeAlerts(): number {
    let count = 0
    for (const { alerts } of this.trackers.values()) count += alerts.length
    return count
  }
  /** Share of the compared values that lay in a bucket with a threshold in it. */
  get unsureShare(): number {
    return this.reader.compared === 0 ? 0 : this.reader.unsure / this.reader.compared
  }
  get now(): number {
    return this.watermark
  }
  all(): Iterable<Tracker> {
    return this.trackers.values()
  }

  /** Takes other objectives: what was counted for the same indicator stays. */
  setObjectives(objectives: readonly Objective[]): void {
    this.objectives = objectives
    this.index = indexOf(objectives)
    this.unread = new WeakMap()
    const byKey = new Map(objectives.map((objective) => [objectiveKey(objective), objective]))
    for (const [key, tracker] of this.trackers) {
      const objective = byKey.get(objectiveKey(tracker.objective))
      if (objective === undefined) {
        this.trackers.delete(key)
        this.withdraw(tracker, () => true)
      } else if (objective.windowSeconds !== tracker.objective.windowSeconds) {
        this.trackers.delete(key)
        this.adopt(tracker.save(), objective)
      } else tracker.objective = objective
    }
    this.dirty = this.dirty.filter(({ key }) => this.trackers.has(key))
  }

  add(batch: Metrics): void {
    if (batch.count === 0 || !this.mayBeRead(batch)) return
    const nowSeconds = Number(this.context.clock.nowUnixNano() / 1_000_000n) / 1_000
    const latest = nowSeconds + this.settings.maxSkewSeconds
    const originKey = this.context.originKey(batch.origin)
    let metric: Metric | undefined
    let taps: readonly Matched[] = []
    let [tooOld, noRoom] = [0, 0]
    for (const point of batch) {
      if (point.metric !== metric) {
        metric = point.metric
        taps = this.matched(point, batch.origin, originKey)
      }
      let isLeftOut = false
      for (const { tap, tracker } of taps) {
        if (!takesPoint(tap, point.attributes)) continue
        if (tracker === undefined) {
          isLeftOut = true
          continue
        }
        // The end of an interval belongs to it: a pane ends where the next one begins.
        const nanos = point.timeUnixNano
        const seconds = nanos === 0n ? nowSeconds : Math.min(Number((nanos - 1n) / 1_000_000n) / 1_000, latest)
        if (seconds > this.watermark) this.watermark = seconds
        if (!this.reader.read(point, tap, tracker.key, seconds, this.amounts)) continue
        const { total, part, seen } = this.amounts
        const wasDirty = tracker.isDirty
        if (!tracker.take(seconds, total, part, seen)) tooOld++
        else if (part > 0) tracker.exemplar = badExemplar(point, tap) ?? tracker.exemplar
        if (tracker.isDirty && !wasDirty) this.dirty.push(tracker)
      }
      if (isLeftOut) noRoom++
    }
    if (tooOld > 0) this.context.dropped(tooOld, 'too_late', 'lost')
    const overflows = noRoom + this.reader.overflows
    this.reader.overflows = 0
    if (overflows > 0) this.context.dropped(overflows, 'no_room', 'lost')
    this.decide()
  }

  /** Of what changed, and from time to time of all. */
  private decide(): void {
    for (const tracker of this.dirty) {
      tracker.isDirty = false
      tracker.moveTo(tracker.settledUntil)
      this.judge(tracker)
    }
    this.dirty.length = 0
    if (this.watermark < this.lastSweep + sweepSeconds) return
    this.lastSweep = this.watermark
    const until = Math.floor((this.watermark - this.settings.settleSeconds) / slotSeconds) * slotSeconds
    for (const tracker of this.trackers.values()) {
      if (tracker.now >= until) continue
      tracker.moveTo(until)
      this.judge(tracker)
    }
  }

  private judge(tracker: Tracker): void {
    const { rules, guard } = this.settings
    const { reading } = this
    let stronger = false
    for (const rule of rules) {
      const alert = tracker.alerts.find(({ rule: of }) => isSame(of, rule))
      if (alert !== undefined) {
        const end = endOf(tracker, rule, reading)
        if (end === undefined) {
          stronger = true
          continue
        }
        tracker.alerts = tracker.alerts.filter((one) => one !== alert)
        this.onTransition({ tracker, alert, state: end, reading })
      } else if (!stronger && isFiring(tracker, rule, guard, reading)) {
        // A weaker rule says nothing new while a stronger one is active.
        stronger = true
        const begun = this.begin(tracker, rule, reading)
        tracker.alerts = [...tracker.alerts, begun]
        this.onTransition({ tracker, alert: begun, state: 'active', reading })
      }
    }
  }

  private begin(tracker: Tracker, rule: Rule, { long }: Reading): Alert {
    const { objective } = tracker
    // Between what may be and what is: where the one became the other.
    const allowed = Math.min(rule.burn * allowedShare(objective), (long.ratio ?? 0) / 2)
    const { seconds, uncertainty } = tracker.onset(rule.longSeconds, allowed)
    const minute = String(Math.floor(seconds / 60) * 60)
    const id = eventId('vigil.anomaly', entityId(tracker.entity), 'slo_burn', minute, objective.name, ruleName(rule))
    return { id, rule, onsetSeconds: seconds, onsetUncertainty: uncertainty }
  }

  private matched(point: Point & In, origin: Origin, originKey: string): readonly Matched[] {
    const services = this.index.get(point.metric.name)
    if (services === undefined) return []
    const { attributes } = point.resource
    const service = attributes.get('service.name')
    const taps = typeof service === 'string' ? services.get(service) : undefined
    if (taps === undefined) return []
    return taps.flatMap((tap) => {
      const entity = entityFor(tap, attributes)
      return entity === undefined ? [] : [{ tap, tracker: this.trackerOf(tap, entity, origin, originKey) }]
    })
  }

  /** Undefined where there is no room for one more. */
  private trackerOf(
    { objective, objectiveKey: of }: Tap,
    entity: Entity,
    origin: Origin,
    originKey: string,
  ): Tracker | undefined {
    const key = `${of}\n${entityId(entity)}\n${originKey}`
    const known = this.trackers.get(key)
    if (known !== undefined) return known
    if (this.trackers.size >= this.settings.maxTrackers) return undefined
    const tracker = this.newTracker({ key, entity, origin, originKey }, objective)
    this.trackers.set(key, tracker)
    return tracker
  }

  private newTracker(place: Pick<Tracker, 'key' | 'entity' | 'origin' | 'originKey'>, objective: Objective): Tracker {
    const windows = this.settings.rules.flatMap(({ longSeconds, shortSeconds }) => [longSeconds, shortSeconds])
    return new Tracker(place, objective, windows, this.settings.settleSeconds)
  }

  /** A batch that began as columns is opened only if it has a metric that somebody reads. */
  private mayBeRead(batch: Metrics): boolean {
    const rows = gaugeRows(batch)
    if (rows === undefined) return this.index.size > 0
    const { series } = rows.plan
    const known = this.unread.get(series) ?? new Map<number, boolean>()
    this.unread.set(series, known)
    for (const id of rows.series) {
      let isUnread = known.get(id)
      if (isUnread === undefined) {
        const { metric } = JSON.parse(series.text(id)) as { readonly metric: readonly [string] }
        isUnread = !this.index.has(metric[0])
        known.set(id, isUnread)
      }
      if (!isUnread) return true
    }
    return false
  }

  /** In slices: until it resolves nothing may be added, or what streams add would be counted twice after a restart. */
  async save(): Promise<Uint8Array> {
    const slices = new Slices(this.context.clock)
    const trackers: Uint8Array[] = []
    for (const tracker of this.trackers.values()) {
      trackers.push(serialize(tracker.save()))
      if (slices.isOver) await slices.pause()
    }
    return serialize({ version: 2, trackers, streams: this.reader.save() } satisfies Saved)
  }

  /** Objectives must be set before. */
  restore(bytes: Uint8Array): void {
    const { version, trackers, streams } = deserialize(bytes) as Partial<Saved>
    if (version !== 2 || trackers === undefined || streams === undefined)
      throw new Error(`state of version ${String(version)} is not known here`)
    this.reader.restore(streams)
    for (const saved of trackers) this.restoreTracker(deserialize(saved) as SavedTracker)
  }

  /** By tracker; of those that have some. */
  saveAlerts(): ReadonlyMap<string, readonly Alert[]> {
    const alerts = new Map<string, readonly Alert[]>()
    for (const [key, tracker] of this.trackers) if (tracker.alerts.length > 0) alerts.set(key, tracker.alerts)
    return alerts
  }

  /** After `restore`: what is active now, and nothing else is. Alerts whose objective or rule is gone end. */
  restoreAlerts(alerts: ReadonlyMap<string, readonly Alert[]>): void {
    for (const orphan of this.orphans.splice(0)) {
      orphan.alerts = alerts.get(orphan.key) ?? []
      this.withdraw(orphan, () => true)
    }
    for (const [key, tracker] of this.trackers) {
      tracker.alerts = alerts.get(key) ?? []
      this.withdraw(tracker, ({ rule }) => !this.settings.rules.some((one) => isSame(one, rule)))
    }
  }

  private restoreTracker(saved: SavedTracker): void {
    const [of] = saved.key.split('\n', 1)
    const objective = this.objectives.find((one) => objectiveKey(one) === of)
    if (objective !== undefined && this.trackers.size < this.settings.maxTrackers) this.adopt(saved, objective)
    else this.orphans.push(this.newTracker(saved, saved.objective))
  }

  private adopt(saved: SavedTracker, objective: Objective): void {
    const tracker = this.newTracker(saved, objective)
    tracker.restore(saved)
    this.trackers.set(saved.key, tracker)
    this.watermark = Math.max(this.watermark, tracker.now)
  }

  private withdraw(tracker: Tracker, isGone: (alert: Alert) => boolean): void {
    const gone = tracker.alerts.filter(isGone)
    tracker.alerts = tracker.alerts.filter((alert) => !gone.includes(alert))
    for (const alert of gone) this.onTransition({ tracker, alert, state: 'withdrawn', reading: newReading() })
  }
}

interface Matched {
  readonly tap: Tap
  readonly tracker: Tracker | undefined
}

function ruleName({ burn, longSeconds, shortSeconds }: Rule): string {
  return `${burn} ${longSeconds} ${shortSeconds}`
}
function isSame(a: Rule, b: Rule): boolean {
  return ruleName(a) === ruleName(b)
}
