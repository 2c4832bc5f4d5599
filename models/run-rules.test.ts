import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlarmBudget } from './alarm-budget.ts'
import { dateChange } from './change-point.ts'
import { PageBudget } from './page-budget.ts'
import { CusumRule, DisjointRule, EvidenceRule } from './run-rules.ts'
import { ThinnedSample } from './thinned-sample.ts'

/** Uniform on 0 to 1, the same every time. */
function uniforms(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >>> 0) + 0.5) / 2 ** 32
  }
}

test('two of three disjoint windows alarm as often as was asked, however much the rows in a window overlap', () => {
  const random = uniforms(11)
  const rule = new DisjointRule({ k: 2, n: 3, windowRows: 6 }, 1e-3)
  let [fired, windows] = [0, 0]
  for (let window = 0; window < 60_000; window++) {
    const p = random()
    let isOn = false
    for (let row = 0; row < 6; row++) isOn = rule.next(p)
    if (isOn) fired++
    windows++
  }
  const rate = fired / windows
  assert.ok(rate > 0.5e-3 && rate < 2e-3, `${rate} where 0.001 was asked`)
})

test('evidence alarms no more often than its rate while quiet, and soon once something is wrong', () => {
  const random = uniforms(13)
  const rule = new EvidenceRule(1e-3)
  let alarms = 0
  for (let i = 0; i < 100_000; i++) if (rule.next(random())) alarms++
  assert.ok(alarms <= 100, `${alarms} alarms where 100 are allowed`)
  let rows = 1
  while (!rule.next(1e-3)) rows++
  assert.ok(rows <= 5, `${rows} rows`)
  assert.throws(() => new EvidenceRule(0), RangeError)
})

test('CUSUM collects what no single row would say', () => {
  const rule = new CusumRule(2, 10)
  for (let i = 0; i < 100; i++) assert.equal(rule.next(0.3), false)
  let rows = 1
  while (!rule.next(0.02)) rows++
  assert.equal(rows, 6)
  rule.reset()
  assert.equal(rule.sum, 0)
})

test('a change is dated to the row, with an interval that holds it', () => {
  const random = uniforms(17)
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
  for (const shift of [2, 4]) {
    const found = dateChange(Float64Array.from({ length: 200 }, (_, i) => normal() + (i >= 150 ? shift : 0)))
    assert.ok(found !== undefined && Math.abs(found.row - 150) <= 3, `dated to ${found?.row}`)
    assert.ok(found.from <= 150 && found.to >= 150 && found.probability >= 0.8)
  }
  assert.equal(dateChange(Float64Array.from({ length: 200 }, normal)), undefined)
  assert.equal(dateChange(new Float64Array(10).fill(Number.NaN)), undefined)
})

test('the page budget asks for more while there are too many pages, for less while there are too few, and remembers over a restart', () => {
  const options = { pagesPerWeek: 2, decisionsPerWeek: 1e6, leastP: 1e-12, mostP: 1e-2 }
  const budget = new PageBudget(options)
  budget.observe(0, 0)
  const start = budget.p
  assert.ok(Math.abs(start - 2e-6) < 1e-12)
  for (let day = 1; day <= 7; day++) budget.observe(day * 86_400, 3)
  assert.ok(budget.p < start / 10)
  const successor = new PageBudget(options)
  successor.restore(budget.save())
  assert.equal(successor.p, budget.p)
  for (let day = 8; day <= 90; day++) budget.observe(day * 86_400, 0)
  assert.ok(budget.p > start)
  budget.observe(0, 0)
  assert.ok(Number.isFinite(budget.p))
})

test('the page budget ends near the agreed number where tails are a hundred times too light', () => {
  const random = uniforms(19)
  const budget = new PageBudget({ pagesPerWeek: 2, decisionsPerWeek: 10_000, leastP: 1e-12, mostP: 1e-2 })
  let late = 0
  for (let hour = 0; hour < 168 * 20; hour++) {
    let pages = 0
    // 60 decisions an hour whose stated p is the true one to the power 1.7.
    for (let i = 0; i < 60; i++) if (random() ** 1.7 < budget.p) pages++
    budget.observe(hour * 3600, pages)
    if (hour >= 168 * 10) late += pages
  }
  assert.ok(late / 10 > 1 && late / 10 < 3, `${late / 10} pages a week where 2 were agreed`)
})

test('an alarm budget counts excursions: noise spends what it may, a long fault is raised again, nothing alarms while cold', () => {
  const random = uniforms(23)
  const budget = new AlarmBudget({ rate: 1 / 1000, inHand: 1, gap: 20, repeat: 100, warmup: 200, sampleRows: 4096 })
  let [early, alarms] = [0, 0]
  for (let i = 0; i < 40_000; i++) {
    const isRaised = budget.decide(random())
    if (isRaised) alarms++
    if (isRaised && i < 200) early++
  }
  assert.equal(early, 0)
  assert.ok(alarms > 15 && alarms < 80, `${alarms} alarms where about 40 are allowed`)
  let raised = 0
  for (let i = 0; i < 250; i++) if (budget.decide(5)) raised++
  assert.equal(raised, 3)
  assert.equal(budget.decide(Number.NaN), false)
})

test('a thinned sample is bounded, even and deterministic', () => {
  const sample = new ThinnedSample(1, 64)
  for (let i = 0; i < 1000; i++) sample.add(Float64Array.of(i))
  assert.ok(sample.rows <= 64 && sample.rows >= 32)
  assert.equal(sample.seen, 1000)
  assert.deepEqual(
    Array.from(sample.values),
    Array.from({ length: sample.rows }, (_, i) => i * 16),
  )
  assert.throws(() => new ThinnedSample(1, 3), RangeError)
})
