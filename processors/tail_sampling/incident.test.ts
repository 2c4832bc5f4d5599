import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import featureStoreExporter from '../../exporters/feature_store/index.ts'
import recorderExporter from '../../exporters/flight_recorder/index.ts'
import featureStore from '../../extensions/feature_store/index.ts'
import flightRecorder from '../../extensions/flight_recorder/index.ts'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { type OpenAlarm, type OpenAlarms, openAlarms } from '../../pipeline/capability/judgements.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Batch, Logs, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { startEngine } from '../../pipeline/testing/engine.ts'
import { memorySink, memorySource } from '../../pipeline/testing/memory.ts'
import { slowAlarm } from '../../pipeline/vocabulary/anomaly.fixture.ts'
import { writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import factory from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigil-incident-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const nano = 1_000_000_000n
const start = 1_700_000_000n
const service = (name: string): Entity => ({
  kind: 'service',
  cluster: '',
  environment: '',
  namespace: '',
  service: '',
  name,
})
const traceId = (n: number) => n.toString(16).padStart(32, '0')

/** A trace through these services. */
function trace(n: number, at: bigint, services: readonly string[], attributes: Record<string, string> = {}): Traces {
  const builder = newTraces()
  for (const [i, of] of services.entries())
    builder.resource({ 'service.name': of }).span({
      name: `${n} ${of}`,
      kind: 3,
      traceId: traceId(n),
      spanId: (n * 16 + i).toString(16).padStart(16, '0'),
      startUnixNano: at * nano,
      endUnixNano: at * nano + 1_000_000n,
      attributes,
    })
  return builder.build()
}
const names = (batch: Batch) => [...(batch as Traces)].map(({ name }) => name)

function anomaly(state: 'active' | 'cleared', entity: Entity, onset: bigint, observed: bigint): Logs {
  return eventLogs(undefined, (builder) => writeAnomaly(builder, slowAlarm(entity, onset, observed, { state })))
}

function alarmsOf(open: readonly OpenAlarm[]): ReadonlyMap<Capability<unknown>, unknown> {
  const offer: OpenAlarms = { isEmpty: open.length === 0, all: () => open, onOpened: () => () => {} }
  return new Map([[openAlarms as Capability<unknown>, offer]])
}
const policy = '{ name: incidents, type: incident, incident: { lookback: 1m } }'
const waiting = 'decision_wait: 1s\n'

describeContract(factory, `policies: [${policy}]`, { capabilities: alarmsOf([]) })

suite('policy incident', () => {
  const decided = async (entity: Entity, traces: readonly Traces[], policies = policy) => {
    const open = [{ entity: entityId(entity), eventId: 'a', sinceUnixNano: start * nano }]
    const built = build(factory, `${waiting}policies: [${policies}]`, { capabilities: alarmsOf(open) })
    await built.instance.start!()
    for (const one of traces) await built.handle(one)
    await built.context.clock.advance(3_000)
    await built.instance.shutdown!(AbortSignal.timeout(5_000))
    return built.context.recorded.emitted.flatMap(({ batch }) => names(batch)).sort()
  }

  test('traces that cross the entity are kept whole, from the lookback before the onset on', async () => {
    const traces = [
      trace(1, start + 1n, ['order', 'payment']),
      trace(2, start + 1n, ['order']),
      trace(3, start - 59n, ['payment']),
      trace(4, start - 61n, ['payment']),
    ]
    assert.deepEqual(await decided(service('payment'), traces), ['1 order', '1 payment', '3 payment'])
  })

  test('what calls a database is kept when the database has an alarm, and the service when an operation of it has', async () => {
    const traces = [trace(1, start, ['order'], { 'server.address': 'orders-db' }), trace(2, start, ['payment'])]
    assert.deepEqual(await decided({ ...service('orders-db'), kind: 'database' }, traces), ['1 order'])
    assert.deepEqual(await decided({ ...service('GET /pay'), kind: 'operation', service: 'payment' }, traces), [
      '2 payment',
    ])
  })

  test('it can be a part of other policies', async () => {
    const errors = '{ name: e, type: status_code, status_code: { status_codes: [ERROR] } }'
    const both = `{ name: both, type: and, and: { and_sub_policy: [${policy}, ${errors}] } }`
    const traces = [trace(1, start, ['payment'])]
    assert.deepEqual(await decided(service('payment'), traces, both), [])
  })

  test('without an extension that knows alarms the start says what to add, and span-ingest is refused', async () => {
    const { instance } = build(factory, `policies: [${policy}]`)
    assert.throws(() => build(factory, `sampling_strategy: span-ingest\npolicies: [${policy}]`), /is stateful/)
    await assert.rejects(
      async () => instance.start!(),
      /the policy incidents needs to know open alarms.*add feature_store/,
    )
  })
})

test('when an alarm opens, the traces from before come out of the recorder, each once, and later ones are kept as they come', async () => {
  const source = memorySource()
  const sink = memorySink()
  const yaml = (wait: string) => `
    receivers: { source: }
    processors:
      tail_sampling:
        decision_wait: ${wait}
        policies:
          - { name: incidents, type: incident, incident: { lookback: 1m } }
          - { name: chosen, type: string_attribute, string_attribute: { key: keep, values: [yes] } }
          - name: dropped
            type: drop
            drop: { drop_sub_policy: [{ name: health, type: string_attribute, string_attribute: { key: keep, values: [never] } }] }
    exporters: { flight_recorder: , feature_store: , sink: }
    extensions:
      flight_recorder: { directory: ${join(folder, 'ring')} }
      feature_store:
    service:
      extensions: [flight_recorder, feature_store]
      pipelines:
        traces: { receivers: [source], exporters: [flight_recorder] }
        traces/keep: { receivers: [source], processors: [tail_sampling], exporters: [sink] }
        logs: { receivers: [source], exporters: [feature_store] }
    `
  const all = [
    source.factory,
    sink.factory,
    factory,
    recorderExporter,
    featureStoreExporter,
    flightRecorder,
    featureStore,
  ]
  const engine = await startEngine(yaml('1s'), all)
  const send = (batch: Batch) => source.send(batch)
  const received = () => sink.received.flatMap(({ batch }) => names(batch)).sort()
  const until = async (count: number) => {
    for (let i = 0; i < 100 && received().length < count; i++) await setTimeout(50)
  }
  await send(trace(1, start - 30n, ['order', 'payment']))
  await send(trace(2, start - 30n, ['order', 'payment'], { keep: 'yes' }))
  await send(trace(3, start - 30n, ['order']))
  await send(trace(4, start - 90n, ['payment']))
  await send(trace(5, start - 30n, ['payment'], { keep: 'never' }))
  await until(2)
  await setTimeout(1_100)
  assert.deepEqual(received(), ['2 order', '2 payment'])
  await send(anomaly('active', service('payment'), start, start + 30n))
  await until(4)
  assert.deepEqual(received(), ['1 order', '1 payment', '2 order', '2 payment'])
  // A second alarm finds the same traces, and another span of one that was taken out follows it.
  await send(anomaly('active', service('order'), start, start + 30n))
  await until(5)
  await send(trace(1, start + 1n, ['late']))
  await send(trace(6, start + 40n, ['payment']))
  await until(7)
  const expected = ['1 late', '1 order', '1 payment', '2 order', '2 payment', '3 order', '6 payment']
  assert.deepEqual(received(), expected)
  await engine.stop()
  assert.deepEqual(received(), expected)
})
