import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseTopology, readTopology } from '../topology/read.ts'
import type { Observer, SpanRecord } from './observer.ts'
import type { Outcome } from './outcome.ts'
import { World } from './world.ts'

const shop = join(import.meta.dirname, '../../../examples/topologies/shop.yaml')
const startMs = Date.UTC(2026, 10, 21, 10)
const minute = 60_000

interface Seen extends Observer {
  readonly spans: SpanRecord[]
  readonly outcomes: Outcome[]
  readonly changes: string[]
}

function watch(): Seen {
  const [spans, outcomes, changes]: [SpanRecord[], Outcome[], string[]] = [[], [], []]
  return {
    spans,
    outcomes,
    changes,
    span: (span) => spans.push(span),
    log: () => {},
    ended: () => {},
    request: ({ outcome }) => outcomes.push(outcome),
    change: ({ text }) => changes.push(text),
  }
}

async function shopWorld(seed = 1, sampling = 1) {
  const observer = watch()
  const world = new World({ topology: await readTopology(shop), seed, startMs, sampling, observer })
  world.start()
  return { world, observer }
}

/** One service, called 50 times a second; its operation takes 10 ms, all of it CPU. */
function oneService(keys: string, steps = '', rest = '', users = 'rate: 50, day: 0, week: 0, noise: 0, retry: 0') {
  const topology = parseTopology(
    `
name: one
noise: { drift: 0, waits: 0, background: 0 }
users: { ${users}, operations: [{ call: a/work, weight: 1, slow: 100ms }] }
services:
  a: { kind: service, ${keys}, operations: { work: { self: { median: 10ms, sigma: 0.1, cpu: 1 }, errors: 0, steps: [${steps}] } } }
  ${rest}`,
    'one.yaml',
  )
  const observer = watch()
  const world = new World({ topology, seed: 7, startMs, sampling: 1, observer })
  world.start()
  return { world, observer }
}

function share(outcomes: readonly Outcome[], wanted: Outcome): number {
  return outcomes.filter((outcome) => outcome === wanted).length / outcomes.length
}
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const durations = (spans: readonly SpanRecord[], name: string) =>
  spans
    .filter(({ operation, kind }) => operation.name === name && kind === 'server')
    .map((span) => span.endMs - span.startMs)

test('the same seed gives the same events, another one others', async () => {
  const play = async (seed: number) => {
    const { world, observer } = await shopWorld(seed)
    world.runUntil(20_000)
    return observer.spans.map(({ id, startMs: start, endMs, outcome }) => `${id.join()} ${start} ${endMs} ${outcome}`)
  }
  const first = await play(1)
  assert.ok(first.length > 5_000)
  assert.deepEqual(await play(1), first)
  assert.notDeepEqual(await play(2), first)
})

test('every span but the first of a trace has its parent in the same trace, and lies within it unless it is asynchronous', async () => {
  const { world, observer } = await shopWorld()
  world.runUntil(30_000)
  const byId = new Map(observer.spans.map((span) => [span.id.join(), span]))
  let checked = 0
  for (const span of observer.spans) {
    const parent = span.parent && byId.get(span.parent.join())
    if (parent === undefined) continue
    checked++
    assert.equal(parent.trace, span.trace)
    assert.ok(span.startMs >= parent.startMs)
    // Who gives up has ended before who works on.
    if (span.kind === 'server' || span.kind === 'client')
      assert.ok(span.endMs <= parent.endMs + 1e-9 || parent.outcome === 'timeout')
  }
  assert.ok(checked > observer.spans.length / 2)
})

test('sampling decides by the randomness of the trace id', async () => {
  const { world, observer } = await shopWorld(1, 0.1)
  world.runUntil(60_000)
  const sampled = new Set(observer.spans.map(({ trace }) => trace)).size
  const ratio = sampled / observer.outcomes.length
  assert.ok(ratio > 0.07 && ratio < 0.13, String(ratio))
})

test('a service with too few cores gets slow by itself', () => {
  const enough = oneService('instances: 1, cores: 2')
  const few = oneService('instances: 1, cores: 0.55')
  for (const { world } of [enough, few]) world.runUntil(2 * minute)
  assert.ok(median(durations(enough.observer.spans, 'work')) < 12)
  assert.ok(median(durations(few.observer.spans, 'work')) > 18)
})

test('a queue that is full refuses, and the user hears it', () => {
  const { world, observer } = oneService(
    'instances: 1, cores: 1, workers: 1, queue: 2',
    '',
    '',
    'rate: 200, day: 0, noise: 0, retry: 0',
  )
  world.runUntil(minute)
  assert.ok(share(observer.outcomes, 'refused') > 0.3)
})

test('a caller that waits too long gives up, while the callee works on', () => {
  const slow =
    'b: { kind: service, instances: 1, operations: { slow: { self: { median: 500ms, sigma: 0.1, cpu: 0 } } } }'
  const { world, observer } = oneService(
    'instances: 1, cores: 4',
    '{ call: b/slow, timeout: 100ms }',
    slow,
    'rate: 5, day: 0, noise: 0, retry: 0',
  )
  world.runUntil(minute)
  assert.ok(share(observer.outcomes, 'error') > 0.99)
  assert.ok(median(durations(observer.spans, 'slow')) > 400)
})

test('retries without back-off multiply the load on what fails', () => {
  const dead =
    'b: { kind: service, instances: 1, workers: 1, queue: 0, operations: { slow: { self: { median: 200ms, sigma: 0.1 } } } }'
  const callsWith = (retries: string) => {
    const { world } = oneService('instances: 1, cores: 4', `{ call: b/slow${retries} }`, dead)
    world.runUntil(minute)
    return world.service('b').instances[0]!.refused
  }
  assert.ok(callsWith(', retries: { max: 3, backoff: 0 }') > 2.5 * callsWith(''))
})

test('a lost index makes a statement read the table, and the pool before it run dry', async () => {
  const { world, observer } = await shopWorld()
  world.runUntil(minute)
  const before = observer.spans.length
  world.service('paydb').indexes.delete('payments_customer_state')
  world.runUntil(3 * minute)
  const after = observer.spans.slice(before)
  const statements = after.filter(({ operation }) => operation.name === 'find_open_payments')
  assert.ok(statements.some(({ rowsExamined }) => rowsExamined === 1_800_000))
  assert.ok(statements.some(({ poolWaitMs }) => poolWaitMs > 500))
  const checkouts = after.filter(({ operation, kind }) => operation.name === 'POST /checkout' && kind === 'server')
  assert.ok(
    share(
      checkouts.map(({ outcome }) => outcome),
      'ok',
    ) < 0.3,
  )
  const home = after.filter(({ operation, kind }) => operation.name === 'GET /' && kind === 'server')
  assert.ok(
    share(
      home.map(({ outcome }) => outcome),
      'ok',
    ) > 0.99,
    'who does not need the database does not notice',
  )
})

test('memory that is never given back ends in a restart, again and again', () => {
  const { world } = oneService('instances: 2, cores: 4, memory: 64MiB')
  world.service('a').knobs.leakPerRequest = 200_000
  world.runUntil(3 * minute)
  assert.ok(world.service('a').instances.some(({ restarts }) => restarts > 0))
})

test('the autoscaler follows the load and goes back later', () => {
  const { world, observer } = oneService(
    'instances: 2, cores: 0.5, startup: 5s, autoscale: { min: 2, max: 8, cpu: 0.5 }',
  )
  world.runUntil(2 * minute)
  world.load.factor = 4
  world.runUntil(5 * minute)
  assert.ok(world.cluster.replicas(world.service('a')) >= 5, observer.changes.join())
  world.load.factor = 1
  world.runUntil(20 * minute)
  assert.ok(world.cluster.replicas(world.service('a')) <= 3, observer.changes.join())
})

test('a deploy replaces every instance without losing a request', async () => {
  const { world, observer } = await shopWorld()
  world.runUntil(minute)
  const failuresBefore = observer.outcomes.filter((outcome) => outcome !== 'ok').length
  world.cluster.deploy(world.service('ads'), '1.1.0')
  world.runUntil(3 * minute)
  assert.deepEqual([...new Set(world.service('ads').instances.map(({ version }) => version.name))], ['1.1.0'])
  assert.ok(!observer.outcomes.slice(failuresBefore).includes('reset'))
})

test('a topology with mistakes is refused with all of them', () => {
  const broken = `
name: broken
users: { rate: 1, operations: [{ call: a/nothing, weight: 1 }, { call: nobody/x, weight: 1 }] }
services:
  a: { kind: service, operations: { work: { self: { median: 1ms }, steps: [{ call: a/none }, { send: a/topic }] } } }`
  assert.throws(
    () => parseTopology(broken, 'broken.yaml'),
    (error: Error) => {
      for (const text of [
        'a has no nothing; known are work',
        'there is no service nobody',
        'a has no none',
        'a is no service of kind queue',
      ]) {
        assert.ok(error.message.includes(text), error.message)
      }
      return true
    },
  )
  assert.throws(() => parseTopology('name: x\nuser: {}', 'typo.yaml'), /typo\.yaml:2:1.*user/)
})
