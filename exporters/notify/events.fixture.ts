import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { type Diagnosis, writeDiagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { eventId, eventLogs } from '../../pipeline/vocabulary/event.ts'
import { type Incident, writeIncident } from '../../pipeline/vocabulary/incident.ts'

const second = 1_000_000_000n
/** Four minutes before the fake clock's start, 2023-11-14T22:13:20Z. */
const onset = 1_700_000_000n * second - 240n * second

function entity(name: string, rest: Partial<Entity> = {}): Entity {
  return { kind: 'service', cluster: '', environment: 'production', namespace: 'shop', service: '', name, ...rest }
}

export function incident(revision: number, rest: Partial<Incident> = {}): Incident {
  const id = rest.incident_id ?? 'inc-1'
  return {
    schema: 1,
    id: eventId('vigil.incident', id, String(revision)),
    incident_id: id,
    incident_revision: revision,
    entity: entity('payment'),
    time: String(onset),
    observed_time: String(onset + 20n * second),
    severity: 'critical',
    text: 'payment is slow',
    state: 'open',
    reason: revision === 0 ? 'opened' : 'joined',
    title: 'payment is slow: P99 3.5 s, expected 40 to 62 ms',
    priority: 'p1',
    wakes: true,
    blind: false,
    flapping: false,
    opened: String(onset + 20n * second),
    members: [
      {
        event_id: eventId('a'),
        entity: entity('paydb SELECT', { kind: 'query', namespace: '' }),
        type: 'slow',
        severity: 'critical',
        since: String(onset),
        role: 'suspect',
        times: 1,
        text: 'query paydb SELECT: P99 3.4 s, expected 2 to 5 ms',
      },
      {
        event_id: eventId('b'),
        entity: entity('payment'),
        type: 'slow',
        severity: 'critical',
        since: String(onset),
        role: 'symptom',
        explained_by: eventId('a'),
        times: 1,
        text: 'payment: P99 3.5 s, expected 40 to 62 ms',
      },
    ],
    left_out: 0,
    alarms: 2,
    affected: [
      {
        operation: entity('POST /orders', { kind: 'operation', service: 'order' }),
        share: 0.95,
        requests_per_second: 12,
      },
    ],
    owner: 'payments',
    tier: 1,
    runbook: 'https://wiki.example.com/payment',
    ...rest,
  }
}

export function diagnosis(revision: number, rest: Partial<Diagnosis> = {}): Diagnosis {
  const id = rest.incident_id ?? 'inc-1'
  const query = entity('paydb SELECT', { kind: 'query', namespace: '' })
  const reference = { kind: 'feature', from: String(onset), until: String(onset + 60n * second) } as const
  return {
    schema: 1,
    id: eventId('vigil.diagnosis', id, String(revision)),
    incident_id: id,
    incident_revision: revision,
    entity: query,
    time: String(onset),
    observed_time: String(onset + 30n * second),
    severity: 'critical',
    text: 'paydb SELECT scans the whole table since 22:09:20.',
    verdict: 'likely',
    reliability: { cases: 120, right: 0.83, source: 'benchmark' },
    causes: [
      {
        entity: query,
        hypothesis: 'query',
        score: 7.1,
        since: String(onset),
        path: [query, entity('payment'), entity('order')],
        findings: [
          {
            modality: 'metric',
            text: 'P99 3.4 s, expected 2 to 5 ms',
            log_likelihood_ratio: 4,
            direct: false,
            reference,
          },
        ],
      },
    ],
    ruled_out: [
      {
        entity: entity('order'),
        hypothesis: 'deploy',
        text: 'The deploy of order 2.15.0 at 22:08: the old pods are as slow.',
      },
    ],
    affected: [],
    missing: [],
    recommendation: 'Add the index that the query lost.',
    took_seconds: 1.2,
    ...rest,
  }
}

export function notices(...events: readonly (Incident | Diagnosis)[]): Logs {
  return eventLogs(undefined, (builder) => {
    for (const event of events) {
      if ('verdict' in event) writeDiagnosis(builder, event)
      else writeIncident(builder, event)
    }
  })
}

export function unrelated(): Logs {
  return newLogs().resource({}).record({ body: 'a line' }).build()
}
