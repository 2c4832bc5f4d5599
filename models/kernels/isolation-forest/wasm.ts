/** On the backend `wasm`: `isolationPaths` of `../simd.as.ts`, on the heap where the tensors are. */
import type * as Tf from '@tensorflow/tfjs'
import type { WasmBackend } from '../../runtime/wasm-repairs.ts'
import { simdOn } from '../simd.ts'
import type { PathCall } from './kernel.ts'

export function pathsOnHeap({ inputs, attrs, backend }: PathCall<WasmBackend>): Tf.TensorInfo {
  const [count = 0, width = 0] = inputs.rows.shape
  const at = ({ dataId }: Tf.TensorInfo) => backend.dataIdMap.get(dataId).memoryOffset
  const out = backend.makeOutput([count], 'float32')
  const { rows, feature, threshold, length } = inputs
  const { trees, depth } = attrs
  simdOn(backend).isolationPaths(at(rows), count, width, at(feature), at(threshold), at(length), trees, depth, at(out))
  return out
}
