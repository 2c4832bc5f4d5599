/** Which of TensorFlow.js's backends computes in this thread: the first that is here and tells the truth. TensorFlow.js has one engine in a thread, so there is one. */
import type * as Tf from '@tensorflow/tfjs'
import { repairCpu } from './cpu-repairs.ts'
import { selfTest } from './self-test.ts'
import { openTensorFlow } from './tensorflow.ts'
import { repairWasm } from './wasm-repairs.ts'
import { openWebGpu } from './webgpu.ts'

export const backendNames = ['tensorflow-gpu', 'webgpu', 'tensorflow-cpu', 'wasm', 'cpu'] as const
export type BackendName = (typeof backendNames)[number]

export interface BackendSettings {
  /** `auto` takes the first of `backendNames` that works; a name takes that or fails. */
  readonly backend: 'auto' | BackendName
  /** Whether `webgpu` may be a driver that computes on the CPU, as Mesa's lavapipe does: slow, and right. */
  readonly allowSoftwareGpu?: boolean
  /** What `auto` goes past: a GPU that was lost. */
  readonly except?: readonly BackendName[]
  /** Told once when a GPU stops answering after the start; nothing is computed on it from then on. */
  readonly lost?: (reason: string) => void
}

export interface Backend {
  readonly name: BackendName
  /** `cpu`, `cuda`, or the name of the GPU. */
  readonly device: string
  /** TensorFlow.js with this backend set. */
  readonly tf: typeof Tf
  /** What `auto` tried before, and why it was not taken. */
  readonly refused: readonly { readonly name: BackendName; readonly reason: string }[]
  /** From the call to the answered self-test. */
  readonly startMs: number
}

/** What opens one backend and makes it the engine's; the answer is the device. Throws a sentence that says what is missing. */
type Open = (tf: typeof Tf, settings: BackendSettings) => Promise<string>

const openers: Readonly<Record<BackendName, Open>> = {
  'tensorflow-gpu': (tf) => openTensorFlow(tf, '@tensorflow/tfjs-node-gpu'),
  webgpu: openWebGpu,
  'tensorflow-cpu': (tf) => openTensorFlow(tf, '@tensorflow/tfjs-node'),
  wasm: openWasm,
  cpu: openCpu,
}

/** Throws an `Error` that names each backend that was tried and why it cannot be used. */
export async function openBackend(settings: BackendSettings): Promise<Backend> {
  const began = performance.now()
  const tf = await import('@tensorflow/tfjs')
  // Else the first use of `cpu` writes an advertisement to the console.
  tf.enableProdMode()
  const refused: { name: BackendName; reason: string }[] = []
  for (const name of settings.backend === 'auto' ? backendNames : [settings.backend]) {
    if (settings.backend === 'auto' && settings.except?.includes(name)) {
      refused.push({ name, reason: 'it was lost before' })
      continue
    }
    try {
      const device = await openers[name](tf, settings)
      await selfTest(tf)
      return { name, device, tf, refused, startMs: performance.now() - began }
    } catch (cause) {
      refused.push({ name, reason: firstLine(cause) })
    }
  }
  const reasons = refused.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  throw new Error(
    settings.backend === 'auto'
      ? `no backend of TensorFlow.js works here (${reasons})`
      : `the models' backend ${reasons}; take another, or \`auto\``,
  )
}

async function openWasm(tf: typeof Tf): Promise<string> {
  await import('@tensorflow/tfjs-backend-wasm')
  if (!(await tf.setBackend('wasm'))) throw new Error('WebAssembly cannot be started')
  repairWasm(tf)
  return 'cpu'
}

async function openCpu(tf: typeof Tf): Promise<string> {
  await tf.setBackend('cpu')
  repairCpu(tf)
  return 'cpu'
}

function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  // Dawn throws errors without a text.
  return (text === '' ? 'it failed without saying why' : text).split('\n', 1)[0]!.slice(0, 300)
}
