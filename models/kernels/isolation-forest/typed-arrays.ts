/** On the backend `cpu`: plain loops. */
import type * as Tf from '@tensorflow/tfjs'
import type { PathCall } from './kernel.ts'

interface CpuBackend extends Tf.KernelBackend {
  readonly data: { get(id: object): { readonly values: ArrayLike<number> } }
  makeTensorInfo(shape: number[], dtype: Tf.DataType, values: Float32Array): Tf.TensorInfo
}

/** Rows for which one tree is walked before the next: rows and nodes stay in the nearest cache. */
const block = 256

export function pathsByLoops({ inputs, attrs, backend }: PathCall<CpuBackend>): Tf.TensorInfo {
  const values = (tensor: Tf.TensorInfo) => backend.data.get(tensor.dataId).values
  const [rows, feature, threshold, length] = [inputs.rows, inputs.feature, inputs.threshold, inputs.length].map(values)
  const [count = 0, width = 0] = inputs.rows.shape
  const { trees, depth } = attrs
  const inner = 2 ** depth - 1
  const sums = new Float64Array(count)
  for (let from = 0; from < count; from += block) {
    const to = Math.min(count, from + block)
    for (let tree = 0; tree < trees; tree++) {
      const nodes = tree * inner
      const leaves = tree * (inner + 1) - inner
      for (let row = from; row < to; row++) {
        let node = 0
        for (let level = 0; level < depth; level++) {
          const isLeft = rows![row * width + feature![nodes + node]!]! <= threshold![nodes + node]!
          node = 2 * node + (isLeft ? 1 : 2)
        }
        sums[row]! += length![leaves + node]!
      }
    }
  }
  return backend.makeTensorInfo([count], 'float32', Float32Array.from(sums))
}
