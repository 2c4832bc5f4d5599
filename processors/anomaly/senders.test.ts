/** Two who send with different delay are each judged as if they were alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { marks } from '../../pipeline/vocabulary/features.ts'
import { FeatureStream, Service, uniforms } from './feature-stream.fixture.ts'
import factory from './index.ts'
import { mostSenders } from './senders.ts'

const monday = 169_992_000 - (169_992_000 % 60_480)
const yaml = 'warmup: 2m'
const byTenant = { originKey: ({ metadata }: Metrics['origin']) => metadata.get('tenant')?.[0] ?? '' }

/** A tenant's features, each tick in two batches. */
class Tenant {
  readonly #name: string
  readonly #stream = new FeatureStream()
  readonly #services: readonly Service[]
  tick = monday

  constructor(name: string, seed: number) {
    this.#name = name
    this.#services = [0, 1, 2].map((i) => new Service(`s${i}`, seed + i))
  }

  /** Of the next tick: of the first service with the hour, then of the others. */
  next(): readonly [Metrics, Metrics] {
    this.tick++
    const [first, ...others] = this.#services
    this.#stream.add(undefined, { name: marks.hourOfWeek, value: Math.floor((this.tick / 360) % 168) })
    first?.write(this.#stream, this.tick, {}, 10)
    const head = this.#batch()
    for (const one of others) one.write(this.#stream, this.tick, {}, 10)
    return [head, this.#batch()]
  }

  #batch(): Metrics {
    return this.#stream.batch(this.tick, { metadata: new Map([['tenant', [this.#name]]]) })
  }
}

type Built = ReturnType<typeof build>

/** Every point that was said of a tenant, by time. */
function sayings(built: Built, tenant: string): Map<string, string[]> {
  const all = new Map<string, string[]>()
  for (const { batch } of built.context.recorded.emitted) {
    if (batch.origin.metadata.get('tenant')?.[0] !== tenant) continue
    for (const point of batch as Metrics) {
      const at = String(point.timeUnixNano)
      const list = all.get(at) ?? []
      all.set(at, list)
      list.push(
        `${point.metric.name} ${JSON.stringify([...point.attributes.entries()])} ${JSON.stringify(point.value, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`,
      )
    }
  }
  return all
}

async function reloaded(built: Built): Promise<Built> {
  const state = await built.instance.save?.()
  await built.instance.shutdown?.(AbortSignal.timeout(1_000))
  const successor = build(factory, yaml, byTenant)
  await successor.instance.restore?.(state as Uint8Array)
  await successor.instance.start?.()
  successor.context.recorded.emitted.push(...built.context.recorded.emitted)
  return successor
}

async function started(options = byTenant): Promise<Built> {
  const built = build(factory, yaml, options)
  await built.instance.start?.()
  return built
}

const ticks = 60

test('with any delays and any order no tick of either is late, and each is judged once, over a reload in the middle of a tick too', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = uniforms(seed)
    let built = await started()
    const queue = [new Tenant('a', 10), new Tenant('b', 20)].map((tenant) => ({ tenant, waiting: [] as Metrics[] }))
    // Whoever is slower: by some ticks, hours or a day.
    const slow = queue[1]!
    slow.tenant.tick -= Math.floor(8_640 * random() ** 4)
    const first = slow.tenant.tick + 1
    const reloadAt = Math.floor(200 * random())
    for (let step = 0; queue.some(({ tenant, waiting }) => waiting.length > 0 || remaining(tenant) > 0); step++) {
      const one = queue[random() < 0.5 ? 0 : 1]!
      if (one.waiting.length === 0 && remaining(one.tenant) > 0) one.waiting.push(...one.tenant.next())
      const batch = one.waiting.shift()
      if (batch !== undefined) await built.handle(batch)
      if (step === reloadAt) built = await reloaded(built)
    }
    await built.context.clock.advance(1_000)
    const read = (name: string) => built.context.recorded.gauges.get(`otelcol_processor_anomaly_${name}`)?.()
    assert.equal(read('late_points'), 0, `seed ${seed}`)
    assert.equal(read('senders'), 2)
    for (const [tenant, from] of [
      ['a', monday + 1],
      ['b', first],
    ] as const) {
      const said = sayings(built, tenant)
      assert.deepEqual(
        [...said.keys()],
        Array.from({ length: ticks }, (_, i) => `${(from + i) * 10}000000000`),
        `seed ${seed}, ${tenant}`,
      )
      for (const list of said.values()) assert.equal(new Set(list).size, list.length)
    }
    function remaining(tenant: Tenant): number {
      return (tenant === slow.tenant ? first - 1 : monday) + ticks - tenant.tick
    }
  }
})

test('who is alone in its classes is judged the same beside one that is an hour late', async () => {
  const beside = await started()
  const alone = await started()
  const slow = new Tenant('b', 20)
  slow.tick -= 360
  const [fast, same] = [new Tenant('a', 10), new Tenant('a', 10)]
  for (let i = 0; i < ticks; i++) {
    // Cold: nothing is learned of the slow one that the fast one's tails would know.
    if (i === ticks - 1) for (const batch of slow.next()) await beside.handle(batch)
    for (const batch of fast.next()) await beside.handle(batch)
    for (const batch of same.next()) await alone.handle(batch)
  }
  await beside.context.clock.advance(1_000)
  await alone.context.clock.advance(1_000)
  assert.deepEqual(sayings(beside, 'a'), sayings(alone, 'a'))
  assert.equal(sayings(beside, 'b').size, 1)
})

test('a state from before senders had ticks of their own goes on, the slower one included', async () => {
  const built = await started()
  const [fast, slow] = [new Tenant('a', 10), new Tenant('b', 20)]
  slow.tick -= 30
  for (let i = 0; i < 20; i++)
    for (const tenant of [fast, slow]) for (const batch of tenant.next()) await built.handle(batch)
  await built.context.clock.advance(1_000)
  const [head, rest] = fast.next()
  await built.handle(head)
  const state = deserialize((await built.instance.save?.()) as Uint8Array) as {
    version: number
    senders?: { key: string; tick: number; hourOfWeek: number; hourTick: number; rows: unknown[] }[]
    open?: unknown
  }
  const { tick, hourOfWeek, hourTick, rows } = state.senders?.find(({ key }) => key === 'a') ?? assert.fail()
  state.version = 1
  delete state.senders
  state.open = { tick, hourOfWeek, hourTick, isClosed: false, rows }
  const successor = build(factory, yaml, byTenant)
  await successor.instance.restore?.(serialize(state))
  await successor.instance.start?.()
  await successor.handle(rest)
  for (const batch of slow.next()) await successor.handle(batch)
  await successor.context.clock.advance(1_000)
  assert.equal(successor.context.recorded.gauges.get('otelcol_processor_anomaly_late_points')?.(), 0)
  for (const tenant of ['a', 'b']) {
    const said = [...sayings(successor, tenant).values()]
    assert.equal(said.length, 1)
    assert.equal(
      said[0]?.filter((point) => point.startsWith('vigil.anomaly.p_value') && point.includes('fused')).length,
      3,
    )
  }
})

test('a state of a version that nobody knows is refused with its number', async () => {
  const { instance } = build(factory, yaml)
  await assert.rejects(
    async () => instance.restore?.(serialize({ version: 3 })),
    /state of version 3 is not known here/,
  )
})

test('beyond the most senders a new one is not judged, counted, until another was idle for a minute', async () => {
  const { handle, context, instance } = await started()
  const read = (name: string) => context.recorded.gauges.get(`otelcol_processor_anomaly_${name}`)?.()
  const stream = new FeatureStream()
  const one = new Service('s0', 1)
  const send = async (tenant: string, tick: number) => {
    one.write(stream, tick)
    const batch = stream.batch(tick, { metadata: new Map([['tenant', [tenant]]]) })
    await handle(batch)
    return batch.count
  }
  for (let i = 0; i < mostSenders; i++) await send(`t${i}`, monday)
  await context.clock.advance(30_000)
  const refused = await send('late comer', monday)
  assert.deepEqual([read('senders'), read('unjudged_points')], [mostSenders, refused])
  for (let i = 1; i < mostSenders; i++) await send(`t${i}`, monday + 3)
  await context.clock.advance(45_000)
  await send('late comer', monday + 7)
  await context.clock.advance(1_000)
  assert.deepEqual([read('senders'), read('unjudged_points')], [mostSenders, refused])
  assert.deepEqual([read('entities'), read('evicted_entities')], [mostSenders, 1])
  assert.equal(context.recorded.emitted.at(-1)?.batch.origin.metadata.get('tenant')?.[0], 'late comer')
  await instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('a slow sender’s entities are not taken for silent ones by a fast sender that needs room', async () => {
  const built = build(factory, '{warmup: 1m, max_entities: 6}', byTenant)
  await built.instance.start?.()
  const [fast, slow] = [new Tenant('a', 10), new Tenant('b', 20)]
  slow.tick -= 1_000
  for (let i = 0; i < 10; i++)
    for (const tenant of [slow, fast]) for (const batch of tenant.next()) await built.handle(batch)
  const third = new Tenant('c', 30)
  for (const batch of third.next()) await built.handle(batch)
  const read = (name: string) => built.context.recorded.gauges.get(`otelcol_processor_anomaly_${name}`)?.()
  assert.equal(read('evicted_entities'), 0)
  assert.ok((read('unjudged_points') ?? 0) > 0)
  await built.instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('what was missing of a tick is known of that tick, though the next one comes before it is judged', async () => {
  const { handle, context } = await started()
  const stream = new FeatureStream()
  const one = new Service('s0', 1)
  let tick = monday
  const send = async (completeness: number, slow = 1) => {
    one.write(stream, ++tick, { slow }, 10)
    stream.add(one.entity, { name: marks.completeness, value: completeness, window: '1m' })
    await handle(stream.batch(tick, { metadata: new Map([['tenant', ['a']]]) }))
  }
  for (let i = 0; i < 60; i++) await send(1)
  await send(0.1, 5)
  const poor = tick
  await send(1)
  await context.clock.advance(1_000)
  const said = sayings({ context } as Built, 'a').get(`${poor * 10}000000000`) ?? []
  assert.ok(
    !said.some((point) => point.startsWith('vigil.anomaly.contribution') && point.includes('"1m"')),
    String(said),
  )
})
