import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, test } from 'node:test'
import { normals, uniforms } from '../fixtures/random.ts'
import { fitIsolationForest, isolationScores } from '../isolation-forest.ts'
import { Inference, type InferenceSettings, type InferenceState, NotComputed } from './inference.ts'

const width = 4
const opened: Inference[] = []
after(() => Promise.all(opened.map((one) => one.close())))

async function start(settings: Partial<InferenceSettings> = {}): Promise<[Inference, InferenceState[]]> {
  const states: InferenceState[] = []
  const changed = (state: InferenceState) => void states.push(state)
  const inference = await Inference.start({ backend: 'wasm', maxValues: 1e6, maxModels: 3, changed, ...settings })
  opened.push(inference)
  return [inference, states]
}

function rowsOf(count: number, seed = count): Float32Array<ArrayBuffer> {
  const normal = normals(seed)
  return Float32Array.from({ length: count * width }, normal)
}

const forest = fitIsolationForest(Float64Array.from(rowsOf(600)), width, { random: uniforms(3) })

test('scores from the thread are those of the forest, whatever is under way beside', async () => {
  const [inference] = await start()
  assert.equal(inference.backend?.name, 'wasm')
  const model = await inference.load({ kind: 'isolation-forest', forest })
  const batches = [1, 7, 512, 3].map((count) => rowsOf(count))
  const expected = batches.map((rows) => isolationScores(forest, Float64Array.from(rows)))
  const told = await Promise.all(batches.map((rows) => model.score(rows)))
  for (const [i, scores] of told.entries()) assert.deepEqual(scores, expected[i])
  assert.equal(inference.scoredRows, 523)
  assert.equal(inference.valuesUnderWay, 0)
  model.unload()
  await assert.rejects(model.score(rowsOf(1)), { name: 'NotComputed', message: 'this model was unloaded' })
  const { tensors } = (await inference.memory())!
  assert.equal(tensors, 0)
})

test('a backend that cannot be had fails the start', async () => {
  await assert.rejects(start({ backend: 'tensorflow-gpu' }), /@tensorflow\/tfjs-node-gpu is not installed/)
})

test('what is too much is refused and counted; what was taken is answered', async () => {
  const [inference] = await start({ maxValues: 100 * width })
  const model = await inference.load({ kind: 'isolation-forest', forest })
  const [first, second] = await Promise.allSettled([model.score(rowsOf(100)), model.score(rowsOf(1))])
  assert.equal(first.status, 'fulfilled')
  assert.ok(second.status === 'rejected' && second.reason instanceof NotComputed)
  assert.equal(inference.refusedBatches, 1)
  assert.equal((await model.score(rowsOf(1))).length, 1)
  const more = () => inference.load({ kind: 'isolation-forest', forest })
  await more()
  await more()
  await assert.rejects(more(), { name: 'RangeError', message: /3 models are loaded/ })
})

test('what is no rows is the caller’s mistake and harms nobody else', async () => {
  const [inference, states] = await start()
  const model = await inference.load({ kind: 'isolation-forest', forest })
  await assert.rejects(model.score(new Float32Array(3)), { name: 'RangeError', message: '3 values are no rows of 4' })
  assert.equal((await model.score(rowsOf(2))).length, 2)
  assert.equal(states.length, 1)
})

test('a thread that dies is replaced by one with the same models', async () => {
  const [inference, states] = await start()
  const model = await inference.load({ kind: 'isolation-forest', forest })
  const doomed = model.score(rowsOf(50_000))
  await inference.endThread()
  await assert.rejects(doomed, NotComputed)
  await assert.rejects(model.score(rowsOf(1)), { message: 'no thread computes at the moment' })
  while (states.length < 3) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(
    states.map(({ kind }) => kind),
    ['working', 'lost', 'working'],
  )
  const rows = rowsOf(9)
  const expected = isolationScores(forest, Float64Array.from(rows))
  assert.deepEqual(await model.score(rows), expected)
  assert.equal(inference.restarts, 1)
})

test('the thread that asks is not held up while the other computes', async () => {
  const [inference] = await start({ maxValues: 1e7 })
  const model = await inference.load({ kind: 'isolation-forest', forest })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const rows = rowsOf(200_000)
  delay.enable()
  const began = performance.now()
  await model.score(rows)
  const tookMs = performance.now() - began
  delay.disable()
  // Not a time limit: however slow the machine is, a thread that computed itself would stand still for nearly all of it.
  assert.ok(delay.max / 1e6 < tookMs / 2, `${delay.max / 1e6} ms of ${tookMs} ms`)
})
