import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logs } from '../data/telemetry.ts'
import { type Change, readChange, writeChange } from './change.ts'
import { type Diagnosis, readDiagnosis, writeDiagnosis } from './diagnosis.ts'
import type { Entity } from './entity.ts'
import { eventId, eventLogs } from './event.ts'

const payment: Entity = {
  kind: 'service',
  cluster: '',
  environment: '',
  namespace: 'shop',
  service: '',
  name: 'payment',
}
const envelope = {
  schema: 1 as const,
  id: eventId('a'),
  entity: payment,
  time: '1800000000000000001',
  observed_time: '1800000001000000000',
  severity: 'low' as const,
  text: 'something',
}
/** Without what is undefined. */
const said = (event: unknown): unknown => JSON.parse(JSON.stringify(event))
const only = (logs: Logs) => {
  const [record] = logs
  assert.ok(record)
  return record
}

test('a change is read as it was written, and a record that says less is none', () => {
  const change: Change = { ...envelope, kind: 'deploy', state: 'finished', source: 'github', from: '1.0', to: '1.1' }
  const record = only(eventLogs(undefined, (builder) => writeChange(builder, change)))
  assert.deepEqual(said(readChange(record)), change)
  const broken = { ...change, kind: 'wish' } as unknown as Change
  assert.equal(readChange(only(eventLogs(undefined, (builder) => writeChange(builder, broken)))), undefined)
})

test('a diagnosis with all its evidence is read as it was written', () => {
  const { time: from, observed_time: until } = envelope
  const diagnosis: Diagnosis = {
    ...envelope,
    incident_id: eventId('incident'),
    incident_revision: 3,
    verdict: 'likely',
    causes: [
      {
        entity: payment,
        hypothesis: 'cpu',
        score: 7.5,
        since: from,
        path: [payment],
        findings: [
          {
            modality: 'metric',
            text: 'CPU 90 %, before 10 %',
            log_likelihood_ratio: 4,
            direct: false,
            reference: {
              kind: 'feature',
              entity: 'service:///shop/payment',
              feature: 'vigil.cpu.utilization',
              from,
              until,
            },
          },
        ],
        effect: {
          text: 'it moves it',
          estimate: 2,
          lower: 1,
          upper: 3,
          refutations: [{ name: 'placebo', passed: true, value: 0.01 }],
        },
      },
    ],
    ruled_out: [{ entity: payment, text: 'nothing of its own changed' }],
    affected: [{ operation: payment, share: 0.5 }],
    missing: [],
    took_seconds: 0.25,
  }
  const record = only(eventLogs(undefined, (builder) => writeDiagnosis(builder, diagnosis)))
  assert.deepEqual(said(readDiagnosis(record)), diagnosis)
})
