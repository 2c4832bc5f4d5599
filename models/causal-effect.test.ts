import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type CausalEffect, causalEffect } from './causal-effect.ts'
import { normals, uniforms } from './fixtures/random.ts'
import { assertClose } from './fixtures/recorded.ts'

interface Case {
  readonly treatment: number[]
  readonly outcome: number[]
  readonly load: number[]
  readonly other: number[]
  readonly effect: number
  readonly hac4: number
  readonly hc0: number
}

const { cases } = JSON.parse(readFileSync(new URL('fixtures/causal.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly [Case, Case]
}
const sampleOf = ({ treatment, outcome, load, other }: Case) => ({
  treatment: Float64Array.from(treatment),
  outcome: Float64Array.from(outcome),
  confounders: [Float64Array.from(load), Float64Array.from(other)],
})
const failed = (effect: CausalEffect | undefined) =>
  effect?.refutations.filter(({ passed }) => !passed).map(({ name }) => name)

test("the effect is DoWhy's, its interval that of statsmodels with Newey and West's and with White's errors", () => {
  for (const one of cases) {
    for (const [lags, error] of [
      [4, one.hac4],
      [0, one.hc0],
    ] as const) {
      const found = causalEffect(sampleOf(one), { random: uniforms(3), lags })
      assert.ok(found)
      assertClose(found.estimate, one.effect, 1e-9)
      assertClose((found.upper - found.lower) / (2 * 1.959963984540054), error, 1e-9)
    }
  }
})

test('what has an effect passes every refuter, what has none is refuted by the placebo', () => {
  const [some, none] = cases.map((one) => causalEffect(sampleOf(one), { random: uniforms(5) }))
  assert.deepEqual(failed(some), [])
  assert.ok(failed(none)?.includes('placebo'), JSON.stringify(none))
})

test('what only shares its cause with the outcome has no effect once that cause is known', () => {
  const normal = normals(11)
  const load = Float64Array.from({ length: 200 }, normal)
  const treatment = load.map((value) => value + normal())
  const outcome = load.map((value) => 3 * value + normal())
  const naive = causalEffect({ treatment, outcome, confounders: [] }, { random: uniforms(7) })
  const adjusted = causalEffect({ treatment, outcome, confounders: [load] }, { random: uniforms(7) })
  assert.ok(naive && adjusted)
  assert.ok(naive.lower > 1)
  assert.ok(adjusted.lower < 0 && adjusted.upper > 0)
})

test('two series that only drift by themselves are told apart in more than four of five cases', () => {
  let passed = 0
  const normal = normals(13)
  for (let i = 0; i < 100; i++) {
    const [a, b] = [new Float64Array(150), new Float64Array(150)]
    for (let row = 1; row < 150; row++) {
      a[row] = 0.95 * a[row - 1]! + normal()
      b[row] = 0.95 * b[row - 1]! + normal()
    }
    const found = causalEffect({ treatment: a, outcome: b, confounders: [] }, { random: uniforms(i + 1) })
    if (failed(found)?.length === 0) passed++
  }
  assert.ok(passed < 20, `${passed} of 100`)
})

test('there is no answer for few rows, a constant, or a treatment that the confounders explain', () => {
  const normal = normals(17)
  const column = Float64Array.from({ length: 60 }, normal)
  const options = { random: uniforms(9) }
  const other = Float64Array.from({ length: 60 }, normal)
  const gaps = column.map((value, row) => (row < 50 ? Number.NaN : value))
  assert.equal(causalEffect({ treatment: gaps, outcome: other, confounders: [] }, options)?.rows, 10)
  assert.equal(causalEffect({ treatment: gaps, outcome: other, confounders: [other] }, options), undefined)
  assert.equal(causalEffect({ treatment: column.fill(1, 0, 60), outcome: other, confounders: [] }, options), undefined)
  assert.equal(causalEffect({ treatment: other, outcome: column, confounders: [other] }, options), undefined)
})
