/** `features` with its neighbours: a real store, a real engine, data that flow while the configuration changes. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fileStorage from '../../extensions/file_storage/index.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { ToldTime } from '../../pipeline/graph/told-time.ts'
import { startEngine } from '../../pipeline/testing/engine.ts'
import { memorySink, memorySource } from '../../pipeline/testing/memory.ts'
import { testFolder } from '../../pipeline/testing/test-folder.ts'
import { metrics, numberOf, panes, service, tick } from './features.fixture.ts'
import features from './index.ts'

const root = testFolder('features')

/** Panes, a counter, a reading, and now and then a pane that comes late. */
function batchesOf(pane: number): Metrics[] {
  const timeUnixNano = tick(pane) - 1_000_000_000n
  const scraped = metrics((to) =>
    to
      .resource({ ...service('shop'), 'k8s.pod.name': 'p1', 'service.version': '1' })
      .sum('process.cpu.time', [{ value: pane * pane, timeUnixNano }], { monotonic: true })
      .gauge('k8s.pod.memory_limit_utilization', [{ value: 0.3 + ((pane * 7) % 13) / 100, timeUnixNano }]),
  )
  const late = pane % 5 === 0 ? [panes(pane - 3, [{ name: 'shop', requests: 7 }])] : []
  return [panes(pane, [{ name: 'shop', requests: 100 + pane }]), scraped, ...late]
}

/** Its clock is the one of the data: however slow the machine is, nobody is waited for too long. */
async function open(t: TestContext, name: string, storage: string) {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  const source = memorySource()
  const sink = memorySink()
  const time = new ToldTime()
  const yaml = (mostEntities: number) => `
receivers: { source: {} }
processors: { features: { ${storage} max_entities: ${mostEntities} } }
exporters: { sink: {} }
extensions: { file_storage: { directory: '${folder}' } }
service:
  telemetry:
    metrics: { level: normal, readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: 0 } } } }] }
  extensions: [file_storage]
  pipelines: { metrics: { receivers: [source], processors: [features], exporters: [sink] } }
`
  const engine = await startEngine(yaml(1_000), [source.factory, sink.factory, features, fileStorage], { time })
  let errors: Promise<readonly Error[]> | undefined
  const stop = () => (errors ??= engine.stop())
  t.after(stop)
  let reloads = 0
  return {
    source,
    time,
    engine: engine.engine,
    stop,
    reload: () => engine.change(yaml(1_000 + ++reloads)),
    feed: async (from: number, to: number) => {
      for (let pane = from; pane <= to; pane++) {
        await time.reach(tick(pane) + 2_000_000_000n)
        for (const batch of batchesOf(pane)) await source.send(batch)
      }
    },
    /** What was told of each series and time last, and how often the trace panes came through. */
    told: () => {
      const values = new Map<string, number>()
      let passed = 0
      for (const { batch } of sink.received)
        for (const { metric, timeUnixNano, attributes, value } of batch as Metrics) {
          if (metric.name.startsWith('vigil.trace.')) passed++
          else if (metric.name !== 'vigil.feature.revision')
            values.set(JSON.stringify([metric.name, [...attributes.entries()], String(timeUnixNano)]), numberOf(value))
        }
      return { values, passed }
    },
  }
}

for (const [what, storage, restarts] of [
  ['lose and double nothing', '', false],
  ['into the journal lose and double nothing, and neither does the start after them', 'storage: file_storage,', true],
] as const) {
  test(`reloads while data flow ${what}`, async (t) => {
    const undisturbed = await open(t, `undisturbed ${restarts}`, storage)
    await undisturbed.feed(1, 80)
    const expected = undisturbed.told()
    assert.ok(expected.values.size > 2_500, String(expected.values.size))

    const reloaded = await open(t, `reloaded ${restarts}`, storage)
    for (let from = 1; from <= 60; from += 5) {
      const [, { changed }] = await Promise.all([reloaded.feed(from, from + 4), reloaded.reload()])
      assert.equal(changed, 1)
    }
    const before = reloaded.told()
    if (restarts) assert.deepEqual(await reloaded.stop(), [])
    const again = restarts ? await open(t, `reloaded ${restarts}`, storage) : reloaded
    await again.feed(61, 80)
    const after = again.told()

    assert.equal((restarts ? before.passed : 0) + after.passed, expected.passed)
    const seen = new Map([...before.values, ...after.values])
    const different = [...new Set([...seen.keys(), ...expected.values.keys()])].filter(
      (key) => seen.get(key) !== expected.values.get(key),
    )
    assert.deepEqual(
      different.slice(0, 5).map((key) => [key, expected.values.get(key), seen.get(key)]),
      [],
    )
    assert.deepEqual(await Promise.all([again.stop(), undisturbed.stop()]), [[], []])
  })
}

test('a lost record of the journal costs what it held and named, and nothing is taken for what others said', async (t) => {
  const storage = 'storage: file_storage,'
  const feed = async ({ time, source }: Awaited<ReturnType<typeof open>>, from: number, to: number) => {
    for (let pane = from; pane <= to; pane++) {
      await time.reach(tick(pane) + 2_000_000_000n)
      // Each comes with the next pane, so that each has a record of its own in which its number is defined.
      for (const [place, name] of ['first', 'second', 'third'].entries())
        if (pane > place) await source.send(panes(pane, [{ name, requests: 10 ** place }]))
    }
  }
  const before = await open(t, 'damaged', storage)
  await feed(before, 1, 6)
  assert.deepEqual(await before.stop(), [])
  damage(join(root, 'damaged'), 'second')
  const after = await open(t, 'damaged', storage)
  await feed(after, 7, 10)
  const { values } = after.told()
  const counts = ['first', 'second', 'third'].map((name) => {
    const attributes = [
      ['vigil.entity.kind', 'service'],
      ['vigil.entity.name', name],
      ['window', '5m'],
    ]
    return values.get(JSON.stringify(['vigil.request.count', attributes, String(tick(9))]))
  })
  // Who was named in the lost record has what came since the start.
  assert.deepEqual(counts, [9, 30, 700])
  const drops = after.engine.registry.snapshot().find(({ name }) => name === 'vigil_dropped_items')?.series ?? []
  const lost = drops.filter(({ attributes }) => attributes['reason'] === 'storage_damaged')
  assert.deepEqual(
    lost.map(({ value }) => value),
    [5],
  )
})

test('after a start that took panes again, a reload before the first data makes no silence of the time between', async (t) => {
  const told = async (name: string, isReloaded: boolean) => {
    const before = await open(t, name, 'storage: file_storage,')
    await before.feed(1, 6)
    assert.deepEqual(await before.stop(), [])
    const after = await open(t, name, 'storage: file_storage,')
    await after.time.reach(tick(6) + 4_000_000_000n)
    if (isReloaded) await after.reload()
    await after.time.reach(tick(9) + 4_000_000_000n)
    await after.feed(10, 14)
    return Object.fromEntries(after.told().values)
  }
  assert.deepEqual(await told('reloaded early', true), await told('not reloaded', false))
})

/** Breaks the record in which this name is written first. */
function damage(folder: string, name: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const bytes = readFileSync(file)
    const at = bytes.indexOf(name)
    if (at < 0) continue
    bytes[at]! ^= 1
    writeFileSync(file, bytes)
    return
  }
  assert.fail(`${name} is in no file`)
}
