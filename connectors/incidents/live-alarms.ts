/** The alarms that matter now, each once: what is active, and what cleared and its incident is still open. */
import type { Anomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Alarm, activate, clear, type Flap, fingerprintOf, isOn, newAlarm, seconds } from './alarm.ts'
import { rankOf } from './severity.ts'

/** When alarms of incidents that are over changed, for those that come back. */
interface Gone {
  readonly fingerprint: string
  readonly toggles: readonly number[]
}
export interface LiveState {
  readonly alarms: readonly Alarm[]
  readonly gone: readonly Gone[]
  /** Event ids of alarms whose incident is over. */
  readonly closed: readonly string[]
}

/** What came of an event. */
export type Heard = 'new' | 'changed' | 'repeated' | 'unknown'

const maxGone = 10_000
const maxClosed = 50_000

export class LiveAlarms {
  readonly #max: number
  readonly #flap: Flap
  readonly #evicted: (alarm: Alarm) => void
  readonly #byFingerprint = new Map<string, Alarm>()
  readonly #gone = new Map<string, readonly number[]>()
  readonly #closed = new Set<string>()
  /** How often an event said nothing new. */
  repeated = 0

  constructor(max: number, flap: Flap, evicted: (alarm: Alarm) => void) {
    this.#max = max
    this.#flap = flap
    this.#evicted = evicted
  }

  get size(): number {
    return this.#byFingerprint.size
  }
  all(): Alarm[] {
    return [...this.#byFingerprint.values()]
  }
  find(fingerprint: string): Alarm | undefined {
    return this.#byFingerprint.get(fingerprint)
  }

  hear(anomaly: Anomaly): { readonly heard: Heard; readonly alarm: Alarm | undefined } {
    const fingerprint = fingerprintOf(anomaly)
    const known = this.#byFingerprint.get(fingerprint)
    if (this.#closed.has(anomaly.id)) {
      this.repeated++
      return { heard: 'repeated', alarm: undefined }
    }
    if (anomaly.state === 'cleared') {
      if (known === undefined || !known.ids.includes(anomaly.id)) return { heard: 'unknown', alarm: undefined }
      return { heard: clear(known, anomaly, this.#flap) ? 'changed' : 'repeated', alarm: known }
    }
    if (known !== undefined) {
      const isNew = activate(known, anomaly, this.#flap)
      if (!isNew) this.repeated++
      return { heard: isNew ? 'changed' : 'repeated', alarm: known }
    }
    const alarm = newAlarm(anomaly)
    const toggles = this.#gone.get(fingerprint)
    if (toggles !== undefined) {
      // It has come back: that, too, is a change.
      const at = seconds(anomaly.until)
      alarm.toggles = [...toggles.filter((one) => one > at - this.#flap.windowSeconds), at].slice(-this.#flap.toggles)
      if (toggles.length > 0 && alarm.toggles.length >= this.#flap.toggles) alarm.isFlapping = true
      this.#gone.delete(fingerprint)
    }
    activate(alarm, anomaly, this.#flap)
    this.#byFingerprint.set(fingerprint, alarm)
    if (this.#byFingerprint.size > this.#max) this.#makeRoom(alarm)
    return { heard: 'new', alarm: this.#byFingerprint.has(fingerprint) ? alarm : undefined }
  }

  /** Its incident is over, or nobody was ever told of it: what else comes under its ids is nothing new. */
  close(alarm: Alarm): void {
    this.#byFingerprint.delete(alarm.fingerprint)
    for (const id of alarm.ids) this.#closed.add(id)
    for (const id of this.#closed) {
      if (this.#closed.size <= maxClosed) break
      this.#closed.delete(id)
    }
    if (alarm.toggles.length === 0) return
    this.#gone.delete(alarm.fingerprint)
    this.#gone.set(alarm.fingerprint, alarm.toggles)
    const [oldest] = this.#gone.keys()
    if (this.#gone.size > maxGone && oldest !== undefined) this.#gone.delete(oldest)
  }

  save(): LiveState {
    const gone = [...this.#gone].map(([fingerprint, toggles]) => ({ fingerprint, toggles }))
    return { alarms: this.all(), gone, closed: [...this.#closed] }
  }
  restore({ alarms, gone, closed }: LiveState): void {
    for (const alarm of alarms) this.#byFingerprint.set(alarm.fingerprint, alarm)
    for (const { fingerprint, toggles } of gone) this.#gone.set(fingerprint, toggles)
    for (const id of closed) this.#closed.add(id)
  }

  /** Takes a twentieth at once: looking for the least important costs as much for one. */
  #makeRoom(newcomer: Alarm): void {
    const count = Math.max(1, Math.floor(this.#max / 20))
    const least = this.all()
      .sort(
        (a, b) => importance(a) - importance(b) || a.heard - b.heard || Number(b === newcomer) - Number(a === newcomer),
      )
      .slice(0, count)
    for (const alarm of least) {
      this.#byFingerprint.delete(alarm.fingerprint)
      this.#evicted(alarm)
    }
  }
}

/** What wakes people stays longest; then what goes on, what is a cause, and what is worse. */
function importance(alarm: Alarm): number {
  return (
    (alarm.wakes ? 32 : 0) + (isOn(alarm) ? 16 : 0) + rankOf(alarm.severity) * 2 + (alarm.role === 'suspect' ? 1 : 0)
  )
}
