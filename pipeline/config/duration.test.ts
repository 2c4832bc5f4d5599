import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from './duration.ts'

test('a duration is read as Go reads it', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['300ms', 300],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['1h30m', 5_400_000],
    ['-1s', -1_000],
    ['+1s', 1_000],
    ['1µs', 0.001],
    ['2us', 0.002],
    ['7ns', 0.000007],
    ['1h2m3.5s', 3_723_500],
  ]
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text)
})

test("what is no duration gives Go's error", () => {
  const cases = [
    ['abc', 'time: invalid duration'],
    ['', 'time: invalid duration'],
    ['-', 'time: invalid duration'],
    ['10', 'time: missing unit in duration'],
    ['1d', 'time: unknown unit'],
    ['5 s', 'time: unknown unit'],
    ['1S', 'time: unknown unit'],
    ['9999999h', 'time: invalid duration'],
  ] as const
  for (const [text, error] of cases) assert.deepEqual(parseDuration(text), { error }, text)
})

test('a duration is printed as Go prints it', () => {
  const cases = [
    [0, '0s'],
    [200, '200ms'],
    [1_500, '1.5s'],
    [90_000, '1m30s'],
    [300_000, '5m0s'],
    [5_400_000, '1h30m0s'],
    [0.001, '1µs'],
    [0.000007, '7ns'],
    [-5_000, '-5s'],
    [0.1 + 0.2, '300µs'],
  ] as const
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
})
