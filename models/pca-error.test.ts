import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normals } from './fixtures/random.ts'
import { assertClose } from './fixtures/recorded.ts'
import { fitPca, squaredError } from './pca.ts'
import { PcaError } from './pca-error.ts'

/** Three that move together, and one on its own. */
function row(next: () => number): Float64Array {
  const load = next()
  return Float64Array.of(load + 0.2 * next(), load + 0.2 * next(), load + 0.2 * next(), next())
}

test('the plane of running moments is that of the rows', () => {
  const next = normals(3)
  const values = new Float64Array(4 * 400)
  const error = new PcaError(4)
  for (let i = 0; i < 400; i++) {
    const one = row(next)
    values.set(one, i * 4)
    error.learn(one)
  }
  error.fit()
  const pca = fitPca({ values, rows: 400, columns: 4 }, 0.9)
  const residual = new Float64Array(4)
  for (let i = 0; i < 20; i++) {
    const one = row(next)
    const expected = squaredError(pca, one, 0, residual) / (2 * pca.variances[pca.kept]!)
    assertClose(error.score(one), expected, 1e-9)
    for (let j = 0; j < 4; j++) assertClose(error.residual[j]!, residual[j]!, 1e-9)
  }
})

test('what breaks the pattern is strange though each number is ordinary, and is named', () => {
  const next = normals(5)
  const error = new PcaError(4)
  for (let i = 0; i < 2000; i++) error.learn(row(next))
  const fits = error.score(Float64Array.of(2, 2, 2, 0))
  const breaks = error.score(Float64Array.of(1.5, -1.5, 1.5, 0))
  assert.ok(fits < 5 && breaks > 20, `${fits} ${breaks}`)
  const parts = error.residual.map((value) => value * value)
  assert.equal(parts.indexOf(Math.max(...parts)), 1)
})

test('cold has no answer; missing numbers are as expected; huge ones are held', () => {
  const error = new PcaError(4)
  const next = normals(7)
  assert.ok(Number.isNaN(error.score(row(next))))
  for (let i = 0; i < 300; i++) error.learn(row(next))
  assert.ok(error.score(new Float64Array(4).fill(Number.NaN)) < 1)
  assert.ok(Number.isFinite(error.score(Float64Array.of(1e300, 0, Number.NaN, -1e300))))
})

test('a restored plane answers as the original, whenever it is saved', () => {
  for (const rows of [10, 250, 1000]) {
    const next = normals(11)
    const [original, copy] = [new PcaError(4), new PcaError(4)]
    for (let i = 0; i < rows; i++) original.learn(row(next))
    copy.restore(structuredClone(original.save()))
    for (let i = 0; i < 300; i++) {
      const one = row(next)
      assert.equal(copy.score(one), original.score(one))
      original.learn(one)
      copy.learn(one)
    }
  }
  assert.throws(() => new PcaError(3).restore(new PcaError(4).save()), /no state of a plane of 3 columns/)
})
