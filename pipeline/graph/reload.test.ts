import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'
import { defineProcessor, held } from '../component.ts'
import { newLogs } from '../data/builders.ts'
import { batchOf, type SavedBatch, saved } from '../data/saved.ts'
import type { Logs } from '../data/telemetry.ts'
import { startEngine } from '../testing/engine.ts'
import { memorySink, memorySource } from '../testing/memory.ts'

function numbered(from: number, count: number): Logs {
  const builder = newLogs().resource({ 'service.name': 'shop' })
  for (let i = 0; i < count; i++) builder.record({ body: from + i })
  return builder.build()
}

const doesNotStart = 99

/** Keeps every batch until shutdown or until it holds `hold`; its state is how many it has seen. */
function counterFactory(seen: Map<string, number>) {
  return defineProcessor({
    type: 'counter',
    signals: { logs: 'beta' },
    config: z.strictObject({ hold: z.int().default(3) }),
    create: ({ hold }, { id, emit }) => {
      let kept: Logs[] = []
      const flush = async () => {
        const batches = kept
        kept = []
        for (const batch of batches) await emit.logs(batch)
      }
      return {
        start: async () => {
          if (hold === doesNotStart) throw new Error('it does not start with what it took over')
        },
        logs: async (batch) => {
          kept.push(batch)
          seen.set(id, (seen.get(id) ?? 0) + batch.count)
          if (kept.length >= hold) await flush()
          return held
        },
        shutdown: flush,
        save: async () => {
          const state = serialize({ seen: seen.get(id) ?? 0, kept: kept.map((batch) => saved(batch)) })
          kept = []
          return state
        },
        restore: async (state) => {
          const from = deserialize(state) as { seen: number; kept: readonly SavedBatch<'logs'>[] }
          seen.set(id, from.seen)
          kept = from.kept.map((batch) => batchOf(batch))
        },
      }
    },
  })
}
const failing = defineProcessor({
  type: 'failing',
  signals: { logs: 'beta' },
  config: z.strictObject({}),
  create: () => ({
    logs: (batch) => batch,
    start: async () => {
      throw new Error('the disk is not there')
    },
  }),
})

const base = (hold: number, label: string, more = '') => `
receivers: { source: }
processors: { counter: { hold: ${hold} }, failing: }
exporters: { sink: { label: '${label}' }, sink/two: }
service:
  pipelines:
    logs: { receivers: [source], processors: [counter], exporters: [sink] }
${more}`

test('reloads under load lose nothing and repeat nothing, and what did not change is not restarted', async () => {
  const source = memorySource()
  const sink = memorySink('sink', { queue: true })
  const seen = new Map<string, number>()
  const { change, stop } = await startEngine(base(3, 'a'), [
    source.factory,
    sink.factory,
    counterFactory(seen),
    failing,
  ])

  let sent = 0
  let isDone = false
  const senders = Array.from({ length: 4 }, async () => {
    while (!isDone) {
      const from = sent
      sent += 5
      await source.send(numbered(from, 5))
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  const variants = [
    base(4, 'a'),
    base(4, 'b'),
    base(2, 'b', '    logs/two: { receivers: [source], exporters: [sink/two] }'),
    base(2, 'c'),
    base(5, 'd'),
    base(3, 'a'),
  ]
  for (let round = 0; round < 50; round++) await change(variants[round % variants.length] ?? '')
  isDone = true
  await Promise.all(senders)
  await stop()

  const got = new Map<unknown, number>()
  for (const { id, batch } of sink.received) {
    if (id !== 'sink') continue
    for (const record of batch as Logs) got.set(record.body, (got.get(record.body) ?? 0) + 1)
  }
  assert.equal(got.size, sent, 'every item arrived')
  assert.deepEqual(
    [...got].filter(([, times]) => times > 1),
    [],
    'none arrived twice',
  )
  assert.equal(source.starts.get('source'), 1, 'the receiver was never restarted')
  assert.equal(seen.get('counter'), sent, 'the state of the processor went along')
})

test('a config that does not start is undone: the old one runs on with its state', async () => {
  const source = memorySource()
  const sink = memorySink('sink', { queue: true })
  const seen = new Map<string, number>()
  const { change, stop } = await startEngine(base(1, 'a'), [
    source.factory,
    sink.factory,
    counterFactory(seen),
    failing,
  ])
  await source.send(numbered(0, 5))

  const broken = base(2, 'b', '    logs/broken: { receivers: [source], processors: [failing], exporters: [sink] }')
  await assert.rejects(
    change(broken),
    /failed to start "failing" processor: the disk is not there|the disk is not there/,
  )
  await source.send(numbered(5, 5))
  await assert.rejects(change('receivers: { source: '), /./)
  await source.send(numbered(10, 5))
  await stop()

  assert.equal(sink.count(), 15)
  assert.equal(seen.get('counter'), 15)
  assert.equal(source.starts.get('source'), 1)
  assert.deepEqual([...new Set(sink.received.map(({ label }) => label))], ['a'])
})

test('what is held goes on in the next instance, and comes back from one that did not start', async () => {
  const source = memorySource()
  const sink = memorySink('sink', { queue: true })
  const seen = new Map<string, number>()
  const { change, stop } = await startEngine(base(10, 'a'), [
    source.factory,
    sink.factory,
    counterFactory(seen),
    failing,
  ])
  await source.send(numbered(0, 5))
  await change(base(20, 'a'))
  await assert.rejects(change(base(doesNotStart, 'a')), /it does not start with what it took over/)
  // Here the processor is in place already when something else fails.
  const broken = base(5, 'a', '    logs/broken: { receivers: [source], processors: [failing], exporters: [sink] }')
  await assert.rejects(change(broken), /the disk is not there/)
  assert.equal(sink.count(), 0, 'a reload is no reason to let go early')
  await source.send(numbered(5, 5))
  await stop()
  const bodies = sink.received.flatMap(({ batch }) => [...(batch as Logs)].map(({ body }) => body))
  assert.deepEqual(bodies, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('what a reload replaced is let go of, however many reloads there were', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const made: WeakRef<object>[] = []
  const remembered = defineProcessor({
    type: 'counter',
    signals: { logs: 'beta' },
    config: z.strictObject({ hold: z.int() }),
    create: () => {
      const instance = { logs: (batch: Logs) => batch }
      made.push(new WeakRef(instance))
      return instance
    },
  })
  const source = memorySource()
  const yaml = (hold: number) => base(hold, 'a').replace('failing:', 'counter/unused: { hold: 1 }')
  const { change, stop } = await startEngine(yaml(1), [source.factory, memorySink().factory, remembered])
  for (let hold = 2; hold <= 20; hold++) {
    await change(yaml(hold))
    await source.send(numbered(hold, 1))
  }
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  const alive = made.filter((reference) => reference.deref() !== undefined).length
  await stop()
  assert.equal(made.length, 20)
  assert.ok(alive <= 3, `${alive} of 20 instances are still held`)
})
