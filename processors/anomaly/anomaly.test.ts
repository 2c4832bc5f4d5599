import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { judgements } from '../../pipeline/capability/judgements.ts'
import { serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { storage } from '../../pipeline/capability/storage.ts'
import type { held } from '../../pipeline/component.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { gaugeRows } from '../../pipeline/data/gauges.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { asText, isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'
import { marks } from '../../pipeline/vocabulary/features.ts'
import { type Fault, FeatureStream, Service } from './feature-stream.fixture.ts'
import factory from './index.ts'
import { placeOfSeries, places } from './score-names.ts'

describeContract(factory, 'warmup: 5m')

/** Monday 0:00 of a calendar in which 1970 began with one. */
const monday = 169_992_000 - (169_992_000 % 60_480)

interface Said {
  readonly p?: number
  readonly cold?: boolean
  readonly contributions: readonly (readonly [feature: string, share: number])[]
  readonly points: ReadonlyMap<string, number>
}

/** What a tick's batch says, by service name. */
function said(batch: Metrics): Map<string, Said> {
  const all = new Map<string, Map<string, number>>()
  for (const point of batch) {
    const name = asText(point.attributes.get('vigil.entity.name') ?? '')
    const own = all.get(name) ?? new Map<string, number>()
    all.set(name, own)
    const key = [point.metric.name.replace('vigil.anomaly.', '')]
    for (const attribute of ['detector', 'feature', 'window', 'quantile', 'bound']) {
      const text = point.attributes.get(attribute)
      if (typeof text === 'string') key.push(text)
    }
    const { value } = point
    own.set(key.join(' '), isDouble(value as never) ? (value as { double: number }).double : Number(value))
  }
  return new Map(
    [...all].map(([name, points]) => {
      const p = points.get('p_value fused')
      const contributions = [...points]
        .filter(([key]) => key.startsWith('contribution '))
        .map(([key, share]) => [key.slice('contribution '.length), share] as const)
        .sort((a, b) => b[1] - a[1])
      return [name, { ...(p === undefined ? {} : { p }), cold: points.has('cold'), contributions, points }]
    }),
  )
}

class World {
  readonly stream = new FeatureStream()
  readonly services: readonly Service[]
  tick = monday
  readonly #built: ReturnType<typeof build>

  constructor(yaml: string, count = 4, options: TestContextOptions = {}) {
    this.services = Array.from({ length: count }, (_, i) => new Service(`s${i}`, i + 1))
    this.#built = build(factory, yaml, options)
  }

  get context() {
    return this.#built.context
  }
  get instance() {
    return this.#built.instance
  }

  async start(): Promise<this> {
    await this.#built.instance.start?.()
    return this
  }

  /** Features of one tick, and what was said of it. */
  async step(faults: Readonly<Record<string, Fault>> = {}, ticks = 6, more?: (world: World) => void) {
    this.tick += ticks
    this.stream.add(undefined, { name: marks.hourOfWeek, value: Math.floor((this.tick / 360) % 168) })
    for (const one of this.services) one.write(this.stream, this.tick, faults[one.entity.name], ticks * 10)
    more?.(this)
    const batch = this.stream.batch(this.tick)
    assert.equal(await this.#built.handle(batch), batch)
    // The short timer ends the tick.
    await this.context.clock.advance(1_000)
    return this.take()
  }

  take(): Map<string, Said> {
    const emitted = this.context.recorded.emitted.splice(0)
    return said(emitted.length === 0 ? newMetrics().build() : (emitted[0]?.batch as Metrics))
  }

  async minutes(count: number, faults: Readonly<Record<string, Fault>> = {}) {
    let last = new Map<string, Said>()
    for (let i = 0; i < count; i++) last = await this.step(faults)
    return last
  }
}

suite('a fault is strange within two ticks of its full effect, and its feature is named first', () => {
  const shapes: readonly (readonly [string, Fault, RegExp, number])[] = [
    ['slow', { slow: 3 }, /^vigil\.(latency|self_time)/, 2],
    ['failing', { failing: 0.2 }, /^vigil\.(error\.ratio|log\.error_rate)/, 2],
    ['silent', { silent: true }, /^vigil\.(request\.rate|log\.rate)/, 2],
    ['leaking', { leak: 0.4 }, /^vigil\.memory\./, 2],
    ['noisy in its logs', { noisy: 8 }, /^vigil\.log\.rate/, 2],
  ]
  for (const [name, fault, top, ticks] of shapes) {
    test(name, async () => {
      const world = await new World('{}').start()
      await world.minutes(180)
      let found: Said | undefined
      for (let i = 0; i < ticks && (found === undefined || !((found.p ?? 1) < 1e-6)); i++)
        found = (await world.step({ s1: fault })).get('s1')
      assert.ok((found?.p ?? 1) < 1e-6, `p is ${found?.p}`)
      assert.match(found?.contributions[0]?.[0] ?? '', top)
    })
  }
})

test('what was observed and expected is in the unit of the feature, with its onset', async () => {
  const world = await new World('{}').start()
  await world.minutes(180)
  const before = world.tick
  const found = (await world.step({ s1: { slow: 4 } })).get('s1')
  const of = (key: string) => found?.points.get(key) ?? Number.NaN
  const at = 'vigil.latency 1m 0.5'
  assert.ok(of(`observed ${at}`) > 0.06 && of(`observed ${at}`) < 0.1, `${of(`observed ${at}`)}`)
  assert.ok(of(`expected ${at} lower`) > 0.01 && of(`expected ${at} upper`) < 0.03)
  assert.ok(of(`expected ${at} lower`) < of(`expected ${at} upper`))
  assert.ok(of(`samples ${at}`) > 20)
  const shares = (found?.contributions ?? []).reduce((sum, [, share]) => sum + share, 0)
  assert.ok(shares > 0.9 && shares < 1.000_1, `${shares}`)
  assert.ok(Math.abs(of('onset') - before * 10) <= 60, `${of('onset') - before * 10}`)
  assert.ok(of('onset_uncertainty') > 0 && of('onset_uncertainty') <= 120)
})

test('an onset some ticks ago is dated to the tick', async () => {
  const world = await new World('{}').start()
  await world.minutes(120)
  for (let i = 0; i < 30; i++) await world.step({}, 1)
  const onset = world.tick * 10
  let found: Said | undefined
  for (let i = 0; i < 5; i++) found = (await world.step({ s1: { slow: 3 } }, 1)).get('s1')
  const dated = found?.points.get('onset') ?? 0
  const uncertainty = found?.points.get('onset_uncertainty') ?? 0
  assert.ok(Math.abs(dated - onset) <= uncertainty + 5, `${dated - onset} s off, ${uncertainty} s admitted`)
  assert.ok(uncertainty <= 30, `${uncertainty}`)
})

test('what is new is only learned, and says so', async () => {
  const world = await new World('warmup: 20m').start()
  for (let i = 0; i < 20; i++) {
    const { p, cold } = (await world.step()).get('s0') ?? {}
    assert.deepEqual([p, cold], [undefined, true])
  }
  await world.minutes(3)
  const { p, cold } = (await world.step()).get('s0') ?? {}
  assert.ok(p !== undefined && !cold)
})

test('ordinary hours are ordinary: nothing is explained', async () => {
  const world = await new World('{}').start()
  let strange = 0
  for (let i = 0; i < 600; i++)
    for (const { contributions } of (await world.step()).values()) strange += contributions.length
  assert.ok(strange < 40, `${strange} contributions`)
})

test('on quiet days p is how often it happens, and less often in the first week', async () => {
  const { instance, context, handle } = build(factory, '{}')
  await instance.start?.()
  const stream = new FeatureStream()
  const services = Array.from({ length: 8 }, (_, i) => new Service(`s${i}`, i + 1))
  const weeks = [
    { rows: 0, below: 0 },
    { rows: 0, below: 0 },
  ]
  for (let minute = 0; minute < 10 * 1_440; minute++) {
    const tick = monday + minute * 6
    stream.add(undefined, { name: marks.hourOfWeek, value: Math.floor((tick / 360) % 168) })
    for (const one of services) one.write(stream, tick)
    await handle(stream.batch(tick))
    const week = weeks[Math.floor(minute / 10_080)]!
    for (const { batch } of context.recorded.emitted.splice(0)) {
      const { series, value } = gaugeRows(batch as Metrics)!
      for (const [row, p] of value.entries()) {
        if (placeOfSeries(series[row]!) !== places.p) continue
        week.rows++
        if (p < 1e-3) week.below++
      }
    }
  }
  const [first, second] = weeks.map(({ rows, below }) => below / rows / 1e-3) as [number, number]
  assert.ok(first < 1, `${first} times what p says in the first week`)
  assert.ok(second > 0.5 && second < 2, `${second} times what p says in the second week`)
})

test('a batch of OTLP bytes is judged like one of columns', async () => {
  const world = await new World('warmup: 2m', 1).start()
  for (let i = 0; i < 4; i++) await world.step()
  const service = world.services[0]!
  service.write(world.stream, world.tick + 6)
  const columns = world.stream.batch(world.tick + 6)
  const { handle, context } = build(factory, 'warmup: 2m')
  const bytes = newMetrics()
  for (const point of columns)
    bytes.resource({ 'service.name': 's0' }).gauge(point.metric.name, [
      {
        value: point.value ?? 0,
        timeUnixNano: point.timeUnixNano,
        attributes: Object.fromEntries(point.attributes.entries()),
      },
    ])
  const batch = bytes.build()
  assert.equal(await handle(batch), batch)
  await context.clock.advance(1_000)
  assert.equal(said(context.recorded.emitted[0]?.batch as Metrics).get('s0')?.cold, true)
})

test('a window of which little telemetry was there is neither judged nor learned', async () => {
  const world = await new World('{}').start()
  await world.minutes(60)
  const quality = (value: number) => (of: World) =>
    of.stream.add(of.services[1]!.entity, { name: marks.completeness, value, window: '1m' })
  const poor = (await world.step({ s1: { slow: 5 } }, 6, quality(0.3))).get('s1')
  assert.ok(!poor?.contributions.some(([feature]) => feature.includes(' 1m')))
  assert.ok((poor?.p ?? 1) > 1e-3)
  const good = (await world.step({ s1: { slow: 5 } }, 6, quality(0.9))).get('s1')
  assert.ok((good?.p ?? 1) < 1e-6)
})

test('a fault does not teach, and is how things are after accept_after', async () => {
  const world = await new World('accept_after: 3h').start()
  await world.minutes(120)
  const faults = { s1: { slow: 3 } }
  const hour = (await world.minutes(120, faults)).get('s1')
  assert.ok((hour?.p ?? 1) < 1e-6, `p is ${hour?.p} after two hours`)
  const later = (await world.minutes(90, faults)).get('s1')
  assert.ok(later?.cold === true || (later?.p ?? 0) > 1e-3, `p is ${later?.p} after accept_after`)
})

const noJudgements = { isOpen: () => false, acceptances: () => [] }
function withCapability<T>(capability: Capability<T>, value: T): TestContextOptions {
  return { capabilities: new Map<Capability<unknown>, unknown>([[capability as Capability<unknown>, value]]) }
}

test('while an incident is open nothing of the entity is learned', async () => {
  let isOpen = false
  const asked: string[] = []
  const world = await new World(
    'judgements: feature_store',
    2,
    withCapability(judgements, {
      ...noJudgements,
      isOpen: (entity: string) => {
        asked.push(entity)
        return isOpen && entity === 'service:///s1'
      },
    }),
  ).start()
  assert.equal(entityId(world.services[1]!.entity), 'service:///s1')
  await world.minutes(90)
  isOpen = true
  // Too small to be gated, and lasting: it would be learned.
  await world.minutes(240, { s1: { slow: 1.12 }, s0: { slow: 1.12 } })
  const found = await world.step({ s1: { slow: 1.12 }, s0: { slow: 1.12 } })
  const expected = (name: string) => found.get(name)?.p ?? 1
  assert.ok(expected('s1') < expected('s0'), `${expected('s1')} ${expected('s0')}`)
  assert.ok(asked.includes('service:///s0'))
})

test('what a person accepts is normal from then on', async () => {
  const accepted: { sinceUnixNano: bigint; by: string }[] = []
  const world = await new World(
    'judgements: feature_store',
    2,
    withCapability(judgements, { ...noJudgements, acceptances: () => accepted }),
  ).start()
  await world.minutes(120)
  assert.ok(((await world.minutes(5, { s1: { slow: 3 } })).get('s1')?.p ?? 1) < 1e-6)
  accepted.push({ sinceUnixNano: BigInt(world.tick) * 10_000_000_000n, by: 'ada' })
  const faults = { s1: { slow: 3 } }
  await world.minutes(1, faults)
  const found = (await world.minutes(40, faults)).get('s1')
  assert.ok((found?.p ?? 0) > 1e-3, `${found?.p}`)
})

test('a level that came with a new version is normal once the version is half an hour old', async () => {
  const world = await new World('{}', 2).start()
  await world.minutes(120)
  const faults = { s1: { slow: 2 } }
  const versioned = (minute: number) => (of: World) =>
    of.stream.add(of.services[1]!.entity, { name: marks.versionAge, value: minute * 60 })
  for (let minute = 0; minute < 28; minute++) {
    const found = (await world.step(faults, 6, versioned(minute))).get('s1')
    if (minute > 2) assert.ok((found?.p ?? 1) < 1e-3, `minute ${minute}: ${found?.p}`)
  }
  for (let minute = 28; minute < 60; minute++) await world.step(faults, 6, versioned(minute))
  const found = (await world.step(faults)).get('s1')
  assert.ok((found?.p ?? 0) > 1e-3, `${found?.p}`)
})

test('beyond max_entities the longest silent is forgotten, counted', async () => {
  const world = await new World('{max_entities: 3, warmup: 1m}', 3).start()
  await world.minutes(10)
  world.tick += 6
  for (const one of world.services.slice(0, 2)) one.write(world.stream, world.tick)
  await world.instance.metrics?.(world.stream.batch(world.tick) as never)
  await world.context.clock.advance(1_000)
  const stranger = new Service('stranger', 99)
  for (let i = 0; i < 3; i++) {
    world.tick += 6
    for (const one of [stranger, world.services[0]!, world.services[1]!]) one.write(world.stream, world.tick)
    await world.instance.metrics?.(world.stream.batch(world.tick) as never)
    await world.context.clock.advance(1_000)
  }
  const { gauges: read } = world.context.recorded
  assert.equal(read.get('otelcol_processor_anomaly_entities')?.(), 3)
  assert.equal(read.get('otelcol_processor_anomaly_evicted_entities')?.(), 1)
  assert.ok(world.take().size > 0)
})

test('memory_limit is held: entities are forgotten, and new ones wait until there is room', async () => {
  const world = await new World('{memory_limit: 40KiB, novelty_memory: 0, warmup: 1m}', 12).start()
  // Memory is looked at every ten minutes.
  await world.minutes(25)
  const { gauges: read } = world.context.recorded
  assert.ok((read.get('otelcol_processor_anomaly_entities')?.() ?? 99) < 6)
  assert.ok((read.get('otelcol_processor_anomaly_memory')?.() ?? 1e9) <= 40 * 1024)
  assert.ok((read.get('otelcol_processor_anomaly_evicted_entities')?.() ?? 0) >= 6)
  assert.ok((read.get('otelcol_processor_anomaly_unjudged_points')?.() ?? 0) > 0)
})

test('when a tick takes too long the least important are left out, those with an SLO or of tier 1 never', async () => {
  const catalog = {
    lookup: ({ name }: Entity) => (name === 's1' ? { tier: 1 as const } : name === 's2' ? { slos: ['fast'] } : {}),
    observe: () => {},
  }
  const world = await new World(
    '{service_catalog: service_catalog, warmup: 1m, max_tick_time: 1s}',
    4,
    withCapability(serviceCatalog, catalog),
  ).start()
  await world.minutes(15)
  assert.deepEqual([...(await world.step()).keys()].sort(), ['s0', 's1', 's2', 's3'])
  // Now each look at the clock finds it half a minute on.
  const { clock } = world.context
  const rest = clock.nowMs.bind(clock)
  let looks = 0
  clock.nowMs = () => rest() + 30_000 * looks++
  const judged = [...(await world.step()).keys()].sort()
  assert.deepEqual(judged, ['s1', 's2'])
  assert.equal(world.context.recorded.gauges.get('otelcol_processor_anomaly_shed_rows')?.(), 2)
})

test('a reload goes on where the one before it was, an open tick included', async () => {
  const world = await new World('{}').start()
  const beside = await new World('{}').start()
  await world.minutes(120)
  await beside.minutes(120)
  // A tick whose second half comes after the reload.
  const half = async (of: World, handle: (batch: Metrics) => unknown, which: readonly number[], tick: number) => {
    for (const i of which) of.services[i]!.write(of.stream, tick)
    await handle(of.stream.batch(tick))
  }
  const next = world.tick + 6
  await half(world, (batch) => world.instance.metrics?.(batch as never), [0, 1], next)
  const state = await world.instance.save!()
  await world.instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.equal(world.context.recorded.emitted.length, 0)
  const successor = build(factory, 'explain_below: 0.002')
  await successor.instance.restore?.(state)
  await successor.instance.start?.()
  await half(world, successor.handle, [2, 3], next)
  await successor.context.clock.advance(1_000)
  await half(beside, (batch) => beside.instance.metrics?.(batch as never), [0, 1, 2, 3], next)
  await beside.context.clock.advance(1_000)
  const after = said(successor.context.recorded.emitted[0]?.batch as Metrics)
  const undisturbed = beside.take()
  assert.equal(after.size, 4)
  for (const [name, { p }] of undisturbed) assert.equal(after.get(name)?.p, p, name)
})

class MemoryStore {
  readonly values = new Map<string, Uint8Array>()
  get = (key: string) => this.values.get(key)
  keys = () => this.values.keys()
  set = async (key: string, value: Uint8Array) => void this.values.set(key, value.slice())
  delete = async (key: string) => void this.values.delete(key)
  close = async () => {}
}

test('with a storage a restart is no cold start, even after a kill', async () => {
  const store = new MemoryStore()
  const offered = withCapability(storage, {
    keyValue: async () => store,
    journal: async () => assert.fail('no journal is needed'),
  })
  const yaml = '{storage: file_storage, checkpoint_interval: 10s}'
  const world = await new World(yaml, 4, offered).start()
  await world.minutes(120)
  assert.ok(store.values.size >= 2)
  // Killed: no shutdown, no save.
  const reborn = build(factory, yaml, offered)
  await reborn.instance.start?.()
  world.tick += 6
  for (const one of world.services) one.write(world.stream, world.tick)
  await reborn.handle(world.stream.batch(world.tick))
  await reborn.context.clock.advance(1_000)
  for (const { cold, p } of said(reborn.context.recorded.emitted[0]?.batch as Metrics).values())
    assert.ok(!cold && p !== undefined)
  await reborn.instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('a store with nonsense in it costs what was learned, not the start', async () => {
  const store = new MemoryStore()
  store.values.set('class service', Uint8Array.of(1, 2, 3))
  store.values.set('entities 000000000', Uint8Array.of(1, 2, 3))
  const offered = withCapability(storage, {
    keyValue: async () => store,
    journal: async () => assert.fail('no journal is needed'),
  })
  const world = await new World('storage: file_storage', 1, offered).start()
  const warnings = world.context.recorded.lines.filter(({ level }) => level === 'warn')
  assert.equal(warnings.length, 1)
  assert.equal(warnings[0]?.fields?.['parts'], 2)
  await world.minutes(2)
  await world.instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('late points are counted and change nothing; what is no feature is left alone', async () => {
  const world = await new World('warmup: 1m', 1).start()
  await world.minutes(3)
  world.services[0]!.write(world.stream, world.tick - 6)
  const late = world.stream.batch(world.tick - 6)
  await world.instance.metrics?.(late as never)
  await world.context.clock.advance(1_000)
  assert.equal(world.context.recorded.emitted.length, 0)
  assert.equal(world.context.recorded.gauges.get('otelcol_processor_anomaly_late_points')?.(), late.count)
  const other = newMetrics()
    .resource({ 'service.name': 'a' })
    .gauge('vigil.request.rate', [{ value: 1 }])
    .build()
  const answer = await (world.instance.metrics as unknown as (batch: Metrics) => Promise<Metrics | typeof held>)(other)
  assert.equal(answer, other)
})

test('tenants are told apart: each has its own baselines, and its own batch', async () => {
  const { handle, context, instance } = build(factory, 'warmup: 1m', {
    originKey: ({ metadata }) => metadata.get('tenant')?.[0] ?? '',
  })
  await instance.start?.()
  const stream = new FeatureStream()
  const one = new Service('s0', 1)
  for (const tenant of ['a', 'b']) {
    one.write(stream, monday)
    await handle(stream.batch(monday, { metadata: new Map([['tenant', [tenant]]]) }))
  }
  await context.clock.advance(1_000)
  assert.deepEqual(
    context.recorded.emitted.map(({ batch }) => batch.origin.metadata.get('tenant')?.[0]),
    ['a', 'b'],
  )
  assert.equal(context.recorded.gauges.get('otelcol_processor_anomaly_entities')?.(), 2)
})

for (const [yaml, words] of [
  ['gate: 0.7', 'gate is a probability between 0 and 0.5'],
  ['explain_below: 0', 'explain_below is a probability'],
  ['min_completeness: 2', 'min_completeness is a share'],
  ['{memory_limit: 1MiB, novelty_memory: 2MiB}', 'novelty_memory is a part of memory_limit'],
  ['max_entities: 0', 'max_entities must be greater than 0'],
] as const)
  test(`refused: ${yaml}`, () =>
    assert.throws(
      () => build(factory, yaml),
      (error) => error instanceof Error && error.message.includes(words),
    ))

test('an extension that is not there stops the start and says what to add', async () => {
  for (const [yaml, words] of [
    ['judgements: feature_store', /judgements names is not there: add feature_store/],
    ['service_catalog: service_catalog', /service_catalog names is not there: add service_catalog/],
    ['storage: file_storage', /no storage extension "file_storage"/],
  ] as const)
    await assert.rejects(async () => build(factory, yaml).instance.start?.(), words)
})

suite('what sampling left out scatters no less', () => {
  /** One request that was seen, now and then; `standsFor` = how many it counts as. */
  async function surprise(standsFor: number): Promise<number> {
    const world = await new World('{}').start()
    const rare: Entity = { kind: 'service', cluster: '', environment: '', namespace: '', service: '', name: 'rare' }
    const step = async (requests: number) => {
      const told = await world.step({}, 6, ({ stream }) => {
        const hour = 5 * standsFor
        stream.add(rare, { name: 'vigil.request.rate', value: (requests * standsFor) / 60, window: '1m' })
        stream.add(rare, { name: 'vigil.request.count', value: requests * standsFor, window: '1m' })
        stream.add(rare, { name: 'vigil.request.count', value: hour, window: '1h' })
        if (standsFor > 1) stream.add(rare, { name: marks.sampled, value: 5, window: '1h' })
      })
      return told.get('rare')?.p ?? Number.NaN
    }
    // Five in an hour.
    for (let minute = 0; minute < 240; minute++) await step(minute % 12 === 0 ? 1 : 0)
    return step(1)
  }

  test('a request that stands for fifty is no burst of fifty', async () => {
    const [one, fifty] = [await surprise(1), await surprise(50)]
    assert.ok(one > 1e-3, `one: ${one}`)
    assert.ok(fifty > 1e-3, `one that stands for fifty: ${fifty}`)
  })
})
