/** By TensorFlow.js's own operations, for a backend without a kernel of ours (`tensorflow`), and what the kernels are compared with. */
import type * as Tf from '@tensorflow/tfjs'
import type { PathAttrs, PathInputs } from './kernel.ts'

/** The tensors of all levels are [rows, trees]. */
export function pathsByOperations(
  tf: typeof Tf,
  inputs: PathInputs<Tf.Tensor>,
  { trees, depth }: PathAttrs,
): Tf.Tensor1D {
  return tf.tidy(() => {
    const [count = 0, width = 0] = inputs.rows.shape
    const inner = 2 ** depth - 1
    const numbers = (values: (i: number) => number, of: number) => Int32Array.from({ length: of }, (_, i) => values(i))
    const values = tf.reshape(inputs.rows, [-1])
    const rowAt = tf.tensor2d(
      numbers((row) => row * width, count),
      [count, 1],
      'int32',
    )
    const nodesAt = tf.tensor2d(
      numbers((tree) => tree * inner, trees),
      [1, trees],
      'int32',
    )
    const leavesAt = tf.tensor2d(
      numbers((tree) => tree * (inner + 1) - inner, trees),
      [1, trees],
      'int32',
    )
    const flat = (tensor: Tf.Tensor) => tf.reshape(tensor, [-1])
    const two = tf.scalar(2, 'int32')
    let node: Tf.Tensor = tf.zeros([count, trees], 'int32')
    for (let level = 0; level < depth; level++) {
      const at = tf.add(node, nodesAt)
      const column = tf.gather(flat(inputs.feature), tf.cast(at, 'int32'))
      const value = tf.gather(values, tf.cast(tf.add(rowAt, column), 'int32'))
      const isLeft = tf.lessEqual(value, tf.gather(flat(inputs.threshold), tf.cast(at, 'int32')))
      node = tf.sub(tf.add(tf.mul(node, two), two), tf.cast(isLeft, 'int32'))
    }
    const length = tf.gather(flat(inputs.length), tf.cast(tf.add(node, leavesAt), 'int32'))
    return tf.sum(length, 1)
  })
}
