/** The incidents of one origin: which alarms belong to which, and what is to be told of them. Everything is in event time; the clock says only when a revision is due. */

import type { Anomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { eventId } from '../../pipeline/vocabulary/event.ts'
import { type Alarm, type Flap, hasSettled, isOn, seconds } from './alarm.ts'
import { assign } from './assign.ts'
import type { CallGraph } from './call-graph.ts'
import { type Case, isMeasured, isOver, newCase, type Reason, reasonOf, type Said, summary, tell } from './case.ts'
import type { Config } from './config.ts'
import { blindGroups, type Group, groupsOf, type Limits } from './grouping.ts'
import { LiveAlarms, type LiveState } from './live-alarms.ts'
import type { Maintenance } from './maintenance.ts'
import { rankOf } from './severity.ts'

export interface Counts {
  opened(): void
  resolved(): void
  merged(): void
  evicted(alarm: Alarm): void
  overflowed(): void
}

/** An incident that is over, as long as somebody may ask for it. */
export interface Over {
  readonly id: string
  readonly mergedInto: string | undefined
}
export interface BookState {
  readonly now: number
  readonly live: LiveState
  /** Open ones without members: those know their incident. */
  readonly cases: readonly Case[]
  readonly over: readonly Over[]
  readonly overflow: string | undefined
}

/** The oldest is forgotten. */
const maxOver = 5_000

export class Book {
  readonly live: LiveAlarms
  /** Open ones, and those whose end is still to be told. */
  readonly cases = new Map<string, Case>()
  readonly over = new Map<string, Over>()
  readonly #settings: Config
  readonly #limits: Limits
  readonly #flap: Flap
  readonly #maintenance: Maintenance
  readonly #counts: Counts
  readonly #nowMs: () => number
  #now = Number.NEGATIVE_INFINITY
  /** By the clock, when `#now` was heard. */
  #heardMs = 0
  /** The incident that takes what there is no room for. */
  #overflow: string | undefined
  #isStale = false
  graph: CallGraph | undefined

  constructor(settings: Config, maintenance: Maintenance, counts: Counts, nowMs: () => number) {
    this.#settings = settings
    this.#maintenance = maintenance
    this.#counts = counts
    this.#nowMs = nowMs
    this.#flap = { toggles: settings.flap_toggles, windowSeconds: settings.flap_window / 1_000 }
    this.#limits = {
      joinWithin: settings.join_within / 1_000,
      joinWithinHop: settings.join_within_hop / 1_000,
      maxHops: settings.max_hops,
      sameCauseWithin: settings.same_cause_within / 1_000,
      commonCauseShare: settings.common_cause_share,
      resolveAfter: settings.resolve_after / 1_000,
    }
    this.live = new LiveAlarms(settings.max_alarms, this.#flap, (alarm) => this.#evict(alarm))
  }

  /** Event time: that of what was heard last, and what has gone by since. */
  get now(): number {
    return this.#now + (this.#nowMs() - this.#heardMs) / 1_000
  }
  get isEmpty(): boolean {
    return this.cases.size === 0 && this.live.size === 0
  }

  heardAt(unixSeconds: number): void {
    if (unixSeconds <= this.now) return
    this.#now = unixSeconds
    this.#heardMs = this.#nowMs()
  }

  hear(anomaly: Anomaly): void {
    this.heardAt(seconds(anomaly.until))
    const { heard, alarm } = this.live.hear(anomaly)
    if (heard === 'repeated' || heard === 'unknown') return
    this.#isStale = true
    const of = alarm?.incident === undefined ? undefined : this.cases.get(alarm.incident)
    if (of !== undefined) of.heard = Math.max(of.heard, seconds(anomaly.until))
  }

  /** The graph, or what a person did, may have changed who belongs to whom. */
  touch(): void {
    this.#isStale = true
  }

  /** What time does: what flapped is steady, what was quiet is over, what was snoozed is told again. Then who belongs to whom, where that may have changed. */
  settle(): void {
    if (this.#now === Number.NEGATIVE_INFINITY) return
    const { now } = this
    for (const alarm of this.live.all()) {
      if (alarm.isFlapping && hasSettled(alarm, now, this.#flap)) {
        alarm.isFlapping = false
        this.#isStale = true
      }
      if (alarm.incident === undefined && this.#isForgotten(alarm, now)) this.live.close(alarm)
    }
    if (this.#isStale) this.#regroup()
    for (const of of this.cases.values()) {
      if (isOver(of)) continue
      this.#endOf(of, now)
      if (!isOver(of)) this.#look(of, now)
    }
  }

  tell(of: Case, reason: Reason): void {
    tell(of, reason, this.#nowMs(), this.#settings.coalesce)
  }

  resolve(of: Case, at: number, reason: 'person' | 'quiet'): void {
    of.state = 'resolved'
    of.resolved = at
    this.tell(of, reason)
    this.#counts.resolved()
    for (const alarm of of.members) if (this.#isLive(alarm)) this.live.close(alarm)
    if (of.revision < 0) this.cases.delete(of.id)
    if (this.#overflow === of.id) this.#overflow = undefined
  }

  /** The first one becomes a part of the second. */
  merge(of: Case, into: Case): void {
    of.state = 'merged'
    of.mergedInto = into.id
    into.departed += of.departed
    into.assignee ??= of.assignee
    into.note ??= of.note
    into.heard = Math.max(into.heard, of.heard)
    this.#counts.merged()
    // Nobody has heard of it.
    if (of.revision < 0) this.cases.delete(of.id)
    else this.tell(of, 'moved')
  }

  open(id: string, anchor: Alarm, splitFrom: string | undefined): Case {
    const of = newCase(id, anchor, this.now, splitFrom)
    this.cases.set(id, of)
    return of
  }

  /** What is to be told now, with the maintenance window that it lies in. `isReady`: an opening need not wait for the graph. */
  due(isReady: boolean): { readonly of: Case; readonly reason: Reason; readonly said: Said }[] {
    const nowMs = this.#nowMs()
    const due: { of: Case; reason: Reason; said: Said }[] = []
    for (const of of this.cases.values()) {
      const { pending, isUrgent, dueMs, revision } = of
      if (pending === undefined || (!isUrgent && nowMs < dueMs) || (revision < 0 && !isReady)) continue
      const said = summary(of, this.maintenanceOf(of))
      // It may be again as it was told.
      if (isMeasured(pending) && !isOver(of) && reasonOf(of.said, said) === undefined) {
        of.pending = undefined
        of.isUrgent = false
        continue
      }
      if (of.revision < 0) this.#counts.opened()
      of.revision++
      of.said = said
      of.pending = undefined
      of.isUrgent = false
      due.push({ of, reason: revision < 0 ? 'opened' : pending, said })
      if (isOver(of)) this.#forget(of)
    }
    return due
  }

  /** By the clock, in ms: when something is due next. */
  nextDueMs(): number | undefined {
    let next: number | undefined
    for (const { pending, isUrgent, dueMs } of this.cases.values())
      if (pending !== undefined) next = Math.min(next ?? Number.POSITIVE_INFINITY, isUrgent ? this.#nowMs() : dueMs)
    return next
  }

  /** The name of the window in which all of it lies. */
  maintenanceOf({ members }: Case): string | undefined {
    const now = this.now
    let name: string | undefined
    for (const { entity, role } of members) {
      if (role === 'symptom') continue
      const found = this.#maintenance.of(entity, now)
      if (found === undefined) return undefined
      name ??= found
    }
    return name
  }

  /** Whole ids, and beginnings of six characters and more that only one has. */
  find(id: string): Case | Over | undefined {
    const known = this.cases.get(id) ?? this.over.get(id)
    if (known !== undefined || id.length < 6) return known
    const found = [...this.cases.values(), ...this.over.values()].filter((one) => one.id.startsWith(id))
    return found.length === 1 ? found[0] : undefined
  }

  save(): BookState {
    const cases = [...this.cases.values()].map((of) => ({
      ...of,
      // The end of one is told with what it had, which is no more among the live ones.
      members: isOver(of) ? of.members : [],
      separable: [],
    }))
    return { now: this.#now, live: this.live.save(), cases, over: [...this.over.values()], overflow: this.#overflow }
  }

  restore({ now, live, cases, over, overflow }: BookState): void {
    this.#now = now
    this.#heardMs = this.#nowMs()
    this.live.restore(live)
    for (const one of over) this.over.set(one.id, one)
    for (const one of cases) this.cases.set(one.id, { ...one, dueMs: this.#nowMs() })
    this.#overflow = overflow
    const members = Map.groupBy(live.alarms, ({ incident }) => incident)
    for (const of of this.cases.values()) of.members = members.get(of.id) ?? of.members
  }

  #regroup(): void {
    const { now, graph } = this
    this.#isStale = false
    const open = [...this.cases.values()].filter((of) => !isOver(of))
    // Nothing joins what nothing was heard of for long; what it has stays with it.
    const closedToOthers = new Set(
      open.filter(({ heard }) => heard + this.#settings.max_inactivity / 1_000 < now).map(({ id }) => id),
    )
    const alarms = this.live.all().filter(({ incident }) => incident === undefined || !closedToOthers.has(incident))
    const isBlind = ({ type }: Alarm) => type === 'blind'
    const { groups, places } = groupsOf(
      alarms.filter((alarm) => !isBlind(alarm)),
      graph,
      this.#limits,
      now,
    )
    for (const [alarm, { role, explainedBy }] of places) {
      alarm.role = role
      alarm.explainedBy = explainedBy
    }
    assign([...groups, ...blindGroups(alarms.filter(isBlind), this.#limits)], closedToOthers, this)
    for (const of of this.cases.values())
      if (closedToOthers.has(of.id)) of.members = keptOf(of.members, (one) => this.#isLive(one))
  }

  /** Whether a group that is in no incident makes one. What cleared before anybody looked was there all the same. */
  isWorthTelling({ alarms }: Group): boolean {
    const least = rankOf(this.#settings.min_severity)
    return alarms.some(({ wakes, severity }) => wakes || rankOf(severity) >= least)
  }

  /** The incident of a group that has none yet. */
  openFor({ alarms }: Group, splitFrom: string | undefined): Case {
    if (this.cases.size >= this.#settings.max_incidents) {
      this.#counts.overflowed()
      const known = this.#overflow === undefined ? undefined : this.cases.get(this.#overflow)
      const of = known ?? this.open(eventId('vigil.incident', 'overflow', alarms[0]!.id), alarms[0]!, undefined)
      this.#overflow = of.id
      for (const alarm of alarms) alarm.pinnedTo = of.id
      return of
    }
    const worst = Math.max(...alarms.map(({ severity }) => rankOf(severity)))
    const anchor =
      alarms.find((alarm) => isOn(alarm) && (alarm.wakes || rankOf(alarm.severity) === worst)) ?? alarms[0]!
    return this.open(this.#idOf(anchor), anchor, splitFrom)
  }

  /** The same in a replay. What was told to be over stays over, though the alarm that it was known by is a cause of its own again. */
  #idOf({ id }: Alarm): string {
    let found = eventId('vigil.incident', id)
    for (let again = 1; this.cases.has(found) || this.over.has(found); again++)
      found = eventId('vigil.incident', id, String(again))
    return found
  }

  #look(of: Case, now: number): void {
    if (of.state === 'snoozed') {
      const said = summary(of, this.maintenanceOf(of))
      const isWorse = said.severity > of.snoozedAt
      if ((of.snoozedUntil ?? 0) <= now || isWorse) {
        of.state = 'open'
        of.snoozedUntil = undefined
        this.tell(of, isWorse ? 'severity' : 'snooze_over')
      }
    }
    const reason = reasonOf(of.said, summary(of, this.maintenanceOf(of)))
    if (reason !== undefined) this.tell(of, reason)
  }

  #endOf(of: Case, now: number): void {
    const { members } = of
    if (!members.some((one) => this.#isLive(one))) {
      this.resolve(of, of.heard, 'quiet')
      return
    }
    if (of.heard + this.#settings.max_open / 1_000 < now) {
      this.resolve(of, of.heard, 'quiet')
      return
    }
    if (members.some(isOn)) return
    const until = members.reduce((last, alarm) => Math.max(last, alarm.until ?? alarm.heard), 0)
    if (until + this.#settings.resolve_after / 1_000 <= now) this.resolve(of, until, 'quiet')
  }

  /** An alarm that is in no incident. */
  #isForgotten(alarm: Alarm, now: number): boolean {
    const { resolve_after, max_open } = this.#settings
    if (alarm.heard + max_open / 1_000 < now) return true
    return !isOn(alarm) && (alarm.until ?? alarm.heard) + resolve_after / 1_000 < now
  }

  #isLive(alarm: Alarm): boolean {
    return this.live.find(alarm.fingerprint) === alarm
  }

  #evict(alarm: Alarm): void {
    this.#counts.evicted(alarm)
    this.#isStale = true
    const of = alarm.incident === undefined ? undefined : this.cases.get(alarm.incident)
    if (of === undefined) return
    of.departed += alarm.times
    of.members = keptOf(of.members, (one) => one !== alarm)
  }

  #forget({ id, mergedInto }: Case): void {
    this.cases.delete(id)
    this.over.set(id, { id, mergedInto })
    const [oldest] = this.over.keys()
    if (this.over.size > maxOver && oldest !== undefined) this.over.delete(oldest)
  }
}

/** An incident always is about something: the last one stays, though it is no more. */
function keptOf(members: readonly Alarm[], isKept: (alarm: Alarm) => boolean): readonly Alarm[] {
  const kept = members.filter(isKept)
  return kept.length > 0 ? kept : members.slice(0, 1)
}
