import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { type BackendName, backendNames, openBackend } from './backend.ts'
import { selfTest } from './self-test.ts'
import { openTensorFlow } from './tensorflow.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigil-backend-'))
after(() => rmSync(folder, { recursive: true }))

test('auto says why each backend before the one it takes was refused', async () => {
  const { name, refused, device } = await openBackend({ backend: 'auto' })
  assert.deepEqual(
    refused.map((one) => one.name),
    backendNames.slice(0, backendNames.indexOf(name)),
  )
  assert.match(
    refused[0]?.reason ?? 'taken',
    /^taken$|^@tensorflow\/tfjs-node-gpu is not installed: npm install @tensorflow\/tfjs-node-gpu@4\.22\.0$/,
  )
  assert.ok(device.length > 0)
})

test('a backend that is asked for and cannot be had is an error that says what is missing, and none is taken instead', async () => {
  await assert.rejects(openBackend({ backend: 'tensorflow-cpu' }), {
    message:
      "the models' backend tensorflow-cpu: @tensorflow/tfjs-node is not installed: npm install @tensorflow/tfjs-node@4.22.0; take another, or `auto`",
  })
})

describe('a native package', () => {
  test('that does not load says so', async () => {
    const from = install('broken', 'throw new Error("libcudart.so.11.0: cannot open shared object file")')
    await assert.rejects(openTensorFlow(tf, '@tensorflow/tfjs-node-gpu', from), {
      message: '@tensorflow/tfjs-node-gpu does not load: libcudart.so.11.0: cannot open shared object file',
    })
  })

  test('that brings its own copy of the engine is refused: what it registers there nobody would find', async () => {
    const from = install('copy', 'throw new Error("must not be loaded")')
    const own = join(dirname(from), 'node_modules/@tensorflow/tfjs-node-gpu/node_modules/@tensorflow/tfjs-core')
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'index.js'), '')
    await assert.rejects(openTensorFlow(tf, '@tensorflow/tfjs-node-gpu', from), {
      message: '@tensorflow/tfjs-node-gpu brings another copy of @tensorflow/tfjs-core: install version 4.22.0 of it',
    })
  })

  test('whose backend computes without CUDA is no GPU', async () => {
    const from = install('cpu-only', registering('isUsingGpuDevice: false'))
    await assert.rejects(openTensorFlow(tf, '@tensorflow/tfjs-node-gpu', from), /finds no CUDA device/)
  })

  test('that calls what Node took away finds it', async () => {
    const from = install(
      'removed',
      `require('node:util').isNullOrUndefined(0)\n${registering('isUsingGpuDevice: true')}`,
    )
    assert.equal(await openTensorFlow(tf, '@tensorflow/tfjs-node-gpu', from), 'cuda')
    // It computes nothing, and the self-test tells.
    await assert.rejects(selfTest(tf))
    tf.removeBackend('tensorflow')
  })
})

for (const backend of ['wasm', 'cpu'] satisfies BackendName[]) {
  test(`${backend} gives what the definitions say, for slices, splits and scatters of any shape`, async () => {
    await openBackend({ backend })
    const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(shapes, fc.infiniteStream(fc.nat(1000)), async (shape, numbers) => {
        const next = (most: number) => (numbers.next().value as number) % (most + 1)
        const count = shape.reduce((a, b) => a * b, 1)
        const x = tf.tensor(
          Float32Array.from({ length: count }, (_, i) => i),
          shape,
        )
        const begin = shape.map((length) => next(length - 1))
        const size = shape.map((length, d) => 1 + next(length - begin[d]! - 1))
        const part = tf.slice(x, begin, size)
        assert.deepEqual([...(await part.data())], sliced(shape, begin, size))
        const axis = next(shape.length - 1)
        const pieces = tf.split(x, shape.map((length) => Array.from({ length }, () => 1))[axis]!, axis)
        const whole = tf.concat(pieces, axis)
        const stacked = tf.stack(tf.unstack(x, axis), axis)
        assert.deepEqual([...(await whole.data())], [...(await x.data())])
        assert.deepEqual([...(await stacked.data())], [...(await x.data())])
        tf.disposeVariables()
        tf.dispose([x, part, whole, stacked, ...pieces])
      }),
      { numRuns: 200, seed: 7 },
    )
  })

  test(`${backend} leaves the input of an update alone`, async () => {
    await openBackend({ backend })
    const before = tf.tensor1d([1, 2, 3, 4])
    const indices = tf.tensor2d([1, 3], [2, 1], 'int32')
    const changed = tf.tensorScatterUpdate(before, indices, tf.tensor1d([20, 40]))
    assert.deepEqual([...(await before.data())], [1, 2, 3, 4])
    assert.deepEqual([...(await changed.data())], [1, 20, 3, 40])
  })
}

/** By the definition: the values of x are their own places. */
function sliced(shape: readonly number[], begin: readonly number[], size: readonly number[]): number[] {
  let places = [0]
  for (const [d, length] of shape.entries()) {
    places = places.flatMap((place) => Array.from({ length: size[d]! }, (_, i) => place * length + begin[d]! + i))
  }
  return places
}

/** A package of that name beside the answer, with Vigil's own engine; real ones bring binaries that cannot be had here. */
function install(name: string, code: string): string {
  const modules = join(folder, name, 'node_modules/@tensorflow')
  mkdirSync(join(modules, 'tfjs-node-gpu'), { recursive: true })
  writeFileSync(join(modules, 'tfjs-node-gpu/index.js'), code)
  const core = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/package.json')
  symlinkSync(dirname(core), join(modules, 'tfjs-core'))
  return join(folder, name, 'package.json')
}

function registering(property: string): string {
  return `const core = require('@tensorflow/tfjs-core')
core.registerBackend('tensorflow', () => ({ ${property}, epsilon: () => 1e-7, floatPrecision: () => 32, dispose() {}, numDataIds: () => 0 }))`
}
