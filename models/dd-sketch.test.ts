import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DDSketch } from './dd-sketch.ts'
import { assertClose, recorded } from './fixtures/recorded.ts'

const { values, quantiles } = recorded.ddsketch

test("quantiles are those of DataDog's sketch", () => {
  const sketch = new DDSketch(0.01)
  for (const value of values) sketch.add(value)
  for (const [q, expected] of quantiles) assertClose(sketch.quantile(q), expected, 1e-9)
})

test('merged parts are the whole, in any order', () => {
  const [whole, even, odd] = [new DDSketch(), new DDSketch(), new DDSketch()]
  for (const [i, value] of values.entries()) {
    whole.add(value)
    ;(i % 2 === 0 ? even : odd).add(value)
  }
  odd.merge(even)
  assert.equal(odd.count, whole.count)
  for (const q of [0, 0.5, 0.99, 1]) assert.equal(odd.quantile(q), whole.quantile(q))
})

test('any range fits: high quantiles stay right when low bins are merged', () => {
  const sketch = new DDSketch()
  const wide = Float64Array.from({ length: 10_000 }, (_, i) => 10 ** (-8 + ((i * 7919) % 10_000) / 200))
  for (const value of wide) sketch.add(value)
  wide.sort()
  for (const q of [0.7, 0.9, 0.99, 1]) assertClose(sketch.quantile(q), wide[Math.floor(q * 9999)] as number, 0.0101)
  assert.equal(sketch.count, 10_000)
})

test('zeros count, nonsense is refused, nothing is NaN', () => {
  const sketch = new DDSketch()
  assert.ok(Number.isNaN(sketch.quantile(0.5)))
  sketch.add(0, 3)
  sketch.add(5)
  assert.equal(sketch.quantile(0.5), 0)
  assertClose(sketch.quantile(1), 5, 0.01)
  for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => sketch.add(bad), RangeError)
  assert.throws(() => sketch.merge(new DDSketch(0.02)), /do not merge/)
})
