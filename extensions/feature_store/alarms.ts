/** What is open, and what persons accepted as normal: read out of the events. */
import type { Acceptance, Judgements, OpenAlarm, OpenAlarms } from '../../pipeline/capability/judgements.ts'
import { readFeedback } from '../../pipeline/vocabulary/feedback.ts'
import type { KeptEvent } from './events.ts'

interface Opened {
  readonly alarm: OpenAlarm
  /** Of the last event that said that it is open. */
  lastUnixNano: bigint
  /** Undefined while it is open. */
  closedUnixNano: bigint | undefined
}
interface Accepted extends Acceptance {
  readonly eventId: string
}

/** Closed ones of an entity that are remembered, for questions about the past; and acceptances. */
const maxOfEntity = 64
/** Entities with alarms that are remembered, and with acceptances; beyond, those heard of first are forgotten, open ones last. */
const maxEntities = 20_000

export class Alarms implements Judgements, OpenAlarms {
  private readonly opened = new Map<string, Opened[]>()
  /** Entity of each open incident: a later revision may be about another. */
  private readonly entityOf = new Map<string, string>()
  private readonly accepted = new Map<string, Accepted[]>()
  private readonly listeners = new Set<(alarm: OpenAlarm) => void>()
  private maxOpenNanos: bigint
  private newestUnixNano = 0n
  private openCount = 0

  constructor(maxOpenMs: number) {
    this.maxOpenNanos = nanos(maxOpenMs)
  }

  adopt(maxOpenMs: number): void {
    this.maxOpenNanos = nanos(maxOpenMs)
  }

  get isEmpty(): boolean {
    return this.openCount === 0
  }

  all(): readonly OpenAlarm[] {
    return [...this.opened.values()].flatMap((of) =>
      of.filter((one) => one.closedUnixNano === undefined).map(({ alarm }) => alarm),
    )
  }

  onOpened(listener: (alarm: OpenAlarm) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  isOpen(entity: string, atUnixNano: bigint): boolean {
    for (const { alarm, closedUnixNano, lastUnixNano } of this.opened.get(entity) ?? []) {
      if (alarm.sinceUnixNano > atUnixNano) continue
      if (atUnixNano < (closedUnixNano ?? lastUnixNano + this.maxOpenNanos)) return true
    }
    return false
  }

  acceptances(entity: string): readonly Acceptance[] {
    return this.accepted.get(entity) ?? []
  }

  /** `isTold`: whether listeners hear of it; not what a restart reads again. */
  hear(event: KeptEvent, isTold: boolean): void {
    if (event.name === 'vigil.feedback') this.hearFeedback(event)
    if (event.name !== 'vigil.anomaly' && event.name !== 'vigil.incident') return
    const [record] = event.logs
    const state = record?.attributes.get(`${event.name}.state`)
    // Asked for by event time, which in a replay is long before anybody observed it.
    const until = record?.attributes.get(`${event.name}.until`)
    const observed = nanosOf(until) ?? event.observedUnixNano
    if (state === 'cleared' || state === 'resolved' || state === 'merged') this.close(event, observed)
    else if (typeof state === 'string') this.open(event, observed, isTold)
  }

  /** Event time has come so far: what nothing was heard of for long is over. */
  advance(unixNano: bigint): void {
    if (unixNano <= this.newestUnixNano) return
    this.newestUnixNano = unixNano
    if (this.openCount === 0) return
    for (const of of this.opened.values())
      for (const one of of)
        if (one.closedUnixNano === undefined && one.lastUnixNano + this.maxOpenNanos <= unixNano)
          this.end(one, one.lastUnixNano + this.maxOpenNanos)
  }

  private open({ entityId, envelope }: KeptEvent, observed: bigint, isTold: boolean): void {
    const eventId = envelope.incident_id ?? envelope.id
    const before = this.entityOf.get(eventId)
    if (before !== undefined && before !== entityId) this.endAt(before, eventId, observed)
    const of = this.opened.get(entityId) ?? []
    const known = of.find(({ alarm }) => alarm.eventId === eventId)
    if (known !== undefined) {
      if (observed > known.lastUnixNano) known.lastUnixNano = observed
      // The suspect is again what it was before.
      if (before !== undefined && before !== entityId && known.closedUnixNano !== undefined) {
        known.closedUnixNano = undefined
        this.openCount++
        this.entityOf.set(eventId, entityId)
      }
      return
    }
    const alarm: OpenAlarm = { entity: entityId, eventId, sinceUnixNano: BigInt(envelope.time) }
    of.push({ alarm, lastUnixNano: observed, closedUnixNano: undefined })
    this.openCount++
    if (envelope.incident_id !== undefined) this.entityOf.set(eventId, entityId)
    if (of.length > maxOfEntity) {
      const [gone] = of.splice(0, 1)
      this.forget(gone!)
    }
    this.opened.set(entityId, of)
    if (this.opened.size > maxEntities) this.forgetOne()
    if (isTold) for (const listener of this.listeners) listener(alarm)
  }

  /** The entity that was heard of first of those with nothing open; of all, where every one has. */
  private forgetOne(): void {
    let oldest: string | undefined
    for (const [entity, of] of this.opened) {
      oldest ??= entity
      if (of.some(({ closedUnixNano }) => closedUnixNano === undefined)) continue
      oldest = entity
      break
    }
    if (oldest === undefined) return
    for (const one of this.opened.get(oldest) ?? []) this.forget(one)
    this.opened.delete(oldest)
  }

  private forget({ alarm, closedUnixNano }: Opened): void {
    if (closedUnixNano !== undefined) return
    this.openCount--
    this.entityOf.delete(alarm.eventId)
  }

  private close({ entityId, envelope }: KeptEvent, observed: bigint): void {
    const eventId = envelope.incident_id ?? envelope.id
    this.endAt(this.entityOf.get(eventId) ?? entityId, eventId, observed)
  }

  private endAt(entityId: string, eventId: string, observed: bigint): void {
    const one = this.opened.get(entityId)?.find(({ alarm }) => alarm.eventId === eventId)
    if (one !== undefined && one.closedUnixNano === undefined) this.end(one, observed)
  }

  private end(one: Opened, unixNano: bigint): void {
    one.closedUnixNano = unixNano
    this.entityOf.delete(one.alarm.eventId)
    this.openCount--
  }

  private hearFeedback({ entityId, logs }: KeptEvent): void {
    const [record] = logs
    const feedback = record === undefined ? undefined : readFeedback(record)
    if (feedback === undefined) return
    const of = this.accepted.get(entityId) ?? []
    if (feedback.kind === 'withdraw') {
      this.accepted.set(
        entityId,
        of.filter(({ eventId }) => eventId !== feedback.parent_id),
      )
      return
    }
    if (of.some(({ eventId }) => eventId === feedback.id)) return
    of.push({
      ...(feedback.feature === undefined ? {} : { feature: feedback.feature }),
      sinceUnixNano: BigInt(feedback.since),
      by: feedback.by,
      eventId: feedback.id,
    })
    if (of.length > maxOfEntity) of.shift()
    this.accepted.set(entityId, of)
    const [first] = this.accepted.keys()
    if (this.accepted.size > maxEntities && first !== undefined) this.accepted.delete(first)
  }
}

/** Alarms write it as a number, incidents as the text of one. */
function nanosOf(value: unknown): bigint | undefined {
  if (typeof value === 'string') return /^\d{1,19}$/.test(value) ? BigInt(value) : undefined
  return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : undefined
}

function nanos(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n
}
