import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertClose, recorded } from './fixtures/recorded.ts'
import { clipP, combineCauchy } from './fusion.ts'
import { ksTwoSample } from './kolmogorov-smirnov.ts'
import { quantileOfSorted, spreadOf } from './order-statistics.ts'
import { fitRatio, ratioTail } from './ratio-tail.ts'
import { betaBinomialAtLeast, binomialAtLeast, logGamma, normalTwoSided } from './special-functions.ts'

test("tails of counts and residuals are SciPy's", () => {
  const { binomial, betabinomial, logGamma: gammas, normal } = recorded.tails
  for (const [k, n, p, tail] of binomial) assertClose(binomialAtLeast(k, n, p), tail, 1e-8)
  for (const [k, n, a, b, tail] of betabinomial) assertClose(betaBinomialAtLeast(k, n, a, b), tail, 1e-8)
  for (const [x, value] of gammas) assert.ok(Math.abs(logGamma(x) - value) < 1e-13 * Math.max(10, value))
  for (const [z, p] of normal) assertClose(normalTwoSided(z), p, 2e-7)
})

test("Kolmogorov-Smirnov is SciPy's, with ties too", () => {
  for (const { a, b, statistic, p, method } of recorded.ks) {
    const found = ksTwoSample(Float64Array.from(a), Float64Array.from(b))
    assertClose(found.statistic, statistic, 1e-12)
    // Beyond a million pairs ours adds Stephens' correction to SciPy's asymptotic formula.
    assertClose(found.p, p, method === 'exact' ? 1e-8 : 0.05)
  }
  assertClose(ksTwoSample(Float64Array.of(1, 2), Float64Array.of(3, 4)).p, 1 / 3, 1e-12)
  assert.throws(() => ksTwoSample(new Float64Array(), Float64Array.of(1)), RangeError)
})

test('an error ratio is judged by its counts, and by how much the ratio wanders by itself', () => {
  const steady = fitRatio({
    hits: new Float64Array(100).map((_, i) => (i % 2 === 0 ? 9 : 11)),
    totals: new Float64Array(100).fill(1000),
  })
  assert.equal(ratioTail(steady, 1, 2), 1)
  assert.ok(ratioTail(steady, 30, 1000) < 1e-6)
  assert.ok(ratioTail(steady, 10, 1000) > 0.3)
  const wandering = fitRatio({
    hits: new Float64Array(100).map((_, i) => 1 + ((i * 7) % 40)),
    totals: new Float64Array(100).fill(1000),
  })
  assert.ok(ratioTail(wandering, 30, 1000) > 0.02)
  const never = fitRatio({ hits: new Float64Array(10), totals: new Float64Array(10).fill(100) })
  assert.ok(ratioTail(never, 1, 100) > 0.01)
})

test('fusion: equal ones stay, a sure one survives many that say nothing, nonsense says nothing', () => {
  for (const p of [0.3, 1e-3, 1e-9]) assertClose(combineCauchy([p, p, p]), p, 1e-9)
  assert.ok(combineCauchy([1e-9, 1, 1, 0.9999]) < 1e-8)
  assert.equal(combineCauchy([]), 0.5)
  assert.deepEqual([clipP(0), clipP(1), clipP(Number.NaN), clipP(0.1)], [1e-12, 0.5, 0.5, 0.1])
  assert.ok(combineCauchy([0, 0]) >= 0.999e-12)
  assert.ok(combineCauchy([1e-4, 0.4], [10, 1]) < combineCauchy([1e-4, 0.4], [1, 10]))
})

test("quantiles are NumPy's; spread leaves out what is not finite", () => {
  const sorted = Float64Array.of(1, 2, 4, 8)
  assert.deepEqual(
    [0, 0.25, 0.5, 1].map((q) => quantileOfSorted(sorted, q)),
    [1, 1.75, 3, 8],
  )
  const { median, mad, mean } = spreadOf(Float64Array.of(1, Number.NaN, 3, 2, Number.POSITIVE_INFINITY))
  assert.deepEqual([median, mean], [2, 2])
  assertClose(mad, 1.4826, 1e-5)
})
