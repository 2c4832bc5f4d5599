import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionTruth } from '../scenario/harm.ts'
import { parseScenario } from '../scenario/read.ts'
import { type Playing, prepare } from '../scenario/run.ts'
import { parseTopology } from '../topology/read.ts'
import { actions } from './actions.ts'
import { Control } from './control.ts'

const second = 1_000
const startMs = Date.UTC(2026, 10, 21, 10)

interface Shape {
  readonly rate?: number
  /** Of each instance of the service. */
  readonly cores?: number
  readonly api?: string
  readonly keys?: number
  readonly dbCores?: number
  readonly rows?: number
  readonly writeMs?: number
  readonly bookMs?: number
}

/** Users, a way in, a service with two operations of which one needs the database twice, a cache. */
function topologyOf(shape: Shape) {
  const { rate = 50, cores = 1, api = '', keys = 500, dbCores = 2, rows = 400_000, writeMs = 15, bookMs = 2 } = shape
  return parseTopology(
    `
name: bench
nodes: { count: 3, cores: 16 }
users:
  { rate: ${rate}, day: 0, week: 0, noise: 0, retry: 0, patience: 5s, operations: [{ call: web/GET, weight: 4, slow: 500ms }, { call: web/LIST, weight: 1, slow: 500ms }] }
services:
  web:
    kind: service
    instances: 2
    workers: 64
    blocking: false
    startup: 5s
    operations:
      GET: { self: { median: 2ms }, errors: 0, steps: [{ call: api/work, timeout: 2s }] }
      LIST: { self: { median: 2ms }, errors: 0, steps: [{ call: api/list, timeout: 2s }] }
  api:
    kind: service
    instances: 2
    cores: ${cores}
    workers: 16
    queue: 400
    pool: 8
    startup: 5s
    version: 2.0.0
    ${api}
    operations:
      work:
        self: { median: 10ms, cpu: 1 }
        errors: 0
        steps:
          - { cache: redis, hit: 0.95, keys: ${keys}, miss: [{ call: db/read, timeout: 1s }] }
          - { call: db/write, timeout: 1s }
          - { call: psp/pay, timeout: 2s, optional: true }
      list: { self: { median: 4ms, cpu: 1 }, errors: 0, steps: [{ call: db/book, timeout: 1s }] }
  redis: { kind: cache, instances: 1, startup: 5s }
  db:
    kind: database
    instances: 1
    cores: ${dbCores}
    workers: 40
    startup: 5s
    tables: { t: ${rows}, archive: 20000000 }
    queries:
      report: { self: { median: 1ms }, text: SELECT 2, collection: archive, index: archive_day }
      read: { self: { median: 100ms, sigma: 0.2, cpu: 0.9 }, errors: 0, text: SELECT 1, collection: t, index: t_id }
      write: { self: { median: ${writeMs}ms, sigma: 0.2, cpu: 0.05 }, errors: 0, text: UPDATE t, collection: t }
      book: { self: { median: ${bookMs}ms, sigma: 0.2, cpu: 0.5 }, errors: 0, text: UPDATE t, collection: t, lock: row }
  psp: { kind: external, host: psp.example.com, workers: 1000, operations: { pay: { self: { median: 5ms, cpu: 0 } } } }`,
    'bench.yaml',
  )
}

class Bench {
  readonly playing: Playing
  readonly control: Control

  constructor(shape: Shape = {}, ...events: readonly string[]) {
    const observation = 'sampling: 0, requestLogEvery: 1000000, scrape: 1h, lateShare: 0'
    const text = `{ name: bench, duration: 1h, observation: { ${observation} }, events: [${events.join(', ')}] }`
    const scenario = parseScenario(text, 'bench.yaml')
    this.playing = prepare({ topology: topologyOf(shape), scenario, seed: 3, startMs, send: () => {} })
    this.control = new Control(this.playing)
  }

  get world() {
    return this.playing.world
  }

  act(name: string, args: object) {
    return this.control.act(name, args, 'test')
  }

  until(seconds: number): this {
    this.world.runUntil(seconds * second)
    return this
  }

  /** Share of good requests from now until then. */
  goodUntil(seconds: number, operation?: string): number {
    const count = () => {
      let [good, all] = [0, 0]
      for (const [name, served] of this.world.load.served) {
        if (operation !== undefined && name !== operation) continue
        good += served.good
        all += served.good + served.slow + served.failed
      }
      return [good, all] as const
    }
    const [good, all] = count()
    this.until(seconds)
    const [goodThen, allThen] = count()
    return (goodThen - good) / (allThen - all)
  }

  told(): readonly ActionTruth[] {
    return this.playing.truth.harm.told()
  }

  get lost(): number {
    return this.told().reduce((sum, one) => sum + one.excessBadRequests, 0)
  }
}

const fault = (text: string, at = '40s') => `{ at: ${at}, fault: { ${text} } }`
const surge = fault('type: traffic_surge, factor: 6')
/** Six times as many are more than it can do. */
const small = { rate: 20, cores: 0.4 }

interface Use {
  readonly name: string
  readonly shape?: Shape
  readonly events?: readonly string[]
  /** Both worlds get this first. */
  readonly before?: (bench: Bench) => void
  readonly act: (bench: Bench) => void
  /** Of this operation of the users; of all, if absent. */
  readonly operation?: string
}

/** At second 60; the share of good requests from second 80 to 110 is compared with that of the same world left alone. */
function compare({ shape = {}, events = [], before, act, operation }: Use, from = 80) {
  const alone = new Bench(shape, ...events).until(55)
  const bench = new Bench(shape, ...events).until(55)
  for (const one of [alone, bench]) {
    before?.(one)
    one.until(60)
  }
  act(bench)
  alone.until(from)
  bench.until(from)
  return { alone: alone.goodUntil(110, operation), good: bench.goodUntil(110, operation) }
}

const helps: readonly Use[] = [
  {
    name: 'scale, of what has too few cores',
    shape: small,
    events: [surge],
    act: (b) => b.act('scale', { service: 'api', replicas: 6 }),
  },
  {
    name: 'restart, of processes that run wild',
    events: [fault('type: cpu_hog, service: api, cores: 100')],
    act: (b) => b.act('restart', { service: 'api' }),
  },
  {
    name: 'deploy, of a version without the mistake',
    events: [fault('type: errors, operation: api/work')],
    act: (b) => b.act('deploy', { service: 'api', version: '1.9.9' }),
  },
  {
    name: 'rollback, of a bad version',
    events: [fault('type: bad_deploy, service: api, version: 2.1.0, errors: 0.5')],
    act: (b) => b.act('rollback', { service: 'api' }),
  },
  {
    name: 'rollback, of a canary',
    events: [fault('type: bad_deploy, service: api, version: 2.1.0, share: 0.5, errors: 0.9')],
    act: (b) => b.act('rollback', { service: 'api' }),
  },
  {
    name: 'rate_limit, where more comes than can be done',
    shape: small,
    events: [surge],
    act: (b) => b.act('rate_limit', { service: 'api', perSecond: 40 }),
  },
  {
    name: 'remove_rate_limit, of one that is too strict',
    before: (b) => b.act('rate_limit', { service: 'api', perSecond: 5 }),
    act: (b) => b.act('remove_rate_limit', { service: 'api' }),
  },
  {
    name: 'circuit_break, of what takes the workers of everything else',
    events: [fault('type: slow_operation, operation: db/write, wait: 200')],
    act: (b) => b.act('circuit_break', { from: 'web', to: 'api/work' }),
    operation: 'web/LIST',
  },
  {
    name: 'set_timeout, short before what hangs',
    events: [fault('type: slow_operation, operation: psp/pay, wait: 400')],
    act: (b) => b.act('set_timeout', { from: 'api', to: 'psp/pay', ms: 50 }),
  },
  {
    name: 'set_retries, where another attempt is likely to succeed',
    events: [fault('type: dns, service: db, share: 0.3')],
    before: (b) => b.act('set_timeout', { from: 'api', to: 'db', ms: 100 }),
    act: (b) => b.act('set_retries', { from: 'api', to: 'db', max: 3, backoffMs: 5 }),
    operation: 'web/LIST',
  },
  {
    name: 'limit_open_requests, where queues grow without end',
    shape: small,
    events: [surge],
    act: (b) => b.act('limit_open_requests', { service: 'api', open: 30 }),
  },
  {
    name: 'eject_outliers, where one instance fails',
    before: (b) => (b.world.service('api').instances[0]!.knobs.errorShare = 0.9),
    act: (b) => b.act('eject_outliers', { service: 'api', consecutiveErrors: 3, ejectionMs: 600_000 }),
  },
  {
    name: 'set_autoscaling, where its bound is too low',
    shape: { ...small, api: 'autoscale: { min: 2, max: 2, cpu: 0.6 }' },
    events: [surge],
    act: (b) => b.act('set_autoscaling', { service: 'api', min: 7, max: 9 }),
  },
  {
    name: 'create_index, of one that is missing',
    events: [fault('type: lost_index, query: db/read')],
    shape: { rows: 2_000_000 },
    act: (b) => b.act('create_index', { database: 'db', index: 't_id' }),
  },
  {
    name: 'end_transactions, of those that hold locks',
    events: [fault('type: lock_contention, service: db, hold: 900ms')],
    act: (b) => b.act('end_transactions', { database: 'db' }),
    operation: 'web/LIST',
  },
  {
    name: 'set_pool, of one that is too small',
    events: [fault('type: small_pool, service: api, database: db, size: 1')],
    shape: { writeMs: 60 },
    act: (b) => b.act('set_pool', { service: 'api', database: 'db', size: 8 }),
  },
  {
    name: 'kill_instance, of one that runs wild',
    events: [fault('type: cpu_hog, service: api, cores: 100, share: 0.5')],
    act: (b) => b.act('kill_instance', { instance: b.world.service('api').instances[0]!.name }),
  },
  {
    name: 'delete_instance, of one that runs wild',
    events: [fault('type: cpu_hog, service: api, cores: 100, share: 0.5')],
    act: (b) => b.act('delete_instance', { instance: b.world.service('api').instances[0]!.name }),
  },
  {
    name: 'evict_instance, of one that runs wild',
    events: [fault('type: cpu_hog, service: api, cores: 100, share: 0.5')],
    act: (b) => b.act('evict_instance', { instance: b.world.service('api').instances[0]!.name }),
  },
  {
    name: 'drain, of a node with a noisy neighbour',
    events: [fault('type: noisy_neighbour, node: 1, cores: 3000')],
    act: (b) => b.act('drain', { node: 'node-1' }),
  },
  {
    name: 'renew_certificate, of one that has run out',
    events: [fault('type: certificate_expiry, service: api', '1s')],
    act: (b) => b.act('renew_certificate', { service: 'api' }),
  },
  {
    name: 'repair_dns, of a name that is not found',
    events: [fault('type: dns, service: api, share: 0.5')],
    act: (b) => b.act('repair_dns', { service: 'api' }),
  },
  {
    name: 'repair_network, of a slow one',
    events: [fault('type: latency, service: api, delay: 600ms')],
    act: (b) => b.act('repair_network', { service: 'api' }),
  },
  {
    name: 'uncordon, where instances wait for room',
    before: (b) => {
      for (const node of ['node-1', 'node-2', 'node-3']) b.act('cordon', { node })
      for (const { name } of b.world.service('api').instances.slice()) b.act('delete_instance', { instance: name })
    },
    act: (b) => {
      for (const node of ['node-1', 'node-2', 'node-3']) b.act('uncordon', { node })
    },
  },
  {
    name: 'warm_cache, before the many come',
    shape: { rate: 10, keys: 2_000, dbCores: 8 },
    events: [fault('type: cache_flush, service: redis', '30s'), fault('type: traffic_surge, factor: 25', '79s')],
    before: (b) => b.act('scale', { service: 'api', replicas: 8 }),
    act: (b) => b.act('warm_cache', { cache: 'redis', perSecond: 60 }),
  },
]

for (const use of helps) {
  test(`it helps: ${use.name}`, () => {
    const { alone, good } = compare(use)
    assert.ok(good > alone + 0.02, `${good} with it, ${alone} without`)
  })
}

/** More users than there is room for without more instances; an autoscaler sees to that. */
const growing = {
  shape: { rate: 60, api: 'autoscale: { min: 2, max: 9, cpu: 0.5 }' },
  events: ['{ at: 62s, benign: { type: campaign, factor: 3 } }'],
}
/** A node that was drained because of its neighbour; what is restarted goes to the emptiest node. */
const sick = {
  events: [
    fault('type: noisy_neighbour, node: 1, cores: 3000', '1s'),
    '{ at: 62s, benign: { type: restart, service: api } }',
  ],
  before: (b: Bench) => b.act('drain', { node: 'node-1' }),
}

const harms: readonly Use[] = [
  { name: 'scale, to too few', act: (b) => b.act('scale', { service: 'api', replicas: 0 }) },
  {
    name: 'set_autoscaling, down to too few',
    shape: { rate: 130, api: 'autoscale: { min: 2, max: 4, cpu: 0.9 }' },
    act: (b) => b.act('set_autoscaling', { service: 'api', min: 1, max: 1 }),
  },
  {
    name: 'restart, of a full cache',
    shape: { rate: 80, keys: 2_000 },
    act: (b) => b.act('restart', { service: 'redis' }),
  },
  {
    name: 'renew_certificate, of a full cache',
    shape: { rate: 80, keys: 2_000 },
    act: (b) => b.act('renew_certificate', { service: 'redis' }),
  },
  {
    name: 'deploy, of a worse version',
    before: (b) => (b.world.service('api').versionOf('2.1.0').knobs.errorShare = 0.3),
    act: (b) => b.act('deploy', { service: 'api', version: '2.1.0' }),
  },
  {
    name: 'rollback, to a worse version',
    before: (b) => (b.world.service('api').versionOf('1.9.9').knobs.cpuFactor = 9),
    act: (b) => b.act('rollback', { service: 'api' }),
  },
  { name: 'rate_limit, where nothing is wrong', act: (b) => b.act('rate_limit', { service: 'api', perSecond: 20 }) },
  {
    name: 'remove_rate_limit, of one that protects',
    shape: small,
    events: [surge],
    before: (b) => b.act('rate_limit', { service: 'api', perSecond: 60 }),
    act: (b) => b.act('remove_rate_limit', { service: 'api' }),
  },
  { name: 'circuit_break, where nothing is wrong', act: (b) => b.act('circuit_break', { to: 'api', share: 0.5 }) },
  { name: 'set_timeout, too short', act: (b) => b.act('set_timeout', { to: 'api', ms: 20 }) },
  {
    name: 'set_retries, of what is overloaded',
    shape: { api: '', rate: 50 },
    events: [fault('type: slow_operation, operation: db/write, wait: 12')],
    before: (b) => b.act('set_timeout', { from: 'api', to: 'db', ms: 120 }),
    act: (b) => b.act('set_retries', { from: 'api', to: 'db/write', max: 10, backoffMs: 0 }),
    operation: 'web/LIST',
  },
  { name: 'limit_open_requests, to too few', act: (b) => b.act('limit_open_requests', { service: 'api', open: 1 }) },
  {
    name: 'eject_outliers, all at the first error',
    before: (b) => (b.world.operation('api/work').knobs.errorShare = 0.02),
    act: (b) => b.act('eject_outliers', { service: 'api', consecutiveErrors: 1, maxShare: 1, ejectionMs: 600_000 }),
  },
  {
    name: 'create_index, of a database that has no core to spare',
    shape: { dbCores: 0.4, rate: 60 },
    before: (b) => b.world.service('db').indexes.delete('archive_day'),
    act: (b) => b.act('create_index', { database: 'db', index: 'archive_day' }),
  },
  {
    name: 'drop_index, of one that is needed',
    shape: { rows: 4_000_000 },
    act: (b) => b.act('drop_index', { database: 'db', index: 't_id' }),
  },
  {
    name: 'end_transactions, of those that work',
    shape: { bookMs: 80 },
    act: (b) => {
      for (let i = 0; i < 20; i++) b.until(60 + i / 2).act('end_transactions', { database: 'db' })
    },
  },
  {
    name: 'set_pool, to too few',
    shape: { writeMs: 60 },
    act: (b) => b.act('set_pool', { service: 'api', database: 'db', size: 1 }),
  },
  { name: 'flush_cache, of a full one', act: (b) => b.act('flush_cache', { cache: 'redis' }) },
  {
    name: 'warm_cache, faster than what lies behind it can',
    before: (b) => {
      for (const one of b.world.service('redis').contents) one.filled = 0.9
    },
    act: (b) => b.act('warm_cache', { cache: 'redis', perSecond: 5_000 }),
    shape: { keys: 20_000 },
  },
  {
    name: 'kill_instance, of all there are',
    act: (b) => {
      for (const { name } of b.world.service('api').instances.slice()) b.act('kill_instance', { instance: name })
    },
  },
  {
    name: 'delete_instance, of all there are',
    act: (b) => {
      for (const { name } of b.world.service('api').instances.slice()) b.act('delete_instance', { instance: name })
    },
  },
  {
    name: 'evict_instance, of the only one there is',
    act: (b) => b.act('evict_instance', { instance: b.world.service('db').instances[0]!.name }),
  },
  {
    name: 'cordon, of all nodes before many come',
    ...growing,
    act: (b) => {
      for (const node of ['node-1', 'node-2', 'node-3']) b.act('cordon', { node })
    },
  },
  {
    name: 'uncordon, of a node that is sick',
    ...sick,
    act: (b) => b.act('uncordon', { node: 'node-1' }),
  },
  {
    name: 'drain, of all nodes',
    act: (b) => {
      for (const node of ['node-1', 'node-2', 'node-3']) b.act('drain', { node })
    },
  },
  { name: 'repair_dns, of a name that is found', act: (b) => b.act('repair_dns', { service: 'api' }) },
  {
    name: 'repair_network, of a good one',
    shape: { writeMs: 200 },
    before: (b) => b.act('set_pool', { service: 'api', database: 'db', size: 40 }),
    act: (b) => b.act('repair_network', { service: 'api' }),
  },
]

for (const use of harms) {
  test(`it harms, and is counted: ${use.name}`, () => {
    const bench = new Bench(use.shape, ...(use.events ?? [])).until(55)
    use.before?.(bench)
    const harmBefore = bench.until(60).lost
    use.act(bench)
    bench.until(110)
    const refused = bench.told().reduce((sum, one) => sum + one.refusedRequests, 0)
    assert.ok(Math.max(bench.lost - harmBefore, refused) > 5, JSON.stringify(bench.told()))
  })
}

test('more instances do nothing for a lock', () => {
  const lock = fault('type: lock_contention, service: db, hold: 900ms')
  const act = (b: Bench) => b.act('scale', { service: 'api', replicas: 6 })
  const { alone, good } = compare({ name: 'lock', events: [lock], act, operation: 'web/LIST' })
  assert.ok(Math.abs(good - alone) < 0.05, `${good} with it, ${alone} without`)
})

test('what a limit refuses is counted as refused by it, also where the request was lost anyway', () => {
  const bench = new Bench().until(60)
  bench.act('rate_limit', { service: 'api', perSecond: 20, costs: { list: 0 } })
  bench.until(120)
  const [told] = bench.told()
  assert.ok(told!.refusedRequests > 500, String(told!.refusedRequests))
  assert.ok(Math.abs(told!.refusedRequests - told!.excessBadRequests) < 20)
  assert.deepEqual(
    told!.operations.map(({ operation }) => operation),
    ['web/GET'],
    'what costs nothing is not refused',
  )
})

test('an action does not answer for the fault that was there before it, nor for one that comes later', () => {
  const bench = new Bench({}, fault('type: errors, operation: api/work, share: 0.3', '20s')).until(60)
  bench.act('scale', { service: 'api', replicas: 3 })
  bench.until(120)
  assert.deepEqual([bench.lost, bench.told()[0]?.isDuringFault], [0, true])

  const later = new Bench({}, fault('type: errors, operation: api/work, share: 0.3', '70s')).until(60)
  later.act('scale', { service: 'api', replicas: 3 })
  later.until(140)
  assert.deepEqual([later.lost, later.told()[0]?.isDuringFault], [0, false])
})

test('of two actions the later one answers only for what it made worse, and an undone one no longer', () => {
  const bench = new Bench().until(60)
  const { id } = bench.act('circuit_break', { to: 'api', share: 0.3 })
  bench.until(90)
  bench.act('scale', { service: 'web', replicas: 3 })
  bench.until(120)
  bench.control.reverse(id, 'test')
  bench.until(150)
  const lostThen = bench.lost
  bench.until(240)
  const [breaker, scale] = bench.told()
  assert.equal(bench.lost, lostThen)
  assert.ok(breaker!.excessBadRequests > 0.2 * 60 * 50)
  assert.equal(breaker!.reversedAt, '2026-11-21T10:02:00.000Z')
  assert.equal(scale!.excessBadRequests, 0)
  assert.ok(bench.goodUntil(260) > 0.99)
})

test('an undo of what something else has changed since is refused', () => {
  const bench = new Bench().until(1)
  const { id } = bench.act('scale', { service: 'api', replicas: 3 })
  bench.act('scale', { service: 'api', replicas: 4 })
  assert.throws(
    () => bench.control.reverse(id, 'test'),
    /scale of api is not in force any more: something changed it since/,
  )
  assert.throws(() => bench.control.reverse(99, 'test'), /there is no action 99; there are 1, 2/)
  bench.control.reverse(2, 'test')
  assert.throws(() => bench.control.reverse(2, 'test'), /undone already/)
  const restart = bench.act('restart', { service: 'web' })
  assert.throws(() => bench.control.reverse(restart.id, 'test'), /cannot be undone/)
})

test('an action restores a clock, and the telemetry of a service, which is silent for a while', () => {
  const bench = new Bench(
    {},
    fault('type: clock_skew, node: 2, skew: 1m', '1s'),
    fault('type: telemetry_loss, service: api', '1s'),
  )
  bench.until(5)
  bench.act('set_clock', { node: 'node-2' })
  assert.equal(bench.world.cluster.machines[1]!.skewMs, 0)
  bench.act('restart_agent', { service: 'api' })
  bench.act('restart_agent', { service: 'web' })
  assert.deepEqual([...bench.playing.exports.silent], ['api', 'web'], 'of one that was not silent telemetry is lost')
  bench.until(20)
  assert.deepEqual([...bench.playing.exports.silent], [])
  assert.deepEqual(
    bench.playing.truth.told().map(({ end }) => end !== undefined),
    [true, true],
  )
})

test('three wrong uses are worse than the same world left alone', () => {
  for (const name of ['evict_instance', 'cordon', 'uncordon']) {
    const use = harms.find((one) => one.name.startsWith(`${name},`))!
    const { alone, good } = compare(use, 60)
    assert.ok(good < alone - 0.02, `${use.name}: ${good} with it, ${alone} without`)
  }
})

test('a clock that is set moves timestamps only: users get the same, to the last millisecond', () => {
  const play = (act: boolean) => {
    const bench = new Bench({}, fault('type: clock_skew, node: 2, skew: -90s', '20s'))
    const requests: unknown[] = []
    const { exports } = bench.playing
    const tell = exports.onRequest
    exports.onRequest = (request) => {
      tell(request)
      requests.push([request.atMs, request.ms, request.outcome])
    }
    for (let at = 30; at <= 60; at += 10) {
      bench.until(at)
      if (act) for (const node of ['node-1', 'node-2', 'node-3']) bench.act('set_clock', { node })
    }
    return { requests, harm: bench.lost }
  }
  assert.deepEqual(play(true), play(false))
})

test('an agent that is restarted for nothing costs users nothing and ten seconds of sight, which are counted', () => {
  const play = (act: boolean) => {
    const scenario = parseScenario('{ name: watched, duration: 2m, observation: { scrape: 5s } }', 'watched.yaml')
    const sent: string[] = []
    const playing = prepare({
      topology: topologyOf({}),
      scenario,
      seed: 3,
      startMs,
      send: ({ signal }) => sent.push(signal),
    })
    const control = new Control(playing)
    playing.world.runUntil(60 * second)
    if (act) control.act('restart_agent', { service: 'api' }, 'test')
    playing.world.runUntil(90 * second)
    return { sent: sent.length, served: [...playing.world.load.served], told: playing.truth.harm.told()[0] }
  }
  const [without, restarted] = [play(false), play(true)]
  assert.deepEqual(restarted.served, without.served)
  assert.ok(restarted.told!.lostBatches >= 6, String(restarted.told!.lostBatches))
  assert.ok(without.sent - restarted.sent >= 6)
  assert.equal(restarted.told!.excessBadRequests, 0)
})

test('a cordoned node takes nothing new, and an eviction waits while another instance is missing', () => {
  const bench = new Bench().until(1)
  bench.act('cordon', { node: 'node-1' })
  bench.act('scale', { service: 'api', replicas: 8 })
  bench.until(10)
  const on = bench.world.service('api').instances.map(({ machine }) => machine.name)
  assert.equal(on.length, 8)
  assert.ok(on.slice(2).every((name) => name !== 'node-1'))
  const [first, second_] = bench.world.service('api').instances
  bench.act('evict_instance', { instance: first!.name })
  assert.throws(
    () => bench.act('evict_instance', { instance: second_!.name }),
    /has to stay: another instance of api is missing/,
  )
})

const wrong: readonly (readonly [name: string, args: object, message: RegExp])[] = [
  ['scal', {}, /there is no action "scal"; did you mean "scale"\?/],
  ['scale', { service: 'apii', replicas: 1 }, /there is no service "apii"; did you mean "api"\?/],
  ['scale', { service: 'api', replicas: -1 }, /scale: replicas: Too small/],
  [
    'scale',
    { service: 'api', replica: 2 },
    /scale: replicas: Invalid input.*there is no argument "replica"; did you mean "replicas"/,
  ],
  ['scale', { service: 'psp', replicas: 2 }, /psp belongs to a partner: ask them/],
  ['deploy', { service: 'api', version: '9' }, /there is no version of api "9"; there are 1.9.9, 2.0.0/],
  ['deploy', { service: 'api', version: '2.0.0' }, /api runs 2.0.0 already/],
  ['rollback', { service: 'api', revision: 9 }, /api has no revision 9; there are 1 \(1.9.9\), 2 \(2.0.0\)/],
  [
    'rate_limit',
    { service: 'api', perSecond: 5, costs: { work: 6 } },
    /work costs 6 of 5 tokens: it would never be admitted/,
  ],
  [
    'rate_limit',
    { service: 'api', perSecond: 5, costs: { wrk: 1 } },
    /there is no operation of api "wrk"; did you mean "work"/,
  ],
  ['remove_rate_limit', { service: 'api' }, /api has no rate limit/],
  ['circuit_break', { from: 'api', to: 'web' }, /nobody calls web from api; there is users/],
  ['set_autoscaling', { service: 'api', min: 1 }, /api has no autoscaler; there is none/],
  ['create_index', { database: 'db', index: 't_id' }, /db has the index t_id already/],
  ['create_index', { database: 'redis', index: 'x' }, /redis is no database but a cache; there is db/],
  ['drop_index', { database: 'db', index: 't_ib' }, /there is no index of db "t_ib"; did you mean "t_id"/],
  ['set_pool', { service: 'web', database: 'db', size: 4 }, /web has no connections to db; there is none/],
  ['cordon', { node: 'node-9' }, /there is no node "node-9"; did you mean "node-1"/],
  ['uncordon', { node: 'node-1' }, /node-1 is not cordoned/],
  ['kill_instance', { instance: 'api-x' }, /there is no instance "api-x"/],
]

test('an action that does not fit is refused, says what would, and changes and counts nothing', () => {
  const bench = new Bench().until(1)
  for (const [name, args, message] of wrong) assert.throws(() => bench.act(name, args), message, name)
  assert.deepEqual(bench.told(), [])
})

test('every action that users can feel is used badly by a test here', () => {
  const used = new Set(harms.map(({ name }) => name.split(',')[0]))
  assert.deepEqual(
    [...actions.keys()].filter((name) => !used.has(name)),
    ['set_clock', 'restart_agent'],
    'these two do nothing to users, as the tests above show',
  )
})

test('the same actions at the same times give the same world', () => {
  const play = () => {
    const bench = new Bench({}, fault('type: lost_index, query: db/read', '10s')).until(20)
    bench.act('restart', { service: 'api' })
    bench.act('circuit_break', { from: 'web', to: 'api/list', share: 0.5 })
    bench.until(30).act('create_index', { database: 'db', index: 't_id' })
    bench.until(50)
    return [bench.told(), [...bench.world.load.served]]
  }
  assert.deepEqual(play(), play())
})
