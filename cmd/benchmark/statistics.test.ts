import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Random } from '../simulate/world/random.ts'
import { bootstrap, mean, medianSurvival, quantileOf, robustScaleOf, survivalOf, vMeasureOf } from './statistics.ts'

interface Reference {
  readonly values: readonly number[]
  readonly quantiles: Readonly<Record<string, number>>
  readonly center: number
  readonly scale: number
  readonly survivals: readonly {
    readonly times: readonly number[]
    readonly observed: readonly boolean[]
    readonly curve: readonly (readonly [number, number])[]
    readonly median: number | null
  }[]
  readonly groupings: readonly {
    readonly truth: readonly number[]
    readonly cluster: readonly number[]
    readonly homogeneity: number
    readonly completeness: number
    readonly v: number
  }[]
  readonly bootstrap: { readonly values: readonly number[]; readonly low: number; readonly high: number }
}
const reference = JSON.parse(readFileSync(new URL('testdata/reference.json', import.meta.url), 'utf8')) as Reference

function near(actual: number, expected: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`)
}

test('quantiles are those of numpy', () => {
  const sorted = Float64Array.from(reference.values).sort()
  for (const [q, value] of Object.entries(reference.quantiles)) near(quantileOf(sorted, Number(q)), value)
  assert.ok(Number.isNaN(quantileOf([], 0.5)))
  assert.equal(quantileOf([1, Infinity, Infinity], 0.75), Infinity)
})

test("the robust scale is that of scikit-learn's RobustScaler, and leaves out what is missing", () => {
  const { center, scale } = robustScaleOf([Number.NaN, ...reference.values])
  near(center, reference.center)
  near(scale, reference.scale)
})

test('survival and its median are those of lifelines, also where most are censored', () => {
  for (const { times, observed, curve, median } of reference.survivals) {
    const lifetimes = times.map((time, i) => ({ time, isObserved: observed[i]! }))
    const ours = survivalOf(lifetimes)
    assert.deepEqual(
      ours.map(({ time }) => time),
      curve.map(([time]) => time),
    )
    for (const [i, [, share]] of curve.entries()) near(ours[i]!.share, share)
    assert.equal(medianSurvival(lifetimes), median ?? Infinity)
  }
  assert.ok(Number.isNaN(medianSurvival([])))
})

test('homogeneity, completeness and V are those of scikit-learn', () => {
  for (const { truth, cluster, homogeneity, completeness, v } of reference.groupings) {
    const ours = vMeasureOf(truth.map((one, i) => ({ truth: String(one), cluster: String(cluster[i]!) })))
    near(ours.homogeneity, homogeneity)
    near(ours.completeness, completeness)
    near(ours.v, v)
  }
})

test("the bootstrap interval is scipy's, but for chance", () => {
  const random = new Random(1, 'bootstrap')
  const { value, low, high } = bootstrap(reference.bootstrap.values, mean, { random: () => random.next() })
  near(value, mean(reference.bootstrap.values))
  near(low, reference.bootstrap.low, 0.02)
  near(high, reference.bootstrap.high, 0.02)
  const none = bootstrap<number>([], mean, { random: () => 0 })
  assert.ok([none.value, none.low, none.high].every(Number.isNaN))
})
