import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { Metrics, Point, Temporality } from '../../pipeline/data/telemetry.ts'
import { double, isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeAccepted, describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'max_staleness: 1h')
await describeUpstream(factory, import.meta.dirname)

/** The start of the fake clock, and so of the processor. */
const now = 1_700_000_000_000_000_000n
const after = (seconds: number) => now + BigInt(seconds) * 1_000_000_000n

interface HistogramCase {
  readonly count: number
  readonly sum?: number
  readonly min?: number
  readonly max?: number
  readonly buckets: readonly number[]
  readonly bounds?: readonly number[]
  readonly novalue?: boolean
}
interface ExponentialCase {
  readonly start: number
  readonly time: number
  readonly count: number
  readonly sum: number
  readonly min?: number
  readonly max?: number
  readonly scale?: number
  readonly zeroCount?: number
  readonly zeroThreshold?: number
  readonly positive?: readonly [number, ...number[]]
  readonly negative?: readonly [number, ...number[]]
}
interface MetricCase {
  readonly name: string
  readonly temporality?: Temporality
  readonly monotonic?: boolean
  readonly sum?: readonly (number | 'novalue')[]
  readonly histogram?: readonly HistogramCase[]
  readonly exponential?: readonly ExponentialCase[]
}
interface Conversion {
  readonly name: string
  readonly config: string
  readonly in: readonly MetricCase[]
  readonly out?: readonly MetricCase[]
  readonly error?: string
}

function batchOf(cases: readonly MetricCase[]): Metrics {
  const to = newMetrics()
  const timeUnixNano = after(10)
  for (const { name, monotonic = true, sum, histogram, exponential } of cases) {
    if (sum !== undefined) {
      const points = sum.map((value) =>
        value === 'novalue' ? { timeUnixNano, flags: 1, value: double(0) } : { timeUnixNano, value: double(value) },
      )
      to.sum(name, points, { monotonic })
    } else if (histogram !== undefined) {
      const points = histogram.map(({ buckets, novalue, ...rest }) => ({
        ...rest,
        timeUnixNano,
        counts: buckets,
        flags: novalue ? 1 : 0,
      }))
      to.histogram(name, points)
    } else {
      const points = exponential!.map(({ start, time, positive, negative, ...rest }) => ({
        ...rest,
        startUnixNano: after(start),
        timeUnixNano: after(time),
        positive: bucketsOf(positive),
        negative: bucketsOf(negative),
      }))
      to.exponentialHistogram(name, points)
    }
  }
  return to.build()
}

function bucketsOf([offset = 0, ...counts]: readonly number[] = []) {
  return { offset, counts }
}

/** As the cases say it. */
function shown(batch: Metrics): MetricCase[] {
  const byName = Map.groupBy(batch, ({ metric }) => metric.name)
  return [...byName].map(([name, points]) => {
    const { type, temporality, monotonic } = points[0]!.metric
    if (type === 'sum') return { name, temporality, monotonic, sum: points.map(({ value }) => numberOf(value)) }
    if (type === 'histogram') return { name, temporality, histogram: points.map(shownHistogram) }
    return { name, temporality, exponential: points.map(shownExponential) }
  })
}

function numberOf(value: Point['value']): number {
  return isDouble(value) ? value.double : Number(value)
}

function shownHistogram({ distribution }: Point): HistogramCase {
  const { count, sum, min, max, counts, bounds } = distribution!
  return {
    count: Number(count),
    buckets: [...counts].map(Number),
    ...(sum === undefined ? {} : { sum }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(bounds.length === 0 ? {} : { bounds: [...bounds] }),
  }
}

function shownExponential({ distribution, startUnixNano, timeUnixNano }: Point): ExponentialCase {
  const { count, sum, exponential } = distribution!
  const { scale, zeroCount, zeroThreshold, positive, negative } = exponential!
  const seconds = (nanos: bigint) => Number((nanos - now) / 1_000_000_000n)
  return {
    start: seconds(startUnixNano),
    time: seconds(timeUnixNano),
    count: Number(count),
    sum: sum!,
    ...(scale === 0 ? {} : { scale }),
    ...(zeroCount === 0n ? {} : { zeroCount: Number(zeroCount) }),
    ...(zeroThreshold === 0 ? {} : { zeroThreshold }),
    ...(positive.counts.length === 0 ? {} : { positive: [positive.offset, ...[...positive.counts].map(Number)] }),
    ...(negative.counts.length === 0 ? {} : { negative: [negative.offset, ...[...negative.counts].map(Number)] }),
  }
}

const conversions = parse(readFileSync(join(import.meta.dirname, 'testdata/conversions.yaml'), 'utf8')) as Conversion[]
for (const { name, config, in: given, out, error } of conversions) {
  if (error !== undefined) {
    test(`refused: ${name}`, () => refused(config, error))
    continue
  }
  test(`converts: ${name}`, async () => {
    const { handle } = build(factory, config)
    const expected = out!.map((metric) => ('sum' in metric ? { monotonic: true, ...metric } : metric))
    assert.deepEqual(shown((await handle(batchOf(given))) as Metrics), expected)
  })
}

function refused(yaml: string, words: string): void {
  assert.throws(
    () => build(factory, yaml),
    (error) => error instanceof Error && error.message.includes(words),
  )
}

describeRefusals(factory, [
  ['include: {metrics: [a]}', 'match_type must be set if metrics are supplied'],
  ['exclude: {match_type: strict, metrics: }', 'metrics must be supplied if match_type is set'],
  [
    '{include: {metrics: [a*], match_type: regexp, metric_types: [gauge]}}',
    'found invalid metric type in include.metric_types: gauge. Valid values are [exponentialhistogram histogram sum]',
  ],
  [
    '{exclude: {metric_types: [Invalid]}}',
    'found invalid metric type in exclude.metric_types: Invalid. Valid values are [exponentialhistogram histogram sum]',
  ],
  ['initial_value: first', 'unknown initial_value: first'],
  ['include: {metrics: [a], match_type: glob}', "unrecognized match_type: 'glob', valid types are: [regexp strict]"],
  ['include: {metrics: ["[invalid_regexp"], match_type: regexp}', 'invalid include filter'],
  ['exclude: {metrics: ["[invalid_regexp"], match_type: regexp}', 'invalid exclude filter'],
])

const accepted = [
  '{include: {match_type: strict, metrics: [metric1]}, exclude: {match_type: strict, metrics: [metric3]}, max_staleness: 10s}',
  '{include: {match_type: regexp, metrics: [a*], metric_types: [Sum]}, exclude: {metric_types: [histogram]}}',
  'initial_value: auto',
  'initial_value: keep',
  'initial_value: drop',
  'max_staleness: 0',
]
describeAccepted(factory, accepted)

/** A batch with one int of one series. */
function one(value: number, options: { tenant?: string; host?: string; seconds?: number; start?: bigint } = {}) {
  const { tenant = 'a', host = 'h', seconds = 1, start = after(0) } = options
  return newMetrics()
    .resource({ host })
    .scope('lib', { version: '1', attributes: { tenant } })
    .sum('requests', [{ value, startUnixNano: start, timeUnixNano: after(seconds) }], { monotonic: true })
    .build()
}
const values = (batch: Metrics) => Array.from(batch, ({ value }) => value)

test('scopes that differ in their attributes alone are streams of their own', async () => {
  const { handle } = build(factory, 'initial_value: keep')
  const given: unknown[] = []
  for (const batch of [one(100), one(50, { tenant: 'b' }), one(150), one(80, { tenant: 'b' })])
    given.push(...values((await handle(batch)) as Metrics))
  assert.deepEqual(given, [100, 50, 50, 30])
})

test('what is converted and what is dropped is counted, by type and reason', async () => {
  const { handle, context, instance } = build(factory, '{}')
  await instance.start?.()
  const histogram = (count: number, ...counts: number[]) =>
    newMetrics()
      .histogram('latency', [{ count, counts, timeUnixNano: after(1) }])
      .build()
  const given = [
    ...[100, 150, 200, 50].map((value) => one(value, { start: 0n })),
    histogram(10, 10),
    histogram(20, 20),
    histogram(5, 5),
    histogram(20, 15, 5),
  ]
  for (const batch of given) await handle(batch)
  const counted = Object.fromEntries(
    [...context.recorded.sums].map(([name, sum]) => [name.replace('otelcol_cumulativetodelta_', ''), sum]),
  )
  assert.deepEqual(counted, {
    'datapoints{metric_type="sum"}': 2,
    'datapoints{metric_type="histogram"}': 1,
    'datapoints_dropped{metric_type="sum",reason="initial"}': 1,
    'datapoints_dropped{metric_type="sum",reason="reset"}': 1,
    'datapoints_dropped{metric_type="histogram",reason="initial"}': 1,
    'datapoints_dropped{metric_type="histogram",reason="reset"}': 1,
    'datapoints_dropped{metric_type="histogram",reason="bucket_mismatch"}': 1,
  })
  assert.equal(context.recorded.gauges.get('otelcol_cumulativetodelta_streams_tracked')?.(), 2)
  assert.deepEqual(
    context.recorded.drops.map(({ items, intent }) => `${items} ${intent}`),
    Array.from({ length: 5 }, () => '1 intended'),
  )
})

test('a stream that is silent for max_staleness begins anew', async () => {
  const { handle, context, instance } = build(factory, '{max_staleness: 10s, initial_value: drop}')
  await instance.start?.()
  await handle(one(1, { seconds: 1 }))
  await handle(one(1, { seconds: 15, host: 'other' }))
  await context.clock.advance(20_000)
  assert.equal(context.recorded.gauges.get('otelcol_cumulativetodelta_streams_tracked')?.(), 1)
  assert.deepEqual(values((await handle(one(3, { seconds: 21, host: 'other' }))) as Metrics), [2])
  assert.deepEqual(values((await handle(one(3, { seconds: 21 }))) as Metrics), [])
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.equal(context.clock.pendingTimers, 0)
})

test('a stream beyond max_streams is dropped and counted, those that are known go on', async () => {
  const { handle, context } = build(factory, '{max_streams: 1, initial_value: keep}')
  await handle(one(1))
  const full = (await handle(one(1, { host: 'other' }))) as Metrics
  assert.deepEqual([full.count, full.byteLength], [0, 0])
  assert.deepEqual(values((await handle(one(4))) as Metrics), [3])
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'max_streams', intent: 'lost' }])
  assert.equal(context.recorded.lines.length, 1)
})

test('a reload goes on where the old instance was', async () => {
  const old = build(factory, 'initial_value: drop')
  await old.handle(one(5))
  const state = await old.instance.save!()
  const { handle, instance } = build(factory, '{initial_value: drop, exclude: {metric_types: [histogram]}}')
  await instance.restore!(state)
  assert.deepEqual(values((await handle(one(7, { seconds: 2 }))) as Metrics), [2])
})

test('what is not converted is the same batch', async () => {
  const { handle } = build(factory, '{}')
  const batch = newMetrics()
    .gauge('g', [{ value: 1 }])
    .sum('s', [{ value: 1 }], { temporality: 'delta' })
    .build()
  assert.equal(await handle(batch), batch)
})
