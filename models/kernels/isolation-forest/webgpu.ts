/** On the backend `webgpu`: one dispatch, a thread for each row. */
import type * as Tf from '@tensorflow/tfjs'
import type { PathCall } from './kernel.ts'

interface GpuBackend extends Tf.KernelBackend {
  runWebGPUProgram(program: object, inputs: readonly Tf.TensorInfo[], dtype: Tf.DataType): Tf.TensorInfo
}

const workgroup = 64

export function pathsOnGpu({ inputs, attrs, backend }: PathCall<GpuBackend>): Tf.TensorInfo {
  const [count = 0, width = 0] = inputs.rows.shape
  const { trees, depth } = attrs
  const inner = 2 ** depth - 1
  const groups = Math.ceil(count / workgroup)
  // More groups than one dimension takes (65,535) are spread over two; the index of TensorFlow.js counts them through.
  const side = Math.min(groups, 65_535)
  const program = {
    variableNames: ['rows', 'feature', 'threshold', 'length'],
    outputShape: [count],
    workgroupSize: [workgroup, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [side, Math.ceil(groups / side), 1],
    shaderKey: `vigil_isolation_paths_${trees}_${depth}_${width}`,
    size: true,
    getUserCode: () => `
fn main(index : i32) {
  if (index < uniforms.size) {
    var sum : f32 = 0.0;
    for (var tree : i32 = 0; tree < ${trees}; tree++) {
      let nodes = tree * ${inner};
      var node : i32 = 0;
      for (var level : i32 = 0; level < ${depth}; level++) {
        let value = rows[index * ${width} + feature[nodes + node]];
        node = 2 * node + select(2, 1, value <= threshold[nodes + node]);
      }
      sum += length[tree * ${inner + 1} + node - ${inner}];
    }
    setOutputAtIndex(index, sum);
  }
}`,
  }
  return backend.runWebGPUProgram(program, [inputs.rows, inputs.feature, inputs.threshold, inputs.length], 'float32')
}
