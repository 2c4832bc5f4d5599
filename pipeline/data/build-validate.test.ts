import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { compileValidator } from './build-validate.ts'

it('validate.wasm.ts is what validate.as.ts compiles to', async () => {
  assert.equal(readFileSync(new URL('validate.wasm.ts', import.meta.url), 'utf8'), await compileValidator())
})
