import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normals } from './fixtures/random.ts'
import { SeasonalZ } from './seasonal-z.ts'

const all = Float64Array.of(1, 1)
const least = [20, 20]

/** Two columns a minute: one with a day's rhythm, one without. */
function learn(
  baseline: SeasonalZ,
  minutes: number,
  from: number,
  next: () => number,
  shape: (hour: number) => number,
) {
  for (let minute = from; minute < from + minutes; minute++) {
    const hour = minute / 60
    baseline.at({ hourOfWeek: hour % 168, hour: Math.floor(hour) })
    baseline.learn(0, Float64Array.of(shape(hour % 168) + next(), 5 + 0.1 * next()), 0, all)
  }
}
function at(baseline: SeasonalZ, hour: number) {
  baseline.at({ hourOfWeek: hour % 168, hour: Math.floor(hour) })
  baseline.expect(0, least)
  return { location: baseline.location[0]!, sigma: baseline.sigma[0]!, other: baseline.location[1]! }
}
const daily = (hour: number) => 100 + 50 * Math.sin((hour / 24) * 2 * Math.PI)

test('after some days an hour is compared with that hour of other days', () => {
  const baseline = new SeasonalZ({ columns: 2, capacity: 1 })
  learn(baseline, 4 * 1440, 0, normals(3), daily)
  for (const hour of [96.5, 102.25, 108.75, 114]) {
    const { location, sigma, other } = at(baseline, hour)
    assert.ok(Math.abs(location - daily(hour)) < 4, `${hour}: ${location}, not ${daily(hour)}`)
    assert.ok(sigma > 0.8 && sigma < 3, `${sigma}`)
    assert.ok(Math.abs(other - 5) < 0.1)
  }
})

test('after some weeks a Saturday is compared with Saturdays', () => {
  const weekly = (hour: number) => daily(hour) * (hour >= 120 ? 0.5 : 1)
  const baseline = new SeasonalZ({ columns: 2, capacity: 1 })
  learn(baseline, 15 * 1440, 0, normals(5), weekly)
  for (const hour of [15 * 24 + 12.5, 19 * 24 + 18.5, 20 * 24 + 18.5]) {
    const { location } = at(baseline, hour)
    assert.ok(Math.abs(location - weekly(hour % 168)) < 5, `${hour}: ${location}, not ${weekly(hour % 168)}`)
  }
})

test('an hour of the week is known once it was seen; without a calendar every one is', () => {
  const baseline = new SeasonalZ({ columns: 2, capacity: 1 })
  learn(baseline, 600, 0, normals(7), daily)
  const knows = (hourOfWeek: number) => {
    baseline.at({ hourOfWeek, hour: 10 })
    return baseline.knowsHour(0)
  }
  assert.deepEqual([knows(3.5), knows(9.9), knows(30), knows(Number.NaN)], [true, false, false, true])
})

test('what is far away moves the level little, and weight 0 not at all; NaN is no value', () => {
  const baseline = new SeasonalZ({ columns: 2, capacity: 1 })
  const next = normals(9)
  learn(baseline, 500, 0, next, () => 100)
  const before = at(baseline, 8.4)
  for (let i = 0; i < 100; i++) baseline.learn(0, Float64Array.of(10_000, Number.NaN), 0, Float64Array.of(0, 1))
  assert.deepEqual(at(baseline, 8.4), before)
  for (let i = 0; i < 100; i++) baseline.learn(0, Float64Array.of(10_000, Number.NaN), 0, all)
  assert.ok(at(baseline, 8.4).location < 120)
})

test('cold is NaN; a column can be learned anew, and an entity forgotten', () => {
  const baseline = new SeasonalZ({ columns: 2, capacity: 2 })
  learn(baseline, 19, 0, normals(1), daily)
  assert.ok(Number.isNaN(at(baseline, 0.3).location))
  learn(baseline, 20, 19, normals(1), daily)
  assert.ok(!Number.isNaN(at(baseline, 0.6).location))
  baseline.rebase(0, 0)
  const { location, other } = at(baseline, 0.6)
  assert.ok(Number.isNaN(location) && !Number.isNaN(other))
  assert.ok(baseline.bytes(0) > 1_000)
  baseline.forget(0)
  assert.equal(baseline.bytes(0), 0)
  assert.ok(Number.isNaN(at(baseline, 0.6).other))
})

test('a restored baseline answers as the original, whenever it is saved', () => {
  for (const minutes of [30, 1500, 3000]) {
    const [original, copy] = [0, 0].map(() => new SeasonalZ({ columns: 2, capacity: 1 })) as [SeasonalZ, SeasonalZ]
    learn(original, minutes, 0, normals(13), daily)
    copy.restore(0, structuredClone(original.save(0)!))
    learn(original, 900, minutes, normals(15), daily)
    learn(copy, 900, minutes, normals(15), daily)
    const hour = (minutes + 900) / 60
    assert.deepEqual(at(copy, hour), at(original, hour))
    assert.throws(
      () => new SeasonalZ({ columns: 3, capacity: 1 }).restore(0, original.save(0)!),
      /no state of a seasonal baseline of 3 columns/,
    )
  }
})
