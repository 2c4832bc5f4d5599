import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeAccepted, describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'max_stale: 5m')
await describeUpstream(factory, import.meta.dirname)

interface Given {
  readonly start?: number
  readonly time: number
  readonly value?: number
  readonly host?: string
}
function sums(...points: readonly Given[]): Metrics {
  const to = newMetrics()
  for (const { start = 0, time, value = 1, host = 'a' } of points)
    to.resource({ host }).sum('m', [{ startUnixNano: BigInt(start), timeUnixNano: BigInt(time), value }], {
      temporality: 'delta',
      monotonic: true,
    })
  return to.build()
}
const shown = (batch: unknown) =>
  Array.from(batch as Metrics, ({ startUnixNano, timeUnixNano, value }) => [
    Number(startUnixNano),
    Number(timeUnixNano),
    value,
  ])
const counted = (sumsByName: ReadonlyMap<string, number>) =>
  Object.fromEntries([...sumsByName].map(([name, sum]) => [name.replace('otelcol_deltatocumulative_', ''), sum]))

test('points add up; a gap is taken, what is late or belongs to an older series is lost and counted', async () => {
  const { handle, context } = build(factory, '{}')
  const given = [
    { start: 1000, time: 1100 },
    { start: 1100, time: 1200 },
    { start: 1300, time: 1400 },
    { start: 1200, time: 1300 },
    { start: 500, time: 550 },
  ]
  assert.deepEqual(shown(await handle(sums(...given))), [
    [1000, 1100, 1],
    [1000, 1200, 2],
    [1000, 1400, 3],
  ])
  assert.deepEqual(counted(context.recorded.sums), {
    datapoints: 3,
    'datapoints{error="delta.ErrOlderStart"}': 1,
    'datapoints{error="delta.ErrOutOfOrder"}': 1,
  })
  assert.deepEqual(context.recorded.drops, [
    { items: 1, reason: 'older_start', intent: 'lost' },
    { items: 1, reason: 'out_of_order', intent: 'lost' },
  ])
})

test('a stream beyond max_streams is dropped and counted, those that are known go on', async () => {
  const { handle, context, instance } = build(factory, 'max_streams: 1')
  await instance.start?.()
  await handle(sums({ time: 1 }))
  const after = await handle(sums({ time: 1, host: 'b' }, { time: 2 }, { time: 2, host: 'b' }))
  assert.deepEqual(shown(after), [[0, 2, 2]])
  assert.deepEqual(counted(context.recorded.sums), { datapoints: 2, 'datapoints{error="limit"}': 2 })
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'limit', intent: 'lost' }])
  const gauges = [...context.recorded.gauges].map(([name, read]) => [name.replace(/^.*streams_/, ''), read()])
  assert.deepEqual(Object.fromEntries(gauges), { limit: 1, max_stale: 300, tracked: 1 })
})

test('streams without a point for max_stale are forgotten, minute by minute', async () => {
  const { handle, context, instance } = build(factory, 'max_stale: 5m')
  await instance.start?.()
  const { clock, recorded } = context
  const tracked = () => recorded.gauges.get('otelcol_deltatocumulative_streams_tracked')?.()
  await clock.advance(1_000)
  await handle(sums({ time: 1 }, { time: 1, host: 'b' }))
  await clock.advance(4 * 60_000)
  await handle(sums({ time: 2, host: 'b' }))
  assert.equal(tracked(), 2)
  await clock.advance(2 * 60_000)
  assert.equal(tracked(), 1)
  assert.deepEqual(shown(await handle(sums({ time: 3, host: 'b' }))), [[0, 3, 3]])
  await clock.advance(7 * 60_000)
  assert.equal(tracked(), 0)
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.equal(clock.pendingTimers, 0)
})

test('ints are exact over 64 bits and become doubles where a double comes in', async () => {
  const { handle } = build(factory, '{}')
  const of = async (time: number, value: number | bigint | ReturnType<typeof double>) => {
    const batch = newMetrics()
      .sum('m', [{ timeUnixNano: BigInt(time), value }], { temporality: 'delta' })
      .build()
    return [...((await handle(batch)) as Metrics)][0]!.value
  }
  assert.equal(await of(1, 9_007_199_254_740_993n), 9_007_199_254_740_993n)
  assert.equal(await of(2, 4), 9_007_199_254_740_997n)
  assert.equal(await of(3, -9_007_199_254_740_997n), 0)
  assert.deepEqual(await of(4, double(3)), double(3))
  assert.equal(await of(5, 0.5), 3.5)
  assert.equal(await of(6, 1), 4.5)
})

test('a point without a value adds nothing, and a histogram keeps what it has', async () => {
  const { handle } = build(factory, '{}')
  const of = async (time: number, count: number, flags = 0) => {
    const point = { timeUnixNano: BigInt(time), count, sum: count, flags }
    const buckets = flags === 0 ? { counts: [count, 0], bounds: [1] } : {}
    const batch = newMetrics()
      .histogram('m', [{ ...point, ...buckets }], { temporality: 'delta' })
      .build()
    const [after] = [...((await handle(batch)) as Metrics)]
    return [Number(after!.distribution!.count), after!.metric.temporality]
  }
  assert.deepEqual(await of(1, 5), [5, 'cumulative'])
  assert.deepEqual(await of(2, 0, 1), [0, 'cumulative'])
  assert.deepEqual(await of(3, 2), [7, 'cumulative'])
})

test('a reload goes on where the old instance was', async () => {
  const exponential = (time: number) =>
    newMetrics()
      .exponentialHistogram('e', [{ timeUnixNano: BigInt(time), count: 1, positive: { offset: 3, counts: [1] } }], {
        temporality: 'delta',
      })
      .sum('d', [{ timeUnixNano: BigInt(time), value: double(2) }], { temporality: 'delta' })
      .build()
  const old = build(factory, '{}')
  await old.handle(exponential(1))
  const { handle, instance } = build(factory, 'max_stale: 1m')
  await instance.restore!(await old.instance.save!())
  const [e, d] = [...((await handle(exponential(2))) as Metrics)]
  assert.deepEqual(e!.distribution!.exponential!.positive, { offset: 3, counts: BigUint64Array.of(2n) })
  assert.deepEqual(d!.value, double(4))
})

test('what is no delta is the same batch', async () => {
  const { handle } = build(factory, '{}')
  const batch = newMetrics()
    .gauge('g', [{ value: 1 }])
    .sum('s', [{ value: 1 }])
    .build()
  assert.equal(await handle(batch), batch)
})

describeRefusals(factory, [
  ['max_stale: 0s', 'max_stale must be a positive duration (got 0s)'],
  ['max_stale: -90s', 'max_stale must be a positive duration (got -1m30s)'],
  ['max_streams: -1', 'max_streams must be a positive number (got -1)'],
])
describeAccepted(factory, ['{max_stale: 1m, max_streams: 10}', 'max_stale: 2m', 'max_streams: 20'])
