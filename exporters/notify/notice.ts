/** What is told: an incident or a diagnosis, on the wire as the event that it is, with the channel that did not take it where there is one. */
import type { LogRecord, Logs, Origin, Resource } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { type Diagnosis, readDiagnosis, writeDiagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import { type Incident, readIncident, writeIncident } from '../../pipeline/vocabulary/incident.ts'
import type { Failure } from './message.ts'

interface IncidentEvent {
  readonly kind: 'incident'
  readonly event: Incident
  readonly failure: Failure | undefined
}
interface DiagnosisEvent {
  readonly kind: 'diagnosis'
  readonly event: Diagnosis
  readonly failure: Failure | undefined
}
export type Notice = IncidentEvent | DiagnosisEvent

const keys = { channel: 'vigil.notify.failed_channel', error: 'vigil.notify.error' } as const

/** Undefined for a record that is neither. */
export function readNotice(record: LogRecord & { readonly resource: Resource }): Notice | undefined {
  const [channel, error] = [record.attributes.get(keys.channel), record.attributes.get(keys.error)]
  const failure = typeof channel === 'string' && typeof error === 'string' ? { channel, error } : undefined
  const incident = readIncident(record)
  if (incident !== undefined) return { kind: 'incident', event: incident, failure }
  const diagnosis = readDiagnosis(record)
  return diagnosis && { kind: 'diagnosis', event: diagnosis, failure }
}

export function logsOf(origin: Origin | undefined, notices: readonly Notice[]): Logs {
  const plain = eventLogs(origin, (builder) => {
    for (const notice of notices) {
      if (notice.kind === 'incident') writeIncident(builder, notice.event)
      else writeDiagnosis(builder, notice.event)
    }
  })
  const failures = new Map(notices.map(({ event, failure }) => [event.id, failure]))
  if (notices.every(({ failure }) => failure === undefined)) return plain
  return plain.edit(({ attributes }) => {
    const failure = failures.get(asText(attributes.get('vigil.event.id') ?? ''))
    if (failure === undefined) return
    attributes.set(keys.channel, failure.channel)
    attributes.set(keys.error, failure.error)
  })
}
