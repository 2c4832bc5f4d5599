/** One alarm while it lasts, and the events that say so. */
import type { Anomaly, AnomalyType, Evidence } from '../../pipeline/vocabulary/anomaly.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { eventId, type Severity, schemaVersion } from '../../pipeline/vocabulary/event.ts'

export interface Alarm {
  readonly id: string
  readonly type: AnomalyType
  readonly detector: string
  /** The alarm of the same kind about its service or a part of it: this one is evidence beside it, and no ticket of its own. */
  readonly parent: string | undefined
  /** It outlasted what it was evidence of: it may grow worse by itself. */
  isOnItsOwn?: boolean
  /** Seconds. */
  readonly onset: number
  readonly uncertainty: number
  severity: Severity
  /** What was said of it as it grew worse: each is cleared with it. */
  readonly escalations: { readonly id: string; readonly severity: Severity }[]
  /** Small and lasting: what opened it was many windows, and so is what clears it. */
  readonly isShift: boolean
  /** Windows in a row without it; of a shift, those without less twice those with. */
  quiet: number
  /** So many clear it. */
  readonly quietNeeded: number
  /** Windows in a row in which it was worse than was said. */
  worse: number
}

/** Onsets within the same minute are the same onset: what a replay finds differs by less. */
const onsetWindow = 60

export function alarmId(entity: Entity, type: AnomalyType, onset: number): string {
  return eventId('vigil.anomaly', entityId(entity), type, String(Math.floor(onset / onsetWindow)))
}

export function escalationId(alarm: Alarm, severity: Severity): string {
  return eventId('vigil.anomaly', alarm.id, severity)
}

export interface Said {
  readonly entity: Entity
  readonly alarm: Alarm
  readonly state: Anomaly['state']
  readonly text: string
  /** End of the last window, seconds. */
  readonly until: number
  readonly observedNano: bigint
  readonly quality: number
  readonly evidence: readonly Evidence[]
  readonly p?: number
  readonly score?: number
}

/** The event of an alarm, or of its escalation where one is given. */
export function anomalyOf(said: Said, escalation?: { readonly id: string; readonly severity: Severity }): Anomaly {
  const { entity, alarm, state, text, until, observedNano, quality, evidence, p, score } = said
  const parent = escalation === undefined ? alarm.parent : alarm.id
  return {
    schema: schemaVersion,
    id: escalation?.id ?? alarm.id,
    ...(parent === undefined ? {} : { parent_id: parent }),
    entity,
    time: nanoText(alarm.onset),
    observed_time: String(observedNano),
    severity: escalation?.severity ?? alarm.severity,
    text,
    state,
    type: alarm.type,
    detector: alarm.detector,
    ...(isProbability(p) ? { p_value: p } : {}),
    ...(isProbability(score) ? { score } : {}),
    until: nanoText(until),
    onset_uncertainty: alarm.uncertainty,
    quality: Math.min(1, Math.max(0, quality)),
    // A detector alone makes a ticket or evidence; who wakes people has more to go by.
    wakes: false,
    evidence: evidence.slice(0, maxEvidence),
  }
}

const maxEvidence = 16

function isProbability(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value <= 1
}

/** To the microsecond, which a double holds. */
function nanoText(seconds: number): string {
  return String(BigInt(Math.max(0, Math.round(seconds * 1e6))) * 1_000n)
}
