import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amount, featureLabel, LocalTime, range } from './natural-units.ts'

test('amounts are what a person would say', () => {
  const said = (
    [
      [3.52, 's'],
      [0.0619, 's'],
      [0, 's'],
      [90, 's'],
      [7_300, 's'],
      [4.2e-5, 's'],
      [0.0412, '1'],
      [0.9995, '1'],
      [1, '1'],
      [0.045, '1/h'],
      [118_240, '{request}'],
      [1, '{request}'],
      [9_240, '{request}'],
      [12.34, '{request}/s'],
      [3 * 2 ** 30, 'By'],
      [12.6 * 2 ** 20, 'By/s'],
      [3, '{entity}'],
      [7, 'widgets'],
      [Number.NaN, 's'],
    ] as const
  ).map(([value, unit]) => amount(value, unit))
  assert.deepEqual(said, [
    '3.5 s',
    '62 ms',
    '0 s',
    '90 s',
    '2 h',
    '42 us',
    '4.1 %',
    '99.95 %',
    '100 %',
    '4.5 %/h',
    '118 k requests',
    '1 request',
    '9240 requests',
    '12 requests/s',
    '3 GiB',
    '13 MiB/s',
    '3 entities',
    '7 widgets',
    'unknown',
  ])
})

test('a range shares its unit, and says which of its ends there is', () => {
  assert.equal(range(0.04, 0.062, 's'), '40 to 62 ms')
  assert.equal(range(0, 0.01, '1'), 'at most 1 %')
  assert.equal(range(undefined, 0.062, 's'), 'at most 62 ms')
  assert.equal(range(40, undefined, '{request}/s'), 'at least 40 requests/s')
  assert.equal(range(0.0401, 0.0402, 's'), 'about 40 ms')
  assert.equal(range(40, 62, '{request}/s'), '40 to 62 requests/s')
  assert.equal(range(0, 0, '{restart}'), 'none')
  assert.equal(range(0.0000001, 4, 's'), '100 ns to 4 s')
})

test('features have names for people', () => {
  assert.equal(featureLabel('vigil.latency', '0.99'), 'P99')
  assert.equal(featureLabel('vigil.self_time', '0.9'), 'own time P90')
  assert.equal(featureLabel('vigil.cpu.utilization'), 'CPU')
  assert.equal(featureLabel('shop.orders'), 'shop.orders')
})

test('times are those of the zone, with the date where it is another day', () => {
  const at = Date.parse('2026-11-21T09:14:38Z') / 1000
  const berlin = new LocalTime('Europe/Berlin')
  assert.equal(berlin.weekdayAndMinute(at), 'Saturday at 10:14')
  assert.equal(berlin.second(at, at + 60), '10:14:38')
  assert.equal(berlin.second(at, at + 86_400), '2026-11-21 10:14:38')
  assert.throws(() => new LocalTime('Europe/Nowhere'), RangeError)
})
