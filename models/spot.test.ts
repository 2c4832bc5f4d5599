import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertClose, recorded } from './fixtures/recorded.ts'
import { excessAt, fitGeneralizedPareto, tailBeyond } from './generalized-pareto.ts'
import { entityScale, fitPooledTail, pooledP } from './pooled-tail.ts'
import { fitScoreTail, pOfScore } from './score-tail.ts'
import { DriftSpot, Spot, spotDefaults } from './spot.ts'

/** Uniform on 0 to 1, the same every time. */
function uniforms(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}

test("the generalised Pareto fit is at least as likely as SciPy's, and agrees with it", () => {
  for (const { sample, shape, scale, likelihood } of recorded.pareto) {
    const excesses = Float64Array.from(sample)
    const fitted = fitGeneralizedPareto(excesses)
    const own =
      -Math.log(fitted.scale) -
      (1 / fitted.shape + 1) *
        excesses.reduce((sum, y) => sum + Math.log1p((fitted.shape * y) / fitted.scale) / excesses.length, 0)
    assert.ok(own >= likelihood - 1e-9, `${own} is less likely than ${likelihood}`)
    assertClose(fitted.scale, scale, 2e-3)
    assert.ok(Math.abs(fitted.shape - shape) < 2e-3, `${fitted.shape} is not ${shape}`)
  }
})

test('a tail and its inverse agree', () => {
  for (const shape of [-0.3, 0, 0.4]) {
    const tail = { shape, scale: 2 }
    for (const p of [0.5, 1e-3, 1e-6]) assertClose(tailBeyond(tail, excessAt(tail, p)), p, 1e-9)
  }
})

test("SPOT's first threshold is that of the paper's formula with SciPy's fit", () => {
  const { scores, q, threshold } = recorded.spot
  assertClose(new Spot(Float64Array.from(scores), { ...spotDefaults, q }).threshold, threshold, 1e-3)
})

test('SPOT alarms about as often as it says', () => {
  const random = uniforms(3)
  const next = () => -Math.log(random())
  const spot = new Spot(Float64Array.from({ length: 10_000 }, next))
  let alarms = 0
  for (let i = 0; i < 300_000; i++) if (spot.next(next())) alarms++
  assert.ok(alarms > 10 && alarms < 90, `${alarms} alarms where 30 are expected`)
})

test('DSPOT follows a drift, and alarms at a jump out of it', () => {
  const random = uniforms(5)
  const at = (i: number) => -Math.log(random()) + i * 0.01
  const drift = new DriftSpot(Float64Array.from({ length: 1000 }, () => at(0)))
  let alarms = 0
  for (let i = 0; i < 5000; i++) if (drift.next(at(i))) alarms++
  assert.ok(alarms < 10, `${alarms} alarms`)
  assert.ok(drift.threshold > 50 && drift.threshold < 75, `the threshold is ${drift.threshold} at a level of 50`)
  assert.equal(drift.next(drift.threshold + 1), true)
})

test('a pooled tail is right at 1e-5, where the tail of one entity is off by orders of magnitude', () => {
  const random = uniforms(7)
  const entities = 200
  const levels = Array.from({ length: entities }, (_, k) => 1 + k)
  const scores = levels.map((level) => Float64Array.from({ length: 1000 }, () => level * (5 - Math.log(random()))))
  const scales = scores.map(entityScale)
  const pooled = fitPooledTail(scores, scales)
  let [worstPooled, worstAlone] = [0, 0]
  for (const [k, level] of levels.entries()) {
    const x = level * (5 - Math.log(1e-5))
    const off = (p: number) => Math.abs(Math.log10(p / 1e-5))
    worstPooled = Math.max(worstPooled, off(pooledP(pooled, scales[k]!, x)))
    worstAlone = Math.max(worstAlone, off(pOfScore(fitScoreTail(scores[k]!), x)))
  }
  assert.ok(worstPooled < 1, `pooled: off by 10^${worstPooled}`)
  assert.ok(worstAlone > 2, `alone: off by 10^${worstAlone}`)
})

test('empty samples are refused, constant ones answered', () => {
  assert.throws(() => fitGeneralizedPareto(new Float64Array()), RangeError)
  assert.throws(() => fitScoreTail(Float64Array.of(Number.NaN)), RangeError)
  const flat = fitScoreTail(new Float64Array(100).fill(2))
  assert.equal(pOfScore(flat, 2), 1)
  assert.ok(pOfScore(flat, 3) < 1e-3)
  assert.equal(pOfScore(flat, Number.NaN), 1)
})
