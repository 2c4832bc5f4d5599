/** Path lengths in an isolation forest as a kernel of TensorFlow.js: one name, one implementation for each backend. Scores are those of `isolationScores`. */
import type * as Tf from '@tensorflow/tfjs'
import { averagePathLength, type IsolationForest } from '../../isolation-forest.ts'
import type { Backend } from '../../runtime/backend.ts'
import { perfectForest } from './layout.ts'
import { pathsByOperations } from './operations.ts'
import { pathsByLoops } from './typed-arrays.ts'
import { pathsOnHeap } from './wasm.ts'
import { pathsOnGpu } from './webgpu.ts'

const kernelName = 'VigilIsolationPaths'

/** `rows` [count, width], `feature` and `threshold` [trees, 2^depth - 1], `length` [trees, 2^depth]; the answer is [count], sums over trees. */
export interface PathInputs<T = Tf.TensorInfo> {
  readonly rows: T
  readonly feature: T
  readonly threshold: T
  readonly length: T
}

export interface PathAttrs {
  readonly trees: number
  readonly depth: number
}

export interface PathCall<B> {
  readonly inputs: PathInputs
  readonly attrs: PathAttrs
  readonly backend: B
}

const implementations: Readonly<Record<string, Tf.KernelFunc>> = {
  cpu: pathsByLoops as never,
  wasm: pathsOnHeap as never,
  webgpu: pathsOnGpu as never,
}

/** A shader may take NaN for whatever it likes; this goes right at every node, as NaN does. */
const largest = 3.402_823_466_385_288_6e38

/** A forest that was brought to where a backend computes. `dispose` it. */
export class ForestKernel {
  readonly #backend: Backend
  readonly #attrs: PathAttrs
  readonly #tensors: Omit<PathInputs<Tf.Tensor>, 'rows'>
  readonly #width: number
  /** What the sum of a row's path lengths is divided by. */
  readonly #scale: number

  /** Throws a `RangeError` for trees that are too deep for a kernel. */
  constructor(backend: Backend, forest: IsolationForest) {
    const { tf } = backend
    const { width, subsample, trees, depth, feature, threshold, length } = perfectForest(forest)
    const inner = 2 ** depth - 1
    this.#backend = backend
    this.#attrs = { trees, depth }
    this.#width = width
    this.#scale = trees * averagePathLength(subsample)
    this.#tensors = {
      feature: tf.tensor2d(feature, [trees, inner], 'int32'),
      threshold: tf.tensor2d(threshold, [trees, inner]),
      length: tf.tensor2d(length, [trees, inner + 1]),
    }
    const backendName = tf.getBackend()
    const kernelFunc = implementations[backendName]
    if (kernelFunc !== undefined && !tf.getKernelsForBackend(backendName).some((one) => one.kernelName === kernelName))
      tf.registerKernel({ kernelName, backendName, kernelFunc })
  }

  /** One in (0, 1] for each row of `width` values: about 0.5 is ordinary, towards 1 is odd. Throws a `RangeError` for what is no rows. */
  async scores(rows: Float32Array): Promise<Float64Array<ArrayBuffer>> {
    const count = rows.length / this.#width
    if (!Number.isInteger(count)) throw new RangeError(`${rows.length} values are no rows of ${this.#width}`)
    if (count === 0) return new Float64Array(0)
    const sums = await this.#paths(rows, count)
    return Float64Array.from(sums, (sum) => (this.#scale === 0 ? 0.5 : 2 ** (-sum / this.#scale)))
  }

  dispose(): void {
    this.#backend.tf.dispose(Object.values(this.#tensors))
  }

  async #paths(rows: Float32Array, count: number): Promise<ArrayLike<number>> {
    const { tf } = this.#backend
    const name = tf.getBackend()
    const values = name === 'webgpu' ? rows.map((value) => (Number.isNaN(value) ? largest : value)) : rows
    const batch = tf.tensor2d(values, [count, this.#width])
    const inputs = { rows: batch, ...this.#tensors }
    const sums =
      name in implementations
        ? (tf.engine().runKernel(kernelName, inputs, { ...this.#attrs }) as Tf.Tensor)
        : pathsByOperations(tf, inputs, this.#attrs)
    batch.dispose()
    try {
      return await sums.data()
    } finally {
      sums.dispose()
    }
  }
}
