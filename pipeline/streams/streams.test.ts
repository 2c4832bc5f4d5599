import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newMetrics } from '../data/builders.ts'
import type { Distribution, Exponential, ExponentialBuckets } from '../data/telemetry.ts'
import { double } from '../data/value.ts'
import { addExponentials, addHistograms } from './add.ts'
import { coarser, indexOf, merged, scalesOver } from './buckets.ts'
import { metricId, placeId } from './identity.ts'
import { add, addInts, subtractInts } from './numbers.ts'
import { StreamMap } from './stream-map.ts'

const buckets = (offset: number, ...counts: readonly number[]): ExponentialBuckets => ({
  offset,
  counts: BigUint64Array.from(counts.map(BigInt)),
})
const total = ({ counts }: ExponentialBuckets) => counts.reduce((sum, count) => sum + count, 0n)

// Upstream's TestLimit.
const limits: readonly (readonly [low: number, high: number, by: number, buckets: number])[] = [
  [1, 160, 0, 160],
  [0, 319, 1, 160],
  [0, 320, 2, 81],
  [1, 320, 2, 81],
  [-321, -2, 2, 81],
  [-320, -2, 1, 160],
  [-161, 160, 2, 82],
  [1, 1280, 4, 81],
]
for (const [low, high, by, length] of limits)
  test(`buckets ${low} and ${high} fit into 160 at a scale lower by ${by}`, () => {
    const [a, b] = [buckets(low, 1), buckets(high, 1)]
    assert.equal(scalesOver(160, a, b), by)
    assert.equal(scalesOver(160, b, a), by)
    const both = merged(coarser(a, by), coarser(b, by))
    assert.deepEqual([both.counts.length, total(both)], [length, 2n])
  })

// Upstream's TestDownscale.
const downscaled: readonly (readonly [of: ExponentialBuckets, by: number, ExponentialBuckets])[] = [
  [buckets(0, ...Array<number>(12).fill(1)), 1, buckets(0, 2, 2, 2, 2, 2, 2)],
  [buckets(0, ...Array<number>(12).fill(1)), 2, buckets(0, 4, 4, 4)],
  [buckets(1, ...Array<number>(11).fill(1)), 1, buckets(0, 1, 2, 2, 2, 2, 2)],
  [buckets(1, ...Array<number>(11).fill(1)), 2, buckets(0, 3, 4, 4)],
  [buckets(2, ...Array<number>(10).fill(1)), 1, buckets(1, 2, 2, 2, 2, 2)],
  [buckets(4, ...Array<number>(8).fill(1)), 2, buckets(1, 4, 4)],
  [buckets(0, ...Array<number>(9).fill(1)), 2, buckets(0, 4, 4, 1)],
  [buckets(1, 1, 1, 0), 1, buckets(0, 1, 1)],
  [buckets(1, 1, 1), 1, buckets(0, 1, 1)],
  [buckets(-1, 1, 1), 1, buckets(-1, 1, 1)],
  [buckets(-1, 4, 0, 3, 0, 3, 0, 0, 8), 1, buckets(-1, 4, 3, 3, 0, 8)],
]
for (const [i, [of, by, expected]] of downscaled.entries())
  test(`downscaled ${i}`, () => assert.deepEqual(coarser(of, by), expected))

// Upstream's TestMerge.
const merges: readonly (readonly [ExponentialBuckets, ExponentialBuckets, ExponentialBuckets])[] = [
  [buckets(-3), buckets(-3), buckets(-3)],
  [buckets(-1, 1, 1, 1), buckets(-2, 1, 1), buckets(-2, 1, 2, 1, 1)],
  [buckets(1, 1, 1, 1), buckets(1, 1, 1, 1), buckets(1, 2, 2, 2)],
  [buckets(-2, 1, 1), buckets(1, 1, 1), buckets(-2, 1, 1, 0, 1, 1)],
]
for (const [i, [a, b, both]] of merges.entries()) test(`merged ${i}`, () => assert.deepEqual(merged(a, b), both))

test('a value lies in the bucket whose upper bound it is, at any scale', () => {
  const cases = [
    [2, 0, 0],
    [3, 0, 1],
    [0.3, 0, -2],
    [8, 1, 5],
    [8, -1, 1],
    [2, -1, 0],
    [1, 3, -1],
    [2 ** -1074, 0, -1075],
  ] as const
  for (const [value, scale, index] of cases) assert.equal(indexOf(value, scale), index, `${value} at ${scale}`)
})

interface ExponentialCase extends Partial<Omit<Distribution, 'exponential'>> {
  readonly scale?: number
  readonly zero?: number
  readonly threshold?: number
  /** Positive and negative ones are alike. */
  readonly both: ExponentialBuckets
}
function exponential({ scale = 0, zero = 0, threshold = 0, both, ...rest }: ExponentialCase): Distribution {
  const of: Exponential = { scale, zeroCount: BigInt(zero), zeroThreshold: threshold, positive: both, negative: both }
  return { ...histogram(0, []), ...rest, exponential: of }
}
function histogram(
  count: number,
  counts: readonly number[],
  bounds: readonly number[] = [],
  rest: Partial<Distribution> = {},
): Distribution {
  return {
    count: BigInt(count),
    sum: undefined,
    min: undefined,
    max: undefined,
    bounds: Float64Array.from(bounds),
    counts: BigUint64Array.from(counts.map(BigInt)),
    exponential: undefined,
    quantiles: [],
    ...rest,
  }
}

// Upstream's TestExpoAdd, but for those of another limit than 160, and TestWidenZero.
const exponentials: Readonly<Record<string, readonly [a: ExponentialCase, b: ExponentialCase, sum: ExponentialCase]>> =
  {
    'nothing filled': [
      { both: buckets(-3, 0, 0, 0, 0, 0, 0, 0, 0) },
      { both: buckets(-3, 0, 0, 0, 0, 0, 0, 0, 0) },
      { both: buckets(5) },
    ],
    simple: [
      { both: buckets(-3, 0, 0, 0, 0, 0, 0, 0, 0), count: 0n },
      { both: buckets(-3, 1, 2, 3, 4, 5, 6, 7, 8), count: 72n },
      { both: buckets(-3, 1, 2, 3, 4, 5, 6, 7, 8), count: 72n },
    ],
    'lower and shorter': [
      { both: buckets(2, 1, 1, 1), count: 6n },
      { both: buckets(-1, 1, 1, 1, 1, 1), count: 10n },
      { both: buckets(-1, 1, 1, 1, 2, 2, 1), count: 16n },
    ],
    longer: [
      { both: buckets(-3, 1, 1, 1, 1, 1), count: 10n },
      { both: buckets(-3, 1, 1, 1, 1, 1, 1, 1, 1), count: 16n },
      { both: buckets(-3, 2, 2, 2, 2, 2, 1, 1, 1), count: 26n },
    ],
    'optional ones that one lacks': [
      { both: buckets(-1, 1, 0, 1), count: 2n },
      { both: buckets(0, 1, 1, 1), count: 3n, min: 1.5, max: 6.3, sum: 11 },
      { both: buckets(-1, 1, 1, 2, 1), count: 5n },
    ],
    'optional ones that both have': [
      { both: buckets(0, 1, 0, 1, 1), count: 3n, min: 1.5, max: 11.5, sum: 18.5 },
      { both: buckets(-1, 1, 0, 1, 1), count: 3n, min: 0.6, max: 7.9, sum: 11.5 },
      { both: buckets(-1, 1, 1, 1, 2, 1), count: 6n, min: 0.6, max: 11.5, sum: 30 },
    ],
    'zero count': [
      { both: buckets(-3, 0, 1, 2), zero: 3, count: 5n },
      { both: buckets(-3, 0, 1, 0), zero: 2, count: 3n },
      { both: buckets(-2, 2, 2), zero: 5, count: 8n },
    ],
    'zero thresholds that differ': [
      { both: buckets(-1, 0, 1, 1, 1), zero: 2 },
      { both: buckets(1, 1, 1), zero: 2, threshold: 2 },
      { both: buckets(1, 2, 2), zero: 6, threshold: 2 },
    ],
    'a zero threshold within a bucket': [
      { both: buckets(-2, 1, 1, 1, 1, 1), zero: 2, threshold: 0.2 },
      { both: buckets(-1, 1, 1, 1, 1), zero: 2, threshold: 0.3 },
      { both: buckets(-1, 2, 2, 2, 2), zero: 6, threshold: 0.5 },
    ],
    'a threshold above a bucket divides it: all of it is zero then': [
      { both: buckets(-1, 1, 2, 3, 4, 5), zero: 2 },
      { both: buckets(0), threshold: 3 },
      { both: buckets(2, 4, 5), zero: 14, threshold: 4 },
    ],
    'negative offsets': [
      { both: buckets(-2, 1, 2) },
      { both: buckets(-5, 1, 2, 3) },
      { both: buckets(-5, 1, 2, 3, 1, 2) },
    ],
    'scales that differ': [
      { both: buckets(-1, 1, 0, 1, 1, 1), scale: 1 },
      { both: buckets(-1, 1, 1, 2), scale: 0 },
      { both: buckets(-1, 2, 2, 4), scale: 0 },
    ],
    'leading and trailing zeros': [
      { both: buckets(-2, 0, 0, 1, 5, 5, 1, 0, 0), count: 12n },
      { both: buckets(0, 0, 2, 2, 3, 3, 2, 2, 0), count: 14n },
      { both: buckets(0, 1, 7, 7, 4, 3, 2, 2), count: 26n },
    ],
    'more buckets than there may be': [
      { both: buckets(-160, 1), count: 1n },
      { both: buckets(159, 2), count: 2n },
      { both: buckets(-80, 1, ...Array<number>(158).fill(0), 2), count: 3n, scale: -1 },
    ],
    'one without buckets': [
      { both: buckets(3), scale: 1 },
      { both: buckets(0, 1, 2, 3), scale: 1, count: 12n },
      { both: buckets(0, 1, 2, 3), scale: 1, count: 12n },
    ],
    'none with buckets, scales that differ': [
      { both: buckets(5), scale: 3 },
      { both: buckets(7), scale: 1 },
      { both: buckets(1), scale: 1 },
    ],
  }
for (const [name, [a, b, sum]] of Object.entries(exponentials))
  test(`exponential histograms: ${name}`, () =>
    assert.deepEqual(addExponentials(exponential(a), exponential(b)), exponential(sum)))

test('offsets at the end of 32 bits, odd scales and thresholds cost nothing', () => {
  const one = exponential({ both: buckets(2 ** 31 - 1, 1), scale: 20 })
  const other = exponential({ both: buckets(-(2 ** 31), 1), scale: -(2 ** 31), threshold: Number.MAX_VALUE })
  const odd = exponential({ both: buckets(0, 1), scale: 2 ** 31 - 1, threshold: Number.NaN })
  for (const [a, b] of [
    [one, other],
    [other, one],
    [odd, one],
    [other, odd],
  ] as const)
    assert.ok(addExponentials(a, b).exponential!.positive.counts.length <= 160)
})

// Upstream's TestHistoAdd.
const histograms: Readonly<Record<string, readonly [Distribution, Distribution, Distribution]>> = {
  simple: [
    histogram(3, [1, 1, 1], [1, 2], { sum: 4, min: 0.5, max: 3 }),
    histogram(2, [0, 0, 2], [1, 2], { sum: 9, min: 4, max: 5 }),
    histogram(5, [1, 1, 3], [1, 2], { sum: 13, min: 0.5, max: 5 }),
  ],
  'fewer buckets': [histogram(6, [2, 2, 2]), histogram(2, [1, 1]), histogram(8, [3, 3, 2])],
  'other bounds': [
    histogram(3, [1, 1, 1], [12, 17]),
    histogram(2, [0, 1, 1], [34, 55]),
    histogram(2, [0, 1, 1], [34, 55]),
  ],
  'no buckets': [
    histogram(42, [], [], { sum: 777.25, min: 12.25, max: 66.75 }),
    histogram(33, [], [], { sum: 568.25, min: 8.25, max: 23.5 }),
    histogram(75, [], [], { sum: 1345.5, min: 8.25, max: 66.75 }),
  ],
  'optional ones that one lacks': [
    histogram(42, [], [], { sum: 777, min: 12.25, max: 66.75 }),
    histogram(33, []),
    histogram(75, []),
  ],
}
for (const [name, [a, b, sum]] of Object.entries(histograms))
  test(`histograms: ${name}`, () => assert.deepEqual(addHistograms(a, b), sum))

test('ints are exact, and wrap at 64 bits', () => {
  assert.equal(addInts(9_007_199_254_740_991, 2), 9_007_199_254_740_993n)
  assert.equal(addInts(9_223_372_036_854_775_807n, 1), -9_223_372_036_854_775_808n)
  assert.equal(subtractInts(9_007_199_254_740_993n, 9_007_199_254_740_992n), 1)
  assert.equal(subtractInts(-5, 9_223_372_036_854_775_807n), 9_223_372_036_854_775_804n)
  assert.deepEqual([add(undefined, 3), add(3, double(4)), add(1.5, 1)], [3, double(7), 2.5])
})

test('streams are told apart by what makes them differ, and by nothing else', () => {
  const ids = (build: (to: ReturnType<typeof newMetrics>) => unknown) => {
    const to = newMetrics()
    build(to)
    const [point] = [...to.build()]
    return placeId(point!) + metricId(point!.metric)
  }
  const base = ids((to) =>
    to
      .resource({ a: '1', b: 2 })
      .scope('s', { version: 'v' })
      .sum('m', [{ value: 1 }]),
  )
  assert.equal(
    ids((to) =>
      to
        .resource({ b: 2, a: '1' }, { schemaUrl: 'x' })
        .scope('s', { version: 'v' })
        .sum('m', [{ value: 5, timeUnixNano: 7n }], { description: 'd' }),
    ),
    base,
  )
  const others = [
    ids((to) =>
      to
        .resource({ a: 1, b: 2 })
        .scope('s', { version: 'v' })
        .sum('m', [{ value: 1 }]),
    ),
    ids((to) =>
      to
        .resource({ a: '1', b: 2 })
        .scope('sv')
        .sum('m', [{ value: 1 }]),
    ),
    ids((to) =>
      to
        .resource({ a: '1', b: 2 })
        .scope('s', { version: 'v', attributes: { t: 1 } })
        .sum('m', [{ value: 1 }]),
    ),
    ids((to) =>
      to
        .resource({ a: '1', b: 2 })
        .scope('s', { version: 'v' })
        .gauge('m', [{ value: 1 }]),
    ),
    ids((to) =>
      to
        .resource({ a: '1', b: 2 })
        .scope('s', { version: 'v' })
        .sum('m', [{ value: 1 }], { unit: 'By' }),
    ),
    ids((to) =>
      to
        .resource({ a: '1', b: 2 })
        .scope('s', { version: 'v' })
        .sum('m', [{ value: 1 }], { temporality: 'delta' }),
    ),
    ids((to) =>
      to
        .resource({ a: '1', b: 2 })
        .scope('s', { version: 'v' })
        .sum('m', [{ value: 1 }], { monotonic: true }),
    ),
  ]
  assert.equal(new Set([base, ...others]).size, others.length + 1)
})

test('a full map takes no more, and has room again for what was swept', () => {
  const map = new StreamMap<{ n: number }>(2)
  assert.deepEqual(
    [map.add('m', 'a', { n: 1 }), map.add('n', 'a', { n: 2 }), map.add('m', 'b', { n: 3 })],
    [true, true, false],
  )
  assert.deepEqual([map.size, map.get('m', 'b')], [2, undefined])
  map.sweep(({ n }) => n === 2)
  assert.deepEqual(map.entries(), [['m', [['a', { n: 1 }]]]])
  assert.ok(map.add('m', 'b', { n: 3 }))
})
