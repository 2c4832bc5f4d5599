/** A diagnosis as `rca` words it. */
import type { Diagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { eventId } from '../../pipeline/vocabulary/event.ts'

export const entity = (kind: Entity['kind'], name: string, service = ''): Entity => ({
  kind,
  cluster: '',
  environment: '',
  namespace: '',
  service,
  name,
})

const onset = 1_800_000_000_000_000_000n
const reference = { kind: 'feature', from: String(onset), until: String(onset + 60_000_000_000n) } as const

export const finding = (text: string, direct = false) =>
  ({ modality: 'metric', text, log_likelihood_ratio: 4, direct, reference }) as const

const query = entity('query', 'db.internal/paydb SELECT payments')
const payment = entity('service', 'payment')
const order = entity('service', 'order')

export function diagnosis(rest: Partial<Diagnosis> = {}): Diagnosis {
  return {
    schema: 1,
    id: eventId('vigil.diagnosis', 'a', '1'),
    incident_id: 'a',
    incident_revision: 1,
    entity: query,
    time: String(onset),
    observed_time: String(onset + 30_000_000_000n),
    severity: 'critical',
    text: 'Confirmed: query db.internal/paydb SELECT payments.',
    verdict: 'confirmed',
    causes: [
      {
        entity: query,
        hypothesis: 'query',
        score: 9,
        since: String(onset),
        path: [query, payment, order],
        findings: [
          finding('reads 1,204,311 rows a call, before 3: it scans what an index would find', true),
          finding('own time P90 1.5 s, before 12 ms'),
          finding('the line "connection pool exhausted for customer 4711" 5.2 times longer than before'),
          finding('errors of its own in 12 % of its traces, before 0.2 %'),
        ],
      },
    ],
    ruled_out: [
      {
        entity: order,
        hypothesis: 'deploy',
        text: 'deploy of order 2.15.0, 8 s before the onset: nothing of its own changed (own time P90 9 ms, before 9 ms; processor, memory and disk as before): it waits for what it calls',
      },
    ],
    affected: [{ operation: entity('operation', 'POST /orders', 'order'), share: 0.95 }],
    missing: ['no flight recorder'],
    recommendation: 'Look at the plan of query db.internal/paydb SELECT payments: does it still use its index?',
    took_seconds: 0.4,
    ...rest,
  }
}
