import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as tf from '@tensorflow/tfjs'
import { normals, uniforms } from '../../fixtures/random.ts'
import { averagePathLength, fitIsolationForest, type IsolationForest, isolationScores } from '../../isolation-forest.ts'
import { type BackendName, openBackend } from '../../runtime/backend.ts'
import { compileKernels } from '../build-simd.ts'
import { ForestKernel } from './kernel.ts'
import { perfectForest } from './layout.ts'
import { pathsByOperations } from './operations.ts'

const width = 5

test('simd.wasm.ts is what simd.as.ts compiles to', async () => {
  assert.equal(readFileSync(new URL('../simd.wasm.ts', import.meta.url), 'utf8'), await compileKernels())
})

/** Values of single precision, some missing, in a number of rows that is no multiple of four. */
function someRows(count: number, seed: number): Float32Array {
  const [normal, uniform] = [normals(seed), uniforms(seed)]
  return Float32Array.from({ length: count * width }, () => (uniform() < 0.01 ? Number.NaN : normal()))
}

function grown(subsample: number, count = 2_000): IsolationForest {
  const rows = Float64Array.from(someRows(count, 3), (value) => (Number.isNaN(value) ? 0 : value))
  return fitIsolationForest(rows, width, { random: uniforms(11), subsample })
}

for (const backend of ['cpu', 'wasm', 'webgpu'] satisfies BackendName[]) {
  test(`the kernel of ${backend} gives the very scores of the forest, for any depth and number of rows`, async (t) => {
    const opened = await openBackend({ backend, allowSoftwareGpu: true }).catch((error: Error) => error)
    if (opened instanceof Error) return t.skip(opened.message)
    const before = tf.memory().numTensors
    for (const subsample of [2, 3, 64, 256, 1_000]) {
      const forest = grown(subsample)
      const kernel = new ForestKernel(opened, forest)
      for (const count of [0, 1, 3, 259, 1_001]) {
        const rows = someRows(count, count + 1)
        assert.deepEqual(await kernel.scores(rows), isolationScores(forest, Float64Array.from(rows)))
      }
      kernel.dispose()
    }
    assert.equal(tf.memory().numTensors, before, 'tensors are left behind')
  })
}

test('a value at a threshold goes left, in single precision too', async () => {
  const opened = await openBackend({ backend: 'wasm' })
  // 0.1 has no single precision: the nearest is above, so that a row with just that goes right in both.
  const rows = Float64Array.of(0, 0.2, 0, 0.2)
  const forest = fitIsolationForest(rows, 1, { random: () => 0.5, trees: 1 })
  assert.equal(forest.trees[0]?.threshold[0], 0.1)
  const kernel = new ForestKernel(opened, forest)
  const values = Float32Array.of(0.1, 0.099_999_99, 0.2, -1, Number.NaN)
  assert.deepEqual(await kernel.scores(values), isolationScores(forest, Float64Array.from(values)))
  kernel.dispose()
})

test("TensorFlow.js's own operations give the same path lengths", async () => {
  const opened = await openBackend({ backend: 'cpu' })
  const forest = grown(256)
  const { feature, threshold, length, trees, depth } = perfectForest(forest)
  const rows = someRows(37, 5)
  const inputs = {
    rows: tf.tensor2d(rows, [37, width]),
    feature: tf.tensor2d(feature, [trees, 2 ** depth - 1], 'int32'),
    threshold: tf.tensor2d(threshold, [trees, 2 ** depth - 1]),
    length: tf.tensor2d(length, [trees, 2 ** depth]),
  }
  const sums = pathsByOperations(tf, inputs, { trees, depth })
  const kernel = new ForestKernel(opened, forest)
  const scale = trees * averagePathLength(forest.subsample)
  assert.deepEqual(
    Float64Array.from(await sums.data(), (sum) => 2 ** (-sum / scale)),
    await kernel.scores(rows),
  )
  kernel.dispose()
  tf.dispose([sums, ...Object.values(inputs)])
})

test('rows that are none, and trees that are too deep, are refused', async () => {
  const opened = await openBackend({ backend: 'wasm' })
  const kernel = new ForestKernel(opened, grown(64))
  await assert.rejects(kernel.scores(new Float32Array(7)), { name: 'RangeError', message: '7 values are no rows of 5' })
  kernel.dispose()
  assert.throws(() => new ForestKernel(opened, grown(20_000, 20_000)), /a tree has 1\d levels, and a kernel takes 12/)
})
