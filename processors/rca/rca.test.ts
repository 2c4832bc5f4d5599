import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { featureStore } from '../../pipeline/capability/feature-store.ts'
import { newLogs, newTraces } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { eventId, eventLogs } from '../../pipeline/vocabulary/event.ts'
import { type Incident, writeIncident } from '../../pipeline/vocabulary/incident.ts'
import { Observations } from './direct.ts'
import factory from './index.ts'
import { indexFor } from './recommend.ts'
import { Surroundings } from './surroundings.ts'

const nano = 1_000_000_000n
const onset = 1_800_000_000n
const entity = (kind: Entity['kind'], name: string, service = ''): Entity => ({
  kind,
  cluster: '',
  environment: '',
  namespace: '',
  service,
  name,
})

const never = () => new Promise<never>(() => {})
const hanging = { entities: never, history: never, graph: never, events: never }
const capabilities = new Map([[featureStore as Capability<unknown>, hanging as unknown]])

describeContract(factory, '', { capabilities })

function incident(revision: number): Logs {
  const event: Incident = {
    schema: 1,
    id: eventId('vigil.incident', 'a', String(revision)),
    incident_id: 'a',
    incident_revision: revision,
    entity: entity('service', 'payment'),
    time: String(onset * nano),
    observed_time: String((onset + 30n) * nano),
    severity: 'high',
    text: 'payment is slow',
    state: 'open',
    reason: 'opened',
    title: 'payment is slow',
    priority: 'p2',
    wakes: false,
    blind: false,
    flapping: false,
    opened: String(onset * nano),
    members: [
      {
        event_id: eventId('alarm'),
        entity: entity('service', 'payment'),
        type: 'slow',
        severity: 'high',
        since: String(onset * nano),
        role: 'suspect',
        times: 1,
        text: 'it is slow',
      },
    ],
    left_out: 0,
    alarms: 1,
    affected: [],
  }
  return eventLogs(undefined, (builder) => writeIncident(builder, event))
}

test('an incident passes at once although the store hangs; the diagnosis is given up, said and counted', async () => {
  const built = build(factory, 'timeout: 50ms', { capabilities })
  await built.instance.start!()
  const batch = incident(0)
  assert.equal(await built.handle(batch), batch)
  await built.context.clock.advance(0)
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.match(built.context.recorded.lines.map(({ message }) => message).join(), /took longer than timeout/)
  await built.instance.shutdown!(AbortSignal.timeout(5_000))
})

test('without a feature store the start says what to add', async () => {
  const built = build(factory, '')
  await assert.rejects(
    async () => built.instance.start!(),
    /no feature store "feature_store": add feature_store to extensions/,
  )
})

suite('what is observed itself', () => {
  const around = () => {
    const all = new Surroundings()
    for (const one of [
      entity('service', 'payment'),
      entity('instance', 'payment-1', 'payment'),
      entity('database', 'db.internal/paydb'),
      entity('query', 'db.internal/paydb SELECT payments'),
      entity('external', 'api.bank.example'),
    ])
      all.add(one)
    all.connect()
    return all
  }
  const observed = async (logs: Logs, traces = newTraces().build()) => {
    const all = around()
    const range = { from: (onset - 300n) * nano, onset: onset * nano, until: (onset + 60n) * nano }
    const observations = new Observations(all, range, testContext({ kind: 'processor', id: 'rca' }).clock)
    await observations.readLogs(logs)
    await observations.readTraces(traces)
    return observations
      .found()
      .map(({ node, hypothesis, text }) => [all.entities[node]?.name, hypothesis, text] as const)
  }
  const line = (at: bigint, body: string, attributes: Record<string, string | number> = {}, service = 'payment') =>
    newLogs()
      .resource({ 'service.name': service, 'service.instance.id': `${service}-1` })
      .record({ timeUnixNano: at * nano, body, attributes })
      .build()

  test('a kill for memory is the instance that says it, once it is new', async () => {
    const body = 'Out of memory: heap limit reached'
    const [[name, hypothesis, text] = []] = await observed(line(onset + 5n, body))
    assert.deepEqual([name, hypothesis], ['payment-1', 'memory'])
    assert.match(text ?? '', /ran out of memory: "Out of memory.*once since the onset, not seen before/)
    assert.deepEqual(await observed(line(onset - 5n, body)), [])
  })

  test('a statement that reads many rows is the query of the store whose log says it', async () => {
    const attributes = { 'db.query.summary': 'SELECT payments', 'postgresql.rows_examined': 1_800_000 }
    const [[name, hypothesis, text] = []] = await observed(line(onset + 5n, 'duration: 900 ms', attributes, 'paydb'))
    assert.deepEqual([name, hypothesis], ['db.internal/paydb SELECT payments', 'query'])
    assert.match(text ?? '', /reads 1,800,000 rows a call/)
    assert.deepEqual(await observed(line(onset + 5n, 'duration: 900 ms', attributes, 'another')), [])
  })

  test('a certificate that is not valid is the one of who was called', async () => {
    const traces = newTraces()
      .resource({ 'service.name': 'payment' })
      .span({
        name: 'POST',
        kind: 3,
        traceId: '1'.padStart(32, '0'),
        spanId: '1'.padStart(16, '0'),
        startUnixNano: (onset + 1n) * nano,
        endUnixNano: (onset + 2n) * nano,
        status: { code: 2, message: 'tls: x509: certificate has expired' },
        attributes: { 'server.address': 'api.bank.example', 'server.port': 443 },
      })
      .build()
    const [[name, hypothesis] = []] = await observed(newLogs().build(), traces)
    assert.deepEqual([name, hypothesis], ['api.bank.example', 'certificate_or_dns'])
  })
})

test('an index is recommended where the statement plainly says which, and never guessed', () => {
  assert.equal(
    indexFor('SELECT id FROM payments WHERE customer_id = $1 AND state = $2 ORDER BY id'),
    'payments (customer_id, state)',
  )
  assert.equal(indexFor('SELECT a FROM x JOIN y ON x.i = y.i WHERE x.a = 1'), undefined)
  assert.equal(indexFor('SELECT a FROM x WHERE a = 1 OR b = 2'), undefined)
  assert.equal(indexFor('DELETE'), undefined)
})
