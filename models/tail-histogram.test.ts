import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normals, uniforms } from './fixtures/random.ts'
import { twoSidedSurprise } from './special-functions.ts'
import { TailHistogram } from './tail-histogram.ts'

test('what is exponential is told its own probability, in the bulk and far out', () => {
  const tail = new TailHistogram()
  const uniform = uniforms(5)
  for (let i = 0; i < 200_000; i++) tail.add(-Math.log(uniform()))
  for (const [nats, tolerance] of [
    [0.5, 0.02],
    [2, 0.03],
    [7, 0.1],
    [12, 0.3],
    [20, 0.6],
  ] as const)
    assert.ok(Math.abs(Math.log(tail.p(nats)) + nats) < tolerance * Math.max(1, nats / 7), `${nats}: ${tail.p(nats)}`)
})

test('a heavy tail that was called normal is found out: p is how often it happens', () => {
  const tail = new TailHistogram()
  const normal = normals(7)
  // Student's t with five degrees of freedom.
  const student = () => {
    let squares = 0
    for (let k = 0; k < 5; k++) squares += normal() ** 2
    return normal() / Math.sqrt(squares / 5)
  }
  for (let i = 0; i < 300_000; i++) tail.add(twoSidedSurprise(student()))
  let [rows, below3, below4] = [0, 0, 0]
  for (let i = 0; i < 300_000; i++) {
    const p = tail.p(twoSidedSurprise(student()))
    rows++
    if (p < 1e-3) below3++
    if (p < 1e-4) below4++
  }
  assert.ok(below3 > 0.7e-3 * rows && below3 < 1.4e-3 * rows, `${below3} of ${rows} below 1e-3`)
  assert.ok(below4 > 0.5e-4 * rows && below4 < 2e-4 * rows, `${below4} of ${rows} below 1e-4`)
})

test('a fault of hours does not make the tail of a class', () => {
  const tail = new TailHistogram()
  const uniform = uniforms(9)
  for (let i = 0; i < 5_000; i++) tail.add(-Math.log(uniform()))
  for (let i = 0; i < 20; i++) tail.add(500)
  tail.fit()
  assert.ok(tail.p(60) < 1e-8, `${tail.p(60)}`)
})

test('p falls as the surprise grows, is never 0, and is 1 where nothing is known', () => {
  const tail = new TailHistogram()
  let last = 1.000_001
  for (let nats = 0; nats < 3_000; nats += 0.37) {
    const p = tail.p(nats)
    assert.ok(p > 0 && p <= last, `${nats}: ${p} after ${last}`)
    last = p
  }
  assert.equal(tail.p(Number.NaN), 1)
  assert.ok(Math.abs(tail.p(0) - 1) < 1e-12)
})

test('a restored tail answers as the original and goes on as it would', () => {
  const uniform = uniforms(11)
  const original = new TailHistogram()
  for (let i = 0; i < 3_333; i++) original.add(-Math.log(uniform()))
  const copy = new TailHistogram()
  copy.restore(structuredClone(original.save()))
  for (let i = 0; i < 3_000; i++) {
    const nats = -1.2 * Math.log(uniform())
    assert.equal(copy.p(nats), original.p(nats))
    copy.add(nats)
    original.add(nats)
  }
  assert.throws(() => copy.restore({ ...original.save(), counts: new Float64Array(3) }), /no state of a tail histogram/)
})
