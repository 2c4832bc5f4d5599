/** Compiles `simd.as.ts` to `simd.wasm.ts`. `--check` writes nothing and fails when the generated file is stale. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

const source = join(import.meta.dirname, 'simd.as.ts')
const target = join(import.meta.dirname, 'simd.wasm.ts')

export async function compileKernels(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-kernels-'))
  try {
    const binary = join(folder, 'simd.wasm')
    // The memory is TensorFlow.js's: nothing of our own may be put into it.
    const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort=', '--enable', 'simd', '--importMemory']
    const { error } = await asc.main([source, '--outFile', binary, ...flags])
    if (error) throw new Error('cannot compile simd.as.ts', { cause: error })
    const base64 = readFileSync(binary).toString('base64')
    return `// Generated from simd.as.ts by \`node models/kernels/build-simd.ts\`.\nexport const wasm =\n  '${base64}'\n`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if (import.meta.main) {
  const text = await compileKernels()
  if (!process.argv.includes('--check')) writeFileSync(target, text)
  else if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write('models/kernels/simd.wasm.ts is stale: run node models/kernels/build-simd.ts\n')
    process.exitCode = 1
  }
}
