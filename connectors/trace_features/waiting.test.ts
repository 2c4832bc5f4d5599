import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WaitingTraces } from './waiting.ts'

const never = () => false

interface Emitted {
  readonly spans: number[]
  readonly isPartial: boolean
}

/** Spans are told apart by a number that stands where their duration would. */
function open(limits: Partial<ConstructorParameters<typeof WaitingTraces>[0]> = {}) {
  const emitted: Emitted[] = []
  const all = { waitMs: 1_000, maxTraces: 1e6, maxSpans: 1e6, maxSpansPerTrace: 1e6, maxBytes: 1e9, ...limits }
  const waiting: WaitingTraces = new WaitingTraces(all, 0, ({ first, count, isPartial }) => {
    const spans: number[] = []
    for (let i = first, n = count; n > 0; i = waiting.spans.next[i]!, n--) spans.push(waiting.spans.duration[i]!)
    emitted.push({ spans, isPartial })
  })
  let number = 0
  return {
    waiting,
    emitted,
    add: (trace: number, nowMs: number) => {
      const span = waiting.add(new Uint32Array([trace, 7, 7, trace * 31]), 0, 0, 5, 0, nowMs)
      waiting.spans.duration[span] = number
      return number++
    },
  }
}

test('a trace is complete when no span of it came for the wait, and its spans come out in their order', () => {
  const { waiting, emitted, add } = open()
  add(1, 0)
  add(2, 0)
  add(1, 900)
  waiting.tick(1_000, never)
  assert.deepEqual(emitted, [{ spans: [1], isPartial: false }])
  waiting.tick(1_800, never)
  assert.equal(emitted.length, 1)
  waiting.tick(1_900, never)
  assert.deepEqual(emitted[1], { spans: [0, 2], isPartial: false })
  assert.deepEqual([waiting.spans.size, waiting.openCount], [0, 0])
})

test('a late span is known as late for four times the wait, and waits no longer than others', () => {
  const { waiting, emitted, add } = open()
  add(1, 0)
  waiting.tick(1_000, never)
  add(1, 3_000)
  waiting.tick(4_000, never)
  assert.deepEqual(emitted[1], { spans: [1], isPartial: true })
  waiting.tick(9_000, never)
  assert.equal(waiting.size, 0)
  add(1, 9_000)
  waiting.tick(10_000, never)
  assert.equal(emitted[2]?.isPartial, false)
})

test('when others want to work, the rest of the traces waits for the next call', () => {
  const { waiting, emitted, add } = open()
  for (let trace = 1; trace <= 10; trace++) add(trace, 0)
  let asked = 0
  assert.equal(
    waiting.tick(1_000, () => ++asked === 3),
    false,
  )
  assert.equal(emitted.length, 3)
  assert.equal(waiting.tick(1_000, never), true)
  assert.equal(emitted.length, 10)
})

test('whatever comes, every span comes out once, with its trace, and the limits hold', () => {
  const step = fc.record({ trace: fc.integer({ min: 1, max: 60 }), wait: fc.integer({ min: 0, max: 400 }) })
  const limits = fc.record({
    maxTraces: fc.integer({ min: 1, max: 40 }),
    maxSpans: fc.integer({ min: 1, max: 60 }),
    maxSpansPerTrace: fc.integer({ min: 1, max: 12 }),
    maxBytes: fc.integer({ min: 400, max: 8_000 }),
  })
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 300 }), (bounds, steps) => {
      const { waiting, emitted, add } = open(bounds)
      const traceOf = new Map<number, number>()
      let nowMs = 0
      for (const { trace, wait } of steps) {
        nowMs += wait
        waiting.tick(nowMs, never)
        traceOf.set(add(trace, nowMs), trace)
        assert.ok(waiting.spans.size <= bounds.maxSpans && waiting.size <= bounds.maxTraces)
        assert.ok(waiting.bytes <= bounds.maxBytes + 200)
      }
      waiting.drain(nowMs)
      assert.deepEqual(
        emitted.flatMap(({ spans }) => spans).sort((a, b) => a - b),
        [...traceOf.keys()],
      )
      for (const { spans } of emitted) assert.equal(new Set(spans.map((span) => traceOf.get(span))).size, 1)
      // Nothing stays behind.
      waiting.tick(nowMs + 10_000, never)
      waiting.tick(nowMs + 20_000, never)
      assert.equal(waiting.spans.size, 0)
    }),
    { numRuns: 200 },
  )
})
