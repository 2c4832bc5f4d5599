import type { Context } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { Outbox } from '../../pipeline/streams/outbox.ts'
import { type Feedback, writeFeedback } from '../../pipeline/vocabulary/feedback.ts'
import { type Incident, writeIncident } from '../../pipeline/vocabulary/incident.ts'

export interface Waiting {
  readonly origin: Origin
  readonly incident?: Incident
  /** What follows from a person's word about an incident, for the entities that it is about. */
  readonly feedback?: Feedback
}

/** What makes room is lost without harm: each incident's newest revision says all there is. */
export function newOutbox(context: Context): Outbox<Waiting> {
  return new Outbox(context, {
    maxWaiting: 5_000,
    noun: 'incidents',
    write: (builder, { incident, feedback }) => {
      if (incident !== undefined) writeIncident(builder, incident)
      if (feedback !== undefined) writeFeedback(builder, feedback)
    },
  })
}
