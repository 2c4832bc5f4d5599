import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketOf, ExponentialHistogram } from '../../pipeline/data/exponential-histogram.ts'
import { highestScale, maxBuckets, Sketch } from './sketch.ts'

function add(sketch: Sketch, value: number, times: number): void {
  sketch.add(value, value > 0 ? bucketOf(value, highestScale) : 0, times)
}

/** Buckets by number at that scale. */
function buckets(counts: Iterable<readonly [number, number]>, shift: number): Map<number, number> {
  const sums = new Map<number, number>()
  for (const [i, count] of counts) if (count > 0) sums.set(i >> shift, (sums.get(i >> shift) ?? 0) + count)
  return new Map([...sums].sort(([a], [b]) => a - b))
}

function countsOf(sketch: Sketch): [number, number][] {
  const { low, high } = sketch
  return Array.from({ length: high - low + 1 }, (_, k) => [low + k, sketch.countOf(low + k)])
}

const durations = fc.oneof(
  fc.constant(0),
  fc.double({ min: 1e-9, max: 1e5, noNaN: true }),
  fc.double({ min: 1e-3, max: 2, noNaN: true }),
  fc.integer({ min: -30, max: 16 }).map((power) => 2 ** power),
)
const values = fc.array(fc.tuple(durations, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 200 })

test('the buckets are those of ExponentialHistogram, as fine as they are wanted', () => {
  const sketch = new Sketch()
  fc.assert(
    fc.property(values, (list) => {
      // Used again: what was in it before must be gone.
      sketch.clear()
      const expected = new ExponentialHistogram(maxBuckets)
      for (const [value, times] of list) {
        add(sketch, value, times)
        expected.add(value, times)
      }
      const { count, zeroCount, min, max, scale, positive } = expected
      assert.deepEqual([sketch.count, sketch.zeros, sketch.min, sketch.max], [count, zeroCount, min, max])
      assert.ok(Math.abs(sketch.sum - expected.sum) <= 1e-9 * expected.sum)
      if (count === zeroCount) return
      assert.equal(sketch.scale, Math.min(scale, highestScale))
      const { offset, counts } = positive.read()
      const fine = [...counts].map((each, k) => [offset + k, each] as const)
      assert.deepEqual(buckets(countsOf(sketch), 0), buckets(fine, scale - sketch.scale))
    }),
    { numRuns: 500 },
  )
})

test('it never has more than so many buckets', () => {
  const sketch = new Sketch()
  for (let power = -300; power < 300; power++) add(sketch, 2 ** power, 1)
  assert.ok(sketch.high - sketch.low < maxBuckets)
  assert.equal(
    countsOf(sketch).reduce((sum, [, count]) => sum + count, 0),
    600,
  )
})
