/**
 * A defect of `@tensorflow/tfjs-backend-wasm` 4.22: `Slice` copies all of its input out of the heap for every slice, and `Unpack` and `SplitV` do so for each of
 * their outputs. Here they read the heap in place; an LSTM over 64 sequences takes 0.6 of the time.
 */
import type * as Tf from '@tensorflow/tfjs'

type Values = Float32Array | Int32Array | Uint8Array

/** What of the backend is used. */
export interface WasmBackend extends Tf.KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory }
    _malloc(bytes: number): number
    _free(at: number): void
  }
  readonly dataIdMap: { get(id: object): { readonly memoryOffset: number } }
  makeOutput(shape: readonly number[], dtype: Tf.DataType): Tf.TensorInfo
  /** A view; it is of no use any more once the heap has grown. */
  typedArrayFromHeap(tensor: Tf.TensorInfo): Values
}

interface SliceCall {
  readonly inputs: { readonly x: Tf.TensorInfo }
  readonly attrs: { readonly begin: number | number[]; readonly size: number | number[] }
  readonly backend: WasmBackend
}

const repaired = new WeakSet<object>()

/** Once for each engine. */
export function repairWasm(tf: typeof Tf): void {
  if (repaired.has(tf.engine())) return
  repaired.add(tf.engine())
  const copying = tf.getKernel('Slice', 'wasm')

  const slice = (call: SliceCall): Tf.TensorInfo => {
    const { inputs, attrs, backend } = call
    const { x } = inputs
    // Strings are not in the heap.
    if (x.dtype === 'string') return copying.kernelFunc(call as never) as Tf.TensorInfo
    const [, shape = []] = tf.slice_util.parseSliceParams(x as Tf.Tensor, attrs.begin, attrs.size)
    // Before the view: to make room the heap may grow, and that empties views.
    const out = backend.makeOutput(shape, x.dtype)
    const values = backend.typedArrayFromHeap(x)
    const inPlace = {
      readSync: () => values,
      makeOutput: () => out,
      typedArrayFromHeap: (tensor: Tf.TensorInfo) => backend.typedArrayFromHeap(tensor),
      dataIdMap: backend.dataIdMap,
    }
    return copying.kernelFunc({ inputs, attrs, backend: inPlace } as never) as Tf.TensorInfo
  }

  const parts = (x: Tf.TensorInfo, axis: number, sizes: readonly number[], backend: WasmBackend): Tf.TensorInfo[] => {
    const begin = x.shape.map(() => 0)
    return sizes.map((length) => {
      const size = x.shape.with(axis, length)
      const part = slice({ inputs: { x }, attrs: { begin: [...begin], size }, backend })
      begin[axis]! += length
      return part
    })
  }

  replace(tf, 'Slice', slice as never)
  replace(tf, 'Unpack', (({ inputs: { value }, attrs, backend }: UnpackCall) => {
    const axis = attrs.axis < 0 ? attrs.axis + value.shape.length : attrs.axis
    const sizes = Array.from({ length: value.shape[axis]! }, () => 1)
    const shape = value.shape.toSpliced(axis, 1)
    return parts(value, axis, sizes, backend).map(({ dataId, dtype }) => ({ dataId, dtype, shape }))
  }) as never)
  replace(tf, 'SplitV', (({ inputs: { x }, attrs, backend }: SplitCall) => {
    const [axis = 0] = tf.util.parseAxisParam(attrs.axis, x.shape)
    const sizes = tf.backend_util.prepareSplitSize(x as Tf.Tensor, attrs.numOrSizeSplits, axis)
    return parts(x, axis, sizes, backend)
  }) as never)
}

interface UnpackCall {
  readonly inputs: { readonly value: Tf.TensorInfo }
  readonly attrs: { readonly axis: number }
  readonly backend: WasmBackend
}

interface SplitCall {
  readonly inputs: { readonly x: Tf.TensorInfo }
  readonly attrs: { readonly axis: number; readonly numOrSizeSplits: number | number[] }
  readonly backend: WasmBackend
}

function replace(tf: typeof Tf, kernelName: string, kernelFunc: Tf.KernelFunc): void {
  const kernel = tf.getKernel(kernelName, 'wasm')
  tf.unregisterKernel(kernelName, 'wasm')
  tf.registerKernel({ ...kernel, kernelFunc })
}
