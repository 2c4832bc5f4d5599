import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertClose, recorded } from './fixtures/recorded.ts'
import { matrix } from './matrix.ts'
import { fitPca, squaredError } from './pca.ts'
import { fitShrunkDistance, squaredDistance } from './shrunk-distance.ts'

const { train, test: rows, columns, kept, variances, spe, shrunk } = recorded.pca
const data = matrix(Float64Array.from(train), columns)
const values = Float64Array.from(rows)

test("components, variances and reconstruction errors are scikit-learn's", () => {
  const pca = fitPca(data, 0.9)
  assert.equal(pca.kept, kept)
  for (const [k, variance] of variances.entries()) assertClose(pca.variances[k] as number, variance, 1e-9)
  const residual = new Float64Array(columns)
  for (const [i, error] of spe.entries()) assertClose(squaredError(pca, values, i * columns, residual), error, 1e-9)
})

test("the shrunk distance is NumPy's, and its contributions sum to it", () => {
  const distance = fitShrunkDistance(data, 0.01)
  const parts = new Float64Array(columns)
  for (const [i, expected] of shrunk.entries()) {
    assertClose(squaredDistance(distance, values, i * columns, parts), expected, 1e-9)
    assertClose(
      parts.reduce((sum, part) => sum + part, 0),
      expected,
      1e-9,
    )
  }
})

test('a row of weight 0 leaves no trace', () => {
  const spoilt = Float64Array.from(train)
  spoilt.fill(1e6, 0, columns)
  const weights = new Float64Array(data.rows).fill(1)
  weights[0] = 0
  const without = fitPca(matrix(Float64Array.from(train).subarray(columns), columns))
  const ignored = fitPca(matrix(spoilt, columns), 0.9, weights)
  for (let k = 0; k < columns; k++) assertClose(ignored.variances[k] as number, without.variances[k] as number)
})

test('columns that never vary, and too few rows, are answered and refused', () => {
  const flat = fitShrunkDistance(matrix(new Float64Array(20).fill(3), 2), 0.01)
  assert.equal(squaredDistance(flat, Float64Array.of(3, 3), 0), 0)
  assert.ok(Number.isFinite(squaredDistance(flat, Float64Array.of(9, 3), 0)))
  assert.throws(() => fitPca(matrix(Float64Array.of(1, 2), 2)), /2 rows or more/)
  assert.throws(() => matrix(new Float64Array(5), 2), /no whole rows/)
})
