/** Whatever way spans take, the same is counted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext } from '../../pipeline/testing/context.ts'
import factory from './index.ts'
import { batchOf, keyOf, numberOf, open, pointsOf, type Span } from './spans.fixture.ts'

type Draw = () => number

function drawOf(seed: number): Draw {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

/** Traces of services that call each other, a database, a queue and somebody unknown, in many ways. */
function traces(draw: Draw, count: number): Span[] {
  const spans: Span[] = []
  for (let trace = 1; trace <= count; trace++) {
    let ids = 0
    const sampling = draw() < 0.3 ? { traceState: 'ot=th:6' } : {}
    const add = (span: Omit<Span, 'id' | 'trace'>): number => {
      spans.push({ trace, id: ++ids, ...sampling, ...span })
      return ids
    }
    const request = (service: string, parent: number | undefined, at: number, seconds: number, depth: number): void => {
      const of = { service, instance: `${service}-${Math.floor(draw() * 2)}` }
      const skew = draw() < 0.2 ? 3_600 * draw() : 0
      const id = add({
        ...of,
        ...(parent === undefined ? {} : { parent }),
        name: `op ${Math.floor(draw() * 3)}`,
        at: at + skew,
        for: seconds,
        failed: draw() < 0.1,
      })
      const inner = draw() < 0.3 ? add({ ...of, kind: 'internal', parent: id, at: at + skew, for: seconds * 0.9 }) : id
      for (let calls = depth > 3 ? 0 : Math.floor(draw() * 4); calls > 0; calls--) {
        const begin = at + draw() * seconds
        const length = draw() * seconds
        const client = { ...of, parent: inner, at: begin + skew, for: length, failed: draw() < 0.1 }
        const what = draw()
        if (what < 0.2) {
          const attributes = { 'db.system.name': 'postgresql', 'server.address': 'db', 'db.query.summary': 'SELECT x' }
          add({ ...client, kind: 'client', attributes })
        } else if (what < 0.3) {
          add({ ...client, kind: 'client', attributes: { 'server.address': 'partner.example' } })
        } else if (what < 0.4) {
          const attributes = { 'messaging.destination.name': 'orders' }
          const sent = add({ ...client, kind: 'producer', attributes })
          add({ service: 'mail', kind: 'consumer', parent: sent, at: begin + 3, for: 1, attributes })
        } else {
          const callee = `service-${Math.floor(draw() * 4)}`
          const call = add({ ...client, kind: 'client', attributes: { 'server.address': callee } })
          request(callee, call, begin, length * draw(), depth + 1)
          if (draw() < 0.1) request(callee, call, begin, length, depth + 1)
        }
      }
    }
    request('front', undefined, draw() * 40, 0.001 + draw() ** 4 * 8, 0)
  }
  return spans
}

function shuffled<T>(list: readonly T[], draw: Draw): T[] {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const k = Math.floor(draw() * (i + 1))
    ;[copy[i], copy[k]] = [copy[k]!, copy[i]!]
  }
  return copy
}

/** At which any of the histograms can be read: how fine one is depends on what else is in it. */
const lowScale = 2

/** Everything that was sent, added up: numbers as they are, histograms with their buckets. */
function everything(context: Pick<TestContext, 'recorded'>): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  const add = (key: string, value: number) => sums.set(key, (sums.get(key) ?? 0) + value)
  for (const point of pointsOf(context)) {
    const key = keyOf(point)
    const { distribution } = point
    if (distribution === undefined) {
      add(key, numberOf(point.value))
      continue
    }
    add(`${key} count`, Number(distribution.count))
    add(`${key} sum`, distribution.sum!)
    const { scale, zeroCount, positive } = distribution.exponential!
    add(`${key} zero`, Number(zeroCount))
    for (const [i, count] of positive.counts.entries())
      if (count > 0n) add(`${key} bucket ${(positive.offset + i) >> (scale - lowScale)}`, Number(count))
  }
  return sums
}

/** Sums of values depend in their last digits on the order in which they were added. */
function assertSame(actual: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort())
  for (const [key, value] of expected) assert.ok(Math.abs(actual.get(key)! - value) < 1e-7, key)
}

async function inOneGo(spans: readonly Span[]): Promise<ReadonlyMap<string, number>> {
  const { send, settle, context } = await open()
  await send(spans)
  await settle()
  return everything(context)
}

test('in any order, in any batches, with any delay within the wait: the same counts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 1, max: 12 }), async (seed, parts) => {
      const draw = drawOf(seed)
      const spans = traces(draw, 12)
      const { handle, clock, settle, context } = await open()
      const mixed = shuffled(spans, draw)
      for (let part = 0; part < parts; part++) {
        const from = Math.floor((part * mixed.length) / parts)
        const to = Math.floor(((part + 1) * mixed.length) / parts)
        await handle(batchOf(mixed.slice(from, to)))
        if (part < parts - 1) await clock.advance(4_900 / parts)
      }
      await settle()
      assertSame(everything(context), await inOneGo(spans))
    }),
    { numRuns: 25 },
  )
})

test('shards by trace add up to the whole', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const spans = traces(drawOf(seed), 30)
    const shards = await Promise.all(
      [0, 1, 2].map(async (shard) => {
        const { send, settle, context } = await open()
        await send(spans.filter(({ trace }) => trace! % 3 === shard))
        await settle()
        return context.recorded.emitted
      }),
    )
    assertSame(everything({ recorded: { ...noRecord, emitted: shards.flat() } }), await inOneGo(spans))
  }
})
const noRecord = { drops: [], states: [], lines: [], sums: new Map(), gauges: new Map() }

test('reloads at any time change nothing', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const draw = drawOf(seed)
    const spans = traces(draw, 20)
    const mixed = shuffled(spans, draw)
    const emitted: TestContext['recorded']['emitted'][number][] = []
    let state: Uint8Array | undefined
    for (let part = 0; part < 4; part++) {
      const { instance, handle, context } = build(factory, '{}', { signals: ['traces'] })
      if (state !== undefined) await instance.restore!(state)
      await instance.start?.()
      await handle(batchOf(mixed.slice((part * mixed.length) >> 2, ((part + 1) * mixed.length) >> 2)))
      if (part < 3) {
        await context.clock.advance(draw() * 4_000)
        state = await instance.save!()
        await instance.shutdown?.(AbortSignal.timeout(1_000))
      } else await context.clock.advance(20_000)
      emitted.push(...context.recorded.emitted)
    }
    assertSame(everything({ recorded: { ...noRecord, emitted } }), await inOneGo(spans))
  }
})
