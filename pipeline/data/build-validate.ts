/** Compiles `validate.as.ts` to `validate.wasm.ts`. `--check` writes nothing and fails when the generated file is stale. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

const source = join(import.meta.dirname, 'validate.as.ts')
const target = join(import.meta.dirname, 'validate.wasm.ts')

export async function compileValidator(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-validate-'))
  try {
    const binary = join(folder, 'validate.wasm')
    const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort=', '--enable', 'simd']
    const { error } = await asc.main([source, '--outFile', binary, ...flags])
    if (error) throw new Error('cannot compile validate.as.ts', { cause: error })
    const base64 = readFileSync(binary).toString('base64')
    return `// Generated from validate.as.ts by \`node pipeline/data/build-validate.ts\`.\nexport const wasm =\n  '${base64}'\n`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if (import.meta.main) {
  const text = await compileValidator()
  if (!process.argv.includes('--check')) writeFileSync(target, text)
  else if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write('pipeline/data/validate.wasm.ts is stale: run node pipeline/data/build-validate.ts\n')
    process.exitCode = 1
  }
}
