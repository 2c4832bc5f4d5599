/** A defect of `@tensorflow/tfjs-backend-cpu` 4.22: `tensorScatterUpdate` writes into its input, so whoever uses that input later computes with something else. */
import type * as Tf from '@tensorflow/tfjs'

type Values = Float32Array | Int32Array | Uint8Array

interface CpuBackend {
  readonly data: { get(id: object): { readonly values: Values } }
  makeTensorInfo(shape: number[], dtype: Tf.DataType, values: Values): Tf.TensorInfo
  disposeIntermediateTensorInfo(tensor: Tf.TensorInfo): void
}

interface ScatterCall {
  readonly inputs: { readonly tensor: Tf.TensorInfo }
  readonly backend: CpuBackend
}

const repaired = new WeakSet<object>()

/** Once for each engine. */
export function repairCpu(tf: typeof Tf): void {
  if (repaired.has(tf.engine())) return
  repaired.add(tf.engine())
  const overwriting = tf.getKernel('TensorScatterUpdate', 'cpu')
  tf.unregisterKernel('TensorScatterUpdate', 'cpu')
  tf.registerKernel({
    ...overwriting,
    kernelFunc: ((call: ScatterCall) => {
      const { inputs, backend } = call
      const { tensor } = inputs
      const values = backend.data.get(tensor.dataId).values.slice()
      const copy = backend.makeTensorInfo(tensor.shape, tensor.dtype, values)
      const out = overwriting.kernelFunc({ ...call, inputs: { ...inputs, tensor: copy } } as never)
      // What comes out shares the copy's values, not its entry.
      backend.disposeIntermediateTensorInfo(copy)
      return out
    }) as never,
  })
}
