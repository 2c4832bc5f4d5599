import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { type Crossings, crossings } from '../../pipeline/capability/crossings.ts'
import {
  type FeatureSink,
  type FeatureStore,
  featureSink,
  featureStore,
} from '../../pipeline/capability/feature-store.ts'
import { type Judgements, judgements, type OpenAlarms, openAlarms } from '../../pipeline/capability/judgements.ts'
import { stateStore } from '../../pipeline/capability/state-store.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Logs, Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { slowAlarm } from '../../pipeline/vocabulary/anomaly.fixture.ts'
import { writeAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, edgeEntity, entityId, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { eventId, eventLogs } from '../../pipeline/vocabulary/event.ts'
import { writeFeedback } from '../../pipeline/vocabulary/feedback.ts'
import { type Incident, writeIncident } from '../../pipeline/vocabulary/incident.ts'
import stateStoreFactory from '../state_store/index.ts'
import factory from './index.ts'

describeContract(factory, '')

const nano = 1_000_000_000n
/** A whole number of 5 minutes. */
const start = 1_700_000_100n
const service = (name: string): Entity => ({
  kind: 'service',
  cluster: '',
  environment: 'production',
  namespace: 'shop',
  service: '',
  name,
})
const payment = service('payment')
const id = entityId(payment)
const p1 = 'vigil.request.rate{window=1m}'
const p5 = 'vigil.request.rate{window=5m}'
const p60 = 'vigil.request.rate{window=1h}'

interface Values {
  readonly [feature: string]: number
}
/** Features of an entity at a time, as a batch that begins as bytes. */
function tick(seconds: bigint, values: Values, entity = payment, revision?: number): Metrics {
  const builder = newMetrics().resource(entityResource(entity)).scope('vigil/features')
  const at = (value: number, attributes: object) => [
    { value, timeUnixNano: seconds * nano, attributes: { ...entityPoint(entity), ...attributes } },
  ]
  for (const [text, value] of Object.entries(values)) {
    const [name = '', attributes = ''] = text.slice(0, -1).split('{')
    const pairs = attributes.split(',').map((pair) => pair.split('='))
    builder.gauge(name, at(value, Object.fromEntries(pairs)))
    if (revision !== undefined) builder.gauge('vigil.feature.revision', at(revision, { window: '1m' }))
  }
  return builder.build()
}

function offers(options: TestContextOptions = {}, yaml = '') {
  const built = build(factory, yaml, { kind: 'extension', ...options })
  const of = <T>(capability: object) => built.instance.provides!.get(capability as never) as T
  return {
    ...built,
    store: of<FeatureStore>(featureStore),
    sink: of<FeatureSink>(featureSink),
    judged: of<Judgements>(judgements),
    open: of<OpenAlarms>(openAlarms),
    crossed: of<Crossings>(crossings),
  }
}
const stopping = () => AbortSignal.timeout(5_000)

async function values(store: FeatureStore, column: string, from: bigint, until: bigint, step?: 10 | 60 | 300) {
  const answer = await store.history({
    entities: [id],
    columns: [column],
    fromUnixNano: from * nano,
    untilUnixNano: until * nano,
    ...(step === undefined ? {} : { step }),
  })
  return [...answer.values[0]![0]!].map((value) => (Number.isNaN(value) ? undefined : value))
}

suite('history', () => {
  test('rows are read back by entity, column and time, and an answer ends where it was asked to', async () => {
    const { store, sink } = offers()
    for (let i = 1n; i <= 12n; i++) await sink.metrics(tick(start + i * 10n, { [p1]: Number(i) }))
    assert.deepEqual(await values(store, p1, start + 20n, start + 50n, 10), [3, 4, 5])
    assert.deepEqual(await values(store, p1, start, start + 119n, 60), [6])
    assert.deepEqual(await values(store, p1, start, start + 120n, 60), [6, 12])
    assert.deepEqual(await values(store, 'vigil.never{window=1m}', start, start + 20n, 10), [undefined, undefined])
  })

  test('a row of a minute or five is the window as it was at its end, in whatever order rows come', async () => {
    const ticks = Array.from({ length: 30 }, (_, i) => BigInt(i + 1))
    const shuffled = [...ticks.slice(9, 30).toReversed(), ...ticks.slice(0, 9)]
    for (const order of [ticks, shuffled]) {
      const { store, sink } = offers()
      for (const i of order)
        await sink.metrics(tick(start + i * 10n, { [p1]: Number(i), [p5]: Number(i), [p60]: Number(i) }))
      assert.deepEqual(await values(store, p1, start, start + 300n, 60), [6, 12, 18, 24, 30])
      assert.deepEqual(await values(store, p5, start, start + 300n), [6, 12, 18, 24, 30])
      assert.deepEqual(await values(store, p5, start, start + 300n, 300), [30])
      assert.deepEqual(await values(store, p60, start, start + 300n), [30])
    }
  })

  test('a row is replaced only by a newer revision of it', async () => {
    const { store, sink, context, instance } = offers()
    await instance.start!()
    await sink.metrics(tick(start + 10n, { [p1]: 1 }))
    await sink.metrics(tick(start + 10n, { [p1]: 3 }, payment, 2))
    await sink.metrics(tick(start + 10n, { [p1]: 2 }, payment, 1))
    await sink.metrics(tick(start + 10n, { [p1]: 1 }))
    assert.deepEqual(await values(store, p1, start, start + 10n, 10), [3])
    await context.clock.advance(10_000)
    assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'older_revision', intent: 'intended' }])
    await instance.shutdown!(stopping())
  })

  test('hours of rows are compressed and read back as they were; what is older than is kept is gone', async () => {
    const { store, sink, context, instance } = offers({}, 'keep_10s: 1h')
    await instance.start!()
    for (let i = 1n; i <= 720n; i++) {
      await sink.metrics(tick(start + i * 10n, { [p1]: Number(i), [p5]: Number(i) }))
      await context.clock.advance(10_000)
    }
    const end = start + 7_200n
    const recent = await values(store, p1, end - 3_000n, end, 10)
    assert.deepEqual(
      recent,
      Array.from({ length: 300 }, (_, i) => 421 + i),
    )
    const minutes = await values(store, p1, start, end)
    assert.deepEqual(
      minutes,
      Array.from({ length: 120 }, (_, i) => (i + 1) * 6),
    )
    assert.equal((await values(store, p1, start, start + 600n, 10))[0], undefined)
    await instance.shutdown!(stopping())
  })

  test('columns of a batch that begins as columns are taken without bytes, for both vocabularies', async () => {
    const { store, sink } = offers()
    const series = new ByteDictionary(100)
    const sorted = (of: object) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
    const resource = sorted(entityResource(payment))
    const attributes = sorted({ ...entityPoint(payment), detector: 'fused' })
    const text = (name: string) =>
      JSON.stringify({ resource, scope: ['', '', []], metric: [name, '1', 'gauge', 'none', false], attributes })
    const ids = Uint32Array.of(series.id(text('vigil.anomaly.p_value')), series.id(text('vigil.anomaly.score')))
    const plan = { dictionary: new ByteDictionary(1), series }
    for (const [i, p] of [0.5, 1e-9, 0.2].entries())
      await sink.metrics(
        gauges({
          series: ids,
          value: Float64Array.of(p, 1 - p),
          timeUnixNano: (start + 10n + BigInt(i) * 10n) * nano,
          plan,
        }),
      )
    const rounded = (all: readonly (number | undefined)[]) => all.map((value) => value && Number(value.toPrecision(5)))
    const p = 'vigil.anomaly.p_value{detector=fused}'
    assert.deepEqual(rounded(await values(store, p, start, start + 30n, 10)), [0.5, 1e-9, 0.2])
    // The most suspicious of a minute is the minute's.
    assert.deepEqual(rounded(await values(store, p, start, start + 60n, 60)), [1e-9])
    assert.deepEqual(await values(store, 'vigil.anomaly.score{detector=fused}', start, start + 60n, 60), [1])
    const [known] = await store.entities()
    assert.deepEqual(known?.columns, [p, 'vigil.anomaly.score{detector=fused}'])
  })

  test('what has no room is counted, and what is no feature is left alone', async () => {
    const { sink, store, context, instance } = offers({}, 'max_entities: 1')
    await instance.start!()
    await sink.metrics(tick(start + 10n, { [p1]: 1 }))
    await sink.metrics(tick(start + 10n, { [p1]: 1 }, service('order')))
    await sink.metrics(
      newMetrics()
        .resource({})
        .gauge('process.cpu.time', [{ value: 1 }])
        .build(),
    )
    await context.clock.advance(10_000)
    assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'no_room', intent: 'lost' }])
    assert.equal(context.recorded.gauges.get('otelcol_extension_feature_store_ignored_points')!(), 1)
    assert.deepEqual(
      (await store.entities()).map((one) => one.id),
      [id],
    )
    assert.deepEqual(await store.entities({ service: 'order' }), [])
    await instance.shutdown!(stopping())
  })

  test('memory stays within its limit, and the newest is what is kept', async () => {
    const { sink, store, context, instance } = offers({}, 'memory_limit: 256KiB')
    await instance.start!()
    let random = 1
    const columns = Array.from({ length: 5 }, (_, c) => `vigil.anomaly.score{detector=d${c}}`)
    for (let i = 1n; i <= 1_000n; i++) {
      for (let e = 0; e < 10; e++) {
        const all = columns.map((column) => [column, (random = (random * 16_807) % 2_147_483_647) / 2 ** 31])
        await sink.metrics(tick(start + i * 10n, Object.fromEntries(all), service(`s${e}`)))
      }
      await context.clock.advance(10_000)
      const bytes = context.recorded.gauges.get('otelcol_extension_feature_store_bytes')!()
      assert.ok(bytes < 1.2 * 256 * 1024, `${bytes}`)
    }
    assert.ok(context.recorded.gauges.get('otelcol_extension_feature_store_evicted_blocks')!() > 0)
    const until = (start + 10_000n) * nano
    const query = { entities: [entityId(service('s3'))], columns: [columns[0]!], step: 10 } as const
    const { values: newest } = await store.history({
      ...query,
      fromUnixNano: until - 300n * nano,
      untilUnixNano: until,
    })
    assert.ok(newest[0]![0]!.every((value) => !Number.isNaN(value)))
    await instance.shutdown!(stopping())
  })
})

const order = service('order')
const edge = edgeEntity(order, payment)

/** A pane of an edge. */
function pane(seconds: bigint, requests: number, errors: number, meanSeconds: number): Metrics {
  const attributes = {
    ...entityPoint(edge),
    'vigil.edge.source': entityId(order),
    'vigil.edge.target': id,
    'vigil.edge.type': 'call',
  }
  const times = { startUnixNano: (seconds - 10n) * nano, timeUnixNano: seconds * nano, attributes }
  const delta = { temporality: 'delta', monotonic: true } as const
  const builder = newMetrics().resource(entityResource(edge)).scope('vigil/trace_features')
  builder.sum('vigil.trace.requests', [{ ...times, value: requests }], delta)
  if (errors > 0) builder.sum('vigil.trace.errors', [{ ...times, value: errors }], delta)
  const durations = { ...times, count: requests, sum: requests * meanSeconds, scale: 0 }
  builder.exponentialHistogram('vigil.trace.duration', [durations], { temporality: 'delta' })
  return builder.build()
}

suite('graph', () => {
  test('it is as it was at the time that is asked for: rates of the minutes before, edges by then, none that are old', async () => {
    const { store, sink } = offers()
    for (let i = 1n; i <= 30n; i++) await sink.metrics(pane(start + i * 10n, 100, 5, 0.2))
    // What comes late is one point more of its pane.
    await sink.metrics(pane(start + 300n, 100, 5, 0.2))
    for (let i = 31n; i <= 60n; i++) await sink.metrics(pane(start + i * 10n, 10, 10, 2))
    const at = async (seconds: bigint) => store.graph({ asOfUnixNano: (start + seconds) * nano })
    const before = await at(300n)
    assert.deepEqual(before.nodes, [entityId(order), id])
    assert.deepEqual([...before.source, ...before.target], [0, 1])
    assert.deepEqual(before.edges, [entityId(edge)])
    assert.deepEqual(before.types, ['call'])
    assert.ok(Math.abs(before.requestsPerSecond[0]! - 3_100 / 300) < 1e-6)
    assert.ok(Math.abs(before.errorRatio[0]! - 0.05) < 1e-6)
    assert.ok(Math.abs(before.meanSeconds[0]! - 0.2) < 1e-6)
    assert.equal(before.lastSeen[0], Number(start) + 300)
    const later = await at(600n)
    assert.ok(Math.abs(later.requestsPerSecond[0]! - 1) < 1e-6)
    assert.equal(later.errorRatio[0], 1)
    assert.deepEqual((await at(0n)).edges, [])
    assert.deepEqual((await at(600n + 3_599n)).edges, [entityId(edge)])
    assert.deepEqual((await at(600n + 3_601n)).edges, [])
  })

  test('causal edges that a user has drawn are in it', async () => {
    const { store, sink } = offers()
    const attributes = { 'vigil.edge.source': entityId(order), 'vigil.edge.target': id }
    const point = { value: 1, timeUnixNano: start * nano, attributes }
    await sink.metrics(newMetrics().resource({}).gauge('vigil.causal_edge', [point]).build())
    const graph = await store.graph({ asOfUnixNano: (start + 60n) * nano })
    assert.deepEqual([graph.types, graph.edges, graph.nodes], [['causal'], [''], [entityId(order), id]])
  })
})

function anomaly(state: 'active' | 'cleared', onset: bigint, observed: bigint): Logs {
  return eventLogs(undefined, (builder) => writeAnomaly(builder, slowAlarm(payment, onset, observed, { state })))
}

/** A revision that knows up to `until`, seconds after the start. */
function incident(of: string, revision: number, about: Entity, state: Incident['state'], until: bigint): Logs {
  const time = String(start * nano)
  return eventLogs(undefined, (builder) =>
    writeIncident(builder, {
      schema: 1,
      id: eventId(of, String(revision)),
      incident_id: eventId(of),
      incident_revision: revision,
      entity: about,
      time,
      observed_time: String((start + 9_999n) * nano),
      severity: 'high',
      text: 'payment is slow',
      state,
      reason: revision === 0 ? 'opened' : 'moved',
      title: 'payment is slow',
      priority: 'p2',
      wakes: false,
      blind: false,
      flapping: false,
      opened: time,
      until: String((start + until) * nano),
      members: [],
      left_out: 0,
      alarms: 1,
      affected: [],
    }),
  )
}

function accept(eventOf: string, kind: 'accept_as_normal' | 'withdraw', parent?: string): Logs {
  return eventLogs(undefined, (builder) =>
    writeFeedback(builder, {
      schema: 1,
      id: eventId(eventOf),
      ...(parent === undefined ? {} : { parent_id: eventId(parent) }),
      entity: payment,
      time: String(start * nano),
      observed_time: String(start * nano),
      severity: 'low',
      text: 'this is normal',
      kind,
      feature: 'vigil.latency',
      by: 'anna',
      since: String(start * nano),
    }),
  )
}

suite('events and judgements', () => {
  test('an alarm is open from its onset to where it was cleared, also for questions about the past', () => {
    const { judged, sink, open } = offers()
    const heard: string[] = []
    const stop = open.onOpened(
      ({ entity, sinceUnixNano }) => void heard.push(`${entity} ${sinceUnixNano / nano - start}`),
    )
    assert.equal(open.isEmpty, true)
    sink.logs(anomaly('active', start, start + 30n))
    sink.logs(anomaly('active', start, start + 30n))
    assert.equal(open.isEmpty, false)
    assert.deepEqual(
      open.all().map(({ entity }) => entity),
      [id],
    )
    sink.logs(anomaly('cleared', start, start + 100n))
    const at = (seconds: bigint) => judged.isOpen(id, (start + seconds) * nano)
    assert.deepEqual([-1n, 0n, 99n, 100n].map(at), [false, true, true, false])
    assert.equal(judged.isOpen('service:///x', start * nano), false)
    assert.deepEqual([open.isEmpty, heard], [true, [`${id} 0`]])
    stop()
    sink.logs(anomaly('active', start + 200n, start + 230n))
    assert.equal(heard.length, 1)
  })

  test('an incident that became a part of another holds its suspect open no longer, as of the event time that it says', () => {
    const { judged, sink, open } = offers()
    sink.logs(incident('one', 0, payment, 'open', 10n))
    sink.logs(incident('two', 0, service('order'), 'open', 10n))
    sink.logs(incident('one', 1, payment, 'merged', 60n))
    const at = (seconds: bigint) => judged.isOpen(id, (start + seconds) * nano)
    assert.deepEqual([59n, 60n].map(at), [true, false])
    assert.deepEqual(
      open.all().map(({ entity }) => entity),
      [entityId(service('order'))],
    )
  })

  test('when an incident has another suspect, the one before is open no longer, and is again when it is the suspect again', () => {
    const { judged, sink, open } = offers()
    const order = service('order')
    const at = (seconds: bigint) => [id, entityId(order)].map((of) => judged.isOpen(of, (start + seconds) * nano))
    sink.logs(incident('one', 0, payment, 'open', 10n))
    sink.logs(incident('one', 1, order, 'open', 100n))
    assert.deepEqual(
      [at(99n), at(100n)],
      [
        [true, true],
        [false, true],
      ],
    )
    sink.logs(incident('one', 2, payment, 'open', 200n))
    assert.deepEqual(at(250n), [true, false])
    sink.logs(incident('one', 3, order, 'resolved', 300n))
    assert.deepEqual(at(301n), [false, false])
    assert.equal(open.isEmpty, true)
  })

  test('an alarm of which nothing is heard any more is closed after max_open', async () => {
    const { judged, sink, open } = offers({}, 'max_open: 1h')
    sink.logs(anomaly('active', start, start))
    assert.equal(judged.isOpen(id, (start + 3_599n) * nano), true)
    assert.equal(judged.isOpen(id, (start + 3_601n) * nano), false)
    for (let s = 0n; s <= 4_000n; s += 500n) await sink.metrics(tick(start + s, { [p1]: 1 }))
    assert.equal(open.isEmpty, true)
  })

  test("a person's acceptance is known, and can be withdrawn", () => {
    const { judged, sink } = offers()
    sink.logs(accept('one', 'accept_as_normal'))
    sink.logs(accept('one', 'accept_as_normal'))
    assert.equal(judged.acceptances(id).length, 1)
    const [one] = judged.acceptances(id)
    assert.deepEqual([one?.feature, one?.by, one?.sinceUnixNano], ['vigil.latency', 'anna', start * nano])
    sink.logs(accept('two', 'withdraw', 'one'))
    assert.deepEqual(judged.acceptances(id), [])
  })

  test('events are read by name, entity and time of decision, each once, the newest as many as asked', async () => {
    const { store, sink } = offers({}, 'max_events: 3')
    for (const seconds of [30n, 10n, 10n, 20n]) sink.logs(anomaly('active', start + seconds, start + seconds))
    const times = async (query = {}) =>
      (await store.events(query)).map(({ envelope }) => BigInt(envelope.observed_time) / nano - start)
    assert.deepEqual(await times(), [10n, 20n, 30n])
    assert.deepEqual(await times({ limit: 2 }), [20n, 30n])
    assert.deepEqual(await times({ untilUnixNano: (start + 20n) * nano, entities: [id], names: ['vigil.anomaly'] }), [
      10n,
      20n,
    ])
    assert.deepEqual(await times({ names: ['vigil.incident'] }), [])
    sink.logs(anomaly('active', start + 40n, start + 40n))
    assert.deepEqual(await times(), [10n, 20n, 40n])
  })
})

suite('kept in a state store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-features-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  let files = 0

  async function withStore(path = join(folder, `${files++}.db`), yaml = '', stateYaml = '') {
    const state = build(stateStoreFactory, `path: ${path}\n${stateYaml}`, { kind: 'extension' })
    await state.instance.start!()
    const capabilities = new Map([[stateStore, state.instance.provides!.get(stateStore)]])
    const made = offers({ capabilities: capabilities as never, id: 'feature_store' }, `store: state_store\n${yaml}`)
    await made.instance.start!()
    const stop = async (isOrderly = true) => {
      if (isOrderly) await made.instance.shutdown!(stopping())
      await state.instance.shutdown!(stopping())
    }
    return { ...made, stop, path }
  }
  async function everything(store: FeatureStore, end: bigint) {
    const fine = await values(store, p1, end - 3_600n, end, 10)
    const minutes = await values(store, p5, start, end, 60)
    const long = await values(store, p60, start, end, 300)
    const { requestsPerSecond, errorRatio, firstSeen, types } = await store.graph({ asOfUnixNano: end * nano })
    const events = await store.events()
    return {
      fine,
      minutes,
      long,
      graph: [[...requestsPerSecond], [...errorRatio], [...firstSeen], types],
      events: events.map(({ envelope }) => envelope),
    }
  }

  test('after an orderly end and after a sudden one the same is there, up to the last commit', async () => {
    for (const isOrderly of [true, false]) {
      const first = await withStore()
      let end = start
      for (let i = 1n; i <= 700n; i++) {
        end = start + i * 10n
        await first.sink.metrics(
          tick(end, { [p1]: Number(i), [p5]: Number(i), [p60]: Number(i) }, payment, i % 50n === 0n ? 1 : undefined),
        )
        await first.sink.metrics(pane(end, 10, 1, 0.1))
        if (i === 600n) first.sink.logs(anomaly('active', end, end))
        await first.context.clock.advance(10_000)
        // The commit is a real one, in another thread.
        if (i % 20n === 0n || i >= 640n) await new Promise((resolve) => setTimeout(resolve, 2))
      }
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (first.context.recorded.gauges.get('otelcol_extension_feature_store_journal_values')!() === 0) break
        await first.context.clock.advance(10_000)
      }
      const before = await everything(first.store, end)
      await first.stop(isOrderly)
      const second = await withStore(first.path)
      assert.deepEqual(second.context.recorded.lines, [])
      const behind = await everything(second.store, end)
      assert.deepEqual(behind, before)
      assert.equal(second.judged.isOpen(id, end * nano), true)
      // It goes on where it ended.
      await second.sink.metrics(tick(end + 10n, { [p1]: 7_777 }))
      // That row was revised before.
      await second.sink.metrics(tick(end, { [p1]: 1 }))
      assert.deepEqual(await values(second.store, p1, end - 10n, end + 10n, 10), [700, 7_777])
      await second.stop()
    }
  })

  test('what left memory is read from the store', async () => {
    const { store, sink, context, stop } = await withStore(undefined, 'memory_limit: 256KiB')
    let random = 1
    const columns = Array.from({ length: 5 }, (_, c) => `vigil.anomaly.score{detector=d${c}}`)
    const expected: number[] = []
    for (let i = 1n; i <= 720n; i++) {
      for (let e = 0; e < 10; e++) {
        const all = columns.map((column) => [column, (random = (random * 16_807) % 2_147_483_647) / 2 ** 31] as const)
        if (e === 3) expected.push(Math.fround(all[0]![1]))
        await sink.metrics(tick(start + i * 10n, Object.fromEntries(all), service(`s${e}`)))
      }
      await context.clock.advance(10_000)
      if (i % 10n === 0n) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const query = { entities: [entityId(service('s3'))], columns: [columns[0]!], step: 10 } as const
    const answer = await store.history({ ...query, fromUnixNano: start * nano, untilUnixNano: (start + 7_200n) * nano })
    assert.deepEqual([...answer.values[0]![0]!], expected)
    assert.equal(context.recorded.gauges.get('otelcol_extension_feature_store_evicted_blocks')!(), 0)
    await stop()
  })

  test('a store that is full blocks nobody: older history is deleted, it is told and counted, and the newest is stored', async () => {
    const path = join(folder, `${files++}.db`)
    const { store, sink, context, stop } = await withStore(path, '', 'max_bytes: 256KiB')
    let random = 1
    for (let i = 1n; i <= 400n; i++) {
      for (let e = 0; e < 12; e++) {
        const next = () => (random = (random * 16_807) % 2_147_483_647) / 2 ** 31
        const all = Array.from({ length: 20 }, (_, c) => [`vigil.anomaly.score{detector=d${c}}`, next()])
        await sink.metrics(tick(start + i * 10n, Object.fromEntries(all), service(`s${e}`)))
      }
      await context.clock.advance(10_000)
      if (i % 5n === 0n) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.ok(context.recorded.sums.get('otelcol_extension_feature_store_failed_commits')! > 0)
    assert.match(context.recorded.lines[0]!.message, /state store is full: older history is deleted/)
    const query = {
      entities: [entityId(service('s3'))],
      columns: ['vigil.anomaly.score{detector=d1}'],
      step: 10,
    } as const
    const until = (start + 4_000n) * nano
    const recent = await store.history({ ...query, fromUnixNano: until - 300n * nano, untilUnixNano: until })
    assert.ok(recent.values[0]![0]!.every((value) => !Number.isNaN(value)))
    await stop()
  })

  test('a reload hands everything on, also what the old one still gets while the new one starts', async () => {
    const first = await withStore()
    await first.sink.metrics(tick(start + 10n, { [p1]: 1 }))
    const state = await first.instance.save!()
    await first.sink.metrics(tick(start + 20n, { [p1]: 2 }))
    await first.instance.shutdown!(stopping())
    const second = offers({}, 'max_events: 7')
    await second.instance.restore!(state)
    await second.instance.start!()
    assert.deepEqual(await values(second.store, p1, start, start + 20n, 10), [1, 2])
    await second.instance.shutdown!(stopping())
    await first.stop(false)
  })

  test('a store that is missing is named with what to do', async () => {
    const { instance } = offers({}, 'store: state_store')
    await assert.rejects(instance.start!(), /no state store extension "state_store": add one like state_store/)
  })
})

suite('crossings', () => {
  const operation = (name: string): Entity => ({ ...service(name), kind: 'operation', service: 'frontend' })
  const [checkout, account] = [operation('POST /checkout'), operation('GET /account')]
  /** Panes of ten seconds: requests of an operation by what they crossed. */
  function pane(end: bigint, of: Entity, counts: Readonly<Record<string, number>>): Metrics {
    const builder = newMetrics().resource(entityResource(of)).scope('vigil/trace_features')
    const points = Object.entries({ ...counts }).map(([crossed, value]) => ({
      value,
      startTimeUnixNano: (end - 10n) * nano,
      timeUnixNano: end * nano,
      attributes: { ...entityPoint(of), 'vigil.crossed.entity': crossed },
    }))
    return builder.sum('vigil.trace.crossings', points, { temporality: 'delta', monotonic: true }).build()
  }

  test('the share of requests that need an entity is that of before it broke, by affected requests', async () => {
    const { sink, crossed } = offers()
    for (let s = 10n; s <= 600n; s += 10n) {
      await sink.metrics(pane(start + s, checkout, { [entityId(checkout)]: 20, [id]: 19 }))
      await sink.metrics(pane(start + s, account, { [entityId(account)]: 100, [id]: 60 }))
    }
    for (let s = 610n; s <= 900n; s += 10n)
      await sink.metrics(pane(start + s, checkout, { [entityId(checkout)]: 20, [id]: 1 }))
    assert.deepEqual(crossed.sharesOf(id, (start + 600n) * nano), [
      { operation: account, share: 0.6, requestsPerSecond: 10 },
      { operation: checkout, share: 0.95, requestsPerSecond: 2 },
    ])
    assert.deepEqual(crossed.sharesOf('service:///nobody', (start + 600n) * nano), [])
    const [only] = crossed.sharesOf(id, start * nano)
    assert.equal(only!.operation.name, 'GET /account', 'with nothing before it, what came after it counts')
  })

  test('what is not crossed any more is forgotten', async () => {
    const { sink, crossed } = offers()
    await sink.metrics(pane(start + 10n, account, { [entityId(account)]: 100, [id]: 60 }))
    assert.equal(crossed.sharesOf(id, (start + 60n) * nano).length, 1)
    assert.deepEqual(crossed.sharesOf(id, (start + 7_200n) * nano), [])
  })
})
