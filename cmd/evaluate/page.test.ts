import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asHtml } from './page.ts'
import { type Bars, meanCurve, precisionByRecall, timeline } from './plot.ts'
import { averagePrecision } from './ranking-metrics.ts'

test('precision by recall is that of the highest threshold that reaches it, ties taken together', () => {
  const labels = Uint8Array.of(1, 0, 1, 0, 0, 1, 0, 0, 0, 1)
  const scores = Float64Array.of(0.9, 0.8, 0.7, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
  const curve = precisionByRecall(labels, scores)
  // Recall .25 at the first row, .5 with the tie of rows 3 and 4, .75 at row 6, 1 at row 10.
  assert.deepEqual([curve[0], curve[25], curve[26], curve[50], curve[75], curve[100]], [1, 1, 0.5, 0.5, 0.5, 0.4])
  assert.ok(Math.abs(averagePrecision(labels, scores) - (1 + 0.5 + 0.5 + 0.4) / 4) < 1e-12)
  assert.ok(Number.isNaN(precisionByRecall(new Uint8Array(3), Float64Array.of(1, 2, 3))[0]))
  assert.deepEqual(precisionByRecall(Uint8Array.of(1, 1), Float64Array.of(0, 0)), new Float64Array(101).fill(1))
})

test('a mean curve leaves out cases that have no labels', () => {
  const none = new Float64Array(101).fill(Number.NaN)
  const mean = meanCurve([new Float64Array(101).fill(0.5), none, new Float64Array(101).fill(1)])
  assert.deepEqual(mean, new Float64Array(101).fill(0.75))
})

test('a timeline keeps each peak, and an alarm where it was raised', () => {
  const scores = new Float64Array(10_000).fill(0.1)
  scores[4_321] = 0.9
  const alarms = new Uint8Array(10_000).fill(1, 4_321, 4_324)
  scores.fill(0.8, 4_322, 4_324)
  const { scores: highest, alarms: raised, threshold } = timeline('a', { scores, alarms }, [], ['', ''])
  assert.deepEqual([highest.length, Math.max(...highest), raised, threshold], [800, 0.9, [4_321], 0.8])
})

const bars: Bars = {
  kind: 'bars',
  title: 'false <alarms>',
  names: ['a & b', 'c'],
  series: [{ name: 'one', values: [1, null] }],
  limit: { at: 2, name: 'at most 2' },
}
const table = {
  title: 'machines <b>',
  columns: ['machine', 'AUC-PR'],
  rows: [
    ['m "1"', 0.5],
    ['m2', Number.NaN],
  ],
  notes: ['a note & more'],
  plots: [
    bars,
    {
      kind: 'curves',
      title: 'curve',
      curves: [
        { name: 'vigil', precision: new Float64Array(101).fill(Number.NaN), point: { recall: 0.5, precision: 1 } },
      ],
    },
    ...Array.from({ length: 8 }, (_, i) =>
      timeline(
        `case ${i}`,
        { scores: Float64Array.of(0, 1, 0), alarms: Uint8Array.of(0, 1, 0) },
        [{ from: 1, to: 1 }],
        ['x', 'y'],
      ),
    ),
  ],
} as const

test('a page needs nothing but itself, and names cannot break it', () => {
  const html = asHtml([table])
  assert.doesNotMatch(html, /<script|<link|<img|@import|url\(|https?:/)
  assert.doesNotMatch(html, /<b>machines|machines <b>|false <alarms>|m "1"</)
  assert.doesNotMatch(html, /NaN|undefined|Infinity/)
  // What opens is closed again, in order.
  const open: string[] = []
  for (const [, slash = '', name = '', self = ''] of html.matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)) {
    if (self === '/' || name === 'meta') continue
    if (slash === '') open.push(name)
    else assert.equal(open.pop(), name)
  }
  assert.deepEqual(open, [])
  assert.equal(html.match(/<svg/g)?.length, 10)
  assert.match(html, /prefers-color-scheme:dark/)
  assert.match(html, /name="viewport"/)
  assert.match(html, /<details><summary>2 more/)
})
