import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Aggregation, aggregatedPoints, aggregations, isInt, toInt64 } from './aggregate-points.ts'
import { noOrigin } from './batch.ts'
import { newMetrics } from './builders.ts'
import { rewriteMetrics } from './metric-rewrite.ts'
import { otlpRequest } from './otlp.arbitrary.ts'
import { readOtlp } from './read-otlp.ts'
import type { Double, Metrics } from './telemetry.ts'
import { validate } from './validate.ts'
import { double } from './value.ts'

function aggregated(batch: Metrics, how: Aggregation | undefined): Metrics {
  return rewriteMetrics(batch, ({ metrics }) => {
    for (const metric of metrics) if (metric.type !== 'summary') metric.points = aggregatedPoints([metric], how)
  })
}
const gauge = (...values: readonly (number | bigint | Double)[]) =>
  newMetrics()
    .gauge(
      'g',
      values.map((value) => ({ value, attributes: { a: 'x' } })),
    )
    .build()
const valuesOf = (batch: Metrics) => Array.from(batch, (point) => point.value)

describe('aggregatedPoints', () => {
  it('aggregates numbers as Go does, ints as ints', () => {
    const all = (...values: readonly (number | bigint | Double)[]) =>
      Object.fromEntries(aggregations.map((how) => [how, valuesOf(aggregated(gauge(...values), how))[0]]))
    assert.deepEqual(all(5, 2, -8), { sum: -1, mean: 0, min: -8, max: 5, median: 2, count: 3 })
    assert.deepEqual(all(5, 2, 8, 4), { sum: 19, mean: 4, min: 2, max: 8, median: 4, count: 4 })
    assert.deepEqual(all(1.5, 2, double(4)), {
      sum: 7.5,
      mean: 2.5,
      min: 1.5,
      max: double(4),
      median: double(2),
      count: double(3),
    })
    assert.deepEqual(all(2n ** 63n - 1n, 1)['sum'], -(2n ** 63n), 'around the end of its range')
    assert.deepEqual(valuesOf(aggregated(gauge(1, 2), undefined)), [1], 'without a function the first stays')
  })

  it('keeps points of other times, other attributes, and of deltas that began elsewhere, apart', () => {
    const batch = newMetrics()
      .sum('delta', [{ value: 1 }, { value: 2, startUnixNano: 5n }, { value: 4 }], { temporality: 'delta' })
      .sum('cumulative', [
        { value: 1, startUnixNano: 9n },
        { value: 2, startUnixNano: 5n },
        { value: 4, timeUnixNano: 7n },
      ])
      .gauge('attributes', [
        { value: 1, attributes: { a: 1, b: 2 } },
        { value: 2, attributes: { b: 2, a: 1 } },
        { value: 4, attributes: { a: '1', b: 2 } },
      ])
      .build()
    assert.deepEqual(
      Array.from(aggregated(batch, 'sum'), (p) => [p.metric.name, p.value, p.startUnixNano]),
      [
        ['delta', 5, 0n],
        ['delta', 2, 5n],
        ['cumulative', 3, 5n],
        ['cumulative', 4, 0n],
        ['attributes', 3, 0n],
        ['attributes', 4, 0n],
      ],
    )
  })

  it('never loses an observation of a histogram, whatever it is given', () => {
    const counts = (batch: Metrics) =>
      Array.from(batch, (p) => p.distribution?.count ?? 0n).reduce((sum, n) => sum + n, 0n)
    fc.assert(
      fc.property(otlpRequest('metrics'), fc.constantFrom(...aggregations), (bytes, how) => {
        const batch = readOtlp('metrics', bytes, 'proto', noOrigin)
        const bare = rewriteMetrics(batch, ({ metrics }) => {
          for (const metric of metrics) for (const point of metric.points) point.attributes = {}
        })
        const after = aggregated(bare, how)
        assert.equal(BigInt.asUintN(64, counts(after)), BigInt.asUintN(64, counts(batch)))
        if (after.count > 0) assert.equal(validate('metrics', after.chunks[0]!).items, after.count)
      }),
      { numRuns: 100 },
    )
  })

  it('leaves buckets that are far apart in two points, instead of a gigabyte of zeros', () => {
    const point = (offset: number) => ({ count: 1, positive: { offset, counts: [1] } })
    const batch = newMetrics()
      .exponentialHistogram('e', [point(0), point(1_000_000_000), point(3)])
      .build()
    const offsets = Array.from(aggregated(batch, 'sum'), (p) => p.distribution!.exponential!.positive.counts.length)
    assert.deepEqual(offsets, [4, 1])
  })

  it('knows ints, and converts as Go on amd64', () => {
    assert.deepEqual(
      [isInt(1), isInt(1n), isInt(1.5), isInt(double(1)), isInt(2 ** 64)],
      [true, true, false, false, false],
    )
    assert.deepEqual(
      [toInt64(1.9), toInt64(-1.9), toInt64(Number.NaN), toInt64(1e300)],
      [1n, -1n, -(2n ** 63n), -(2n ** 63n)],
    )
  })
})
