/** One place that notices go to: makes one attempt at one notice. */
import type { Attempt } from '../../pipeline/component.ts'
import type { Diagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import type { Told } from './ledger.ts'
import type { Failure } from './message.ts'

/** Where its messages about an incident lie: the thread in Slack, the first mail. */
export type Place = Readonly<Record<string, string>>

export interface IncidentNotice {
  readonly incident: Incident
  /** What this channel was told of it last; undefined = nothing yet. */
  readonly told: Told | undefined
  /** Worth a message of its own, rather than only a change of what stands there already. */
  readonly isNews: boolean
  /** Another channel did not take it. */
  readonly failure: Failure | undefined
}
export interface DiagnosisNotice {
  readonly diagnosis: Diagnosis
  readonly told: Told | undefined
  /** Of the incident, where that is known. */
  readonly title: string | undefined
  readonly failure: Failure | undefined
}

/** Each resolves with the place, for those that come later, or undefined where nothing was sent. Throws `Rejected`. */
export interface Channel {
  start?(): Promise<void>
  incident(notice: IncidentNotice, attempt: Attempt): Promise<Place | undefined>
  diagnosis(notice: DiagnosisNotice, attempt: Attempt): Promise<Place | undefined>
  close?(): void
}
