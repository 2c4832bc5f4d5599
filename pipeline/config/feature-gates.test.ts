import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FeatureGate, parseFeatureGates, upstreamGates } from './feature-gates.ts'

const gate = (id: string, stage: FeatureGate['stage']): FeatureGate => ({
  id,
  stage,
  hasEffect: true,
  description: '',
  fromVersion: 'v0.1.0',
  toVersion: 'v0.9.0',
})
const gates = [gate('a', 'Alpha'), gate('b', 'Beta'), gate('s', 'Stable'), gate('d', 'Deprecated')]

test('gates start as their stage says, and the flag turns them', () => {
  const enabled = (...values: string[]) =>
    parseFeatureGates(values, gates)
      .all()
      .filter((one) => one.enabled)
      .map((one) => one.id)
  assert.deepEqual(enabled(), ['b', 's'])
  assert.deepEqual(enabled('a,-b'), ['a', 's'])
  assert.deepEqual(enabled('+a', '-a'), ['b', 's'])
  assert.deepEqual(enabled(''), ['b', 's'])
})

test("what a gate refuses has upstream's words", () => {
  const cases = [
    ['x', 'invalid argument "x" for "--feature-gates" flag: no such feature gate "x". valid gates: [a b s d]'],
    ['-x', 'invalid argument "-x" for "--feature-gates" flag: no such feature gate "x". valid gates: [a b s d]'],
    ['-s', 'invalid argument "-s" for "--feature-gates" flag: feature gate "s" is stable, can not be disabled'],
    ['d', 'invalid argument "d" for "--feature-gates" flag: feature gate "d" is deprecated, can not be enabled'],
    ['a,', 'invalid argument "a," for "--feature-gates" flag: empty feature gate identifier at index 1'],
  ] as const
  for (const [flag, message] of cases) assert.throws(() => parseFeatureGates([flag], gates), { message })
})

test('a gate that is settled, or that changes nothing here, is a warning', () => {
  assert.match(
    parseFeatureGates(['s'], gates).warnings.join(),
    /"s" is stable and already enabled. It will be removed in version 0.9.0/,
  )
  assert.match(parseFeatureGates(['-d'], gates).warnings.join(), /"d" is deprecated/)
  assert.match(parseFeatureGates(['pdata.useProtoPooling']).warnings.join(), /has no effect in this build/)
  assert.deepEqual(parseFeatureGates(['service.profilesSupport']).warnings, [])
  const ids = upstreamGates.map(({ id }) => id)
  assert.deepEqual(ids, [...new Set(ids)].sort())
})
