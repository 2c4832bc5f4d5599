import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normals, uniforms } from '../../models/fixtures/random.ts'
import { fitIsolationForest, isolationScores } from '../../models/isolation-forest.ts'
import type { Model } from '../../models/runtime/messages.ts'
import { type Inference, inference } from '../../pipeline/capability/inference.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'

describeContract(factory, 'backend: wasm')

const width = 3
const rows = () => {
  const normal = normals(5)
  return Float32Array.from({ length: 300 * width }, normal)
}
const forest = fitIsolationForest(Float64Array.from(rows()), width, { random: uniforms(3) })

function open(yaml: string) {
  const { instance, context } = build(factory, yaml, { kind: 'extension' })
  return { instance, context, offered: instance.provides!.get(inference) as Inference }
}

test('it says which backend computes and why others do not, and counts what it computed', async () => {
  const { instance, context, offered } = open('backend: auto')
  await instance.start?.()
  const [line] = context.recorded.lines
  assert.match(line!.message, /^Models are computed by TensorFlow\.js on (wasm|webgpu|tensorflow-gpu)\.$/)
  assert.equal(line!.level, 'info')
  const model: Model = { kind: 'isolation-forest', forest }
  const loaded = await offered.load(model)
  assert.deepEqual(await loaded.score(rows()), isolationScores(forest, Float64Array.from(rows())))
  const { gauges } = context.recorded
  await context.clock.advance(10_000)
  await loaded.score(rows())
  assert.equal(gauges.get('otelcol_extension_models_loaded')!(), 1)
  assert.ok(gauges.get('otelcol_extension_models_tensors')!() >= 3)
  await instance.shutdown?.(new AbortController().signal)
  await assert.rejects(loaded.score(rows()))
})

test('a backend that is named and not there stops the start, and the message says what to install', async () => {
  const { instance } = open('backend: tensorflow-gpu')
  await assert.rejects(Promise.resolve(instance.start?.()), /npm install @tensorflow\/tfjs-node-gpu@4\.22\.0/)
})
