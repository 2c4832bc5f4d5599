import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Batch, Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { startEngine } from '../../pipeline/testing/engine.ts'
import { memorySink, memorySource } from '../../pipeline/testing/memory.ts'
import factory from './index.ts'

const names = ['logs/1', 'logs/2', 'logs/3', 'logs/4']
const options: TestContextOptions = { signals: ['logs'], outputs: ['logs'], routes: [...names, 'logs/5'] }
const fourLevels = 'priority_levels: [[logs/1], [logs/2], [logs/3], [logs/4]]\nretry_interval: 1m\n'
const direct = `${fourLevels}sending_queue: {enabled: false}\n`

describeContract(factory, fourLevels, options)
describeContract(factory, direct, options)

/** A connector over pipelines of which some refuse. */
function over(yaml: string) {
  const down = new Set<string>()
  let retryable = true
  const accept: TestContextOptions['accept'] = (_batch, _signal, route = '') => {
    if (down.has(route)) throw new Rejected(`${route} is down`, { retryable, retryAfterMs: 5 })
  }
  const built = build(factory, yaml, { ...options, accept })
  return {
    ...built,
    set: (...pipelines: string[]) => {
      down.clear()
      for (const pipeline of pipelines) down.add(`logs/${pipeline}`)
    },
    refuseForGood: () => (retryable = false),
    /** Which pipelines took it. */
    send: async (batch: Batch = record('x')) => {
      built.context.recorded.emitted.length = 0
      await built.handle(batch)
      return routesOf(built.context)
    },
  }
}

const record = (body: string) => newLogs().resource({}).record({ body }).build()
const routesOf = ({ recorded }: TestContext) => recorded.emitted.map(({ route }) => route)

test('all goes to the first level while that works', async () => {
  const { send } = over(direct)
  assert.deepEqual([await send(), await send()], [['logs/1'], ['logs/1']])
})

test('a level that refuses is left, and tried again when the interval is over', async () => {
  const { send, set, context } = over(direct)
  set('1')
  assert.deepEqual(await send(), ['logs/2'])
  set()
  await context.clock.advance(59_000)
  assert.deepEqual(await send(), ['logs/2'])
  await context.clock.advance(1_000)
  assert.deepEqual(await send(), ['logs/1'])
  assert.equal(context.clock.pendingTimers, 0)
})

test('from level 3 to 2 to 1', async () => {
  const { send, set, context } = over(direct)
  set('1', '2')
  assert.deepEqual(await send(), ['logs/3'])
  set('1')
  await context.clock.advance(60_000)
  assert.deepEqual(await send(), ['logs/2'])
  set()
  await context.clock.advance(60_000)
  assert.deepEqual(await send(), ['logs/1'])
})

test('from level 3 to 2 to 4 to 3 to 1', async () => {
  const { send, set, context } = over(direct)
  const took: unknown[] = []
  for (const down of [['1', '2'], ['1'], ['1', '2', '3'], ['1', '2'], []]) {
    set(...down)
    await context.clock.advance(60_000)
    took.push(...(await send()))
  }
  assert.deepEqual(took, ['logs/3', 'logs/2', 'logs/4', 'logs/3', 'logs/1'])
})

test('all pipelines of a level take the batch; where one refuses, the next level takes it', async () => {
  const { send, set } = over('priority_levels: [[logs/1, logs/2], [logs/3]]\nsending_queue: {enabled: false}')
  assert.deepEqual(await send(), ['logs/1', 'logs/2'])
  set('2')
  assert.deepEqual(await send(), ['logs/1', 'logs/3'])
  assert.deepEqual(await send(), ['logs/3'])
})

test('what no level takes is refused, and the levels stay as they are', async () => {
  const { send, set, context } = over(direct)
  set('1', '2', '3', '4')
  await assert.rejects(send(), {
    name: 'Rejected',
    message: 'All provided pipelines return errors: logs/4 is down',
    retryable: true,
    retryAfterMs: 5,
  })
  set()
  assert.deepEqual(await send(), ['logs/1'])
  assert.equal(context.recorded.gauges.get('vigil_failover_level{connector="failover"}')?.(), 1)
})

test('a refusal for good tries the next level too', async () => {
  const { send, set, refuseForGood } = over(direct)
  refuseForGood()
  set('1')
  assert.deepEqual(await send(), ['logs/2'])
  set('2', '3', '4')
  await assert.rejects(send(), { retryable: false })
})

test('a batch that was under way when the first level came back does not leave it again', async () => {
  let letGo = () => {}
  const wait = new Promise<void>((resolve) => (letGo = resolve))
  let down = true
  const accept: TestContextOptions['accept'] = async (batch, _signal, route) => {
    if (batch.count === 2 && route === 'logs/1') await wait
    if (route === 'logs/1' && (down || batch.count === 2)) throw new Rejected('down', { retryable: true })
  }
  const { handle, context } = build(factory, direct, { ...options, accept })
  const slow = handle(newLogs().resource({}).record({ body: 'a' }).record({ body: 'b' }).build())
  await handle(record('x'))
  down = false
  await context.clock.advance(60_000)
  await handle(record('y'))
  letGo()
  await slow
  assert.deepEqual(routesOf(context), ['logs/2', 'logs/1', 'logs/2'])
  assert.equal(context.recorded.gauges.get('vigil_failover_level{connector="failover"}')?.(), 1)
})

test('it tells that it works at a lower level, and that it is back', async () => {
  const { send, set, context } = over(direct)
  set('1')
  await send()
  set()
  await context.clock.advance(60_000)
  await send()
  assert.deepEqual(
    context.recorded.states.map(({ state }) => state),
    ['recoverable', 'ok'],
  )
  assert.deepEqual(
    context.recorded.lines.map(({ level, message }) => [level, message]),
    [
      ['warn', 'failed over to a lower priority level'],
      ['info', 'returned to a higher priority level'],
    ],
  )
})

test('with a queue, which there is unless it is turned off, the sender does not wait for the levels', async () => {
  const { instance, handle, context, set } = over(fourLevels)
  await instance.start?.()
  set('1', '2', '3', '4')
  await handle(record('lost'))
  await context.clock.advance(1)
  assert.deepEqual(
    context.recorded.drops.map(({ items, intent }) => [items, intent]),
    [[1, 'lost']],
  )
  set()
  await handle(record('kept'))
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(routesOf(context), ['logs/1'])
})

for (const [what, after, expected] of [
  ['with a queue', fourLevels, ['logs/2', 'logs/2']],
  ['without a queue afterwards', direct, ['logs/2', 'logs/2']],
  ['with other numbers', fourLevels.replace('[logs/1]', '[logs/5], [logs/1]'), ['logs/2', 'logs/2']],
  ['without that level', fourLevels.replace('[logs/2], ', ''), ['logs/1', 'logs/1']],
] as const) {
  test(`what waits in the queue, and the level, survive a reload ${what}`, async () => {
    let isStuck = false
    const accept: TestContextOptions['accept'] = async (_batch, _signal, route) => {
      if (isStuck || route === 'logs/1') throw new Rejected('down', { retryable: true })
    }
    const one = `${fourLevels}sending_queue: {num_consumers: 1, batch: {flush_timeout: 10s, min_size: 100}}\n`
    const before = build(factory, one, { ...options, accept })
    await before.instance.start?.()
    await before.handle(record('first'))
    await before.context.clock.advance(10_000)
    assert.deepEqual(routesOf(before.context), ['logs/2'])
    isStuck = true
    await before.handle(record('waits'))
    const state = await before.instance.save?.()
    await before.instance.shutdown?.(AbortSignal.timeout(1_000))
    assert.deepEqual(before.context.recorded.drops, [])
    const next = build(factory, after, options)
    await next.instance.restore?.(state!)
    await next.instance.start?.()
    await next.handle(record('later'))
    await next.instance.shutdown?.(AbortSignal.timeout(1_000))
    assert.deepEqual(routesOf(next.context), expected)
  })
}

test('in a running engine: a failed level, a reload while data waits, and every record arrives once', async () => {
  const [source, one, two] = [memorySource(), memorySink('one'), memorySink('two')]
  const refuse = () => {
    throw new Rejected('down', { retryable: true })
  }
  const yaml = (minSize: number) => `receivers: {source: }
exporters: {one: , two: }
connectors:
  failover:
    priority_levels: [[logs/1], [logs/2]]
    sending_queue: {batch: {flush_timeout: 10m, min_size: ${minSize}}}
service:
  pipelines:
    logs/in: {receivers: [source], exporters: [failover]}
    logs/1: {receivers: [failover], exporters: [one]}
    logs/2: {receivers: [failover], exporters: [two]}`
  const { change, stop } = await startEngine(yaml(2), [factory, source.factory, one.factory, two.factory])
  one.beforeTaking = refuse
  await source.send(record('a'))
  await source.send(record('b'))
  await source.send(record('c'))
  await change(yaml(3))
  one.beforeTaking = () => {}
  await source.send(record('d'))
  assert.deepEqual(await stop(), [])
  const bodies = [...one.received, ...two.received].flatMap(({ batch }) => [...(batch as Logs)].map(({ body }) => body))
  assert.deepEqual([bodies.length, new Set(bodies)], [4, new Set(['a', 'b', 'c', 'd'])])
  assert.equal(one.count(), 0, 'the level in use survives the reload')
})

const valid = [
  'priority_levels: [[logs/1]]',
  'priority_levels: [[logs/1, logs/2], [logs/3]]\nretry_interval: 5m\nretry_gap: 1m\nmax_retries: 3',
  'priority_levels: [[logs/1]]\nsending_queue: {enabled: true, queue_size: 5}',
  'priority_levels: [[logs/1]]\nsending_queue:',
]
for (const yaml of valid) test(`accepted: ${yaml.replaceAll('\n', '; ')}`, () => void build(factory, yaml, options))

const refused: readonly (readonly [yaml: string, message: RegExp])[] = [
  ['', /No pipelines are defined in the priority list/],
  ['priority_levels: []', /No pipelines are defined in the priority list/],
  ['priority_levels: [[logs/1]]\nretry_interval: 0m', /Retry interval must be positive/],
  ['priority_levels: [[logs/1]]\nretry_interval: -1s', /Retry interval must be positive/],
  ['priority_levels: [[logs/1]]\nsending_queue: {queue_size: 0}', /`queue_size` must be positive/],
  ['priority_levels: [[spam/1]]', /unknown pipeline signal: "spam"/],
  ['priority_levels: [[logs/1]]\nretry_on_failure: {}', /has invalid keys: retry_on_failure/],
]
for (const [yaml, message] of refused) {
  test(`refused: ${yaml.replaceAll('\n', '; ')}`, () => {
    assert.throws(
      () => build(factory, yaml, options),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
  })
}

test('a pipeline that does not start with the connector is refused, in upstream’s words', () => {
  for (const yaml of ['priority_levels: [[logs/9]]', 'priority_levels: [[]]'])
    assert.throws(() => build(factory, yaml, options), /^Error: Error registering consumer/)
})
