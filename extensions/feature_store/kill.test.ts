/** The real binary, killed: what it had stored is read by the very code that the next one runs. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type FeatureStore, featureStore } from '../../pipeline/capability/feature-store.ts'
import { type FlightRecorder, flightRecorder } from '../../pipeline/capability/flight-recorder.ts'
import { type Judgements, judgements } from '../../pipeline/capability/judgements.ts'
import { stateStore } from '../../pipeline/capability/state-store.ts'
import { newMetrics, newTraces } from '../../pipeline/data/builders.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { VigilProcess } from '../../pipeline/testing/vigil-process.ts'
import { slowAlarm } from '../../pipeline/vocabulary/anomaly.fixture.ts'
import { writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, edgeEntity, entityId, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { eventLogs } from '../../pipeline/vocabulary/event.ts'
import flightRecorderFactory from '../flight_recorder/index.ts'
import stateStoreFactory from '../state_store/index.ts'
import factory from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigil-killed-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const stopping = () => AbortSignal.timeout(5_000)

const config = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
exporters: { feature_store: , flight_recorder: }
extensions:
  state_store: { path: ${join(folder, 'state.db')} }
  feature_store: { store: state_store, commit_interval: 200ms }
  flight_recorder: { directory: ${join(folder, 'ring')}, flush_interval: 100ms }
service:
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  extensions: [state_store, feature_store, flight_recorder]
  pipelines:
    traces: { receivers: [otlp], exporters: [flight_recorder] }
    metrics: { receivers: [otlp], exporters: [feature_store] }
    logs: { receivers: [otlp], exporters: [feature_store, flight_recorder] }
`
const nano = 1_000_000_000n
const start = 1_700_000_100n
const service = (name: string): Entity => ({
  kind: 'service',
  cluster: '',
  environment: '',
  namespace: 'shop',
  service: '',
  name,
})
const [order, payment] = [service('order'), service('payment')]
const id = entityId(payment)
const column = 'vigil.request.rate{window=1m}'
const edge = edgeEntity(order, payment)

function tick(i: bigint): Batch {
  const timeUnixNano = (start + i * 10n) * nano
  const attributes = { ...entityPoint(payment), window: '1m' }
  const ends = { 'vigil.edge.source': entityId(order), 'vigil.edge.target': id, 'vigil.edge.type': 'call' }
  return newMetrics()
    .resource(entityResource(payment))
    .gauge('vigil.request.rate', [{ value: Number(i), timeUnixNano, attributes }])
    .resource(entityResource(edge))
    .sum('vigil.trace.requests', [{ value: 30, timeUnixNano, attributes: { ...entityPoint(edge), ...ends } }], {
      temporality: 'delta',
      monotonic: true,
    })
    .build()
}

function span(n: number): Batch {
  const traceId = (n + 1).toString(16).padStart(32, '0')
  const at = (start + BigInt(n)) * nano
  return newTraces()
    .resource(entityResource(payment))
    .span({ name: `${n}`, traceId, spanId: '00000000000000ab', startUnixNano: at, endUnixNano: at + 1n })
    .build()
}

const anomaly = slowAlarm(payment, start, start + 60n)

async function send(port: number, batch: Batch): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/${batch.signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.concat(batch.chunks),
  })
  assert.equal(response.status, 200)
  await response.arrayBuffer()
}

async function look() {
  const state = build(stateStoreFactory, `path: ${join(folder, 'state.db')}`, { kind: 'extension' })
  await state.instance.start!()
  const capabilities = new Map([[stateStore as never, state.instance.provides!.get(stateStore)]])
  const features = build(factory, 'store: state_store', { kind: 'extension', id: 'feature_store', capabilities })
  await features.instance.start!()
  const ring = build(flightRecorderFactory, `directory: ${join(folder, 'ring')}`, { kind: 'extension' })
  await ring.instance.start!()
  const store = features.instance.provides!.get(featureStore) as FeatureStore
  const history = await store.history({
    entities: [id],
    columns: [column],
    fromUnixNano: start * nano,
    untilUnixNano: (start + 20_000n) * nano,
    step: 10,
  })
  const answer = {
    rows: [...history.values[0]![0]!].filter((value) => !Number.isNaN(value)),
    graph: await store.graph({ asOfUnixNano: (start + 300n) * nano }),
    isOpen: (features.instance.provides!.get(judgements) as Judgements).isOpen(id, (start + 90n) * nano),
    spans: (await (ring.instance.provides!.get(flightRecorder) as FlightRecorder).traces({})).count,
    lines: [...state.context.recorded.lines, ...features.context.recorded.lines],
  }
  for (const { instance } of [features, state, ring]) await instance.shutdown!(stopping())
  return answer
}

test('killed at any moment, history, graph, events and the recording are back up to the last commit', async () => {
  let sent = 0
  const certain: number[] = []
  for (let round = 0; round < 2; round++) {
    const vigil = new VigilProcess(['--config', 'config.yaml'], { 'config.yaml': config })
    await vigil.ready()
    const port = await vigil.port('HTTP')
    if (round === 0)
      await send(
        port,
        eventLogs(undefined, (builder) => writeAnomaly(builder, anomaly)),
      )
    for (let i = 0; i < 60; i++, sent++) {
      certain.push(sent + 1)
      await send(port, tick(BigInt(sent + 1)))
      await send(port, span(sent))
    }
    await setTimeout(700)
    // What comes now may or may not be stored when it is killed.
    for (let i = 0; i < 10; i++, sent++) await send(port, tick(BigInt(sent + 1)))
    for (let n = 0; n < 10; n++) await send(port, span(1_000 + n))
    assert.equal(vigil.child.kill('SIGKILL'), true)
    await vigil.stop('SIGKILL')
    const { rows, graph, isOpen, spans, lines } = await look()
    assert.deepEqual(lines, [])
    const there = new Set(rows)
    assert.deepEqual(
      certain.filter((value) => !there.has(value)),
      [],
    )
    assert.deepEqual(graph.edges, [entityId(edge)])
    assert.equal(graph.requestsPerSecond[0], 3)
    assert.equal(isOpen, true)
    assert.ok(spans >= 60 * (round + 1), `${spans} spans`)
  }
})

test('a torn state file is set aside by the next start, which says so and runs', async () => {
  const copy = join(folder, 'torn.db')
  cpSync(join(folder, 'state.db'), copy)
  truncateSync(copy, 8_192)
  const vigil = new VigilProcess(['--config', 'config.yaml'], {
    'config.yaml': config.replace(join(folder, 'state.db'), copy).replace(join(folder, 'ring'), join(folder, 'ring2')),
  })
  const { path } = await vigil.line(/state file could not be read and was set aside/)
  assert.match(String(path), /torn\.db\.damaged-/)
  await vigil.ready()
  await send(await vigil.port('HTTP'), tick(1n))
  assert.equal(await vigil.stop(), 0)
})
