/** One incident while it is open, apart from which alarms belong to it. Plain data but for the last three, which are made anew. Times are event seconds. */
import { crc32 } from 'node:zlib'
import type { Incident, IncidentState } from '../../pipeline/vocabulary/incident.ts'
import { type Alarm, isOn } from './alarm.ts'
import { rankOf } from './severity.ts'

export type Reason = Incident['reason']

/** What the last revision said, as far as a difference is worth another one. */
export interface Said {
  readonly severity: number
  readonly wakes: boolean
  readonly members: number
  /** Who they are and in which roles: one may have come as another left. */
  readonly who: string
  readonly on: number
  readonly suspects: string
  readonly isFlapping: boolean
  readonly maintenance: string | undefined
}

export interface Case {
  readonly id: string
  /** Event time at which it was opened. */
  readonly opened: number
  readonly isBlind: boolean
  /** Fingerprint of the alarm that it is known by. */
  readonly anchor: string
  readonly splitFrom: string | undefined
  state: IncidentState
  /** Of the last one that was told; -1 = none was. */
  revision: number
  said: Said | undefined
  /** Of all alarms that ever were members, how often they came; what has left is no more in its members. */
  departed: number
  heard: number
  by: string | undefined
  note: string | undefined
  assignee: string | undefined
  snoozedUntil: number | undefined
  /** Rank that it had when it was snoozed: what grows worse is told. */
  snoozedAt: number
  mergedInto: string | undefined
  resolved: number | undefined
  /** What is to be told; undefined = nothing. */
  pending: Reason | undefined
  isUrgent: boolean
  /** By the clock: when what is pending is due. */
  dueMs: number
  /** Most likely cause first. */
  members: readonly Alarm[]
  separable: readonly Alarm[]
}

export function newCase(id: string, anchor: Alarm, opened: number, splitFrom: string | undefined): Case {
  return {
    id,
    opened,
    isBlind: anchor.type === 'blind',
    anchor: anchor.fingerprint,
    splitFrom,
    state: 'open',
    revision: -1,
    said: undefined,
    departed: 0,
    heard: opened,
    by: undefined,
    note: undefined,
    assignee: undefined,
    snoozedUntil: undefined,
    snoozedAt: 0,
    mergedInto: undefined,
    resolved: undefined,
    pending: undefined,
    isUrgent: false,
    dueMs: 0,
    members: [],
    separable: [],
  }
}

export function isOver({ state }: Case): boolean {
  return state === 'resolved' || state === 'merged'
}

/** Of what was found by an id. */
export function isOpen(found: Case | { readonly id: string; readonly mergedInto: string | undefined }): found is Case {
  return 'state' in found && !isOver(found)
}

export function severityRank({ members }: Case): number {
  return members.reduce((most, { severity }) => Math.max(most, rankOf(severity)), 0)
}

const maxCompared = 16

/** What the next revision would say. */
export function summary(of: Case, maintenance: string | undefined): Said {
  const { members } = of
  return {
    severity: severityRank(of),
    wakes: wakesSomebody(of, maintenance),
    members: members.length,
    who: whoAre(members),
    on: members.filter(isOn).length,
    suspects: members
      .filter(({ role }) => role === 'suspect')
      .map(({ fingerprint }) => fingerprint)
      .sort()
      .slice(0, maxCompared)
      .join(' '),
    isFlapping: members.some(({ isFlapping }) => isFlapping),
    maintenance,
  }
}

/** The same for the same members in the same roles, in whatever order. */
function whoAre(members: readonly Alarm[]): string {
  let sum = 0
  for (const { fingerprint, role } of members) sum = (sum + crc32(`${fingerprint} ${role}`)) % 2 ** 48
  return String(sum)
}

function wakesSomebody({ members, isBlind, state }: Case, maintenance: string | undefined): boolean {
  return !isBlind && maintenance === undefined && state !== 'snoozed' && members.some(({ wakes }) => wakes)
}

/** Why a revision is due; undefined where nothing is worth one. */
export function reasonOf(said: Said | undefined, now: Said): Reason | undefined {
  if (said === undefined) return 'opened'
  if (now.severity > said.severity || (now.wakes && !said.wakes)) return 'severity'
  if (now.isFlapping && !said.isFlapping) return 'flapping'
  if (now.members > said.members) return 'joined'
  if (now.members < said.members) return 'moved'
  if (now.suspects === said.suspects && now.who !== said.who) return 'moved'
  if (now.maintenance !== said.maintenance) return 'maintenance'
  if (now.suspects !== said.suspects) return 'suspect'
  if (now.on !== said.on) return now.on < said.on ? 'cleared' : 'joined'
  return undefined
}

/** What is more pressing is what the revision is about. */
const order: readonly Reason[] = ['opened', 'person', 'quiet', 'snooze_over', 'severity', 'flapping', 'moved', 'joined', 'suspect', 'maintenance', 'cleared'] // biome-ignore format: one thing
const urgent: ReadonlySet<Reason> = new Set<Reason>(['opened', 'person', 'quiet', 'severity', 'snooze_over'])
const measured: ReadonlySet<Reason> = new Set<Reason>(['joined', 'moved', 'cleared', 'suspect', 'maintenance'])

/** Whether it is about a difference, which may be none any more when it is told. */
export function isMeasured(reason: Reason): boolean {
  return measured.has(reason)
}

/** Something is to be told: at once, or together with what comes within `coalesceMs`. */
export function tell(of: Case, reason: Reason, nowMs: number, coalesceMs: number): void {
  if (of.pending === undefined) of.dueMs = nowMs + coalesceMs
  if (of.pending === undefined || order.indexOf(reason) < order.indexOf(of.pending)) of.pending = reason
  of.isUrgent ||= urgent.has(reason) || of.state === 'merged'
}
