import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { Rejected } from '../../pipeline/component.ts'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'interval: 15s')
await describeUpstream(factory, import.meta.dirname)

const golden = sharedPath('corpus/golden/processor_interval/testdata')
const skip = skipWithout(golden)
if (skip !== false) test('the golden cases', { skip }, () => {})
else for (const name of readdirSync(golden)) test(`golden: ${name}`, () => replayGolden(join(golden, name)))

/** Everything of `input.yaml` at once; `next.yaml` goes on at once, `output.yaml` after the interval. */
async function replayGolden(folder: string): Promise<void> {
  const passes = folder.endsWith('are_passed_through') && !folder.includes('delta') && !folder.includes('non_monotonic')
  const { handle, context } = await open(`{interval: 1s, pass_through: {gauge: ${passes}, summary: ${passes}}}`)
  const read = (file: string) => normal(batchFrom(parse(readFileSync(join(folder, file), 'utf8')) as object))
  const next = await handle(batchFrom(parse(readFileSync(join(folder, 'input.yaml'), 'utf8')) as object))
  assert.deepEqual(typeof next === 'object' ? normal(next as Metrics) : [], read('next.yaml'))
  await context.clock.advance(1_000)
  assert.deepEqual(
    context.recorded.emitted.flatMap(({ batch }) => normal(batch as Metrics)),
    read('output.yaml'),
  )
  await context.clock.advance(1_000)
  assert.ok(context.recorded.emitted.length <= 1, 'what went on is forgotten')
}

function batchFrom(request: object): Metrics {
  return readOtlp('metrics', Buffer.from(JSON.stringify(request)), 'json', { metadata: new Map() })
}

function normal(batch: Metrics): unknown[] {
  const { resourceMetrics } = JSON.parse(writeJson(batch)) as { resourceMetrics?: unknown[] }
  return resourceMetrics ?? []
}

async function open(yaml: string, options: TestContextOptions = {}) {
  const built = build(factory, yaml, options)
  await built.instance.start?.()
  return { ...built, clock: built.context.clock }
}

/** Ints of one counter, by series and time. */
function counter(
  points: readonly (readonly [series: string, time: number, value: number])[],
  origin?: Origin,
): Metrics {
  const list = points.map(([series, time, value]) => ({ attributes: { series }, timeUnixNano: BigInt(time), value }))
  return newMetrics(origin).resource({ host: 'a' }).sum('requests', list, { monotonic: true }).build()
}
const emitted = ({ recorded }: TestContext) =>
  recorded.emitted.map(({ batch }) =>
    [...(batch as Metrics)].map(({ attributes, value }) => [attributes.get('series'), value]),
  )

test('of each series the newest point goes on, once an interval', async () => {
  const { handle, context, clock } = await open('interval: 10s')
  assert.equal(
    await handle(
      counter([
        ['a', 1, 1],
        ['b', 1, 5],
        ['a', 3, 3],
      ]),
    ),
    'held',
  )
  assert.equal(
    await handle(
      counter([
        ['a', 2, 2],
        ['b', 1, 6],
        ['c', 1, 1],
      ]),
    ),
    'held',
  )
  assert.equal(context.recorded.gauges.get('otelcol_processor_interval_streams')?.(), 3)
  await clock.advance(9_999)
  assert.deepEqual(emitted(context), [])
  await clock.advance(1)
  assert.deepEqual(emitted(context), [
    [
      ['a', 3],
      ['b', 5],
      ['c', 1],
    ],
  ])
  assert.deepEqual(
    context.recorded.drops.map(({ items, reason, intent }) => [items, reason, intent]),
    [
      [1, 'superseded', 'intended'],
      [2, 'superseded', 'intended'],
    ],
  )
  await clock.advance(10_000)
  assert.equal(emitted(context).length, 1)
})

test('resources, scopes, metrics and attributes in any order are told apart, and keep what they have', async () => {
  const { handle, context, clock } = await open('interval: 10s')
  const to = newMetrics()
  for (const tenant of ['x', 'y'])
    to.resource({ host: 'a', tenant }, { schemaUrl: 'r' })
      .scope('lib', { version: '1', attributes: { tenant }, schemaUrl: 's' })
      .sum('m', [{ value: 1, timeUnixNano: 1n, attributes: { a: 1, b: 2 }, flags: 2 }], {
        monotonic: true,
        unit: 'By',
        description: 'd',
        metadata: { kept: true },
      })
  const batch = to.build()
  await handle(batch)
  await handle(
    newMetrics()
      .resource({ tenant: 'y', host: 'a' })
      .scope('lib', { version: '1', attributes: { tenant: 'y' } })
      .sum('m', [{ value: 2, timeUnixNano: 0n, attributes: { b: 2, a: 1 } }], { monotonic: true, unit: 'By' })
      .build(),
  )
  await clock.advance(10_000)
  assert.deepEqual(normal(context.recorded.emitted[0]!.batch as Metrics), normal(batch))
})

test('points of streams beyond max_streams go on at once, counted', async () => {
  const { handle, context, clock } = await open('{interval: 10s, max_streams: 2}')
  await handle(
    counter([
      ['a', 1, 1],
      ['b', 1, 2],
    ]),
  )
  const rest = (await handle(
    counter([
      ['a', 2, 3],
      ['c', 2, 4],
      ['b', 2, 5],
      ['c', 3, 6],
    ]),
  )) as Metrics
  assert.deepEqual(
    Array.from(rest, ({ value }) => value),
    [4, 6],
  )
  const other = newMetrics()
    .gauge('another metric', [{ value: 1 }])
    .build()
  assert.equal(await handle(other), other)
  assert.equal(context.recorded.sums.get('otelcol_processor_interval_overflow_datapoints'), 3)
  await clock.advance(10_000)
  assert.deepEqual(emitted(context), [
    [
      ['a', 3],
      ['b', 5],
    ],
  ])
  assert.equal(context.recorded.lines.length, 1)
})

test('what waits at shutdown goes on', async () => {
  const { handle, context, instance } = await open('interval: 1h')
  await handle(counter([['a', 1, 1]]))
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(emitted(context), [[['a', 1]]])
  assert.equal(context.clock.pendingTimers, 0)
})

test('what waits at a reload goes on from the new instance', async () => {
  const old = await open('interval: 1h')
  await old.handle(
    counter([
      ['a', 1, 1],
      ['b', 1, 1],
    ]),
  )
  const state = await old.instance.save!()
  await old.instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(emitted(old.context), [])
  const { instance, context, handle } = build(factory, '{interval: 10s, max_streams: 1}')
  await instance.restore!(state)
  await instance.start?.()
  await handle(counter([['b', 2, 2]]))
  await context.clock.advance(10_000)
  assert.deepEqual(emitted(context), [
    [
      ['a', 1],
      ['b', 2],
    ],
  ])
})

test('what the next component refuses is lost and counted', async () => {
  const { handle, context, clock } = await open('interval: 1s', {
    accept: () => {
      throw new Rejected('full', { retryable: true })
    },
  })
  await handle(counter([['a', 1, 1]]))
  await clock.advance(1_000)
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'refused_downstream', intent: 'lost' }])
})

test('points of senders who differ in what is read further on are never one batch', async () => {
  const { handle, context, clock } = await open('interval: 1s', {
    originKey: ({ metadata }) => metadata.get('tenant')?.[0] ?? '',
  })
  const of = (tenant: string): Origin => ({ metadata: new Map([['tenant', [tenant]]]) })
  await handle(counter([['a', 1, 1]], of('x')))
  await handle(counter([['a', 2, 2]], of('y')))
  await clock.advance(1_000)
  assert.deepEqual(emitted(context), [[['a', 1]], [['a', 2]]])
})

describeRefusals(factory, [
  ['interval: 0', 'invalid interval value'],
  ['interval: -1s', 'invalid interval value'],
])
