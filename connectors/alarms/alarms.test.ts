import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { type ServiceCatalog, serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { type KeyValueStore, type Storage, storage } from '../../pipeline/capability/storage.ts'
import { Rejected } from '../../pipeline/component.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { type Anomaly, readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, edgeEntity, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'
import { edge, operation, service, Tick, type Why } from './ticks.fixture.ts'

/** Saturday, 2026-11-21 10:00:00 UTC: a full minute. */
const start = Date.parse('2026-11-21T10:00:00Z') / 1000

async function open(yaml = '{}', options: TestContextOptions = {}, state?: Uint8Array) {
  const built = build(factory, yaml, { kind: 'connector', ...options })
  if (state !== undefined) await built.instance.restore?.(state)
  await built.instance.start?.()
  return { ...built, tick: (tick: Tick) => built.handle(tick.build()) }
}

function said({ recorded }: TestContext): Anomaly[] {
  return recorded.emitted.flatMap(({ batch }) =>
    [...(batch as Logs)].map((record) => {
      const anomaly = readAnomaly(record)
      assert.ok(anomaly !== undefined, 'an event that does not keep its schema')
      return JSON.parse(JSON.stringify(anomaly)) as Anomaly
    }),
  )
}

function brief(anomalies: readonly Anomaly[]): string[] {
  return anomalies.map(({ entity, type, state, severity }) => `${entityLabel(entity)} ${type} ${state} ${severity}`)
}

const payment = service('payment')
const slow: Why = {
  feature: 'vigil.latency',
  quantile: '0.99',
  observed: 3.52,
  expected: [0.0401, 0.062],
  samples: 118_240,
}

describeContract(factory, '{}', { kind: 'connector' })

test('a window strange enough is told once, in natural units, and cleared once, under the same id', async () => {
  const { tick, context } = await open()
  let at = start
  for (; at < start + 890; at += 10) await tick(new Tick(at).p(payment, 0.4))
  const onset = start + 878
  for (; at < start + 1200; at += 10) await tick(new Tick(at).p(payment, 1e-11).because(payment, onset, slow))
  for (; at < start + 2000; at += 10) await tick(new Tick(at).p(payment, 0.5))
  const [active, cleared, ...more] = said(context)
  assert.deepEqual(more, [])
  assert.deepEqual(active, {
    schema: 1,
    id: active?.id,
    entity: payment,
    time: '1795256078000000000',
    observed_time: '1700000000000000000',
    severity: 'high',
    text: 'payment P99 3.5 s, expected 40 to 62 ms on a Saturday at 10:14, 118 k requests; since 10:14:38 (+-10 s)',
    state: 'active',
    type: 'slow',
    detector: 'fused',
    p_value: 1e-11,
    until: '1795256090000000000',
    onset_uncertainty: 10,
    quality: 1,
    wakes: false,
    evidence: [
      {
        feature: 'vigil.latency',
        window: '1m',
        quantile: '0.99',
        unit: 's',
        observed: 3.52,
        expected_lower: 0.0401,
        expected_upper: 0.062,
        samples: 118240,
        contribution: 1,
      },
    ],
  })
  assert.equal(cleared?.state, 'cleared')
  assert.equal(cleared.id, active?.id)
  assert.equal(cleared.text, 'payment is no longer slow; it was from 10:14:38 to 10:22:00')
})

type Step = readonly [ticks: number, p: number, ...why: Why[]]

/** Ticks of one entity, and what was said. */
async function say(steps: readonly Step[], yaml = '{}', options: TestContextOptions = {}, entity = payment) {
  const { tick, context } = await open(yaml, options)
  let at = start
  for (const [ticks, p, ...why] of steps) {
    const onset = at
    for (let i = 0; i < ticks; i++, at += 10) await tick(new Tick(at).p(entity, p).because(entity, onset, ...why))
  }
  return { all: said(context), context }
}

const quiet: Step = [30, 0.4]
const errors: Why = { feature: 'vigil.error.ratio', observed: 0.3, expected: [0, 0.01], samples: 9_000 }

test('one window that is strange enough, some of the last, or many that are a little strange: each alarms, and less does not', async () => {
  const table: [name: string, steps: Step[], opened: number][] = [
    ['a single tick', [quiet, [1, 1e-6, slow], [20, 0.4]], 1],
    ['a tick that is not strange enough', [quiet, [6, 2e-3, slow], [40, 0.4]], 0],
    ['two minutes of three', [quiet, [6, 1.5e-3, slow], [6, 0.4], [6, 1.5e-3, slow], [40, 0.4]], 1],
    ['two minutes, but far apart', [quiet, [6, 1.5e-3, slow], [24, 0.4], [6, 1.5e-3, slow], [40, 0.4]], 0],
    ['a little for a quarter of an hour', [quiet, [90, 0.03, slow], [200, 0.6]], 1],
    ['a little for five minutes', [quiet, [30, 0.03, slow], [200, 0.6]], 0],
    ['nothing for hours', [[1_000, 0.3]], 0],
    ['an entity that is still cold', [[60, Number.NaN]], 0],
  ]
  for (const [name, steps, opened] of table) {
    const { all } = await say(steps)
    const active = all.filter(({ state }) => state === 'active')
    assert.equal(active.length, opened, `${name}: ${brief(all).join('; ')}`)
    assert.equal(all.length, 2 * opened, `${name} is cleared`)
  }
})

test('what grows worse is said once more, as a child of the first, and both are cleared', async () => {
  const little: Why = { ...slow, observed: 0.07 }
  const { all } = await say([quiet, [12, 1e-9, little], [30, 1e-9, slow], [60, 0.5]])
  assert.deepEqual(brief(all), [
    'payment slow active low',
    'payment slow active high',
    'payment slow cleared low',
    'payment slow cleared high',
  ])
  const [first, worse, ...cleared] = all
  assert.notEqual(worse?.id, first?.id)
  assert.equal(worse?.parent_id, first?.id)
  assert.deepEqual(
    cleared.map(({ id }) => id),
    [first?.id, worse?.id],
  )
})

test('two kinds of trouble of one entity are two alarms, each while it lasts', async () => {
  const both: Why[] = [
    { ...slow, share: 0.6 },
    { ...errors, share: 0.4 },
  ]
  const { all } = await say([quiet, [12, 1e-9, slow], [60, 1e-9, ...both], [60, 1e-9, slow], [60, 0.5]])
  assert.deepEqual(brief(all), [
    'payment slow active high',
    'payment failing active high',
    'payment failing cleared high',
    'payment slow cleared high',
  ])
})

test('what comes back again and again stays active for longer each time', async () => {
  const rounds = Array.from({ length: 20 }, (): Step[] => [
    [6, 1e-9, slow],
    [30, 0.4],
  ]).flat()
  const { all } = await say([quiet, ...rounds, [400, 0.4]])
  const opened = all.filter(({ state }) => state === 'active').length
  assert.ok(opened >= 2 && opened <= 4, `${opened} alarms of 20 rounds`)
  assert.equal(all.length, 2 * opened)
  assert.equal(new Set(all.map(({ id }) => id)).size, opened)
})

test('a replay has the same ids, whenever it runs', async () => {
  const steps: Step[] = [quiet, [12, 1e-9, slow], [60, 0.5], [12, 1e-9, errors], [60, 0.5]]
  const [first, second] = [await say(steps), await say(steps)]
  assert.deepEqual(
    first.all.map(({ id }) => id),
    second.all.map(({ id }) => id),
  )
  assert.equal(new Set(first.all.map(({ id }) => id)).size, 2)
})

test('kinds and severities follow from the strongest features, their side and their size', async () => {
  const table: [Why[], string][] = [
    [[slow], 'slow high'],
    [[{ ...slow, observed: 0.09 }], 'slow low'],
    [[{ ...slow, observed: 0.2 }], 'slow medium'],
    [[errors], 'failing high'],
    [[{ ...errors, observed: 0.02 }], 'failing medium'],
    [[{ feature: 'vigil.request.rate', observed: 0, expected: [40, 60] }], 'silent high'],
    [[{ feature: 'vigil.request.rate', observed: 15, expected: [40, 60] }], 'drop medium'],
    [[{ feature: 'vigil.request.rate', observed: 200, expected: [40, 60] }], 'surge medium'],
    [[{ feature: 'vigil.cpu.utilization', observed: 0.97, expected: [0.1, 0.3] }], 'saturated high'],
    [[{ feature: 'vigil.pool.waiting', observed: 5, expected: [0, 1] }], 'saturated medium'],
    [
      [
        { feature: 'vigil.memory.utilization', observed: 0.9, expected: [0.4, 0.5], share: 0.7 },
        { feature: 'vigil.memory.slope', observed: 0.2, expected: [-0.01, 0.01], share: 0.3 },
      ],
      'leaking high',
    ],
    [[{ feature: 'vigil.memory.utilization', observed: 0.97, expected: [0.4, 0.5] }], 'saturated high'],
    [[{ feature: 'vigil.memory.utilization', observed: 0.6, expected: [0.4, 0.5] }], 'unusual low'],
    [[{ feature: 'vigil.queue.lag', observed: 50_000, expected: [0, 100] }], 'backlog high'],
    [[{ feature: 'vigil.cache.hit_ratio', observed: 0.5, expected: [0.9, 0.99] }], 'cache_misses medium'],
    [[{ feature: 'vigil.restarts', observed: 4, expected: [0, 0] }], 'restarting high'],
    [[{ feature: 'vigil.log.error_rate', observed: 40, expected: [0, 1] }], 'noisy_logs medium'],
    [[{ feature: 'vigil.log.new_templates', observed: 3, expected: [0, 0] }], 'new_logs low'],
    [[{ feature: 'vigil.dependency.count', observed: 1, expected: [3, 3] }], 'dependency_change low'],
    [[{ feature: 'vigil.disk.io', observed: 5e8, expected: [0, 1e6] }], 'unusual low'],
    [[], 'unusual low'],
  ]
  for (const [why, expected] of table) {
    const { all } = await say([quiet, [1, 1e-11, ...why]])
    assert.deepEqual(brief(all), [`payment ${expected.replace(' ', ' active ')}`])
  }
})

test('use that leaves plenty is no trouble, however unusual it is; what comes with it is', async () => {
  const cpu: Why = { feature: 'vigil.cpu.utilization', observed: 0.34, expected: [0.01, 0.06] }
  const pool: Why = { feature: 'vigil.pool.usage', observed: 0.4, expected: [0.1, 0.2] }
  for (const why of [[cpu], [pool], [cpu, pool]]) {
    const { all } = await say([quiet, [30, 1e-11, ...why]])
    assert.deepEqual(brief(all), [])
  }
  const { all } = await say([quiet, [1, 1e-11, { ...cpu, share: 0.6 }, { ...slow, share: 0.4 }]])
  assert.deepEqual(brief(all), ['payment slow active high'])
})

const memory = (observed: number): Why => ({
  feature: 'vigil.memory.utilization',
  observed,
  expected: [0.196, 0.204],
})

test('memory that goes on rising is a leak from the second reading on, as bad as it is near; memory that stepped up is none', async () => {
  const { all: leak } = await say([quiet, [1, 1e-12, memory(0.22)], [1, 1e-12, memory(0.256)]])
  assert.deepEqual(brief(leak), ['payment unusual active low', 'payment leaking active high'])
  const { all: slowly } = await say([quiet, [12, 1e-12, memory(0.22)], [1, 1e-12, memory(0.24)]])
  assert.deepEqual(brief(slowly), ['payment unusual active low', 'payment leaking active medium'])
  const readings = Array.from({ length: 60 }, (_, i): Step => [1, 1e-12, memory(0.256 + 0.004 * Math.sin(i))])
  const { all: step } = await say([quiet, ...readings])
  assert.deepEqual(brief(step), ['payment unusual active low'])
})

test('other trouble is told at once while some is active: in the same tick where it would alarm by itself, else after a minute', async () => {
  const { tick, context } = await open()
  let at = start
  for (; at < start + 300; at += 10) await tick(new Tick(at).p(payment, 0.4))
  for (; at < start + 370; at += 10) await tick(new Tick(at).p(payment, 1e-12).because(payment, at, errors))
  const half = { ...slow, share: 0.31 }
  const rest = { ...errors, share: 0.69 }
  // Just after a minute was looked at: 1e-12 to the power of 0.31 is no alarm.
  await tick(new Tick(at).p(payment, 1e-12).because(payment, at, half, rest))
  assert.deepEqual(brief(said(context)), ['payment failing active high'])
  at += 10
  await tick(new Tick(at).p(payment, 1e-12).because(payment, at, { ...half, share: 0.9 }, { ...rest, share: 0.1 }))
  assert.deepEqual(brief(said(context)), ['payment failing active high', 'payment slow active high'])
})

test('what is odd only in combination, or better than usual, is no alarm', async () => {
  const within: Why = { ...slow, observed: 0.05 }
  const better: Why = { feature: 'vigil.error.ratio', observed: 0, expected: [0.001, 0.01] }
  for (const why of [[within], [better], [within, { ...errors, share: 0.1 }]]) {
    const { all, context } = await say([quiet, [12, 1e-12, ...why]])
    assert.deepEqual(brief(all), [])
    assert.ok((context.recorded.sums.get('otelcol_connector_alarms_held_back{reason="within_expected"}') ?? 0) > 0)
  }
})

test('a small shift that nothing explains is counted, and not told', async () => {
  const { tick, context } = await open()
  for (let at = start; at < start + 1_800; at += 10) await tick(new Tick(at).p(payment, 0.03))
  assert.deepEqual(said(context), [])
  assert.ok((context.recorded.sums.get('otelcol_connector_alarms_held_back{reason="unexplained"}') ?? 0) > 0)
})

test('texts are natural units first, in the time zone of the reader', async () => {
  const table: [Why[], string][] = [
    [
      [errors],
      'payment errors 30 %, expected at most 1 % on a Saturday at 11:05, 9000 requests; since 11:05:00 (+-10 s)',
    ],
    [
      [{ feature: 'vigil.memory.slope', window: '1h', observed: 0.12, expected: [-0.01, 0.02] }],
      'payment memory growth over 1h 12 %/h, expected at most 2 %/h on a Saturday at 11:05; since 11:05:00 (+-10 s)',
    ],
    [[], 'payment is unlike itself on a Saturday at 11:05, p = 1e-11; since 11:05:00 (+-10 s)'],
  ]
  for (const [why, text] of table) {
    const { all } = await say([quiet, [1, 1e-11, ...why]], 'time_zone: Europe/Berlin')
    assert.deepEqual(
      all.map((one) => one.text),
      [text],
    )
  }
})

test('owners have budgets of their own, and tiers say how bad it is', async () => {
  const catalog: ServiceCatalog = {
    lookup: ({ name }) => (name === 'payment' ? { owner: 'money', tier: 1 } : { owner: 'rest', tier: 4 }),
    observe: () => {},
  }
  const options = { capabilities: new Map<Capability<unknown>, unknown>([[serviceCatalog, catalog]]) }
  const yaml = 'service_catalog: catalog\nteams: { money: { tickets_per_week: 1 }, rest: { pages_per_week: 1 } }'
  const money = await say([quiet, [12, 1e-11, slow], [1, 0.4]], yaml, options)
  assert.deepEqual(brief(money.all), ['payment slow active critical'])
  const rest = await say([quiet, [12, 1e-11, slow], [1, 0.4]], yaml, options, service('search'))
  assert.deepEqual(brief(rest.all), ['search slow active medium'])
  const threshold = (of: TestContext, team: string) =>
    of.recorded.gauges.get(`otelcol_connector_alarms_threshold{rule="window",team="${team}"}`)?.() ?? Number.NaN
  assert.ok(threshold(money.context, 'money') < threshold(rest.context, 'rest') / 5)
})

test('a large effect that is not strange enough for a page is medium at most', async () => {
  const { all } = await say([quiet, [1, 1e-4, slow]], 'pages_per_week: 0.1')
  assert.deepEqual(brief(all), ['payment slow active medium'])
})

test('a small part of a service is less than the whole', async () => {
  const { tick, context } = await open()
  const part = operation('payment', 'GET /refunds')
  const of = (at: number) =>
    new Tick(at).feature(payment, 'vigil.request.count', 10_000).feature(part, 'vigil.request.count', 20)
  for (let at = start; at < start + 300; at += 10) await tick(of(at).p(part, 0.4))
  await tick(
    of(start + 300)
      .p(part, 1e-11)
      .because(part, start + 290, slow),
  )
  assert.deepEqual(brief(said(context)), ['payment GET /refunds slow active medium'])
})

test('parts of a service that go wrong with it, and calls to it, are evidence beside one ticket', async () => {
  const { tick, context } = await open()
  const parts = [operation('payment', 'GET /refunds'), operation('payment', 'POST /'), edge('order', 'payment')]
  const of = (at: number, p: number) => {
    const one = new Tick(at)
    for (const entity of [...parts, payment, service('search')]) one.p(entity, p).because(entity, at - 10, errors)
    return one
  }
  for (let at = start; at < start + 300; at += 10) await tick(of(at, 0.4))
  for (let at = start + 300; at < start + 500; at += 10) await tick(of(at, 1e-11))
  const all = said(context)
  assert.deepEqual(brief(all), [
    'payment GET /refunds failing active high',
    'payment POST / failing active low',
    'edge order -> payment failing active low',
    'payment failing active high',
    'search failing active high',
  ])
  const parent = all[0]?.id
  assert.deepEqual(
    all.map(({ parent_id }) => parent_id),
    [undefined, parent, parent, undefined, undefined],
  )
})

test('services of one name in two namespaces, and a database of that name, have nothing to do with each other', async () => {
  const { tick, context } = await open()
  const billing = { ...payment, namespace: 'billing' }
  const instance: Entity = { ...billing, kind: 'instance', service: 'payment', name: 'payment-1' }
  const database: Entity = { ...payment, kind: 'database', namespace: '', name: 'db-1/payment' }
  const all = [
    payment,
    instance,
    edgeEntity(service('order'), database),
    edgeEntity(service('order'), billing),
    edgeEntity(service('search'), payment),
    database,
  ]
  const of = (at: number, p: number) => {
    const one = new Tick(at)
    for (const entity of all) one.p(entity, p).because(entity, at - 10, errors)
    return one
  }
  for (let at = start; at < start + 300; at += 10) await tick(of(at, 0.4))
  for (let at = start + 300; at < start + 500; at += 10) await tick(of(at, 1e-11))
  assert.deepEqual(brief(said(context)), [
    'payment failing active high',
    'payment payment-1 failing active high',
    'edge order -> database db-1/payment failing active high',
    'edge order -> billing/payment failing active low',
    'edge search -> payment failing active low',
    'database db-1/payment failing active low',
  ])
})

test('a reload in the middle of an alarm says nothing again, and clears what its predecessor raised', async () => {
  const first = await open()
  let at = start
  for (; at < start + 300; at += 10) await first.tick(new Tick(at).p(payment, 0.4))
  for (; at < start + 360; at += 10) await first.tick(new Tick(at).p(payment, 1e-11).because(payment, at, slow))
  const state = await first.instance.save?.()
  await first.instance.shutdown?.(AbortSignal.timeout(1_000))
  const second = await open('{}', {}, state)
  for (; at < start + 480; at += 10) await second.tick(new Tick(at).p(payment, 1e-11).because(payment, at, slow))
  assert.deepEqual(said(second.context), [])
  for (; at < start + 900; at += 10) await second.tick(new Tick(at).p(payment, 0.4))
  const [raised] = said(first.context)
  assert.deepEqual(
    said(second.context).map(({ id, state: now }) => [id, now]),
    [[raised?.id, 'cleared']],
  )
})

test('a kill in the middle of an alarm says nothing again, with a storage', async () => {
  const store = memoryStorage()
  const options = { capabilities: new Map<Capability<unknown>, unknown>([[storage, store]]) }
  const first = await open('storage: file_storage', options)
  let at = start
  for (; at < start + 300; at += 10) await first.tick(new Tick(at).p(payment, 0.4))
  for (; at < start + 360; at += 10) await first.tick(new Tick(at).p(payment, 1e-11).because(payment, at, slow))
  // No shutdown: the process is gone.
  const second = await open('storage: file_storage', options)
  for (; at < start + 480; at += 10) await second.tick(new Tick(at).p(payment, 1e-11).because(payment, at, slow))
  assert.deepEqual(said(second.context), [])
  for (; at < start + 900; at += 10) await second.tick(new Tick(at).p(payment, 0.4))
  assert.deepEqual(brief(said(second.context)), ['payment slow cleared high'])
  await second.instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('a store that cannot be read costs what was known, never the start', async () => {
  const store = memoryStorage(new Map([['alarms', Buffer.from('nonsense')]]))
  const options = { capabilities: new Map<Capability<unknown>, unknown>([[storage, store]]) }
  const { context, instance } = await open('storage: file_storage', options)
  assert.deepEqual(
    context.recorded.lines.map(({ level, message }) => [level, message]),
    [['warn', 'The stored alarms could not be read; active ones may be raised again.']],
  )
  await instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('events that are refused wait, in their order', async () => {
  let isOpen = false
  const { tick, context } = await open('{}', {
    accept: () => {
      if (!isOpen) throw new Rejected('full', { retryable: true })
    },
  })
  let at = start
  for (; at < start + 300; at += 10) await tick(new Tick(at).p(payment, 0.4))
  await tick(new Tick(at).p(payment, 1e-11).because(payment, at, slow))
  for (at += 10; at < start + 900; at += 10) await tick(new Tick(at).p(payment, 0.4))
  assert.equal(context.recorded.emitted.length, 0)
  isOpen = true
  await context.clock.advance(2_000)
  assert.deepEqual(brief(said(context)), ['payment slow active high', 'payment slow cleared high'])
  assert.deepEqual(context.recorded.drops, [])
})

test('entities that are not heard of make room, and their alarms are closed', async () => {
  const { tick, context } = await open('max_entities: 2\nentity_expiration: 10m')
  let at = start
  for (; at < start + 300; at += 10) await tick(new Tick(at).p(payment, 0.4).p(service('a'), 0.4).p(service('b'), 0.4))
  await tick(new Tick(at).p(payment, 1e-11).because(payment, at, slow))
  for (at += 10; at < start + 1_800; at += 10) await tick(new Tick(at).p(service('c'), 0.4))
  const [, closed] = said(context)
  assert.deepEqual(brief(said(context)), ['payment slow active high', 'payment slow cleared high'])
  assert.equal(closed?.text, 'payment was slow since 10:05:00 and is not heard of any more; the alarm is closed')
  const { sums, gauges } = context.recorded
  assert.ok((sums.get('otelcol_connector_alarms_overflowed_scores') ?? 0) >= 30)
  assert.ok((sums.get('otelcol_connector_alarms_forgotten_entities') ?? 0) >= 1)
  assert.equal(gauges.get('otelcol_connector_alarms_entities')?.(), 1)
})

test('a cold start is quiet, and says so once', async () => {
  const { tick, context } = await open()
  for (let at = start; at < start + 300; at += 10) await tick(new Tick(at).cold(payment).cold(service('search')))
  assert.deepEqual(said(context), [])
  assert.deepEqual(
    context.recorded.lines.map(({ message, fields }) => [message, fields['entities']]),
    [['Alarms keep quiet about entities that are still being learned.', 2]],
  )
  assert.equal(context.recorded.gauges.get('otelcol_connector_alarms_cold_entities')?.(), 2)
})

test('scores that come again for a window that was decided change nothing', async () => {
  const { tick, context } = await open()
  let at = start
  for (; at < start + 300; at += 10) await tick(new Tick(at).p(payment, 0.4))
  await tick(new Tick(at - 30).p(payment, 1e-11).because(payment, at, slow))
  assert.deepEqual(said(context), [])
  assert.equal(context.recorded.sums.get('otelcol_connector_alarms_late_scores'), 1)
})

test('settings that cannot be are refused, with the cure', () => {
  const table: [string, RegExp][] = [
    ['min_hits: 4', /can never be reached in of_windows 3; make it smaller/],
    ['time_zone: Europe/Nowhere', /write an IANA name like Europe\/Berlin or UTC/],
    ['tickets_per_week: 0', /tickets_per_week/],
    ['max_lag: 0s', /max_lag must be greater than 0/],
  ]
  for (const [yaml, message] of table) assert.throws(() => build(factory, yaml, { kind: 'connector' }), message)
})

function memoryStorage(values = new Map<string, Uint8Array>()): Storage {
  const keyValue: KeyValueStore = {
    get: (key) => values.get(key),
    keys: () => values.keys(),
    set: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
    close: async () => {},
  }
  return {
    keyValue: async () => keyValue,
    journal: () => Promise.reject(new Error('no journal here')),
  }
}
