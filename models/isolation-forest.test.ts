import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { averagePathLength, fitIsolationForest, type IsolationForest, isolationScores } from './isolation-forest.ts'

interface Fixture {
  readonly pathLengths: { readonly sizes: readonly number[]; readonly values: readonly number[] }
  readonly subsample: number
  readonly trees: readonly {
    readonly feature: readonly number[]
    readonly threshold: readonly number[]
    readonly left: readonly number[]
    readonly right: readonly number[]
    readonly depth: readonly number[]
    readonly size: readonly number[]
  }[]
  readonly rows: readonly (readonly number[])[]
  readonly scores: readonly number[]
  readonly hard: { readonly rows: readonly (readonly number[])[]; readonly scores: readonly number[] }
}
const fixture = JSON.parse(readFileSync(new URL('testdata/isolation-forest.json', import.meta.url), 'utf8')) as Fixture

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length)
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `${i}: ${actual[i]} is not ${value}`)
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

test('the mean path length is that of scikit-learn and of the paper', () => {
  const { sizes, values } = fixture.pathLengths
  near(sizes.map(averagePathLength), values, 1e-12)
  assert.ok(Math.abs(averagePathLength(256) - 10.244771) < 1e-6)
})

test("scikit-learn's trees give scikit-learn's scores", () => {
  const forest: IsolationForest = {
    width: 3,
    subsample: fixture.subsample,
    trees: fixture.trees.map(({ feature, threshold, left, right, depth, size }) => ({
      feature: Int32Array.from(feature),
      threshold: Float64Array.from(threshold),
      left: Int32Array.from(left),
      right: Int32Array.from(right),
      pathLength: Float64Array.from(depth, (one, i) => one + averagePathLength(size[i]!)),
    })),
  }
  near(isolationScores(forest, Float64Array.from(fixture.rows.flat())), fixture.scores, 1e-12)
})

test('a forest of our own scores as one of scikit-learn does', () => {
  const rows = Float64Array.from(fixture.hard.rows.flat())
  const scores = isolationScores(fitIsolationForest(rows, 2, { random: seeded(4) }), rows)
  const gaps = fixture.hard.scores.map((score, i) => Math.abs(score - scores[i]!))
  // Two forests of 100 trees with other seeds are as far apart.
  assert.ok(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length < 0.012)
  assert.ok(Math.max(...gaps) < 0.07)
})

test('the same chance gives the same forest, each tree from a sample of its own', () => {
  const rows = Float64Array.from(fixture.hard.rows.flat())
  const one = fitIsolationForest(rows, 2, { random: seeded(1), trees: 3 })
  assert.deepEqual(fitIsolationForest(rows, 2, { random: seeded(1), trees: 3 }), one)
  assert.notDeepEqual(one.trees[0], one.trees[1])
  assert.equal(one.subsample, 256)
})

test('a combination is odd though each of its values is ordinary', () => {
  const random = seeded(9)
  const line = Array.from({ length: 400 }, () => random()).flatMap((x) => [x, x + 0.02 * random()])
  const forest = fitIsolationForest(Float64Array.from(line), 2, { random })
  const [on, off] = isolationScores(forest, Float64Array.of(0.5, 0.51, 0.1, 0.9))
  assert.ok(off! > on! + 0.1, `${off} against ${on}`)
})

test('rows that are all alike are not odd, and rows that are none are refused', () => {
  const forest = fitIsolationForest(new Float64Array(20), 2, { random: seeded(1) })
  assert.ok(isolationScores(forest, new Float64Array(2))[0]! <= 0.5 + 1e-4)
  assert.equal(
    isolationScores(fitIsolationForest(new Float64Array(1), 1, { random: seeded(1) }), Float64Array.of(3))[0],
    0.5,
  )
  assert.throws(() => fitIsolationForest(new Float64Array(3), 2, { random: seeded(1) }), /no rows of 2/)
  assert.throws(() => fitIsolationForest(Float64Array.of(Number.NaN), 1, { random: seeded(1) }), /no finite number/)
  assert.throws(() => isolationScores(forest, new Float64Array(3)), /no rows of 2/)
})
