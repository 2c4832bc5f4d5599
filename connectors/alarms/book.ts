/** The alarms of all entities: opened, grown worse, cleared. Each says active once and cleared once. */
import type { Anomaly, AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import type { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { type Alarm, alarmId, anomalyOf, escalationId } from './alarm.ts'
import { findingsOf, kindsOf } from './anomaly-type.ts'
import type { Explanation, Finding } from './explanation.ts'
import { clearedSentence, evidenceOf, forgottenSentence, type Moment, sentenceOf } from './sentence.ts'
import { rankOf, ranks } from './severity.ts'
import type { Watched } from './watched.ts'

export interface BookOptions {
  readonly windowSeconds: number
  readonly quietP: number
  readonly clearAfter: number
  readonly flapSeconds: number
  readonly local: LocalTime
  /** What goes wrong together has one of them in common. */
  readonly kinKeys: (entity: Entity) => readonly string[]
  readonly nowUnixNano: () => bigint
  readonly say: (anomaly: Anomaly) => void
  readonly opened: (type: AnomalyType) => void
}

export interface Opening {
  readonly watched: Watched
  readonly type: AnomalyType
  readonly detector: string
  /** End of the window, seconds. */
  readonly at: number
  readonly onset?: number
  readonly uncertainty?: number
  readonly findings: readonly Finding[]
  readonly severity: Severity
  readonly text?: string
  readonly p?: number
  /** The alarm that it is evidence beside. */
  readonly parent?: string
  /** Many windows opened it, none of which was strange enough. */
  readonly isShift?: boolean
}

/** A kind with this share of the strangeness stands for itself; with less than the second it is over. */
export const ownShare = 0.3
const overShare = 0.1
/** Explanations are not older than this many windows. */
const explanationWindows = 3
/** Quiet windows are doubled no more often than this. */
const mostDoublings = 4
/** An alarm that was opened and another within the same entity: openings that are remembered. */
const maxOpenings = 16
/** Windows in a row that must be worse before it is said. */
const worseNeeded = 2
/** An onset further back is not believed. Seconds. */
const mostOnset = 86_400
/** A p above this is evidence of quiet, one below of a shift. */
const shiftP = 0.25

export class Book {
  readonly #options: BookOptions
  /** Entities with alarms, by what goes wrong together. */
  readonly #kin = new Map<string, Set<Watched>>()
  /** The keys that each of them has there. */
  readonly #keys = new Map<Watched, readonly string[]>()
  #active = 0

  constructor(options: BookOptions) {
    this.#options = options
  }

  get active(): number {
    return this.#active
  }

  /** Those of a predecessor. */
  adopt(watched: Watched): void {
    this.#active += watched.alarms.length
    if (watched.alarms.length > 0) this.#addKin(watched)
  }

  find({ alarms }: Watched, type: AnomalyType): Alarm | undefined {
    return alarms.find((alarm) => alarm.type === type)
  }

  /** Undefined where it is open already. */
  open({
    watched,
    type,
    detector,
    at,
    onset,
    uncertainty,
    findings,
    severity,
    text,
    p,
    parent,
    isShift = false,
  }: Opening): Alarm | undefined {
    if (this.find(watched, type) !== undefined) return undefined
    const { windowSeconds, flapSeconds, clearAfter } = this.#options
    const from = Math.min(at, Math.max(onset ?? at - windowSeconds, at - mostOnset, watched.clearedAt))
    watched.openings = watched.openings.filter((opened) => at - opened <= flapSeconds).slice(-maxOpenings)
    const doublings = Math.min(mostDoublings, watched.openings.length)
    watched.openings.push(at)
    const alarm: Alarm = {
      id: alarmId(watched.entity, type, from),
      type,
      detector,
      onset: from,
      uncertainty: uncertainty ?? windowSeconds,
      severity: parent === undefined ? severity : 'low',
      parent,
      escalations: [],
      isShift,
      quiet: 0,
      quietNeeded: clearAfter * 2 ** doublings,
      worse: 0,
    }
    watched.alarms.push(alarm)
    this.#addKin(watched)
    this.#active++
    this.#options.opened(type)
    this.#say(watched, alarm, at, findings, text ?? this.#sentence(watched, alarm, at, findings), p)
    return alarm
  }

  /** After another window of an entity that has alarms. `severities` = how bad each kind would be now. */
  step(watched: Watched, at: number, severities: (type: AnomalyType) => Severity): void {
    const { quietP, windowSeconds } = this.#options
    const explanation = recent(watched.explanation, at, explanationWindows * windowSeconds)
    const shares = explanation?.at === at ? new Map(kindsOf(explanation)) : undefined
    for (const alarm of watched.alarms.slice()) {
      if (alarm.detector !== fusedDetector) continue
      const isOver =
        shares !== undefined &&
        explanation !== undefined &&
        explanation.findings.size > 0 &&
        (shares.get(alarm.type) ?? 0) < overShare
      const isQuiet = watched.p > (alarm.isShift ? Math.max(quietP, shiftP) : quietP) || isOver
      alarm.quiet = isQuiet ? alarm.quiet + 1 : alarm.isShift ? Math.max(0, alarm.quiet - 2) : 0
      if (alarm.quiet >= alarm.quietNeeded) {
        this.clear(watched, alarm, at)
        continue
      }
      if (isQuiet || shares === undefined || explanation === undefined) continue
      this.#perhapsWorse(watched, alarm, at, findingsOf(explanation, alarm.type), severities(alarm.type))
    }
  }

  /** `text`: why, where it is not simply over. */
  clear(watched: Watched, alarm: Alarm, at: number, text?: string): void {
    this.#close(watched, alarm, at, text ?? clearedSentence(watched.entity, alarm.type, this.#moment(alarm, at)))
  }

  /** Closes what is active of an entity that nothing is heard of any more. */
  forget(watched: Watched, at: number): void {
    for (const alarm of watched.alarms.slice())
      this.#close(watched, alarm, at, forgottenSentence(watched.entity, alarm.type, this.#moment(alarm, at)))
  }

  #close(watched: Watched, alarm: Alarm, at: number, text: string): void {
    watched.alarms = watched.alarms.filter((one) => one !== alarm)
    watched.clearedAt = at
    if (watched.alarms.length === 0) this.#removeKin(watched)
    this.#active--
    const said = { ...this.#said(watched, alarm, at), state: 'cleared' as const, text, evidence: [] }
    this.#options.say(anomalyOf(said))
    for (const escalation of alarm.escalations) this.#options.say(anomalyOf(said, escalation))
  }

  /** A service stands for itself; its parts and the calls to it, after the first, are evidence. */
  parentOf(watched: Watched, type: AnomalyType): string | undefined {
    if (watched.entity.kind === 'service') return undefined
    for (const key of this.#options.kinKeys(watched.entity)) {
      for (const kin of this.#kin.get(key) ?? []) {
        if (kin === watched) continue
        const alarm = kin.alarms.find((one) => one.type === type && one.parent === undefined)
        if (alarm !== undefined) return alarm.id
      }
    }
    return undefined
  }

  #addKin(watched: Watched): void {
    if (this.#keys.has(watched)) return
    const keys = this.#options.kinKeys(watched.entity)
    this.#keys.set(watched, keys)
    for (const key of keys) {
      const kin = this.#kin.get(key)
      if (kin === undefined) this.#kin.set(key, new Set([watched]))
      else kin.add(watched)
    }
  }

  #removeKin(watched: Watched): void {
    for (const key of this.#keys.get(watched) ?? []) {
      const kin = this.#kin.get(key)
      kin?.delete(watched)
      if (kin?.size === 0) this.#kin.delete(key)
    }
    this.#keys.delete(watched)
  }

  #perhapsWorse(watched: Watched, alarm: Alarm, at: number, findings: readonly Finding[], severity: Severity): void {
    if (alarm.parent !== undefined && alarm.isOnItsOwn !== true) return
    const said = alarm.escalations.at(-1)?.severity ?? alarm.severity
    alarm.worse = rankOf(severity) > rankOf(said) ? alarm.worse + 1 : 0
    if (alarm.worse < worseNeeded) return
    alarm.worse = 0
    const escalation = { id: escalationId(alarm, severity), severity }
    alarm.escalations.push(escalation)
    const text = this.#sentence(watched, alarm, at, findings)
    const event = { ...this.#said(watched, alarm, at), state: 'active' as const, text, evidence: evidenceOf(findings) }
    this.#options.say(anomalyOf({ ...event, p: watched.p, score: watched.score }, escalation))
  }

  #say(
    watched: Watched,
    alarm: Alarm,
    at: number,
    findings: readonly Finding[],
    text: string,
    p: number | undefined,
  ): void {
    const event = { ...this.#said(watched, alarm, at), state: 'active' as const, text, evidence: evidenceOf(findings) }
    this.#options.say(anomalyOf(p === undefined ? event : { ...event, p, score: watched.score }))
  }

  #said(watched: Watched, alarm: Alarm, at: number) {
    const observedNano = this.#options.nowUnixNano()
    return { entity: watched.entity, alarm, until: at, observedNano, quality: watched.completeness }
  }

  #sentence(watched: Watched, alarm: Alarm, at: number, findings: readonly Finding[]): string {
    return sentenceOf(watched.entity, findings, watched.p, this.#moment(alarm, at))
  }

  #moment({ onset, uncertainty }: Alarm, at: number): Moment {
    return { local: this.#options.local, at, onset, uncertainty }
  }
}

/** Alarms that p-values opened are cleared by them; others by who opened them. */
export const fusedDetector = 'fused'

export function recent(explanation: Explanation | undefined, at: number, seconds: number): Explanation | undefined {
  return explanation !== undefined && at - explanation.at <= seconds ? explanation : undefined
}

/** How bad it would be, were the p-value strange enough for a page: else a step less than that. */
export function boundedByPages(severity: Severity, mayPage: boolean): Severity {
  return mayPage ? severity : (ranks[Math.min(rankOf(severity), rankOf('medium'))] ?? severity)
}
