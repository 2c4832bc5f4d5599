import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Weight } from './weight.ts'

function uniform(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

for (const [state, count, isAdjusted] of [
  ['invalid', 1, false],
  ['other=value', 1, false],
  ['ot=rv:abcdabcdabcdff', 1, false],
  ['ot=th:', 1, false],
  ['ot=th:0', 1, true],
  ['ot=th:8', 2, true],
  ['ot=th:c', 4, true],
  ['ot=th:8,other=value', 2, true],
  ['other=value,ot=th:c;rv:abcdabcdabcdff', 4, true],
  ['ot=th:ffffffffffffff', 2 ** 56, true],
] as const)
  test(`a span with tracestate "${state}" stands for ${count}`, () => {
    const weight = new Weight(() => {
      throw new Error('a whole number needs no chance')
    })
    weight.of(state)
    assert.deepEqual([weight.count, weight.isAdjusted], [count, isAdjusted])
    weight.none()
    assert.deepEqual([weight.count, weight.isAdjusted], [1, false])
  })

for (const [state, exact] of [
  ['ot=th:1', 16 / 15],
  ['ot=th:4', 4 / 3],
  ['ot=th:99999999999998', 2.5],
  ['ot=th:f3', 256 / 13],
] as const)
  test(`"${state}" is ${exact.toFixed(3)} on average, and one of the two whole numbers beside it each time`, () => {
    const weight = new Weight(uniform(5))
    let sum = 0
    for (let i = 0; i < 100_000; i++) {
      weight.of(state)
      assert.ok(weight.count === Math.floor(exact) || weight.count === Math.ceil(exact))
      sum += weight.count
    }
    assert.ok(Math.abs(sum / 100_000 - exact) < 0.01, String(sum / 100_000))
  })
