import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../component.ts'
import { newMetrics } from '../data/builders.ts'
import type { Metrics } from '../data/telemetry.ts'
import { testContext } from '../testing/context.ts'
import { Complaints } from './complaints.ts'
import { ScrapeController, type Scraped } from './controller.ts'
import { ExpiringCache } from './expiring-cache.ts'
import { Increments } from './increments.ts'
import { instanceId, isLoopback } from './instance-id.ts'

const settings = { collection_interval: 10_000, initial_delay: 1_000, timeout: 0 }
const one = (): Scraped<Metrics> => ({
  batch: newMetrics()
    .gauge('a', [{ value: 1 }, { value: 2 }])
    .build(),
  scraped: 1,
  errored: 0,
})

function controller(
  scrape: (signal: AbortSignal) => Promise<Scraped<Metrics>>,
  options: Parameters<typeof testContext>[0] = {},
  more = {},
) {
  const context = testContext({ kind: 'receiver', id: 'db', ...options })
  const made = new ScrapeController<Metrics>({ ...settings, ...more }, context, 'metrics', [{ name: 'db', scrape }])
  made.start()
  return { context, made }
}
const counted = (name: string) => `otelcol_scraper_${name}_metric_points{receiver="db",scraper="db"}`

test('it collects after the initial delay, then at every interval, and counts as upstream', async () => {
  const { context, made } = controller(async () => one())
  await context.clock.advance(999)
  assert.equal(context.recorded.emitted.length, 0)
  await context.clock.advance(1)
  assert.equal(context.recorded.emitted.length, 1)
  await context.clock.advance(20_000)
  assert.equal(context.recorded.emitted.length, 3)
  assert.equal(context.recorded.sums.get(counted('scraped')), 3)
  assert.equal(context.recorded.sums.get(counted('errored')), 0)
  await made.shutdown()
  await context.clock.advance(20_000)
  assert.equal(context.recorded.emitted.length, 3)
})

test('a collection that takes long is waited for, never joined by another', async () => {
  let running = 0
  const ends: (() => void)[] = []
  const { context, made } = controller(async () => {
    running++
    await new Promise<void>((resolve) => ends.push(resolve))
    running--
    return one()
  })
  await context.clock.advance(35_000)
  assert.equal(running, 1)
  ends[0]!()
  await context.clock.advance(10_000)
  assert.deepEqual([running, ends.length], [1, 2])
  const stopped = made.shutdown()
  ends[1]!()
  await stopped
})

test('the timeout ends a collection; the shutdown does so without a word', async () => {
  const scrape = (signal: AbortSignal) =>
    new Promise<Scraped<Metrics>>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  const { context, made } = controller(scrape, {}, { timeout: 5_000 })
  await context.clock.advance(6_000)
  assert.match(String(context.recorded.lines[0]!.fields['error']), /took longer than 5000 ms/)
  await context.clock.advance(5_000)
  await made.shutdown()
  assert.equal(context.recorded.lines.length, 1)
})

test('it is recoverable while nothing can be read, and ok again afterwards', async () => {
  let isDown = true
  const { context, made } = controller(async () => {
    if (isDown) throw new Error('down')
    return one()
  })
  await context.clock.advance(21_000)
  isDown = false
  await context.clock.advance(10_000)
  await made.shutdown()
  assert.deepEqual(
    context.recorded.states.map(({ state }) => state),
    ['recoverable', 'recoverable', 'recoverable', 'ok'],
  )
  assert.deepEqual(
    context.recorded.lines.map(({ level }) => level),
    ['error', 'info'],
  )
})

test('what the pipeline refuses is counted as lost', async () => {
  const accept = () => {
    throw new Rejected('full', { retryable: true })
  }
  const { context, made } = controller(async () => one(), { accept })
  await context.clock.advance(1_000)
  await made.shutdown()
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'refused_downstream', intent: 'lost' }])
})

test('what fails is said once, again after ten minutes, and when it is over', async () => {
  const { clock, logger, recorded } = testContext()
  const complaints = new Complaints(clock, logger)
  for (let i = 0; i < 100; i++) {
    complaints.failed('It failed.', new Error('no'))
    await clock.advance(10_000)
  }
  complaints.worked('It failed.')
  complaints.worked('It failed.')
  assert.deepEqual(
    recorded.lines.map(({ level }) => level),
    ['error', 'error', 'info'],
  )
})

test('counters that fall were reset, and what is forgotten begins anew', () => {
  const increments = new Increments(2)
  assert.deepEqual(increments.of('a', [5, 1]), [5, 1])
  assert.deepEqual(increments.of('a', [7, 0]), [2, 0])
  increments.of('b', [1])
  increments.of('c', [1])
  assert.equal(increments.has('a'), false)
  const next = new Increments(2)
  next.restore(increments.save())
  assert.deepEqual(next.of('c', [4]), [3])
})

test('a cache keeps what was used last, for its time', () => {
  let nowMs = 0
  const cache = new ExpiringCache<number>(2, 100, () => nowMs)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c'), cache.size], [1, undefined, 3, 2])
  nowMs = 100
  assert.equal(cache.get('a'), undefined)
})

test('an instance id is the UUID that upstream makes', () => {
  // uuid.NewSHA1 of google/uuid, as the receivers of upstream call it.
  assert.match(instanceId('db:5432'), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.deepEqual(['127.0.0.1', '127.9.9.9', '::1', '10.0.0.1', '::2', 'localhost'].map(isLoopback), [
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})
