import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecisionCache } from './decision-cache.ts'

const id = (n: number) => n.toString(16).padStart(32, '0')
const of = (policy: string, threshold = '') => ({ policy, threshold })

test('what was put is got, with its policy and threshold', () => {
  const cache = new DecisionCache(2)
  cache.put(id(1), of('a'))
  cache.put(id(2), of('b', '80000000000001'))
  assert.deepEqual(cache.get(id(1)), of('a'))
  assert.deepEqual(cache.get(id(2)), of('b', '80000000000001'))
  assert.equal(cache.get(id(3)), undefined)
})

test('the one that was not used for the longest time makes room', () => {
  const cache = new DecisionCache(2)
  cache.put(id(1), of('a'))
  cache.put(id(2), of('b'))
  cache.get(id(1))
  cache.put(id(3), of('c'))
  assert.deepEqual(
    [1, 2, 3].map((n) => cache.get(id(n))?.policy),
    ['a', undefined, 'c'],
  )
})

test('without a size nothing is kept', () => {
  const cache = new DecisionCache(0)
  assert.equal(cache.put(id(1), of('a')), false)
  assert.equal(cache.get(id(1)), undefined)
})

test('the right half of the id counts', () => {
  const cache = new DecisionCache(2)
  cache.put(`${'a'.repeat(16)}0000000000000001`, of('a'))
  assert.equal(cache.get(`${'b'.repeat(16)}0000000000000001`)?.policy, 'a')
})

test('as a map in the order of use, over many puts and gets, and over a save', () => {
  let seed = 3
  const next = (n: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (seed >>> 8) % n
  }
  const capacity = 3_000
  const cache = new DecisionCache(capacity)
  const model = new Map<string, string>()
  for (let i = 0; i < 60_000; i++) {
    const traceId = id(next(9_000) * 0x1_0000_0001)
    const known = model.get(traceId)
    if (next(2) === 0) {
      assert.equal(cache.get(traceId)?.policy, known)
      if (known === undefined) continue
      model.delete(traceId)
      model.set(traceId, known)
    } else {
      const policy = `p${next(5)}`
      cache.put(traceId, of(policy))
      model.delete(traceId)
      model.set(traceId, policy)
      if (model.size > capacity) model.delete(model.keys().next().value!)
    }
  }
  const smaller = new DecisionCache(1_000)
  smaller.restore(cache.save())
  const latest = [...model].slice(-1_000)
  for (const [traceId, policy] of latest) assert.equal(smaller.get(traceId)?.policy, policy)
  assert.equal(smaller.save().length, 1_000)
})
