import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isSampled, probabilityOf, thresholdFor, thresholdOf, tValueOf } from './threshold.ts'

suite('thresholds (pkg/sampling)', () => {
  const tValues: readonly (readonly [number, string])[] = [
    [1, '0'],
    [0.5, '8'],
    [2 ** -56, 'ffffffffffffff'],
    [1 / 3, 'aaaaaaaaaaaaac'],
    [2 / 3, '55555555555558'],
    [1 - 0x54 / 256, '54'],
    [1 - 1 / 256, '01'],
    [256 * 2 ** -56, 'ffffffffffff'],
    [1 - 2 ** -52, '0000000000001'],
  ]
  for (const [probability, tValue] of tValues)
    test(`${probability} is th:${tValue}`, () => assert.equal(tValueOf(thresholdFor(probability, 14)!), tValue))
  for (const probability of [0, 2 ** -57, 1.1, Number.NaN])
    test(`${probability} is out of range`, () => assert.equal(thresholdFor(probability, 14), undefined))
  test('near 0 and 1 more digits are used', () => {
    assert.equal(tValueOf(thresholdFor(1 / 3, 1)!), 'b')
    assert.equal(tValueOf(thresholdFor(0.0001, 3)!), 'fff972')
  })
  test('a threshold gives its probability', () => {
    for (const [tValue, probability] of [
      ['8', 0.5],
      ['444', 1 - 0x444 / 0x1000],
      ['0', 1],
    ] as const)
      assert.equal(probabilityOf(thresholdOf(tValue)!), probability)
  })
  test('the smallest randomness that is kept at 50 % is 2^55', () => {
    assert.equal(isSampled('7fffffffffffff', thresholdOf('8')!), false)
    assert.equal(isSampled('80000000000000', thresholdOf('8')!), true)
  })
})
