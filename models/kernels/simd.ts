/** `simd.as.ts`, instantiated on the heap of TensorFlow.js's WebAssembly backend: tensors are arguments as they lie there, and nothing is copied. */
import type { WasmBackend } from '../runtime/wasm-repairs.ts'
import { wasm } from './simd.wasm.ts'

interface Simd {
  isolationPaths(
    rows: number,
    count: number,
    width: number,
    feature: number,
    threshold: number,
    length: number,
    trees: number,
    depth: number,
    sums: number,
  ): void
}

const instances = new WeakMap<WasmBackend, Simd>()

export function simdOn(backend: WasmBackend): Simd {
  let simd = instances.get(backend)
  if (simd === undefined) {
    const compiled = new WebAssembly.Module(Buffer.from(wasm, 'base64'))
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory: backend.wasm.asm.memory } })
    simd = exports as unknown as Simd
    instances.set(backend, simd)
  }
  return simd
}
