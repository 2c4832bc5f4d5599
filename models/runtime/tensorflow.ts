/** The native backends: TensorFlow's C library behind `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, optional packages that bring a binary of their own. */
import { createRequire } from 'node:module'
import util from 'node:util'
import type * as Tf from '@tensorflow/tfjs'

const core = '@tensorflow/tfjs-core'

type NativePackage = '@tensorflow/tfjs-node-gpu' | '@tensorflow/tfjs-node'

interface NativeBackend {
  readonly isUsingGpuDevice: boolean
}

/** `from`: the file from which packages are looked up. */
export async function openTensorFlow(
  tf: typeof Tf,
  name: NativePackage,
  from: string | URL = import.meta.url,
): Promise<string> {
  const require = createRequire(from)
  const at = resolved(require, name)
  if (at === undefined) throw new Error(`${name} is not installed: npm install ${name}@${tf.version_core}`)
  // Two copies have two engines: what is set in the one is not known in the other.
  const own = resolved(createRequire(import.meta.url), core)
  if (resolved(createRequire(at), core) !== own)
    throw new Error(`${name} brings another copy of ${core}: install version ${tf.version_core} of it`)
  restoreUtil()
  try {
    require(name)
  } catch (cause) {
    throw new Error(`${name} does not load: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!(await tf.setBackend('tensorflow'))) throw new Error(`${name} loads, but its backend does not start`)
  const { isUsingGpuDevice } = tf.backend() as unknown as NativeBackend
  // Without CUDA's libraries it computes on the CPU and says nothing.
  if (name === '@tensorflow/tfjs-node-gpu' && !isUsingGpuDevice) {
    tf.removeBackend('tensorflow')
    throw new Error(`${name} finds no CUDA device; it needs the libraries of CUDA 11.2 and cuDNN 8.1`)
  }
  return isUsingGpuDevice ? 'cuda' : 'cpu'
}

/** tfjs-node 4.22 calls what Node 23 took away, in every operation (tensorflow/tfjs#8425 was merged and never released). */
function restoreUtil(): void {
  const removed = util as { isNullOrUndefined?: (value: unknown) => boolean }
  removed.isNullOrUndefined ??= (value) => value === null || value === undefined
}

function resolved(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name)
  } catch {
    return undefined
  }
}
