import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newMetrics } from '../../pipeline/data/builders.ts'
import { ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import type { Distribution } from '../../pipeline/data/telemetry.ts'
import { shareWithin } from './share-within.ts'

const values = fc.array(
  fc.oneof(
    fc.double({ min: 1e-6, max: 1e4, noNaN: true }),
    fc.double({ min: -100, max: 100, noNaN: true }).filter((value) => Math.abs(value) > 1e-300),
    fc.constant(0),
  ),
  { minLength: 1, maxLength: 60 },
)

function exponentialOf(all: readonly number[], maxSize: number, hasExtremes: boolean): Distribution {
  const histogram = new ExponentialHistogram(maxSize)
  for (const value of all) histogram.add(value, 1)
  const { count, zeroCount, sum, min, max, scale, positive, negative } = histogram
  return [
    ...newMetrics()
      .exponentialHistogram('h', [
        {
          count,
          zeroCount,
          sum,
          scale,
          positive: positive.read(),
          negative: negative.read(),
          ...(hasExtremes ? { min, max } : {}),
        },
      ])
      .build(),
  ][0]!.distribution!
}

function explicitOf(all: readonly number[], bounds: readonly number[], hasExtremes: boolean): Distribution {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  for (const value of all) counts[[...bounds, Number.POSITIVE_INFINITY].findIndex((bound) => value <= bound)]!++
  const extremes = hasExtremes ? { min: Math.min(...all), max: Math.max(...all) } : {}
  return [
    ...newMetrics()
      .histogram('h', [{ count: all.length, bounds, counts, ...extremes }])
      .build(),
  ][0]!.distribution!
}

test('what is told differs from the truth by no more than the bucket that holds the threshold', () => {
  const bounds = [-10, 0, 0.1, 0.25, 1, 5, 100]
  fc.assert(
    fc.property(
      values,
      fc.double({ min: -50, max: 200, noNaN: true }).filter((value) => value === 0 || Math.abs(value) > 1e-300),
      fc.constantFrom(4, 20, 160),
      fc.boolean(),
      fc.boolean(),
      (all, threshold, size, isExponential, hasExtremes) => {
        const of = isExponential ? exponentialOf(all, size, hasExtremes) : explicitOf(all, bounds, hasExtremes)
        const told = shareWithin(of, threshold, { count: 0, within: 0, unsure: 0 })
        const truth = all.filter((value) => value <= threshold).length
        assert.equal(told.count, all.length)
        assert.ok(
          Math.abs(told.within - truth) <= told.unsure + 1e-9,
          `${told.within} of ${truth}, unsure ${told.unsure}`,
        )
        assert.ok(told.within >= 0 && told.within <= told.count + 1e-9)
      },
    ),
    { numRuns: 2_000, seed: 1 },
  )
})

test('a threshold that is a bound is exact: an explicit one, and a power of two at every scale', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1e-3, max: 100, noNaN: true }), { minLength: 1, maxLength: 60 }),
      fc.constantFrom(4, 20, 160),
      fc.constantFrom(0.125, 0.25, 0.5, 1, 2, 16),
      (all, size, threshold) => {
        const truth = all.filter((value) => value <= threshold).length
        const histogram = exponentialOf(all, size, false)
        // Below scale 0 a bucket spans more than one power of two.
        if (histogram.exponential!.scale >= 0)
          assert.deepEqual(shareWithin(histogram, threshold, { count: 0, within: 0, unsure: 0 }), {
            count: all.length,
            within: truth,
            unsure: 0,
          })
        assert.deepEqual(
          shareWithin(explicitOf(all, [0.125, 0.25, 0.5, 1, 2, 16], false), threshold, {
            count: 0,
            within: 0,
            unsure: 0,
          }),
          { count: all.length, within: truth, unsure: 0 },
        )
      },
    ),
    { numRuns: 1_000, seed: 2 },
  )
})

test('a histogram without buckets says what its extremes say', () => {
  const of = (min?: number, max?: number) =>
    [
      ...newMetrics()
        .histogram('h', [{ count: 10, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }])
        .build(),
    ][0]!.distribution!
  const share = (distribution: Distribution) => shareWithin(distribution, 5, { count: 0, within: 0, unsure: 0 })
  assert.deepEqual(share(of(1, 5)), { count: 10, within: 10, unsure: 0 })
  assert.deepEqual(share(of(6, 9)), { count: 10, within: 0, unsure: 0 })
  assert.deepEqual(share(of(0, 10)), { count: 10, within: 5, unsure: 10 })
  assert.deepEqual(share(of()), { count: 10, within: 0, unsure: 10 })
})
