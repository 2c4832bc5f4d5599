import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addToSketch, bucketAt, bucketOf, newSketch, SketchWindows } from './sketch.ts'

/** First panes of the windows, as the file says: whole minutes for 15 m, whole five minutes for 1 h. */
function beginsOf(end: number): number[] {
  return [end - 5, end - 29, Math.floor((end - 90) / 6) * 6 + 1, Math.floor((end - 360) / 30) * 30 + 1]
}

test('each window has exactly its panes, whenever they came and whichever tick is looked at', () => {
  const additions = fc.array(
    fc.record({
      at: fc.integer({ min: 1, max: 900 }),
      late: fc.integer({ min: -20, max: 300 }),
      count: fc.integer({ min: 1, max: 100_000 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  fc.assert(
    fc.property(additions, (all) => {
      const sketch = newSketch()
      const windows = new SketchWindows()
      const taken: { pane: number; count: number }[] = []
      for (let newest = 0; newest <= 900; newest++) {
        for (const { at, late, count } of all) {
          if (at !== newest || newest - late < 1) continue
          addToSketch(sketch, newest - late, 7, count, newest)
          taken.push({ pane: newest - late, count })
        }
        windows.begin(newest, newest)
        windows.read(sketch)
        if (newest < 20 || newest % 37 > 0) continue
        for (const end of [newest, newest - 1, newest - 11]) {
          windows.begin(end, newest)
          const seen = [...windows.read(sketch)]
          const expected = beginsOf(end).map((first) =>
            taken.reduce((sum, { pane, count }) => sum + (pane >= first && pane <= end ? count : 0), 0),
          )
          assert.deepEqual(seen, expected, `windows of ${end} at ${newest}`)
        }
      }
    }),
    { numRuns: 40 },
  )
})

test('quantiles are within 3 % of those of the values', () => {
  const sketch = newSketch()
  const windows = new SketchWindows()
  const values = Array.from({ length: 5_000 }, (_, i) => 0.0001 * 1.002 ** i)
  for (const value of values) addToSketch(sketch, 10, bucketOf(value), 1, 9)
  windows.begin(10, 10)
  windows.read(sketch)
  const out = new Float64Array(4)
  windows.quantiles(0, [0.01, 0.5, 0.9, 0.999], out)
  for (const [i, q] of [0.01, 0.5, 0.9, 0.999].entries())
    assert.ok(Math.abs(out[i]! / values[Math.floor(q * 4_999)]! - 1) < 0.03)
})

test('buckets of finer and coarser histograms fall where their values do', () => {
  for (const scale of [0, 1, 3, 5, 20])
    for (const value of [0.0013, 0.2, 1.5, 77]) {
      const index = Math.ceil(Math.log2(value) * 2 ** scale) - 1
      const away = Math.abs(bucketAt(index, scale) - bucketOf(value))
      assert.ok(away <= 2 ** Math.max(0, 2 - scale), `scale ${scale}, ${value}: ${away}`)
    }
  assert.equal(bucketOf(0), 0)
  assert.equal(bucketAt(100_000, 0), 255)
})
