import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newTraces } from '../data/builders.ts'
import { isDouble } from '../data/value.ts'
import { compileValue } from '../ottl/compile.ts'
import { Frame } from '../ottl/frame.ts'
import { testHost } from '../ottl/testing.ts'
import { adjustedCount } from './adjusted-count.ts'
import { adjustedCountFunction } from './adjusted-count-function.ts'

const counts: readonly (readonly [string, number])[] = [
  ['', 1],
  ['ot=th:0', 1],
  ['ot=th:8', 2],
  ['ot=th:c', 4],
  ['ot=th:fd70a4', 100.00009536752259],
  ['ot=rv:abcdefabcdefab;th:8', 2],
  ['vendor=1,ot=th:e', 8],
  ['ot=th:ffffffffffffff', 2 ** 56],
  ['ot=th:00000000000001', 1],
  ['vendor=1', 1],
  ['vendor=not:8', 1],
  ['ot=rv:abcdefabcdefab', 1],
  // Not valid: more than 56 bits, not hexadecimal, no tracestate at all.
  ['ot=th:800000000000000', 1],
  ['ot=th:xyz', 1],
  ['=;=', 1],
  [`vendor=${'x'.repeat(2000)},ot=th:8`, 1],
]
suite('a span stands for 2^56 / (2^56 - threshold)', () => {
  for (const [traceState, count] of counts)
    test(`${traceState.slice(0, 40) || 'no tracestate'}: ${count}`, () => {
      assert.equal(adjustedCount(traceState), count)
      assert.equal(adjustedCount(traceState), count, 'once more, from the cache')
    })
})

test('more tracestates than the cache holds give their counts all the same', () => {
  for (let i = 0; i < 2_000; i++) assert.equal(adjustedCount(`a=${i},ot=th:8`), 2)
  assert.equal(adjustedCount('a=0,ot=th:c'), 4)
})

suite('AdjustedCount() in OTTL', () => {
  const { get } = compileValue('AdjustedCount()', 'span', { functions: [adjustedCountFunction] })
  const of = (traceState: string) => {
    const [span] = newTraces().span({ name: 'a', traceState }).build()
    return get(new Frame(testHost()).enterSpan(span!))
  }
  test('is a double, 1 without a threshold', () => {
    for (const [traceState, count] of [
      ['', 1],
      ['ot=th:8', 2],
      ['ot=th:fd70a4', 100.00009536752259],
    ] as const) {
      const value = of(traceState)
      assert.equal(isDouble(value) ? value.double : value, count)
    }
    assert.ok(isDouble(of('ot=th:8')))
  })
  test('fails for what is no tracestate', () =>
    assert.throws(() => of('invalid=invalid=invalid'), /failed to parse w3c tracestate/))
})
