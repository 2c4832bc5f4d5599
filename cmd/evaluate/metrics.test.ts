import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertClose, recorded } from '../../models/fixtures/recorded.ts'
import { alarmMetrics, median } from './alarm-metrics.ts'
import { nabProfiles, nabRaw, normalise, probation, scaledSigmoid } from './nab-score.ts'
import { averagePrecision, spansOf, vusBuffer, vusPr } from './ranking-metrics.ts'

test("average precision is scikit-learn's, ties included", () => {
  const { labels, scores, value } = recorded.average_precision
  assertClose(averagePrecision(Uint8Array.from(labels), Float64Array.from(scores)), value, 1e-12)
  assert.ok(Number.isNaN(averagePrecision(new Uint8Array(3), new Float64Array(3))))
})

test("VUS-PR is that of its definition in NumPy, and of the authors' package to which that was compared", () => {
  const { labels, scores, values } = recorded.vus_pr
  for (const [buffer, value] of values)
    assertClose(vusPr(Uint8Array.from(labels), Float64Array.from(scores), buffer), value, 1e-9)
})

test('the buffer is the period where there is one', () => {
  assert.equal(vusBuffer(Float64Array.from({ length: 1000 }, (_, i) => Math.sin((2 * Math.PI * i) / 24))), 24)
  assert.equal(vusBuffer(Float64Array.from({ length: 1000 }, (_, i) => i)), 100)
})

test('alarms are counted as runs, a hit does not credit the rest of its span', () => {
  const labels = Uint8Array.of(0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0)
  const alarms = Uint8Array.of(1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0)
  const { pointPrecision, pointRecall, pointF1, eventF1, ...counts } = alarmMetrics(labels, alarms)
  assert.deepEqual(counts, { events: 2, foundEvents: 1, falseAlarms: 3, alarms: 4, delays: [2] })
  for (const [actual, expected] of [
    [pointPrecision, 1 / 5],
    [pointRecall, 1 / 6],
    [pointF1, 2 / 11],
    [eventF1, 1 / 3],
  ] as const)
    assertClose(actual, expected)
  assert.deepEqual(spansOf(Uint8Array.of(1, 0, 1, 1)), [
    { from: 0, to: 0 },
    { from: 2, to: 3 },
  ])
  assert.equal(median([3, 1, 2, 10]), 2.5)
  assert.ok(Number.isNaN(median([])))
})

test("NAB's sigmoid has the values its source states", () => {
  assert.equal(scaledSigmoid(-1).toFixed(5), '0.98661')
  assert.equal(scaledSigmoid(-0.5).toFixed(5), '0.84828')
  assert.equal(scaledSigmoid(0), 0)
  assert.equal(scaledSigmoid(1).toFixed(5), '-0.98661')
  assert.equal(scaledSigmoid(3), -1)
  assert.deepEqual([probation(1000), probation(20_000)], [150, 750])
})

const { standard, low_fn } = nabProfiles

test('NAB: what its rules say of simple cases', () => {
  const rows = 1000
  const window = { from: 400, to: 499 }
  const at = (...alarmRows: readonly number[]) => {
    const alarms = new Uint8Array(rows)
    for (const row of alarmRows) alarms[row] = 1
    return nabRaw({ windows: [window], alarms }, standard)
  }
  // Nothing said costs a window, an alarm at its left edge is perfect, a second one in it changes nothing.
  assert.equal(at().score, -1)
  assert.equal(at(400).score, 1)
  assert.equal(at(400, 450).score, 1)
  assert.ok(at(420).score > at(480).score)
  // A false alarm before any window costs its whole weight, soon after one less; in the probation nothing.
  assertClose(at(300, 400).score, 1 - 0.11)
  assertClose(at(400, 500).score, 1 + 0.11 * scaledSigmoid(1 / 99))
  assert.equal(at(10, 400).score, 1)
  assert.equal(at(200).falsePositives, 1)
  // A missed window costs twice under low_fn.
  assert.equal(nabRaw({ windows: [window], alarms: new Uint8Array(rows) }, low_fn).score, -2)
})

test("NAB: perfect is 100, silence is 0, and a window within the probation is nobody's", () => {
  const windows = [
    { from: 20, to: 40 },
    { from: 400, to: 499 },
    { from: 800, to: 819 },
  ]
  const perfect = new Uint8Array(1000)
  perfect[400] = 1
  perfect[800] = 1
  assertClose(normalise([nabRaw({ windows, alarms: perfect }, standard)]), 100)
  assert.equal(normalise([nabRaw({ windows, alarms: new Uint8Array(1000) }, standard)]), 0)
  assert.equal(nabRaw({ windows, alarms: perfect }, standard).windows, 2)
})
