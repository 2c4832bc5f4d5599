/** Lost telemetry and lost traffic look the same from where they are missing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { seeded } from '../../pipeline/testing/payloads.ts'
import { type Anomaly, readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'
import { edge, service, Tick } from './ticks.fixture.ts'

const start = Date.parse('2026-11-21T10:00:00Z') / 1000
const names = ['frontend', 'order', 'payment', 'search', 'stock'] as const
type Name = (typeof names)[number]
const calls = [
  ['frontend', 'order'],
  ['frontend', 'search'],
  ['order', 'payment'],
  ['order', 'stock'],
] as const satisfies readonly (readonly [Name, Name])[]

/** What goes wrong, in each tick. */
interface Trouble {
  /** Signals that do not come any more. */
  readonly lost?: (name: Name) => readonly string[]
  /** What callers see of a service. */
  readonly seen?: (name: Name) => { readonly calls: number; readonly errors: number }
  readonly cpu?: (name: Name) => number
  readonly restarts?: (name: Name) => number
  /** Of the request rate of a service. */
  readonly p?: (name: Name) => number
}

const minute = 60
const all = ['traces', 'metrics', 'logs']

/** Hours of a world in which all is well, then trouble; what was said, by time since the trouble. */
async function world(trouble: Trouble, lasts = 5 * minute, ticks = true, rhythm: (name: Name) => number = () => 1) {
  const { instance, context, handle } = build(factory, '{}', { kind: 'connector' })
  await instance.start?.()
  const heard = new Map<string, number>()
  const began = start + 15 * minute
  const tickAt = async (at: number, now: Trouble) => {
    const tick = new Tick(at)
    for (const name of names) {
      const lost = now.lost?.(name) ?? []
      for (const signal of all) {
        const key = `${name} ${signal}`
        if (!lost.includes(signal)) heard.set(key, at - (signal === 'metrics' ? at % 15 : at % rhythm(name) || 1))
        tick.age(service(name), signal, at - (heard.get(key) ?? at))
      }
      const isSeen = !lost.includes('traces')
      tick.feature(service(name), 'vigil.request.count', isSeen ? 600 : 0)
      if (!lost.includes('metrics')) tick.feature(service(name), 'vigil.cpu.utilization', now.cpu?.(name) ?? 0.4)
      tick.feature(service(name), 'vigil.restarts', now.restarts?.(name) ?? 0, '5m')
      const p = now.p?.(name) ?? (isSeen ? 0.4 : 1e-11)
      tick.p(service(name), p)
      if (p < 1e-3)
        tick.because(service(name), at - 20, { feature: 'vigil.request.rate', observed: 0, expected: [8, 12] })
    }
    for (const [source, target] of calls) {
      if (now.lost?.(source)?.includes('traces') === true) continue
      const { calls: count, errors } = now.seen?.(target) ?? { calls: 600, errors: 0 }
      tick.feature(edge(source, target), 'vigil.request.count', count)
      tick.feature(edge(source, target), 'vigil.error.ratio', errors)
    }
    await context.clock.advance(10_000)
    await handle(tick.build())
  }
  let at = start
  for (; at <= began; at += 10) await tickAt(at, {})
  for (; at <= began + lasts; at += 10) {
    if (ticks) await tickAt(at, trouble)
    else await context.clock.advance(10_000)
  }
  for (; at <= began + lasts + 10 * minute; at += 10) await tickAt(at, {})
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  const events = context.recorded.emitted.flatMap(({ batch }) =>
    [...(batch as Logs)].map((record) => readAnomaly(record) as Anomaly),
  )
  return {
    brief: events.map(({ entity, type, state, severity }) => `${entityLabel(entity)} ${type} ${state} ${severity}`),
    texts: events.map(({ text }) => text),
    /** Seconds until the first was said. */
    delay: events[0] === undefined ? Number.NaN : Number(BigInt(events[0].until) / 1_000_000_000n) - began,
    events,
    context,
  }
}

function only<T>(name: Name, then: T, otherwise: T): (of: Name) => T {
  return (of) => (of === name ? then : otherwise)
}

test('a service that only falls silent is lost telemetry, never less traffic', async () => {
  const { brief, texts, delay, context } = await world({ lost: only('payment', all, []) })
  assert.deepEqual(brief, ['payment blind active low', 'payment blind cleared low'])
  assert.match(
    texts[0]!,
    /^telemetry lost from payment: no traces, logs since 10:14:59, and nothing else says that it does not work$/,
  )
  assert.ok(delay <= 30, `${delay} s`)
  assert.ok((context.recorded.sums.get('otelcol_connector_alarms_held_back{reason="silence"}') ?? 0) > 0)
})

test('a silent service whose callers fail is down', async () => {
  const { brief, texts, delay } = await world({
    lost: only('payment', ['traces'], []),
    seen: only('payment', { calls: 600, errors: 0.9 }, { calls: 600, errors: 0 }),
  })
  assert.deepEqual(brief, ['payment silent active high', 'payment silent cleared high'])
  assert.equal(texts[0], 'payment is silent since 10:14:59: calls to it fail')
  assert.ok(delay <= 30, `${delay} s`)
})

test('a silent service that nobody calls any more, while its metrics arrive, has lost its traffic', async () => {
  const { brief, texts } = await world({
    lost: only('payment', ['traces'], []),
    seen: only('payment', { calls: 0, errors: 0 }, { calls: 600, errors: 0 }),
  })
  assert.deepEqual(brief, ['payment silent active high', 'payment silent cleared high'])
  assert.equal(texts[0], 'payment is silent since 10:14:59: calls to it have stopped')
})

test('a silent service whose processes restart is down', async () => {
  const { brief, texts } = await world({
    lost: only('search', all, []),
    restarts: only('search', 3, 0),
  })
  assert.deepEqual(brief, ['search silent active high', 'search silent cleared high'])
  assert.equal(texts[0], 'search is silent since 10:14:59: its processes restart')
})

test('what nothing confirmed at first and something confirms later is told as what it is', async () => {
  let ticks = 0
  const { brief } = await world({
    lost: only('payment', all, []),
    seen: (name) => {
      if (name === 'stock') ticks++
      return name === 'payment' && ticks > 10 ? { calls: 300, errors: 1 } : { calls: 600, errors: 0 }
    },
  })
  assert.deepEqual(brief, [
    'payment blind active low',
    'payment blind cleared low',
    'payment silent active high',
    'payment silent cleared high',
  ])
})

test('a service nobody is known to call is silent when it computes less, and blind when it computes as before', async () => {
  const lost = only<readonly string[]>('frontend', ['traces'], [])
  const idle = await world({ lost, cpu: only('frontend', 0.05, 0.4) })
  assert.deepEqual(idle.brief, ['frontend silent active high', 'frontend silent cleared high'])
  const busy = await world({ lost })
  assert.deepEqual(busy.brief, ['frontend blind active low', 'frontend blind cleared low'])
})

test('metrics that stop are lost metrics, and traffic is judged all the same', async () => {
  const { brief, texts } = await world({ lost: only('payment', ['metrics'], []) })
  assert.deepEqual(brief, ['payment blind active low', 'payment blind cleared low'])
  assert.match(texts[0]!, /^telemetry lost from payment: no metrics since/)
})

test('logs are silent for many reasons', async () => {
  const { brief } = await world({ lost: only('payment', ['logs'], []) })
  assert.deepEqual(brief, [])
})

test('all sources silent is one blindness about everything, and no alarm about less traffic', async () => {
  const { brief, texts, delay, events } = await world({ lost: () => all })
  assert.deepEqual(brief, ['external all sources blind active high', 'external all sources blind cleared high'])
  assert.match(texts[0]!, /^telemetry lost: no traces from 5 of 5 services since 10:14:59$/)
  assert.ok(delay <= 30, `${delay} s`)
  assert.equal(events[0]?.wakes, false)
  assert.equal(events[1]?.id, events[0]?.id)
})

test('sources with different rhythms that fall silent together are one blindness', async () => {
  // Those of the last two are heard of every 20 s at best, as metrics are.
  const { brief } = await world({ lost: () => all }, 5 * minute, true, (name) => (name > 'payment' ? 20 : 1))
  assert.deepEqual(brief, ['external all sources blind active high', 'external all sources blind cleared high'])
})

test('a large share silent at once is one blindness too', async () => {
  const { brief } = await world({ lost: (name) => (name === 'search' || name === 'stock' ? [] : all) })
  assert.deepEqual(brief, ['external all sources blind active high', 'external all sources blind cleared high'])
})

test('spans of everything lost while metrics arrive are lost spans', async () => {
  const { brief } = await world({ lost: () => ['traces'] })
  assert.deepEqual(brief, ['external all sources blind active high', 'external all sources blind cleared high'])
})

test('no features at all is told by the clock, and cleared when they come again', async () => {
  const { brief, texts } = await world({}, 3 * minute, false)
  assert.deepEqual(brief, ['external all sources blind active high', 'external all sources blind cleared high'])
  assert.match(texts[0]!, /^telemetry lost: no features of anything for 2\d s; the last are of 10:15:00$/)
})

test('less traffic than usual is told when callers agree, and not when they see as much as before', async () => {
  const p = only('payment', 1e-11, 0.4)
  const agreed = await world({ p, seen: only('payment', { calls: 100, errors: 0 }, { calls: 600, errors: 0 }) })
  assert.deepEqual(agreed.brief, ['payment silent active high', 'payment silent cleared high'])
  const alone = await world({ p })
  assert.deepEqual(alone.brief, [])
  assert.ok((alone.context.recorded.sums.get('otelcol_connector_alarms_held_back{reason="callers_disagree"}') ?? 0) > 0)
})

test('features without scores are a blindness of the analysis', async () => {
  const { brief } = await world({ p: () => Number.NaN }, 8 * minute)
  assert.deepEqual(brief, ['external analysis blind active high', 'external analysis blind cleared high'])
})

test('where hardly anybody can be judged, now more and now fewer, the analysis is not blind; without any judgement it is', async () => {
  const { instance, context, handle } = build(factory, '{}', { kind: 'connector' })
  await instance.start?.()
  const chance = seeded(7)
  const tickAt = async (at: number, isJudged: boolean) => {
    const tick = new Tick(at)
    for (const name of names) {
      tick.age(service(name), 'metrics', at % 15)
      tick.feature(service(name), 'vigil.cpu.utilization', 0.4)
      // A service in twenty ticks, and all of them once an hour.
      if (isJudged && (chance() < 0.05 || at % 3_600 === 0)) tick.p(service(name), 0.4)
    }
    await context.clock.advance(10_000)
    await handle(tick.build())
  }
  let at = start
  for (; at < start + 12 * 3_600; at += 10) await tickAt(at, true)
  assert.deepEqual(context.recorded.emitted, [])
  for (const until = at + 10 * minute; at < until; at += 10) await tickAt(at, false)
  assert.equal(context.recorded.emitted.length, 1)
  await instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('requests that come by chance leave gaps by chance, however few they are and however little is known of them', async () => {
  const { instance, context, handle } = build(factory, '{}', { kind: 'connector' })
  await instance.start?.()
  const chance = seeded(11)
  const gap = (mean: number) => -mean * Math.log(1 - chance())
  // Means from 5 s to 10 min; after a day they are twice as long.
  const sources = Array.from({ length: 40 }, (_, i) => ({
    name: `s${i}`,
    mean: 5 * 1.13 ** i,
    last: start,
    next: start,
  }))
  const lasts = 12 * 3_600
  for (let at = start; at < start + lasts; at += 10) {
    const tick = new Tick(at)
    for (const source of sources) {
      while (source.next <= at) {
        source.last = source.next
        source.next += gap(source.mean * (1 + (at - start) / lasts))
      }
      tick.age(service(source.name), 'traces', at - source.last)
      tick.age(service(source.name), 'metrics', at % 60)
    }
    await context.clock.advance(10_000)
    await handle(tick.build())
  }
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  const said = context.recorded.emitted.flatMap(({ batch }) => [...(batch as Logs)].map(({ body }) => asText(body)))
  assert.deepEqual(said, [])
})

test('a restart is no silence: what stands before gets its time, and sources theirs', async () => {
  const first = build(factory, '{}', { kind: 'connector' })
  await first.instance.start?.()
  const heard = (at: number, silent: boolean) => {
    const tick = new Tick(at)
    for (const name of names) tick.age(service(name), 'traces', silent ? 300 : 1)
    return tick.build()
  }
  let at = start
  for (; at < start + 15 * minute; at += 10) await first.handle(heard(at, false))
  const state = await first.instance.save?.()
  await first.instance.shutdown?.(AbortSignal.timeout(1_000))
  const second = build(factory, '{}', { kind: 'connector' })
  await second.instance.restore?.(state as Uint8Array)
  await second.instance.start?.()
  await second.context.clock.advance(50_000)
  assert.equal(second.context.recorded.emitted.length, 0)
  at += 5 * minute
  await second.handle(heard(at, true))
  for (at += 10; at < start + 25 * minute; at += 10) await second.handle(heard(at, false))
  assert.equal(second.context.recorded.emitted.length, 0)
  await second.context.clock.advance(30_000)
  assert.equal(second.context.recorded.emitted.length, 1)
  await second.instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('a source that is heard of every few minutes is not missed before one knows how long its gaps may be', async () => {
  const { instance, context, handle } = build(factory, '{}', { kind: 'connector' })
  await instance.start?.()
  // Steady ones beside it, so that it is not everything.
  const gaps = [100, 30, 220, 60, 410, 20, 90, 640]
  let at = start
  let last = start
  for (const gap of gaps) {
    for (const until = at + gap; at < until; at += 10) {
      const tick = new Tick(at)
      for (const name of names) tick.age(service(name), 'traces', name === 'stock' ? at - last : 1)
      await context.clock.advance(10_000)
      await handle(tick.build())
    }
    last = at
  }
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(context.recorded.emitted, [])
})
