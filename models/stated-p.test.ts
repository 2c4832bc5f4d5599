import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uniforms } from './fixtures/random.ts'
import { StatedP } from './stated-p.ts'

function isNear(value: number, expected: number): void {
  assert.ok(value > expected * 0.8 && value < expected * 1.25, `${value} where ${expected} was expected`)
}

test('p-values that are what they say stay as they are, or nearly', () => {
  const random = uniforms(3)
  const stated = new StatedP()
  for (let i = 0; i < 200_000; i++) stated.learn(random())
  for (const p of [0.9, 0.3, 0.05, 1e-3]) isNear(stated.corrected(p), p)
  assert.equal(stated.corrected(1e-9), 1e-9)
})

test('p-values that are ten times too small are put right, those that are too large are left', () => {
  const random = uniforms(5)
  const [small, large] = [new StatedP(), new StatedP()]
  for (let i = 0; i < 200_000; i++) {
    small.learn(random() / 10)
    large.learn(Math.min(1, random() * 10))
  }
  for (const p of [0.05, 0.01, 1e-3]) isNear(small.corrected(p), p * 10)
  for (const p of [0.05, 0.01, 1e-3]) assert.equal(large.corrected(p), p)
})

test('few p-values prove nothing, and old ones fade', () => {
  const random = uniforms(7)
  const stated = new StatedP(20_000)
  for (let i = 0; i < 900; i++) stated.learn(random() / 10)
  assert.equal(stated.corrected(0.01), 0.01)
  for (let i = 0; i < 20_000; i++) stated.learn(random() / 10)
  isNear(stated.corrected(0.01), 0.1)
  for (let i = 0; i < 400_000; i++) stated.learn(random())
  isNear(stated.corrected(0.01), 0.01)
})

test('a successor knows what was learned', () => {
  const random = uniforms(9)
  const stated = new StatedP()
  for (let i = 0; i < 50_000; i++) stated.learn(random() / 10)
  const successor = new StatedP()
  successor.restore(structuredClone(stated.save()))
  isNear(successor.corrected(0.01), 0.1)
})

/** Minutes of which each is like the one before, as quarters of an hour are that are looked at each minute: stays with probability `stays`. */
function persistent(random: () => number, stays: number): () => number {
  let p = random()
  return () => (random() < stays ? p : (p = random()))
}

test('of p-values that stay for a while only what is new counts', () => {
  const random = uniforms(11)
  const stated = new StatedP()
  for (let entity = 0; entity < 100; entity++) {
    const next = persistent(random, 0.9)
    let before = Number.NaN
    for (let i = 0; i < 5_000; i++) {
      const p = next()
      stated.learn(p, before)
      before = p
    }
  }
  // The first is what it says; that the second is as small is no news.
  isNear(stated.corrected(1e-3, 0.7), 1e-3)
  assert.ok(stated.corrected(1e-3, 5e-4) > 0.3, String(stated.corrected(1e-3, 5e-4)))
  assert.equal(stated.corrected(1e-9, 5e-4), 1e-9)
  const successor = new StatedP()
  successor.restore(structuredClone(stated.save()))
  assert.ok(successor.corrected(1e-3, 5e-4) > 0.3)
})

test('of p-values that have nothing to do with each other the second counts as much as the first', () => {
  const random = uniforms(13)
  const stated = new StatedP()
  let before = Number.NaN
  for (let i = 0; i < 500_000; i++) {
    const p = random()
    stated.learn(p, before)
    before = p
  }
  for (const p of [0.3, 0.05, 0.01]) isNear(stated.corrected(p, 0.005), p)
  assert.ok(stated.corrected(1e-3, 5e-4) < 5e-3, String(stated.corrected(1e-3, 5e-4)))
})
