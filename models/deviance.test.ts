import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countZ, ratioZ } from './deviance.ts'
import { uniforms } from './fixtures/random.ts'
import { RatioBaseline } from './ratio-baseline.ts'
import { binomialAtLeast, normalTwoSided, twoSidedSurprise, upperSurprise } from './special-functions.ts'

/** P(X >= k) of a Poisson count, added up. */
function poissonAtLeast(k: number, mean: number): number {
  let term = Math.exp(-mean)
  let below = 0
  for (let i = 0; i < k; i++) {
    below += term
    term *= mean / (i + 1)
  }
  return 1 - below
}

test('the z of a count has about the tail of the Poisson distribution', () => {
  for (const [mean, count] of [
    [10, 22],
    [100, 140],
    [300, 360],
    [3, 10],
  ] as const) {
    const exact = -Math.log(poissonAtLeast(count, mean))
    const own = upperSurprise(countZ(count - 0.5, mean, 0))
    assert.ok(Math.abs(own - exact) < 0.06 * exact + 0.1, `${count} of ${mean}: ${own} nats, exact ${exact}`)
  }
})

test('a count that scatters more is less strange, and a silent one strange by its mean', () => {
  assert.ok(countZ(200, 100, 0.3) < countZ(200, 100, 0.1) && countZ(200, 100, 0.1) < countZ(200, 100, 0))
  // P(0) is e^-mean.
  assert.ok(Math.abs(countZ(0, 50, 0) ** 2 / 2 - 50) < 1e-9)
  assert.ok(countZ(0, 50, 0) < 0)
  assert.equal(countZ(50, 50, 0.2), 0)
  // The two forms meet.
  assert.ok(Math.abs(countZ(70, 50, 1.1e-4) - countZ(70, 50, 1e-5)) < 1e-3)
})

test('the z of a ratio has about the tail of the binomial distribution', () => {
  for (const [hits, total, ratio] of [
    [30, 1000, 0.01],
    [8, 100, 0.02],
    [520, 1000, 0.45],
  ] as const) {
    const exact = -Math.log(binomialAtLeast(hits, total, ratio))
    const own = upperSurprise(ratioZ(hits - 0.5, total, ratio, 1))
    assert.ok(Math.abs(own - exact) < 0.06 * exact + 0.1, `${own} nats, exact ${exact}`)
  }
  assert.ok(ratioZ(0, 1000, 0.5, 1) < -30)
  assert.ok(Math.abs(ratioZ(30, 1000, 0.01, 4) * 2 - ratioZ(30, 1000, 0.01, 1)) < 1e-12)
})

test('surprises do not end where probabilities are too small to be numbers', () => {
  assert.ok(Math.abs(twoSidedSurprise(1.959_964) - -Math.log(0.05)) < 1e-6)
  assert.ok(Math.abs(twoSidedSurprise(8) - -Math.log(1.244_192e-15)) < 1e-5)
  // 60^2 / 2 + ln(60 sqrt(pi / 2)), the asymptotic form.
  assert.ok(Math.abs(twoSidedSurprise(60) - (1800 + Math.log(60 * Math.sqrt(Math.PI / 2)))) < 1e-3)
  assert.ok(Math.abs(normalTwoSided(3) - 0.002_699_796) < 1e-9)
  assert.ok(Math.abs(upperSurprise(-1) - -Math.log(0.841_344_7)) < 1e-6)
})

test('ratios that scatter more than chance are told from those that do not', () => {
  const uniform = uniforms(3)
  const hitsOf = (total: number, ratio: number) => {
    let hits = 0
    for (let i = 0; i < total; i++) if (uniform() < ratio) hits++
    return hits
  }
  const baseline = new RatioBaseline(2)
  for (let i = 0; i < 1500; i++) {
    baseline.learn(0, hitsOf(200, 0.05), 200, 1)
    baseline.learn(1, hitsOf(200, uniform() < 0.5 ? 0.01 : 0.09), 200, 1)
  }
  assert.ok(Math.abs(baseline.ratio(0) - 0.05) < 0.004 && Math.abs(baseline.ratio(1) - 0.05) < 0.006)
  assert.ok(baseline.correlation(0) < 0.004, `${baseline.correlation(0)}`)
  // Var(ratio) / (m (1 - m)) = .0016 / .0475.
  assert.ok(Math.abs(baseline.correlation(1) - 0.0337) < 0.008, `${baseline.correlation(1)}`)
  assert.deepEqual(new RatioBaseline(2, structuredClone(baseline.state)).ratio(1), baseline.ratio(1))
  baseline.forget(0)
  assert.equal(baseline.rows(0), 0)
  assert.throws(() => new RatioBaseline(3, baseline.state), /no state of 3 ratios/)
})
