import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Metrics, Temporality } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'
import { rate } from './rate.ts'

describeContract(factory, 'metrics: [requests]')
await describeUpstream(factory, import.meta.dirname)

const now = 1_700_000_000_000_000_000n
const both = '[metric_1, metric_2]'

interface Case {
  readonly metrics: string
  readonly in: readonly (readonly number[])[]
  readonly asInts?: true
  readonly temporality?: Temporality
  readonly seconds?: number
  readonly unit?: string
  /** What the type and the unit are then, and the values. */
  readonly out: readonly [type: string, unit: string, ...values: readonly (readonly number[])[]]
}
const cases: Readonly<Record<string, Case>> = {
  'not those that are not named': { metrics: '[other]', in: [[100], [4]], out: ['sum', '', [100], [4]] },
  'by the second': { metrics: both, in: [[120, 240, 360], [360]], out: ['gauge', '', [1, 2, 3], [3]] },
  'not cumulative ones': {
    metrics: both,
    in: [[100], [4]],
    temporality: 'cumulative',
    out: ['sum', '', [100], [4]],
  },
  '0 where the interval is empty': {
    metrics: both,
    in: [[120, 240, 360], [360]],
    seconds: 0,
    out: ['gauge', '', [0, 0, 0], [0]],
  },
  'ints become doubles': {
    metrics: both,
    in: [[120, 240, 360], [360]],
    asInts: true,
    out: ['gauge', '', [1, 2, 3], [3]],
  },
  'the unit, too': { metrics: '[metric_1]', in: [[120]], unit: 'By', out: ['gauge', 'By/s', [1]] },
}
for (const [
  name,
  { metrics, in: given, asInts, temporality = 'delta', seconds = 120, unit = '', out },
] of Object.entries(cases))
  test(name, async () => {
    const { handle } = build(factory, `metrics: ${metrics}`)
    const to = newMetrics()
    for (const [i, values] of given.entries()) {
      const points = values.map((value) => ({
        value: asInts ? value : double(value),
        startUnixNano: now,
        timeUnixNano: now + BigInt(seconds) * 1_000_000_000n,
      }))
      to.sum(`metric_${i + 1}`, points, { temporality, monotonic: true, unit })
    }
    const byName = Map.groupBy((await handle(to.build())) as Metrics, ({ metric }) => metric.name)
    const [first] = byName.values()
    const { type, unit: newUnit } = first![0]!.metric
    const values = [...byName.values()].map((points) => points.map(({ value }) => value))
    const [expectedType, expectedUnit, ...expected] = out
    assert.deepEqual([type, newUnit], [expectedType, expectedUnit])
    assert.deepEqual(
      values,
      expected.map((list) => list.map(double)),
    )
  })

test('a point without a value stays without one, and harms no other', async () => {
  const { handle } = build(factory, 'metrics: [m]')
  const interval = { startTimeUnixNano: String(now), timeUnixNano: String(now + 3_000_000_000n) }
  // The second one is stale, as receivers write it.
  const dataPoints = [
    { ...interval, asInt: '6' },
    { ...interval, flags: 1 },
  ]
  const metrics = [{ name: 'm', sum: { aggregationTemporality: 1, dataPoints } }]
  const request = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] })
  const batch = readOtlp('metrics', Buffer.from(request), 'json', { metadata: new Map() })
  const points = [...((await handle(batch)) as Metrics)]
  assert.deepEqual(
    points.map(({ value }) => value),
    [double(2), undefined],
  )
})

test('a metric that is no delta sum is told of once', async () => {
  const { handle, context } = build(factory, 'metrics: [m]')
  const batch = newMetrics()
    .gauge('m', [{ value: 1 }])
    .build()
  for (let i = 0; i < 3; i++) assert.equal(await handle(batch), batch)
  assert.equal(context.recorded.lines.length, 1)
})

test('an interval that ends before it begins, and one of years, have the rates of Go', () => {
  assert.equal(rate(10, now + 1n, now), 0)
  assert.equal(rate(1, 0n, 1n), 1 / (1 / 1e9))
  assert.equal(rate(1e18, 0n, 1_700_000_000_123_456_789n), 1e18 / (1_700_000_000 + 123_456_789 / 1e9))
})

describeRefusals(factory, [
  ['{}', 'metric names are missing'],
  ['metrics: []', 'metric names are missing'],
])
