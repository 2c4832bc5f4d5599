import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { ExponentialHistogram } from './exponential-histogram.ts'

interface Recorded {
  readonly name: string
  readonly max_size: number
  readonly values?: readonly { readonly v: number; readonly n: number }[] | null
  readonly generated?: 'latencies' | 'close'
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly zero_count: number
  readonly scale: number
  readonly positive: RecordedBuckets
  readonly negative: RecordedBuckets
}
interface RecordedBuckets {
  readonly offset: number
  readonly counts: readonly number[]
}

/** What go-expohisto 1.0.0 answered for these values. */
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'testdata/go-expohisto.json'), 'utf8'),
) as readonly Recorded[]

function* uniform(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}
function valuesOf({ values, generated }: Recorded): readonly { readonly v: number; readonly n: number }[] {
  if (generated === undefined) return values ?? []
  const draw = uniform(generated === 'latencies' ? 7 : 3)
  return Array.from({ length: generated === 'latencies' ? 2_000 : 20_000 }, () => {
    const u = draw.next().value as number
    return { v: generated === 'latencies' ? 0.01 + u * u * u * u * 5_000 : 1 + u, n: 1 }
  })
}
function shapeOf(histogram: ExponentialHistogram): Omit<Recorded, 'name' | 'max_size'> {
  const { count, sum, min, max, zeroCount, scale, positive, negative } = histogram
  const plain = ({ offset, counts }: { offset: number; counts: Float64Array }) => ({ offset, counts: [...counts] })
  return {
    count,
    sum,
    min,
    max,
    zero_count: zeroCount,
    scale,
    positive: plain(positive.read()),
    negative: plain(negative.read()),
  }
}

for (const one of recorded) {
  const { name, max_size, values: _values, generated: _generated, ...expected } = one
  test(`as go-expohisto: ${name}`, () => {
    const histogram = new ExponentialHistogram(max_size)
    for (const { v, n } of valuesOf(one)) histogram.add(v, n)
    assert.deepEqual(shapeOf(histogram), expected)
  })
  test(`as go-expohisto over a save in between: ${name}`, () => {
    let histogram = new ExponentialHistogram(max_size)
    const values = valuesOf(one)
    for (const [i, { v, n }] of values.entries()) {
      if (i === values.length >> 1)
        histogram = ExponentialHistogram.restore(deserialize(serialize(histogram.save())) as never)
      histogram.add(v, n)
    }
    assert.deepEqual(shapeOf(histogram), expected)
  })
}

test('a value that counts not at all changes no bucket', () => {
  const histogram = new ExponentialHistogram()
  histogram.add(3, 0)
  assert.deepEqual(shapeOf(histogram).positive, { offset: 0, counts: [] })
})
