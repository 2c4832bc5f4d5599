/** Questions with known answers, asked before a backend is trusted: some load, say that they work, and compute nothing or nonsense. */
import type * as Tf from '@tensorflow/tfjs'

/** Single precision, in another order of adding up. */
const tolerance = 1e-5

interface Question {
  readonly name: string
  readonly ask: (tf: typeof Tf) => Tf.Tensor
  readonly answer: readonly number[]
}

/** What the models are made of; each in the shape that was seen to go wrong somewhere. */
const questions: readonly Question[] = [
  {
    name: 'matMul and sigmoid',
    ask: (tf) => tf.sigmoid(tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([0.1, -0.2, 0.3, 0.4], [2, 2]))),
    answer: [0.668_187_772, 0.645_656_306, 0.817_574_476, 0.731_058_579],
  },
  {
    name: 'a slice that does not begin at 0',
    ask: (tf) => tf.slice(tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]), [0, 1, 0], [2, 1, 2]),
    answer: [3, 4, 7, 8],
  },
  {
    name: 'gather by int32',
    ask: (tf) => tf.gather(tf.tensor1d([10, 20, 30, 40]), tf.tensor1d([3, 0, 2], 'int32')),
    answer: [40, 10, 30],
  },
  { name: 'topk', ask: (tf) => tf.topk(tf.tensor1d([1, 9, 3]), 2).values, answer: [9, 3] },
  { name: 'tanh and exp', ask: (tf) => tf.tanh(tf.exp(tf.tensor1d([-1, 0]))), answer: [0.352_134_28, 0.761_594_156] },
  {
    name: 'a sum over an axis',
    ask: (tf) => tf.sum(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), 1),
    answer: [6, 15],
  },
]

/** Throws an `Error` that names the first question with a wrong answer. */
export async function selfTest(tf: typeof Tf): Promise<void> {
  for (const { name, ask, answer } of questions) {
    const tensor = tf.tidy(() => ask(tf))
    // `dataSync` is not there on webgpu.
    const told = await tensor.data()
    tensor.dispose()
    const isRight = told.length === answer.length && answer.every((value, i) => Math.abs(told[i]! - value) <= tolerance)
    if (!isRight) throw new Error(`its self-test is wrong: ${name} gave ${told.join(', ')}, not ${answer.join(', ')}`)
  }
}
