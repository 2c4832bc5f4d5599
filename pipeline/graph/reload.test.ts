import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { deserialize, serialize, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'
import { capability } from '../capability/capability.ts'
import { defineConnector, defineExporter, defineExtension, defineProcessor, held } from '../component.ts'
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

test('data flow between two reloads, however close they come', async () => {
  const restoreMs = 30
  const large = defineProcessor({
    type: 'counter',
    signals: { logs: 'beta' },
    config: z.strictObject({ hold: z.int() }),
    create: () => ({
      logs: (batch) => batch,
      save: async () => serialize({}),
      restore: () => delay(restoreMs),
    }),
  })
  const source = memorySource()
  const sink = memorySink()
  const yaml = (hold: number) => base(hold, 'a').replace('failing:', 'counter/unused: { hold: 1 }')
  const { change, stop } = await startEngine(yaml(1), [source.factory, sink.factory, large])
  let isDone = false
  const sender = (async () => {
    for (let at = 0; !isDone; at++) {
      await source.send(numbered(at, 1))
      await delay(1)
    }
  })()
  const reloads = 10
  for (let hold = 2; hold < 2 + reloads; hold++) await change(yaml(hold))
  isDone = true
  await sender
  // One batch a reload is the one that waits for it.
  assert.ok(sink.count() > 3 * reloads, `${sink.count()} batches came through`)
  await stop()
})

test('reloads that are asked for while one waits are one, and a shutdown does not wait for their turn', async () => {
  const source = memorySource()
  const sink = memorySink()
  const slow = defineProcessor({
    type: 'counter',
    signals: { logs: 'beta' },
    config: z.strictObject({ hold: z.int() }),
    create: ({ hold }) => ({ logs: (batch) => batch, start: async () => void (hold === 2 && (await delay(1_000))) }),
  })
  const yaml = (hold: number) => base(hold, 'a').replace('failing:', 'counter/unused: { hold: 1 }')
  const { change, stop } = await startEngine(yaml(1), [source.factory, sink.factory, slow])
  const first = change(yaml(2))
  await new Promise((resolve) => setImmediate(resolve))
  const [second, third] = [change(yaml(3)), change(yaml(4))]
  assert.equal((await first).changed, 1)
  const beganMs = performance.now()
  assert.deepEqual(await stop(), [])
  assert.ok(performance.now() - beganMs < 1_000)
  assert.equal(await second, await third)
})

/** A component whose start a test holds up: `reached` resolves when it is there, `go` lets it on. */
function heldUp() {
  let go = () => {}
  let reached = () => {}
  const isThere = new Promise<void>((resolve) => (reached = resolve))
  const mayGo = new Promise<void>((resolve) => (go = resolve))
  const wait = async () => {
    reached()
    await mayGo
  }
  return { isThere, go, wait }
}

const telling = capability<string>('telling')
/** As `headers_setter`: whoever uses it reads by it. */
const tells = defineExtension({
  type: 'tells',
  signals: { extension: 'beta' },
  config: z.strictObject({ reads: z.string().describe('Name.') }),
  reads: ({ reads }) => ({ metadata: [reads] }),
  create: ({ reads }) => ({ provides: new Map([[telling, reads]]) }),
})
const reader = defineExporter({
  type: 'reader',
  signals: { logs: 'beta' },
  sending: { queue: false, retry: false, timeoutMs: 0 },
  config: z.strictObject({ reads: z.array(z.string()).default([]), by: z.string().default(''), note: z.int() }),
  reads: ({ reads }) => ({ metadata: reads }),
  create: ({ by }, context) => ({
    start: async () => void (by === '' || context.extension(telling, by)),
    logs: () => {},
  }),
})

const redAndBlue = ['[[["red"]],null]', '[[["blue"]],null]']
const oneKey = ['', '']
for (const [what, before, during, after] of [
  ['it changes nothing of', ['{ note: 1 }', oneKey], oneKey, ['{ note: 2 }', oneKey]],
  ['it goes on with', ['{ reads: [t], note: 1 }', redAndBlue], redAndBlue, ['{ reads: [t], note: 2 }', redAndBlue]],
  ['it begins with', ['{ note: 1 }', oneKey], redAndBlue, ['{ reads: [t], note: 1 }', redAndBlue]],
  ['it ends with', ['{ reads: [t], note: 1 }', redAndBlue], redAndBlue, ['{ note: 1 }', oneKey]],
  ['an extension begins with', ['{ note: 1 }', oneKey], redAndBlue, ['{ by: tells, note: 1 }', redAndBlue]],
] as const) {
  test(`during a reload batches are told apart by what is read before and after it, where ${what} reading`, async () => {
    const { isThere, go, wait } = heldUp()
    const keys: string[] = []
    const asking = defineProcessor({
      type: 'asking',
      signals: { logs: 'beta' },
      config: z.strictObject({}),
      create: (_config, context) => ({
        logs: (batch) => {
          keys.push(context.originKey(batch.origin))
          return batch
        },
      }),
    })
    const slow = defineExtension({
      type: 'slow',
      signals: { extension: 'beta' },
      config: z.strictObject({ isSlow: z.boolean() }),
      create: ({ isSlow }) => ({ start: async () => void (isSlow && (await wait())) }),
    })
    const yaml = (isSlow: boolean, reading: string) => `
receivers: { source: }
processors: { asking: }
exporters: { reader: ${reading} }
extensions: { slow: { isSlow: ${isSlow} }, tells: { reads: t } }
service:
  extensions: [slow, tells]
  pipelines: { logs: { receivers: [source], processors: [asking], exporters: [reader] } }
`
    const source = memorySource()
    const { change, stop } = await startEngine(yaml(false, before[0]), [source.factory, asking, reader, slow, tells])
    const ask = async () => {
      keys.length = 0
      for (const tenant of ['red', 'blue']) {
        const logs = newLogs({ metadata: new Map([['t', [tenant]]]) })
        await source.send(logs.resource({}).record({ body: 1 }).build())
      }
      return [...keys]
    }
    const asked = [await ask()]
    const reload = change(yaml(true, after[0]))
    await isThere
    asked.push(await ask())
    go()
    await reload
    asked.push(await ask())
    assert.deepEqual(asked, [before[1], during, after[1]])
    await stop()
  })
}

test('what a fan-out hands to a connector while that is replaced goes to the next instance', async () => {
  const swap = heldUp()
  const branch = heldUp()
  const keeps = defineConnector({
    type: 'keeps',
    signals: { 'logs to logs': 'beta' },
    config: z.strictObject({ note: z.int() }),
    create: ({ note }, { emit }) => {
      let kept: Logs[] = []
      return {
        start: async () => void (note === 2 && (await swap.wait())),
        logs: (batch) => void kept.push(batch),
        save: async () => serialize(kept.splice(0).map((batch) => saved(batch))),
        restore: async (state) => {
          kept = (deserialize(state) as readonly SavedBatch<'logs'>[]).map((batch) => batchOf(batch))
        },
        shutdown: async () => {
          if (note === 2) for (const batch of kept) await emit.logs(batch)
        },
      }
    },
  })
  const waits = defineProcessor({
    type: 'waits',
    signals: { logs: 'beta' },
    config: z.strictObject({}),
    create: () => ({
      logs: async (batch) => {
        await branch.wait()
        return batch
      },
    }),
  })
  const yaml = (note: number) => `
receivers: { source: }
processors: { waits: }
connectors: { keeps: { note: ${note} } }
exporters: { sink: , sink/other: }
service:
  pipelines:
    logs/in: { receivers: [source], exporters: [keeps] }
    logs/other: { receivers: [source], processors: [waits], exporters: [sink/other] }
    logs/out: { receivers: [keeps], exporters: [sink] }
`
  const source = memorySource()
  const sink = memorySink()
  const { change, stop } = await startEngine(yaml(1), [source.factory, sink.factory, keeps, waits])
  const sent = source.send(numbered(0, 3))
  // The connector has its place reserved, the other branch is at work.
  await branch.isThere
  const reload = change(yaml(2))
  await swap.isThere
  branch.go()
  // It would be taken by the one that has handed on its state already.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  swap.go()
  await Promise.all([sent, reload])
  assert.deepEqual(await stop(), [])
  assert.deepEqual(sink.received.map(({ id, batch }) => `${id} ${batch.count}`).sort(), ['sink 3', 'sink/other 3'])
})
