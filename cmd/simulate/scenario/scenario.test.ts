import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { readTopology } from '../topology/read.ts'
import type { World } from '../world/world.ts'
import { makeFault } from './fault.ts'
import { parseScenario, readScenario } from './read.ts'
import { type Playing, prepare } from './run.ts'
import { hashOf } from './write-truth.ts'

const examples = join(import.meta.dirname, '../../../examples')
const shop = await readTopology(join(examples, 'topologies/shop.yaml'))
const startMs = Date.UTC(2026, 10, 21, 10)
const minute = 60_000

/** Nobody looks at the telemetry here. */
const unseen = { sampling: 0, requestLogEvery: 1_000_000, scrape: 60 * minute }

function play(text: string, untilMs?: number): Playing {
  const parsed = parseScenario(text, 'test.yaml')
  const scenario = { ...parsed, observation: { ...parsed.observation, ...unseen } }
  const playing = prepare({ topology: shop, scenario, seed: 1, startMs, send: () => {} })
  playing.world.runUntil(untilMs ?? scenario.duration)
  return playing
}

interface Effect {
  readonly fault: string
  /** What is different after three minutes of it. */
  readonly shows: (world: World) => boolean
  readonly isSilent?: boolean
}

const restarts = (world: World, name: string) => Math.max(...world.service(name).instances.map((one) => one.restarts))
const served = (world: World, name: string) => world.load.served.get(`frontend/${name}`)!
const badShare = (world: World, name: string) => 1 - served(world, name).good / served(world, name).demand
const backlog = (world: World) => world.service('kafka').topics.get('orders')!.messages.size

const effects: readonly Effect[] = [
  {
    fault: 'type: cpu_hog, service: recommendation, cores: 40',
    shows: (world) => badShare(world, 'GET /product') < 0.2,
  },
  {
    fault: 'type: memory_leak, service: catalog, perRequest: 200000',
    shows: (world) => restarts(world, 'catalog') > 0,
  },
  { fault: 'type: latency, service: catalog, delay: 1200ms', shows: (world) => badShare(world, 'GET /') > 0.3 },
  { fault: 'type: packet_loss, service: order, loss: 0.8', shows: (world) => badShare(world, 'GET /orders') > 0.05 },
  { fault: 'type: errors, operation: cart/AddItem, share: 0.5', shows: (world) => badShare(world, 'POST /cart') > 0.2 },
  {
    fault: 'type: errors, operation: catalog/GetProduct, early: true',
    shows: (world) => badShare(world, 'GET /product') > 0.2,
  },
  {
    fault: 'type: wrong_result, operation: order/PlaceOrder, share: 1',
    shows: (world) => backlog(world) < 5,
    isSilent: true,
  },
  {
    fault: 'type: slow_operation, operation: psp/authorize, wait: 40',
    shows: (world) => badShare(world, 'POST /checkout') > 0.2,
  },
  {
    fault: 'type: lost_index, query: shopdb/get_product',
    shows: (world) => world.service('shopdb').instances[0]!.rows.size > 0,
    isSilent: true,
  },
  {
    fault: 'type: small_pool, service: payment, database: paydb',
    shows: (world) => world.service('payment').instances[0]!.pools.get('paydb')?.limit === 1,
    isSilent: true,
  },
  {
    fault: 'type: bad_deploy, service: ads, version: 9.9.9, errors: 0.5',
    shows: (world) => world.service('ads').instances.every(({ version }) => version.name === '9.9.9'),
    isSilent: true,
  },
  {
    fault: 'type: slow_consumer, operation: shipping/Ship, wait: 20000',
    shows: (world) => world.service('shipping').instances.some(({ frames }) => frames.size > 10),
    isSilent: true,
  },
  { fault: 'type: certificate_expiry, service: cart', shows: (world) => badShare(world, 'POST /cart') > 0.05 },
  { fault: 'type: dns, service: order, share: 0.5', shows: (world) => badShare(world, 'GET /orders') > 0.2 },
  {
    fault: 'type: clock_skew, node: 1, skew: 1m',
    shows: (world) => world.cluster.machines[0]!.skewMs === minute,
    isSilent: true,
  },
  {
    fault: 'type: noisy_neighbour, node: 1, cores: 2000',
    shows: (world) => world.cluster.machines[0]!.foreign === 2_000,
  },
  { fault: 'type: traffic_surge, factor: 6', shows: (world) => world.service('frontend').instances.length > 3 },
  {
    fault: 'type: worker_leak, service: payment, every: 2s',
    shows: (world) => world.service('payment').instances.every(({ workers }) => workers.limit === 1),
  },
]

for (const { fault, shows, isSilent } of effects) {
  test(`fault ${fault}`, () => {
    const { world, truth } = play(`{ name: one, duration: 4m, events: [{ at: 1m, fault: { ${fault} } }] }`)
    assert.ok(shows(world), JSON.stringify([...world.load.served]))
    const [told] = truth.told()
    assert.equal(told?.end, undefined, 'nobody has repaired it')
    if (isSilent === true) assert.equal(told?.isSilent, true, JSON.stringify(told))
  })
}

test('a node that is lost takes its instances along, and they come back elsewhere', () => {
  const { world } = play(
    '{ name: node, duration: 5m, events: [{ at: 1m, fault: { type: node_loss, node: 1 } }] }',
    70_000,
  )
  const short = [...world.services.values()].filter((one) => one.instances.length < world.cluster.replicas(one))
  assert.ok(short.length > 0)
  world.runUntil(5 * minute)
  for (const one of world.services.values()) assert.ok(one.ready.length >= world.cluster.replicas(one), one.name)
  assert.equal(world.cluster.machines[0]!.instances.size, 0)
})

test('a cache that was emptied lets the database feel it, and fills again', () => {
  const { world } = play(
    '{ name: cache, duration: 30m, events: [{ at: 5m, fault: { type: cache_flush, service: redis } }] }',
    5 * minute,
  )
  const { contents } = world.service('redis')
  const missShare = (untilMs: number) => {
    const { hits, misses } = world.service('redis')
    world.runUntil(untilMs)
    const cache = world.service('redis')
    return (cache.misses - misses) / (cache.hits - hits + cache.misses - misses)
  }
  const after = missShare(6 * minute)
  assert.ok(after > 0.5, String(after))
  const later = missShare(29 * minute)
  assert.ok(later < after / 1.5, String(later))
  assert.ok(contents.every(({ filled }) => filled > 0.1))
})

test('the truth tells root, onset, impact, who is affected, and ends when somebody repairs the cause', async () => {
  const story = await readScenario(join(examples, 'scenarios/ten-fifteen.yaml'))
  const scenario = { ...story, observation: { ...story.observation, ...unseen } }
  const { world, truth } = prepare({ topology: shop, scenario, seed: 1, startMs, send: () => {} })
  world.schedule.after(20 * minute, () => void world.service('paydb').indexes.add('payments_customer_state'))
  world.runUntil(25 * minute)
  const [told] = truth.told()
  assert.deepEqual(told?.root, { kind: 'query', service: 'paydb', name: 'find_open_payments' })
  assert.equal(told.onset, '2026-11-21T10:14:38.000Z')
  assert.equal(told.end?.slice(0, 18), '2026-11-21T10:20:0')
  assert.deepEqual(told.repairs, [{ action: 'create_index', target: 'paydb/payments_customer_state' }])
  const affected = Object.fromEntries(
    told.operations.map(({ operation, affectedShare }) => [operation, Math.round(affectedShare * 20) / 20]),
  )
  assert.deepEqual(affected, {
    'frontend/GET /': 0,
    'frontend/GET /account': 0.6,
    'frontend/GET /orders': 0,
    'frontend/GET /product': 0,
    'frontend/POST /cart': 0,
    'frontend/POST /checkout': 0.95,
  })
  assert.ok(told.lostRequests > 1_000)
  assert.ok(told.impactStart !== undefined && told.impactStart > told.onset)
})

test('ordinary days harm nobody', () => {
  const { world } = play(`
name: ordinary
duration: 12m
events:
  - { at: 1m, for: 3m, benign: { type: campaign, factor: 1.8 } }
  - { at: 2m, for: 2m, benign: { type: cron, service: shopdb, cores: 2 } }
  - { at: 3m, benign: { type: deploy, service: order, version: 2.15.0 } }
  - { at: 5m, for: 2m, benign: { type: scale, service: cart, replicas: 3 } }
  - { at: 6m, benign: { type: restart, service: ads } }
  - { at: 7m, for: 2m, benign: { type: drain, node: 2 } }
  - { at: 8m, for: 1m, benign: { type: missed_scrapes } }
  - { at: 8m, for: 1m, benign: { type: log_level } }`)
  for (const [operation, { demand, good }] of world.load.served)
    assert.ok(good / demand > 0.985, `${operation}: ${good} of ${demand}`)
})

test('the hash of what is played is that of topology, scenario and seed', async () => {
  const scenario = await readScenario(join(examples, 'scenarios/ten-fifteen.yaml'))
  const played = { topology: shop, scenario, seed: 1 }
  assert.equal(hashOf(played), hashOf({ ...played }))
  assert.notEqual(hashOf(played), hashOf({ ...played, seed: 2 }))
})

test('a scenario with mistakes is refused with all of them, and one that does not fit says what is there', () => {
  const broken =
    'name: x\nduration: 1m\nstart: soon\nevents:\n  - { at: 2m, fault: { type: dns, service: a } }\n  - { at: 1s }'
  assert.throws(() => parseScenario(broken, 'broken.yaml'), /set exactly one of: fault, benign/)
  assert.throws(
    () => parseScenario(broken.replace('  - { at: 1s }', ''), 'broken.yaml'),
    /soon is no time[\s\S]*after the end/,
  )
  const { world, exports } = play('{ name: x, duration: 1s }')
  assert.throws(
    () => makeFault({ type: 'dns', service: 'nobody', share: 1 }, { world, exports }),
    /there is no service nobody; known are frontend/,
  )
  assert.throws(
    () => makeFault({ type: 'clock_skew', node: 99, skew: 1 }, { world, exports }),
    /there is no node 99; there are 6/,
  )
})
