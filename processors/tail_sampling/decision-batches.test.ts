import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecisionBatches } from './decision-batches.ts'
import { Trace } from './trace.ts'

function added(batches: DecisionBatches, name: string): Trace {
  const trace = new Trace(name, 0, batches.current)
  batches.add(trace)
  return trace
}
/** The names of the traces that are due. */
function due(batches: DecisionBatches): string[] {
  const { number, traces } = batches.take()
  return traces.filter(({ batch }) => batch === number).map(({ id }) => id)
}

test('a trace is due after as many ticks as there are seconds, and the one that is running', () => {
  const batches = new DecisionBatches(3_000)
  added(batches, 'a')
  assert.deepEqual([due(batches), due(batches), due(batches)], [[], [], []])
  added(batches, 'b')
  assert.deepEqual(due(batches), ['a'])
  assert.deepEqual([due(batches), due(batches), due(batches)], [[], [], ['b']])
})

test('less than a second is a second', () => {
  const batches = new DecisionBatches(1)
  added(batches, 'a')
  assert.deepEqual([due(batches), due(batches)], [[], ['a']])
})

test('a trace moves to an earlier batch, never to a later one', () => {
  const batches = new DecisionBatches(3_000)
  const a = added(batches, 'a')
  batches.moveEarlier(a, 1)
  assert.equal(batches.ticksLeft(a), 1)
  batches.moveEarlier(a, 2)
  assert.equal(batches.ticksLeft(a), 1)
  batches.moveEarlier(a, 0)
  assert.deepEqual(due(batches), ['a'])
  assert.deepEqual([due(batches), due(batches), due(batches)], [[], [], []])
})

test('wherever it moves, each trace is due once', () => {
  let seed = 11
  const next = (n: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (seed >>> 8) % n
  }
  const batches = new DecisionBatches(10_000)
  const times = new Map<string, number>()
  const waiting: Trace[] = []
  for (let round = 0; round < 200; round++) {
    for (let n = next(5); n > 0; n--) waiting.push(added(batches, `${round}.${n}`))
    for (const trace of waiting) if (next(4) === 0) batches.moveEarlier(trace, next(12))
    for (const id of due(batches)) {
      times.set(id, (times.get(id) ?? 0) + 1)
      waiting.splice(
        waiting.findIndex((trace) => trace.id === id),
        1,
      )
    }
  }
  for (let left = batches.length; left > 0; left--)
    for (const id of due(batches)) times.set(id, (times.get(id) ?? 0) + 1)
  assert.deepEqual([...new Set(times.values())], [1])
})

test('the oldest comes first, each once, over batches that moved', () => {
  const batches = new DecisionBatches(2_000)
  const a = added(batches, 'a')
  added(batches, 'b')
  due(batches)
  added(batches, 'c')
  batches.moveEarlier(a, 0)
  const names: (string | undefined)[] = []
  for (let i = 0; i < 4; i++) names.push(batches.shiftOldest()?.id)
  assert.deepEqual(names, ['a', 'b', 'c', undefined])
  assert.deepEqual([due(batches), due(batches), due(batches)], [[], [], []])
})

test('traces that are gone do not pile up', () => {
  const batches = new DecisionBatches(3_000)
  const kept = added(batches, 'kept')
  for (let i = 0; i < 10_000; i++) {
    const trace = added(batches, `${i}`)
    trace.isGone = true
    batches.remove(trace)
  }
  for (let i = 0; i < 3; i++) batches.take()
  const { traces } = batches.take()
  assert.ok(traces.length < 100, `${traces.length} entries`)
  assert.ok(traces.includes(kept))
})
