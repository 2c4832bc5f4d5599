/** What an alarm says, kept for as long as it matters: the same alarm again is the same member, counted. */
import type { Anomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, entityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
import { eventId, type Severity } from '../../pipeline/vocabulary/event.ts'
import type { Member } from '../../pipeline/vocabulary/incident.ts'
import { rankOf } from './severity.ts'
import { strengthOf } from './strength.ts'

/** Plain data, so that it is saved as it is. Times are seconds since 1970, of events. */
export interface Alarm {
  /** Of rule, entity and type. */
  readonly fingerprint: string
  /** Event id of the first. */
  readonly id: string
  readonly entity: Entity
  readonly entityId: string
  /** `entityId` of the service, database or other thing that it is about. */
  readonly place: string
  readonly type: Member['type']
  /** A burn or somebody's page: it joins what explains it, and is never explained away. */
  isAttached: boolean
  wakes: boolean
  severity: Severity
  /** The first onset, and the latest. */
  since: number
  last: number
  uncertainty: number
  /** How much it looks like a cause of its own. */
  strength: number
  /** Event ids of those that are active. */
  active: string[]
  /** All event ids that it came under, the newest so many. */
  ids: string[]
  /** When it cleared; undefined while it is active. */
  until: number | undefined
  /** Event time of what was heard last of it. */
  heard: number
  times: number
  /** When it changed between active and cleared, within the flap window. */
  toggles: number[]
  isFlapping: boolean
  parentId: string | undefined
  traceId: string | undefined
  slo: string | undefined
  /** Of an alert of another system: what that says of whose it is and where to look. */
  foreign: Anomaly['foreign']
  text: string
  /** The incident that a person has put it into: it stays there. */
  pinnedTo: string | undefined
  /** Undefined while it is in none. */
  incident: string | undefined
  role: Member['role']
  /** `id` of the alarm that explains it. */
  explainedBy: string | undefined
}

const maxIds = 64

export function fingerprintOf({ detector, slo, entity, type }: Anomaly): string {
  return eventId(detector, slo ?? '', entityId(entity), type)
}

/** Detectors by themselves wake nobody, whatever they say. */
const mayWake = new Set(['slo', 'foreign', 'probe'])

function wakesSomebody({ wakes, detector }: Anomaly): boolean {
  return wakes && mayWake.has(detector)
}

export function newAlarm(anomaly: Anomaly): Alarm {
  const { id, entity, parent_id: parentId, trace_id: traceId, slo } = anomaly
  const since = seconds(anomaly.time)
  const wakes = wakesSomebody(anomaly)
  return {
    fingerprint: fingerprintOf(anomaly),
    id,
    entity,
    entityId: entityId(entity),
    place: placeOf(entity),
    type: anomaly.type,
    isAttached: anomaly.type === 'slo_burn' || wakes,
    wakes,
    severity: anomaly.severity,
    since,
    last: since,
    uncertainty: anomaly.onset_uncertainty,
    strength: strengthOf(anomaly),
    active: [],
    ids: [],
    until: undefined,
    heard: seconds(anomaly.until),
    times: 0,
    toggles: [],
    isFlapping: false,
    parentId,
    traceId,
    slo,
    foreign: anomaly.foreign,
    text: anomaly.text,
    pinnedTo: undefined,
    incident: undefined,
    role: 'suspect',
    explainedBy: undefined,
  }
}

/** The alarm is active, once more or for the first time. False where it said so before. */
export function activate(alarm: Alarm, anomaly: Anomaly, flap: Flap): boolean {
  const { id } = anomaly
  if (alarm.ids.includes(id)) return false
  if (alarm.times > 0 && alarm.active.length === 0) toggle(alarm, seconds(anomaly.until), flap)
  alarm.times++
  alarm.ids.push(id)
  if (alarm.ids.length > maxIds) alarm.ids.shift()
  alarm.active.push(id)
  if (alarm.active.length > maxIds) alarm.active.shift()
  alarm.until = undefined
  const onset = seconds(anomaly.time)
  // What the earliest says, in whatever order they come.
  if (onset < alarm.since) {
    alarm.since = onset
    alarm.uncertainty = anomaly.onset_uncertainty
    alarm.traceId = anomaly.trace_id ?? alarm.traceId
    alarm.parentId = anomaly.parent_id ?? alarm.parentId
  } else {
    alarm.traceId ??= anomaly.trace_id
    alarm.parentId ??= anomaly.parent_id
  }
  if (onset >= alarm.last) {
    alarm.last = onset
    alarm.text = anomaly.text
    alarm.foreign = anomaly.foreign ?? alarm.foreign
  }
  alarm.heard = Math.max(alarm.heard, seconds(anomaly.until))
  if (rankOf(anomaly.severity) > rankOf(alarm.severity)) alarm.severity = anomaly.severity
  alarm.strength = Math.max(alarm.strength, strengthOf(anomaly))
  // What was a ticket of another system may become a page of it.
  if (wakesSomebody(anomaly)) alarm.wakes = alarm.isAttached = true
  return true
}

/** True where it is clear now and was not. */
export function clear(alarm: Alarm, anomaly: Anomaly, flap: Flap): boolean {
  const at = alarm.active.indexOf(anomaly.id)
  if (at < 0) return false
  alarm.active.splice(at, 1)
  const until = seconds(anomaly.until)
  alarm.heard = Math.max(alarm.heard, until)
  if (alarm.active.length > 0) return false
  alarm.until = until
  toggle(alarm, until, flap)
  return true
}

export interface Flap {
  readonly toggles: number
  readonly windowSeconds: number
}

function toggle(alarm: Alarm, at: number, { toggles, windowSeconds }: Flap): void {
  alarm.toggles = [...alarm.toggles.filter((one) => one > at - windowSeconds), at].slice(-toggles)
  if (alarm.toggles.length >= toggles) alarm.isFlapping = true
}

/** True where it has flapped and was steady since. */
export function hasSettled(alarm: Alarm, now: number, { windowSeconds }: Flap): boolean {
  const last = alarm.toggles.at(-1)
  return alarm.isFlapping && (last === undefined || last <= now - windowSeconds)
}

/** Whether it goes on as far as people are concerned: what flaps is not over because it is clear for a moment. */
export function isOn(alarm: Alarm): boolean {
  return alarm.until === undefined || alarm.isFlapping
}

/** `entityId` of what breaks: of a part of a service the service, of a query its database, of an edge who calls. */
export function placeOf(entity: Entity): string {
  const service = serviceOf(entity)
  if (service !== undefined) return entityId(service)
  if (entity.kind === 'query') {
    const [name = entity.name] = entity.name.split(' ', 1)
    return entityId({ ...entity, kind: 'database', name })
  }
  const [source = ''] = entity.kind === 'edge' ? entity.name.split(' -> ', 1) : []
  return source === '' ? entityId(entity) : entityId({ ...entity, kind: 'service', name: source })
}

export function seconds(unixNano: string): number {
  return Number(BigInt(unixNano) / 1_000n) / 1e6
}

/** To the microsecond, which a double holds. */
export function nanoText(unixSeconds: number): string {
  return String(BigInt(Math.max(0, Math.round(unixSeconds * 1e6))) * 1_000n)
}
