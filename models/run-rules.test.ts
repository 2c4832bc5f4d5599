import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlarmBudget } from './alarm-budget.ts'
import { dateChange } from './change-point.ts'
import { uniforms } from './fixtures/random.ts'
import { PageBudget } from './page-budget.ts'
import { DisjointHits, Evidence, windowP } from './run-rules.ts'
import { ThinnedSample } from './thinned-sample.ts'

test('two of three disjoint windows alarm as often as was asked', () => {
  const random = uniforms(11)
  const rule = { k: 2, n: 3 }
  const hits = new DisjointHits(rule)
  const p = windowP(rule, 1e-3)
  let alarms = 0
  for (let window = 0; window < 200; window++)
    for (let slot = 0; slot < 1000; slot++) if (hits.next(slot, random() < p)) alarms++
  assert.ok(alarms > 160 && alarms < 240, `${alarms} alarms where 200 were asked for`)
  assert.throws(() => windowP({ k: 4, n: 3 }, 0.1), RangeError)
})

test('a slot of its own each: what hits one entity says nothing of another', () => {
  const hits = new DisjointHits({ k: 2, n: 3 })
  assert.equal(hits.next(0, true), false)
  assert.equal(hits.next(500, true), false)
  assert.equal(hits.next(0, false), false)
  assert.equal(hits.next(0, true), true)
  hits.reset(0)
  assert.equal(hits.next(0, true), false)
})

test('evidence alarms no more often than its rate while quiet, whether p above a half are told apart or not', () => {
  for (const mostP of [1, 0.5]) {
    const random = uniforms(13)
    const evidence = new Evidence()
    let alarms = 0
    for (let i = 0; i < 300_000; i++) if (evidence.next(i % 300, Math.min(mostP, random()), 1e-3)) alarms++
    assert.ok(alarms > 60 && alarms <= 300, `${alarms} alarms where 300 are allowed`)
  }
})

test('evidence collects a small shift that lasts, and no rate is too small', () => {
  const evidence = new Evidence()
  const windowsUntil = (p: number, rate: number) => {
    let windows = 1
    while (!evidence.next(0, p, rate) && windows < 1000) windows++
    return windows
  }
  assert.equal(windowsUntil(0.02, 1e-7), 13)
  assert.ok(windowsUntil(0.02, 1e-40) < 100)
  assert.equal(windowsUntil(0.4, 1e-7), 1000)
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

const pages = { leastP: 1e-12, mostP: 1e-2 }

test('the page budget asks for more while there are too many pages, for less while there are too few, and remembers over a restart', () => {
  const options = { ...pages, perWeek: 2 }
  const budget = new PageBudget(options)
  budget.observe(0, 0)
  const start = budget.p(1e6)
  assert.ok(Math.abs(start - 2e-6) < 1e-12)
  for (let day = 1; day <= 7; day++) budget.observe(day * 86_400, 3)
  assert.ok(budget.p(1e6) < start / 10)
  const successor = new PageBudget(options)
  successor.restore(budget.save())
  assert.equal(successor.p(1e6), budget.p(1e6))
  for (let day = 8; day <= 90; day++) budget.observe(day * 86_400, 0)
  assert.ok(budget.p(1e6) > start)
  budget.observe(0, 0)
  for (let week = 13; week <= 60; week++) budget.observe(week * 604_800, 0)
  assert.ok(budget.correction > 90 && budget.correction < 101)
  assert.throws(() => new PageBudget({ ...pages, perWeek: 0 }), RangeError)
})

test('the page budget ends near the agreed number where tails are a hundred times too light', () => {
  const random = uniforms(19)
  const budget = new PageBudget({ ...pages, perWeek: 2 })
  let late = 0
  for (let hour = 0; hour < 168 * 20; hour++) {
    let alarms = 0
    // 60 decisions an hour whose stated p is the true one to the power 1.7.
    for (let i = 0; i < 60; i++) if (random() ** 1.7 < budget.p(10_000)) alarms++
    budget.observe(hour * 3600, alarms)
    if (hour >= 168 * 10) late += alarms
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
