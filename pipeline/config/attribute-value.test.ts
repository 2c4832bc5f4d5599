import assert from 'node:assert/strict'
import { test } from 'node:test'
import { double } from '../data/value.ts'
import { exactNumber, resolvePlain } from './scalar.ts'

const cases: readonly (readonly [string, unknown])[] = [
  ['1', undefined],
  ['0x10', undefined],
  ['0o17', undefined],
  ['-7', undefined],
  ['1_000', undefined],
  ['0.5', undefined],
  ['text', undefined],
  ['true', undefined],
  ['1.0', double(1)],
  ['1e3', double(1000)],
  ['-0.0', double(-0)],
  ['9007199254740993', 9007199254740993n],
  ['-9_223_372_036_854_775_808', -(2n ** 63n)],
  ['99999999999999999999', double(1e20)],
]
for (const [text, exact] of cases)
  test(`${text} in YAML keeps its kind as the value of an attribute`, () =>
    assert.deepEqual(exactNumber(text, resolvePlain(text)), exact))
