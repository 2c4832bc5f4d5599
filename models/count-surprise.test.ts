import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  countSurprise,
  expectedCount,
  learnCount,
  learnSilence,
  mostSurprise,
  newCountBaseline,
} from './count-surprise.ts'

/** log10 P(X >= count) by its sum; `r` Infinity is Poisson. */
function trueTail(count: number, mean: number, r: number): number {
  let logTerm = Number.isFinite(r) ? r * Math.log(r / (r + mean)) : -mean
  let tail = 0
  for (let k = 0; k < count + 2_000; k++) {
    if (k >= count) tail += Math.exp(logTerm)
    const ratio = Number.isFinite(r) ? ((k + r) / (k + 1)) * (mean / (r + mean)) : mean / (k + 1)
    logTerm += Math.log(ratio)
  }
  return Math.log10(tail)
}

for (const [mean, variance] of [
  [0.5, 0.5],
  [3, 3],
  [3, 9],
  [40, 40],
  [40, 400],
] as const)
  test(`mean ${mean}, variance ${variance}: the surprise is never above the true one, and near it`, () => {
    const baseline = { first: mean, second: variance + mean ** 2, windows: 100 }
    const r = variance > mean ? mean ** 2 / (variance - mean) : Number.POSITIVE_INFINITY
    for (const count of [1.5, 2, 3, 5].map((times) => Math.ceil(mean * times + 2))) {
      const exact = -trueTail(count, mean, r)
      const surprise = countSurprise(baseline, count)
      assert.ok(surprise <= exact + 1e-9, `${count}: ${surprise} > ${exact}`)
      assert.ok(Math.min(exact, mostSurprise) - surprise < 2, `${count}: ${surprise} << ${exact}`)
    }
  })

test('what is usual is no surprise', () => {
  const baseline = newCountBaseline()
  for (let i = 0; i < 200; i++) learnCount(baseline, 10 + (i % 5))
  assert.ok(Math.abs(expectedCount(baseline) - 12) < 0.5)
  for (const count of [0, 8, 12, 14]) assert.ok(countSurprise(baseline, count) < 1)
  assert.ok(countSurprise(baseline, 60) > 6)
})

test('many events of what never came are the greatest surprise', () => {
  const baseline = newCountBaseline()
  learnSilence(baseline, 1_000)
  assert.equal(countSurprise(baseline, 20), mostSurprise)
  assert.ok(countSurprise(baseline, 1) < 2)
})

test('silence counts as so many windows of none', () => {
  const [at, by] = [newCountBaseline(), newCountBaseline()]
  for (const baseline of [at, by]) for (let i = 0; i < 40; i++) learnCount(baseline, 4)
  learnSilence(at, 30)
  for (let i = 0; i < 30; i++) learnSilence(by, 1)
  assert.ok(Math.abs(at.first - by.first) < 1e-9 && Math.abs(at.second - by.second) < 1e-9)
  assert.ok(Math.abs(at.first - (40 * 4) / 70) < 1e-9)
})

test('a burst does not become normal at once', () => {
  const baseline = newCountBaseline()
  for (let i = 0; i < 100; i++) learnCount(baseline, i % 2)
  for (let i = 0; i < 3; i++) {
    assert.ok(countSurprise(baseline, 200) > 6)
    learnCount(baseline, 200)
  }
})
