/**
 * What it costs to score rows with 100 trees of 256: `node models/kernels/isolation-forest/isolation-forest.bench.ts [ROWS...]`.
 * Medians of runs that take turns; on `webgpu` the time until the answer is here, on whatever driver there is.
 */
import * as tf from '@tensorflow/tfjs'
import { normals, uniforms } from '../../fixtures/random.ts'
import { fitIsolationForest, isolationScores } from '../../isolation-forest.ts'
import { type BackendName, openBackend } from '../../runtime/backend.ts'
import { ForestKernel } from './kernel.ts'
import { perfectForest } from './layout.ts'
import { pathsByOperations } from './operations.ts'

const width = 10
const rounds = 7
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [512, 10_000, 100_000]
const normal = normals(3)
const training = Float64Array.from({ length: 4_096 * width }, normal)
const forest = fitIsolationForest(training, width, { random: uniforms(5) })

for (const count of sizes) {
  const rows = Float32Array.from({ length: count * width }, normal)
  const wide = Float64Array.from(rows)
  console.log(`${count} rows of ${width}`)
  await report('loops over float64 (isolationScores)', count, async () => void isolationScores(forest, wide))
  for (const backend of ['cpu', 'wasm', 'webgpu'] satisfies BackendName[]) {
    const opened = await openBackend({ backend, allowSoftwareGpu: true }).catch((error: Error) => error)
    if (opened instanceof Error) {
      console.log(`  ${backend}: ${opened.message}`)
      continue
    }
    const kernel = new ForestKernel(opened, forest)
    await report(`kernel on ${backend} (${opened.device})`, count, async () => void (await kernel.scores(rows)))
    kernel.dispose()
    if (backend === 'wasm' && count <= 10_000)
      await report('operations of TensorFlow.js on wasm', count, byOperations(rows, count))
  }
}

function byOperations(rows: Float32Array, count: number): () => Promise<void> {
  const { feature, threshold, length, trees, depth } = perfectForest(forest)
  const kept = {
    feature: tf.tensor2d(feature, [trees, 2 ** depth - 1], 'int32'),
    threshold: tf.tensor2d(threshold, [trees, 2 ** depth - 1]),
    length: tf.tensor2d(length, [trees, 2 ** depth]),
  }
  return async () => {
    const batch = tf.tensor2d(rows, [count, width])
    const sums = pathsByOperations(tf, { rows: batch, ...kept }, { trees, depth })
    await sums.data()
    tf.dispose([batch, sums])
  }
}

async function report(name: string, count: number, run: () => Promise<void>): Promise<void> {
  const times: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now()
    await run()
    // The first one warms up.
    if (round > 0) times.push(performance.now() - began)
  }
  const median = times.sort((a, b) => a - b)[rounds >> 1]!
  console.log(
    `  ${name.padEnd(60)} ${median.toFixed(2).padStart(9)} ms ${((median / count) * 1e6).toFixed(0).padStart(7)} ns/row`,
  )
}
