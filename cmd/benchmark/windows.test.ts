import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newLogs, newMetrics } from '../../pipeline/data/builders.ts'
import { double } from '../../pipeline/data/value.ts'
import { type Anomaly, writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { type Incident, writeIncident } from '../../pipeline/vocabulary/incident.ts'
import { Incidents } from './incidents.ts'
import { type Feature, features, type Window, width } from './subject.ts'
import { vigil } from './vigil.ts'
import { Windows } from './windows.ts'

const at = { startUnixNano: 1n, timeUnixNano: 2n }
const bounds = [0.1, 0.2, 0.4]

function requests(service: string, counts: readonly number[], attributes: Readonly<Record<string, string>> = {}) {
  const count = counts.reduce((sum, one) => sum + one, 0)
  return newMetrics()
    .resource({ 'service.name': service, 'service.instance.id': `${service}-1` })
    .scope('test')
    .histogram('http.server.request.duration', [
      { ...at, attributes, count, sum: 1, bounds, counts: Float64Array.from(counts) },
    ])
    .build()
}

function calls(service: string, address: string, metric: string, counts: readonly number[], errorType?: string) {
  const attributes = { 'server.address': address, ...(errorType === undefined ? {} : { 'error.type': errorType }) }
  const count = counts.reduce((sum, one) => sum + one, 0)
  return newMetrics()
    .resource({ 'service.name': service })
    .scope('test')
    .histogram(metric, [{ ...at, attributes, count, sum: 1, bounds, counts: Float64Array.from(counts) }])
    .build()
}

function measured({ entities, values }: Window, entity: string, feature: Feature): number {
  const row = entities.indexOf(entity)
  assert.notEqual(row, -1, `${entity} is not among ${entities.join(', ')}`)
  return values[row * width + features.indexOf(feature)]!
}

test('cumulative counts become rates, shares and quantiles of the window alone', () => {
  const windows = new Windows(new Map())
  windows.take(requests('web', [100, 0, 0, 0]), 1)
  windows.close(0, 10_000, true)
  windows.take(requests('web', [150, 40, 10, 0]), 1)
  windows.take(requests('web', [0, 0, 25, 0], { 'error.type': '500' }), 1)
  const window = windows.close(10_000, 20_000, false)
  assert.equal(measured(window, 'web', 'rate'), 12.5)
  assert.equal(measured(window, 'web', 'errors'), 0.2)
  // Of 125 the 62.5th lies in the second bucket: 50 are below, 40 inside.
  assert.ok(Math.abs(measured(window, 'web', 'p50') - (0.1 + 0.1 * (12.5 / 40))) < 1e-9)
  assert.ok(Number.isNaN(measured(window, 'web', 'cpu')))
})

test('a process that began again counts from zero, and few requests tell no share', () => {
  const windows = new Windows(new Map())
  windows.take(requests('web', [100, 0, 0, 0]), 1)
  windows.close(0, 10_000, true)
  windows.take(requests('web', [10, 0, 0, 0]), 1)
  const window = windows.close(10_000, 20_000, false)
  assert.equal(measured(window, 'web', 'rate'), 1)
  assert.ok(Number.isNaN(measured(window, 'web', 'errors')))
})

test('databases and partners are seen by their callers, services with metrics of their own are not', () => {
  const windows = new Windows(new Map([['api.bank.example', 'bank']]))
  windows.take(requests('cart', [30, 0, 0, 0]), 1)
  windows.take(calls('web', 'cart', 'http.client.request.duration', [0, 0, 0, 30], 'timeout'), 1)
  windows.take(calls('web', 'db', 'db.client.operation.duration', [40, 0, 0, 0]), 1)
  windows.take(calls('web', 'api.bank.example', 'http.client.request.duration', [0, 0, 0, 30], '503'), 1)
  const window = windows.close(0, 10_000, false)
  assert.equal(measured(window, 'cart', 'errors'), 0)
  assert.equal(measured(window, 'db', 'rate'), 4)
  assert.equal(measured(window, 'bank', 'errors'), 1)
  assert.deepEqual(window.entities, ['cart', 'db', 'bank'])
})

test('of instances the fullest counts, lag is added up, warnings and worse are lines, events say what they are about', () => {
  const windows = new Windows(new Map())
  for (const [pod, used] of [
    ['a', 0.2],
    ['b', 0.9],
  ] as const) {
    const resource = { 'k8s.deployment.name': 'web', 'k8s.pod.name': pod }
    const gauge = { ...at, value: double(used) }
    windows.take(newMetrics().resource(resource).scope('t').gauge('k8s.pod.cpu_limit_utilization', [gauge]).build(), 1)
  }
  const lag = [3, 4].map((value) => ({ ...at, value, attributes: { topic: `t${value}` } }))
  windows.take(
    newMetrics().resource({ 'service.name': 'kafka' }).scope('t').gauge('kafka.consumer_group.lag_sum', lag).build(),
    1,
  )
  const line = (severityNumber: number) => ({ timeUnixNano: 1n, severityNumber, body: 'text' })
  const lines = newLogs().resource({ 'service.name': 'web' }).scope('t')
  for (const severity of [9, 13, 17]) lines.record(line(severity))
  windows.take(lines.build(), 1)
  const attributes = { 'k8s.event.reason': 'deploy', 'k8s.deployment.name': 'web' }
  windows.take(
    newLogs()
      .resource({})
      .scope('t')
      .record({ ...line(9), attributes })
      .build(),
    7,
  )
  const window = windows.close(0, 10_000, false)
  assert.equal(measured(window, 'web', 'cpu'), 0.9)
  assert.equal(measured(window, 'kafka', 'lag'), 7)
  assert.equal(measured(window, 'web', 'logs'), 0.2)
  assert.deepEqual(
    window.events.map(({ atMs, name, entity }) => [atMs, name, entity]),
    [[7, 'deploy', 'web']],
  )
})

test('an alarm of Vigil is about the service of its entity, under the name that the topology has for it', () => {
  const anomaly = (
    kind: Entity['kind'],
    service: string,
    name: string,
    state: Anomaly['state'] = 'active',
  ): Anomaly => ({
    schema: 1,
    id: '0'.repeat(32),
    entity: { kind, cluster: '', environment: '', namespace: '', service, name },
    time: '1',
    observed_time: '2',
    severity: 'medium',
    text: 'it is slow',
    state,
    type: 'slow',
    detector: 'fused',
    p_value: 1e-4,
    score: 0.9,
    until: '2',
    onset_uncertainty: 10,
    quality: 1,
    wakes: false,
    evidence: [],
  })
  const windows = new Windows(new Map([['api.bank.example', 'bank']]))
  const builder = newLogs()
  const all = [
    anomaly('service', '', 'web'),
    anomaly('operation', 'cart', 'GET /cart'),
    anomaly('external', '', 'api.bank.example'),
    anomaly('edge', '', 'web -> database cartdb'),
    anomaly('edge', '', 'web -> order POST /orders'),
    anomaly('service', '', 'web', 'cleared'),
  ]
  for (const one of all) writeAnomaly(builder, one)
  windows.take(builder.build(), 5)
  const subject = vigil.find(({ name }) => name === 'vigil, most alerts')
  const alerts = subject!.detect(() => 0).observe(windows.close(0, 10_000, false))
  assert.deepEqual(
    alerts.map(({ atMs, entity, feature, score, isPage }) => [atMs, entity, feature, score, isPage]),
    ['web', 'cart', 'bank', 'cartdb', 'order'].map((entity) => [5, entity, 'p99', 4, false]),
  )
  const broken = newLogs()
    .resource({})
    .scope('vigil')
    .record({ timeUnixNano: 1n, eventName: 'vigil.anomaly', body: 'x' })
  assert.throws(() => windows.take(broken.build(), 6), /a vigil\.anomaly cannot be read: x/)
})

test('an incident of Vigil is one thing, however often it is told: each member once, symptoms marked, a page once one wakes', () => {
  const entity = (kind: Entity['kind'], service: string, name: string): Entity => ({
    kind,
    cluster: '',
    environment: '',
    namespace: '',
    service,
    name,
  })
  const member = (id: string, of: Entity, role: 'suspect' | 'symptom') =>
    ({
      event_id: id,
      entity: of,
      type: 'slow',
      severity: 'medium',
      since: '1',
      role,
      times: 1,
      text: 'it is slow',
    }) as const
  const members = [
    member('a', entity('query', '', 'cartdb SELECT carts'), 'suspect'),
    member('b', entity('operation', 'web', 'GET /cart'), 'symptom'),
  ]
  const incident = (revision: number, wakes: boolean): Incident => ({
    schema: 1,
    id: String(revision).padStart(32, '0'),
    incident_id: 'i1',
    incident_revision: revision,
    entity: members[0]!.entity,
    time: '1',
    observed_time: '2',
    severity: 'medium',
    text: 'cartdb is slow',
    state: 'open',
    reason: revision === 0 ? 'opened' : 'joined',
    title: 'cartdb is slow',
    priority: 'p3',
    wakes,
    blind: false,
    flapping: false,
    opened: '1',
    members: members.slice(0, revision + 1),
    left_out: 0,
    alarms: revision + 1,
    affected: [],
  })
  const windows = new Windows(new Map())
  const subject = vigil.find(({ name }) => name === 'vigil')
  const detector = subject!.detect(() => 0)
  const incidents = new Incidents(120_000)
  for (const [revision, wakes] of [false, true].entries()) {
    const builder = newLogs()
    writeIncident(builder, incident(revision, wakes))
    windows.take(builder.build(), 5 + revision)
    for (const alert of detector.observe(windows.close(revision, 10_000, false))) incidents.add(alert)
  }
  const [one, ...others] = incidents.all
  assert.equal(others.length, 0)
  assert.deepEqual([one?.id, one?.openMs, one?.isPage, incidents.alerts], ['i1', 5, true, 2])
  assert.deepEqual(
    one?.alerts.map((alert) => [alert.entity, alert.isSuppressed]),
    [
      ['cartdb', false],
      ['web', true],
    ],
  )
})
