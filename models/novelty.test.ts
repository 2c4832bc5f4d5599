import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normals } from './fixtures/random.ts'
import { EntityNovelty, NoveltyDetector, noveltyDefaults } from './novelty.ts'

/** Two columns that move together, and one on its own, in units far apart. */
function rows(count: number, seed: number): Float64Array {
  const next = normals(seed)
  const values = new Float64Array(count * 3)
  for (let i = 0; i < count; i++) {
    const load = next()
    values.set([1e9 * (5 + load), 0.01 * (3 + load + 0.1 * next()), next()], i * 3)
  }
  return values
}

test('what breaks a correlation is strange, though each column is within its range; the columns that did it are named', () => {
  const entity = new EntityNovelty(3)
  const values = rows(3000, 3)
  for (let i = 0; i < 3000; i++) entity.next(values, i * 3)
  const quiet = entity.score(Float64Array.of(5.5e9, 0.035, 0))
  const strange = entity.score(Float64Array.of(6e9, 0.02, 0))
  assert.ok(quiet.p > 0.01, `${quiet.p}`)
  assert.ok(strange.p < 1e-3, `${strange.p}`)
  assert.ok(strange.score > quiet.score && strange.score <= 1)
  const [load, latency, other] = entity.contributions()
  assert.ok(load! > 0 && latency! > 0 && Math.abs(other!) < latency!)
})

test('on quiet data p is what it says, and alarms are within the budget', () => {
  const count = 20_000
  const entity = new EntityNovelty(3)
  const values = rows(count, 29)
  let [below, alarms] = [0, 0]
  for (let i = 0; i < count; i++) {
    const { p, alarm } = entity.next(values, i * 3)
    if (p < 0.01) below++
    if (alarm) alarms++
  }
  // Two views, of which a row may be strange to either: Bonferroni makes p a little large at worst.
  assert.ok(below > 0.003 * count && below < 0.015 * count, `${below} of ${count} rows below 0.01`)
  // Each view is allowed rate * rows + inHand * ln(rows / warmup).
  const allowed = [noveltyDefaults.pattern, noveltyDefaults.size].map(
    ({ rate, inHand, warmup }) => rate * count + inHand * Math.log(count / warmup),
  )
  assert.ok(alarms < 1.5 * (allowed[0]! + allowed[1]!), `${alarms} alarms where ${allowed.join(' + ')} are expected`)
})

test('cold is quiet: no alarm, p of 1 and score of 0', () => {
  const entity = new EntityNovelty(1)
  for (let i = 0; i < 60; i++) assert.deepEqual(entity.next(Float64Array.of(i * 1e6)), { score: 0, p: 1, alarm: false })
})

test('answers are numbers whatever comes in: missing, constant, huge', () => {
  const entity = new EntityNovelty(2)
  const inputs = [0, 0, Number.NaN, 1e308, -1e308, 5, 5, 5]
  for (let i = 0; i < 2000; i++) {
    const { score, p } = entity.next(Float64Array.of(inputs[i % 8]!, i < 1000 ? 7 : inputs[(i * 3) % 8]!))
    assert.ok(score >= 0 && score <= 1 && p >= 0 && p <= 1, `row ${i}: ${score} ${p}`)
  }
})

test('a new level alarms within rows, is not learned at once, and is how things are in the end', () => {
  const next = normals(5)
  const entity = new EntityNovelty(1, { ...noveltyDefaults, historyRows: 1024 })
  for (let i = 0; i < 3000; i++) entity.next(Float64Array.of(next()))
  let first = -1
  for (let i = 0; i < 200; i++) if (entity.next(Float64Array.of(8 + next())).alarm && first < 0) first = i
  assert.ok(first >= 0 && first <= 3, `alarm after ${first} rows`)
  assert.ok(entity.next(Float64Array.of(8)).p < 1e-2)
  for (let i = 0; i < 30_000; i++) entity.next(Float64Array.of(8 + next()))
  assert.ok(entity.next(Float64Array.of(8)).p > 1e-2)
})

test('in a batch an entity is scored as alone; weight 0 leaves no trace; a slot starts anew once forgotten', () => {
  const detector = new NoveltyDetector(3, 2)
  const alone = new EntityNovelty(3)
  const [a, b] = [rows(400, 7), rows(400, 9)]
  const out = new Float64Array(2)
  const entities = Int32Array.of(0, 1)
  for (let i = 0; i < 400; i++) {
    const values = new Float64Array(6)
    values.set(a.subarray(i * 3, i * 3 + 3))
    values.set(b.subarray(i * 3, i * 3 + 3), 3)
    detector.score({ entities, values }, out)
    detector.update({ entities, values }, Float64Array.of(1, 1))
    const { p } = alone.next(b, i * 3)
    assert.equal(out[1], p === 1 ? Number.NaN : -Math.log(p))
  }
  detector.forget(1)
  detector.score({ entities: Int32Array.of(1), values: b.slice(0, 3) }, out)
  assert.ok(Number.isNaN(out[0]!))
  assert.throws(() => detector.score({ entities, values: new Float64Array(5) }, out), /5 values are not 2 rows/)
  assert.throws(() => detector.score({ entities: Int32Array.of(2), values: new Float64Array(3) }, out), /slot 2/)
})

test('a restored history answers as the original, whenever it is saved', () => {
  for (const saveAt of [10, 64, 130, 700, 1500]) {
    const original = new EntityNovelty(3)
    const values = rows(2000, 17)
    for (let i = 0; i < saveAt; i++) original.next(values, i * 3)
    const copy = new EntityNovelty(3)
    copy.restore(structuredClone(original.save()))
    for (let i = saveAt; i < 2000; i++) assert.deepEqual(copy.next(values, i * 3), original.next(values, i * 3))
    assert.deepEqual(copy.contributions(), original.contributions())
  }
  assert.throws(() => new EntityNovelty(2).restore(new EntityNovelty(3).save()), /no state of a novelty of 2 columns/)
})
