import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Distribution, ExponentialBuckets } from '../../pipeline/data/telemetry.ts'
import { double, isDouble } from '../../pipeline/data/value.ts'
import { bucketsDelta } from './exponential.ts'
import { Tracker } from './tracker.ts'

const minute = 60_000_000_000n
const created = 1_700_000_000_000_000_000n
const future = created + 60n * minute

function tracker(initial_value = 'auto', max_streams = 10): Tracker {
  return new Tracker({ initial_value, max_streams }, created)
}

type Step = readonly [time: bigint, value: number, outcome: string, start?: bigint, delta?: number]
const later: Step = [future + minute, 225, 'converted', future, 125]
const streams: readonly { readonly initial: string; readonly start: bigint; readonly steps: readonly Step[] }[] = [
  { initial: 'keep', start: future - minute, steps: [[future, 100, 'converted', 0n, 100], later] },
  { initial: 'drop', start: 0n, steps: [[future, 100, 'initial'], later] },
  { initial: 'auto', start: 0n, steps: [[future, 100, 'initial'], later] },
  { initial: 'auto', start: future, steps: [[future, 100, 'initial'], later] },
  {
    initial: 'auto',
    start: future,
    steps: [
      [future + minute, 100, 'converted', future, 100],
      [future + 2n * minute, 225, 'converted', future + minute, 125],
      [future + 3n * minute, 75, 'reset'],
      [future + 4n * minute, 300, 'converted', future + 3n * minute, 225],
      [future + 5n * minute, 325, 'converted', future + 4n * minute, 25],
    ],
  },
]
for (const [i, { initial, start, steps }] of streams.entries()) {
  for (const kind of ['ints', 'doubles'] as const)
    test(`${kind}, initial_value ${initial}, stream ${i}`, () => {
      const of = tracker(initial)
      for (const [time, value, outcome, from, delta] of steps) {
        assert.equal(of.number('m', 's', start, time, kind === 'ints' ? value : double(value)), outcome)
        if (outcome !== 'converted') continue
        assert.equal(of.startUnixNano, from)
        assert.deepEqual(of.value, kind === 'ints' ? delta : double(delta!))
      }
    })
}

test('ints stay exact over all 64 bits', () => {
  const of = tracker('drop')
  const cases: readonly (readonly [number | bigint, number | bigint | undefined])[] = [
    [-9_223_372_036_854_775_808n, undefined],
    [-9_223_372_036_854_775_807n, 1n],
    [-5, 9_223_372_036_854_775_802n],
    [9_007_199_254_740_991, 9_007_199_254_740_996n],
    [9_007_199_254_740_993n, 2n],
    [9_223_372_036_854_775_807n, 9_214_364_837_600_034_814n],
  ]
  for (const [value, delta] of cases) {
    const outcome = of.number('m', 's', 0n, 1n, value)
    assert.equal(outcome, delta === undefined ? 'initial' : 'converted')
    if (delta !== undefined) assert.equal(BigInt(of.value as number), delta)
  }
})

test('ints, doubles and points without a value are streams of their own', () => {
  const of = tracker('keep')
  assert.deepEqual(
    [7, double(5), undefined, 8, double(7), undefined].map((value) => {
      of.number('m', 's', 0n, 1n, value)
      return isDouble(of.value) ? of.value.double : of.value
    }),
    [7, 5, 0, 1, 2, 0],
  )
  assert.equal(of.size, 3)
})

test('a NaN is left alone and forgets nothing', () => {
  const of = tracker('keep')
  of.number('m', 's', 0n, 1n, 1.5)
  assert.equal(of.number('m', 's', 0n, 2n, Number.NaN), 'stale')
  of.number('m', 's', 0n, 3n, 2)
  of.number('m', 's', 0n, 3n, 4.5)
  assert.deepEqual(of.value, double(3))
})

function distribution(count: number, sum: number | undefined, rest: Partial<Distribution>): Distribution {
  return {
    count: BigInt(count),
    sum,
    min: undefined,
    max: undefined,
    bounds: new Float64Array(0),
    counts: new BigUint64Array(0),
    exponential: undefined,
    quantiles: [],
    ...rest,
  }
}
function histogram(count: number, sum: number | undefined, counts: readonly number[], bounds = [1, 2]): Distribution {
  return distribution(count, sum, {
    bounds: Float64Array.from(bounds),
    counts: BigUint64Array.from(counts.map(BigInt)),
  })
}
function buckets(offset: number, ...counts: readonly number[]): ExponentialBuckets {
  return { offset, counts: BigUint64Array.from(counts.map(BigInt)) }
}
function exponential(count: number, sum: number, positive: ExponentialBuckets, negative = buckets(0)): Distribution {
  return distribution(count, sum, { exponential: { scale: 0, zeroCount: 0n, zeroThreshold: 0, positive, negative } })
}

type Row = readonly [of: Distribution, outcome: string, count?: number, sum?: number, counts?: readonly number[]]
const histories: Readonly<Record<string, readonly Row[]>> = {
  'a bucket that lost something is a reset': [
    [histogram(10, 5, [4, 6]), 'converted', 10, 5],
    [histogram(11, 6, [2, 9]), 'reset'],
  ],
  'a histogram that grows': [
    [histogram(10, 5, [4, 6]), 'converted', 10, 5],
    [histogram(15, 10, [4, 11]), 'converted', 5, 5, [0, 5]],
  ],
  'after a reset the next point counts from it': [
    [histogram(10, 100, [4, 6]), 'converted', 10, 100],
    [histogram(20, 200, [8, 12]), 'converted', 10, 100, [4, 6]],
    [histogram(5, 50, [2, 3]), 'reset'],
    [histogram(8, 80, [3, 5]), 'converted', 3, 30, [1, 2]],
  ],
  'after a bucket dropped, too': [
    [histogram(10, 100, [4, 6]), 'converted', 10, 100],
    [histogram(12, 120, [5, 5]), 'reset'],
    [histogram(14, 140, [7, 6]), 'converted', 2, 20, [2, 1]],
  ],
  'a reset without a sum leaves no older sum behind': [
    [histogram(10, 100, [4, 6]), 'converted', 10, 100],
    [histogram(20, 200, [8, 12]), 'converted', 10, 100, [4, 6]],
    [histogram(5, Number.NaN, [2, 3]), 'reset'],
    [histogram(8, 80, [3, 5]), 'converted', 3, 0, [1, 2]],
  ],
  'other bounds begin anew': [
    [histogram(10, 5, [4, 6]), 'converted', 10, 5],
    [histogram(10, 5, [4, 6], [1, 3]), 'bucket_mismatch'],
    [histogram(11, 6, [4, 7], [1, 3]), 'converted', 1, 1, [0, 1]],
    [histogram(11, 6, [4, 6, 1], [1, 3]), 'bucket_mismatch'],
  ],
  'exponential: after a reset the next point counts from it': [
    [exponential(100, 1000, buckets(0, 100)), 'converted', 100, 1000],
    [exponential(150, 1500, buckets(0, 150)), 'converted', 50, 500, [50]],
    [exponential(10, 100, buckets(0, 10)), 'reset'],
    [exponential(25, 250, buckets(0, 25)), 'converted', 15, 150, [15]],
  ],
  'exponential: a point without a sum leaves the older one': [
    [exponential(10, 1000, buckets(0, 10)), 'converted', 10, 1000],
    [exponential(20, Number.NaN, buckets(0, 20)), 'converted', 10, 0, [10]],
    [exponential(30, 1200, buckets(0, 30)), 'converted', 10, 200, [10]],
    [exponential(40, 1300, buckets(0, 40)), 'converted', 10, 100, [10]],
  ],
  'exponential: a reset without a sum leaves no older sum behind': [
    [exponential(100, 1000, buckets(0, 100)), 'converted', 100, 1000],
    [exponential(150, 1500, buckets(0, 150)), 'converted', 50, 500, [50]],
    [exponential(10, Number.NaN, buckets(0, 10)), 'reset'],
    [exponential(25, 250, buckets(0, 25)), 'converted', 15, 0, [15]],
    [exponential(40, 400, buckets(0, 40)), 'converted', 15, 150, [15]],
  ],
  'exponential: a positive bucket dropped': [
    [exponential(8, 80, buckets(0, 5, 3)), 'converted', 8, 80],
    [exponential(9, 90, buckets(0, 4, 3)), 'reset'],
    [exponential(11, 110, buckets(0, 6, 4)), 'converted', 2, 20, [2, 1]],
  ],
  'exponential: a negative bucket dropped': [
    [exponential(8, 80, buckets(0, 2, 1), buckets(0, 5, 3)), 'converted', 8, 80],
    [exponential(9, 90, buckets(0, 2, 1), buckets(0, 4, 3)), 'reset'],
    [exponential(11, 110, buckets(0, 2, 1), buckets(0, 6, 4)), 'converted', 2, 20, []],
  ],
}
for (const [name, rows] of Object.entries(histories))
  test(name, () => {
    const of = tracker('keep')
    for (const [point, outcome, count, sum, counts] of rows) {
      const kind = point.exponential === undefined ? 'histogram' : 'exponential'
      assert.equal(of[kind]('m', 's', 0n, 1n, point), outcome)
      if (outcome !== 'converted') continue
      assert.deepEqual([of.delta.count, of.delta.sum], [BigInt(count!), sum])
      if (counts === undefined) continue
      const given = of.delta.counts ?? of.delta.exponential!.positive.counts
      assert.deepEqual([...given].map(Number), counts)
    }
  })

const differences: Readonly<
  Record<string, readonly [now: ExponentialBuckets, before: ExponentialBuckets, ExponentialBuckets | 'reset']>
> = {
  'sparse buckets without previous': [buckets(0, 1, 0, 2, 0, 3), buckets(0), buckets(0, 1, 0, 2, 0, 3)],
  'leading zeros and an offset': [buckets(5, 0, 4, 0, 2), buckets(5), buckets(6, 4, 0, 2)],
  'overlapping buckets': [buckets(2, 5, 7, 9, 1), buckets(1, 0, 0, 6, 1, 1), buckets(2, 5, 1, 8)],
  'an older bucket before': [buckets(1, 3, 8), buckets(0, 5, 3, 8), 'reset'],
  'not monotonic': [buckets(0, 1, 2, 1, 5), buckets(0, 1, 3, 2, 3), 'reset'],
  'nothing grew': [buckets(10, 0, 1), buckets(10, 0, 2), 'reset'],
  'negative offsets': [buckets(-3, 2, 4, 4), buckets(-4, 0, 1, 3, 1), buckets(-3, 1, 1, 3)],
  'the first bucket that grew sets the offset': [buckets(100, 0, 0, 9), buckets(0), buckets(102, 9)],
  'a bucket within is empty now': [buckets(0, 5, 0, 9), buckets(0, 5, 3, 8), 'reset'],
  'an older bucket after': [buckets(0, 6, 3), buckets(0, 5, 3, 8), 'reset'],
}
for (const [name, [now, before, delta]] of Object.entries(differences))
  test(`buckets: ${name}`, () => assert.deepEqual(bucketsDelta(now, before), delta))

test('offsets at the end of 32 bits cost nothing', () => {
  const of = tracker('keep')
  const at = (scale: number, offset: number, count: number): Distribution =>
    distribution(count, 0, {
      exponential: {
        scale,
        zeroCount: 0n,
        zeroThreshold: 0,
        positive: buckets(offset, count),
        negative: buckets(-offset - 1, count, 0),
      },
    })
  assert.equal(of.exponential('m', 's', 0n, 1n, at(20, 2 ** 31 - 1, 1)), 'converted')
  assert.equal(of.exponential('m', 's', 0n, 2n, at(-(2 ** 31), 0, 2)), 'converted')
  assert.equal(of.delta.exponential!.positive.counts.length, 1)
})

test('what is older is forgotten, what is not is kept', () => {
  const of = tracker('drop')
  of.number('m', 'stale', 0n, 99n, 1)
  of.number('m', 'fresh', 0n, 100n, 1)
  of.forgetBefore(100n)
  assert.equal(of.size, 1)
  assert.equal(of.number('m', 'fresh', 0n, 101n, 2), 'converted')
  assert.equal(of.number('m', 'stale', 0n, 101n, 2), 'initial')
})
