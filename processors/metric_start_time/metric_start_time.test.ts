import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type MetricsBuilder, newMetrics } from '../../pipeline/data/builders.ts'
import type { Metrics, Point } from '../../pipeline/data/telemetry.ts'
import { double, isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeAccepted, describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'gc_interval: 10m')
await describeUpstream(factory, import.meta.dirname)

type Value = number | readonly number[] | null
type Given = readonly [kind: string, series: string, time: number, value: Value]
type Expected = 'gone' | readonly [start: number, value?: Value]
interface Round {
  readonly wait?: number
  readonly in: readonly Given[]
  readonly true: readonly Expected[]
  readonly subtract: readonly Expected[]
}
interface Script {
  readonly test: string
  readonly unset?: true
  readonly rounds: readonly Round[]
}

const milli = 1_000_000n

function add(to: MetricsBuilder, [kind, series, time, value]: Given, start: number): void {
  const common = {
    attributes: { series },
    startUnixNano: BigInt(start) * milli,
    timeUnixNano: BigInt(time) * milli,
    flags: value === null ? 1 : 0,
  }
  const list = Array.isArray(value) ? (value as readonly number[]) : []
  const count = list.reduce((all, bucket) => all + bucket, 0)
  switch (kind) {
    case 'gauge':
      to.gauge(kind, [{ ...common, value: double((value ?? 0) as number) }])
      return
    case 'sum':
      to.sum(kind, [{ ...common, value: double((value ?? 0) as number) }], { monotonic: true })
      return
    case 'int':
      to.sum(kind, [{ ...common, value: (value ?? 0) as number }], { monotonic: true })
      return
    case 'summary':
      to.summary(kind, [{ ...common, count: list[0] ?? 0, sum: list[1] ?? 0 }])
      return
    case 'histogram': {
      const sum = list.reduce((all, bucket, i) => all + bucket * (i > 0 ? 2 ** (i - 1) : 0), 0)
      to.histogram(kind, [{ ...common, count, sum, counts: list, bounds: value === null ? [] : [1, 2, 4] }])
      return
    }
    default: {
      const sum = list.reduce((all, bucket, i) => all + bucket * i, 0)
      const zeroCount = value === null ? 0 : 1
      const scale = value === null ? 0 : 3
      to.exponentialHistogram(kind, [
        { ...common, count, sum, scale, zeroCount, positive: { offset: -2, counts: list } },
      ])
    }
  }
}

function shownValue({ value, distribution, metric }: Point): Value {
  if (value !== undefined) return isDouble(value) ? value.double : Number(value)
  const { count, sum, counts, exponential } = distribution!
  if (metric.type === 'summary') return [Number(count), sum!]
  return [...(exponential?.positive.counts ?? counts)].map(Number)
}

const scripts = parse(readFileSync(join(import.meta.dirname, 'testdata/scripts.yaml'), 'utf8')) as readonly Script[]
const named = { true: 'true_reset_point', subtract: 'subtract_initial_point' } as const
for (const { test: name, unset, rounds } of scripts)
  for (const [key, strategy] of Object.entries(named))
    test(`${strategy}: ${name}`, async () => {
      const { handle, context } = build(factory, `{strategy: ${strategy}, gc_interval: 1m}`)
      for (const round of rounds) {
        await context.clock.advance(round.wait ?? 0)
        const to = newMetrics().resource({ 'service.name': 'job' })
        for (const given of round.in) add(to, given, unset ? 0 : given[2])
        const points = [...((await handle(to.build())) as Metrics)]
        const expected = round[key as keyof typeof named].flatMap((one, i) =>
          one === 'gone' ? [] : [[round.in[i]![0], round.in[i]![1], one[0], one[1] ?? unvalued(round.in[i]!)]],
        )
        const shown = points.map((point) => {
          const { metric, attributes, startUnixNano } = point
          return [metric.name, attributes.get('series'), Number(startUnixNano / milli), shownValue(point)]
        })
        assert.deepEqual(shown, expected)
      }
    })

/** What a point that was not changed has. */
function unvalued([kind, , , value]: Given): Value {
  if (value !== null) return value
  return kind === 'summary' ? [0, 0] : kind === 'histogram' || kind === 'exponential' ? [] : 0
}

const seconds = (n: number) => BigInt(n) * 1_000_000_000n
/** Each gives the start of all points but gauges, in seconds. The engine of the test began at 1,700,000,000. */
const startMetrics: readonly (readonly [name: string, pattern: string, start: number, ...metrics: string[]])[] = [
  [
    'a sum by pattern',
    '^.*_process_start_time_seconds$',
    124,
    'sum a_process_start_time_seconds',
    'sum process_start_time_seconds',
  ],
  ['a sum by the usual name', '', 125, 'sum a_process_start_time_seconds', 'sum process_start_time_seconds'],
  [
    'a gauge by pattern',
    '^.*_process_start_time_seconds$',
    124,
    'gauge a_process_start_time_seconds',
    'gauge process_start_time_seconds',
  ],
  ['a gauge by the usual name', '', 125, 'gauge a_process_start_time_seconds', 'gauge process_start_time_seconds'],
  ['one of ints, unlike upstream', '', 124, 'int process_start_time_seconds'],
  ['one of an unsupported type', '', 1_700_000_000, 'histogram process_start_time_seconds'],
  ['one without points', '', 1_700_000_000, 'empty process_start_time_seconds'],
  ['none by pattern', '^.+_process_start_time_seconds$', 1_700_000_000, 'sum subprocess_start_time_seconds'],
  ['none by the usual name', '', 1_700_000_000, 'gauge subprocess_start_time_seconds'],
]
for (const [name, pattern, start, ...metrics] of startMetrics)
  test(`start_time_metric: ${name}`, async () => {
    const { handle } = build(
      factory,
      `{strategy: start_time_metric, start_time_metric_regex: ${JSON.stringify(pattern)}}`,
    )
    const to = newMetrics().resource({ 'service.name': 'job' })
    const timeUnixNano = seconds(126)
    to.sum('test_sum', [{ timeUnixNano, value: double(16) }], { monotonic: true })
    to.histogram('test_histogram', [{ timeUnixNano, count: 9, sum: 3, counts: [2, 3, 4], bounds: [1, 2] }])
    to.summary('test_summary', [{ timeUnixNano, count: 10, sum: 100 }])
    to.exponentialHistogram('test_exponential', [{ timeUnixNano, count: 1, positive: { counts: [1] } }])
    for (const [i, metric] of metrics.entries()) {
      const [kind, of = ''] = metric.split(' ')
      const value = 124 + i
      if (kind === 'sum') to.sum(of, [{ timeUnixNano, value: double(value) }], { monotonic: true })
      else if (kind === 'int') to.sum(of, [{ timeUnixNano, value }], { monotonic: true })
      else if (kind === 'gauge') to.gauge(of, [{ timeUnixNano, value: double(value) }])
      else if (kind === 'histogram') to.histogram(of, [{ timeUnixNano, count: 1 }])
      else to.gauge(of, [])
    }
    for (const { metric, startUnixNano } of (await handle(to.build())) as Metrics)
      assert.equal(startUnixNano, metric.type === 'gauge' ? 0n : seconds(start), metric.name)
  })

/** A batch with one counter. */
function counter(
  time: number,
  value: number,
  options: { scope?: string; host?: string; start?: number } = {},
): Metrics {
  const { scope = 'lib', host = 'a', start = 0 } = options
  const point = { value, timeUnixNano: BigInt(time) * milli, startUnixNano: BigInt(start) * milli }
  return newMetrics().resource({ host }).scope(scope).sum('requests', [point], { monotonic: true }).build()
}
const starts = (batch: unknown) => Array.from(batch as Metrics, ({ startUnixNano }) => Number(startUnixNano / milli))

for (const strategy of ['true_reset_point', 'subtract_initial_point', 'start_time_metric'])
  test(`${strategy} leaves a start time that is set`, async () => {
    const { handle } = build(factory, `strategy: ${strategy}`)
    const batch = counter(2, 5, { start: 1 })
    assert.equal(await handle(batch), batch)
  })

test('resources and scopes are told apart', async () => {
  const { handle } = build(factory, '{}')
  await handle(counter(1, 100))
  await handle(counter(2, 3, { host: 'b' }))
  await handle(counter(3, 4, { scope: 'other' }))
  assert.deepEqual(starts(await handle(counter(4, 101))), [1])
  assert.deepEqual(starts(await handle(counter(4, 3, { host: 'b' }))), [2])
  assert.deepEqual(starts(await handle(counter(4, 4, { scope: 'other' }))), [3])
})

test('a histogram with other bounds begins anew once, not with every point', async () => {
  const { handle } = build(factory, '{}')
  const histogram = (time: number, ...bounds: number[]) =>
    newMetrics()
      .histogram('h', [{ timeUnixNano: BigInt(time) * milli, count: 2, sum: 1, counts: [1, 1], bounds }])
      .build()
  const given: number[] = []
  for (const batch of [histogram(1, 1), histogram(2, 1), histogram(5, 2), histogram(6, 2)])
    given.push(...starts(await handle(batch)))
  assert.deepEqual(given, [1, 1, 4, 4])
})

test('subtract_initial_point is exact over 64 bits, counts what it takes, and adds no sum where there is none', async () => {
  const { handle, context } = build(factory, 'strategy: subtract_initial_point')
  const batch = (time: number, value: bigint, count: number) =>
    newMetrics()
      .sum('big', [{ timeUnixNano: BigInt(time), value }], { monotonic: true })
      .histogram('h', [{ timeUnixNano: BigInt(time), count, counts: [count] }])
      .build()
  await handle(batch(1, -9_007_199_254_740_993n, 3))
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'initial', intent: 'intended' }])
  const [big, histogram] = [...((await handle(batch(2, 9_007_199_254_740_994n, 5))) as Metrics)]
  assert.equal(big!.value, 18_014_398_509_481_987n)
  assert.deepEqual([histogram!.distribution!.count, histogram!.distribution!.sum], [2n, undefined])
})

test('points of streams beyond max_streams go on as they are, counted', async () => {
  const { handle, context, instance } = build(factory, '{max_streams: 1, strategy: subtract_initial_point}')
  await instance.start?.()
  await handle(counter(1, 5))
  const batch = counter(1, 5, { host: 'b' })
  assert.equal(await handle(batch), batch)
  assert.deepEqual(starts(await handle(counter(2, 7))), [1])
  assert.equal(context.recorded.sums.get('otelcol_processor_metric_start_time_unadjusted_datapoints'), 1)
  assert.equal(context.recorded.gauges.get('otelcol_processor_metric_start_time_streams')?.(), 1)
  assert.equal(context.recorded.lines.length, 1)
})

test('a sender who comes more seldom than gc_interval is not forgotten', async () => {
  const { handle, context } = build(factory, 'gc_interval: 1m')
  for (const [time, start] of [
    [1, 1],
    [2, 1],
    [3, 1],
  ] as const) {
    assert.deepEqual(starts(await handle(counter(time, 5))), [start])
    await context.clock.advance(3_600_000)
  }
})

test('a reload goes on where the old instance was', async () => {
  const histogram = (time: number, count: number) =>
    newMetrics()
      .histogram('h', [{ timeUnixNano: BigInt(time) * milli, count, sum: 0.5, counts: [count], bounds: [] }])
      .build()
  const old = build(factory, 'strategy: subtract_initial_point')
  await old.handle(counter(1, 5))
  await old.handle(histogram(1, 5))
  const { handle, instance } = build(factory, 'strategy: subtract_initial_point')
  await instance.restore!(await old.instance.save!())
  const [after] = [...((await handle(counter(2, 7))) as Metrics)]
  assert.deepEqual([after!.value, after!.startUnixNano], [2, milli])
  const [distribution] = [...((await handle(histogram(2, 6))) as Metrics)]
  assert.equal(distribution!.distribution!.count, 1n)
})

describeRefusals(factory, [
  ['gc_interval: -1h', 'gc_interval must be positive'],
  ['strategy: bad', '"bad" is not a valid strategy'],
  ['{strategy: start_time_metric, start_time_metric_regex: "(((("}', 'error parsing regexp: missing closing ): `((((`'],
  [
    '{strategy: subtract_initial_point, start_time_metric_regex: "^.+_process_start_time_seconds$"}',
    'start_time_metric_regex can only be used with the start_time_metric strategy',
  ],
])
describeAccepted(factory, [
  'strategy: subtract_initial_point',
  'gc_interval: 1h',
  'strategy: true_reset_point',
  '{strategy: start_time_metric, start_time_metric_regex: "^.+_process_start_time_seconds$"}',
])
