/** The thread that computes: opens a backend, keeps models there, answers one call after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { ForestKernel } from '../kernels/isolation-forest/kernel.ts'
import { type Backend, openBackend } from './backend.ts'
import type { Ask, Call, Model, Said, ThreadSettings } from './messages.ts'

interface Loaded {
  scores(rows: Float32Array): Promise<Float64Array<ArrayBuffer>>
  dispose(): void
}

const makers: { readonly [K in Model['kind']]: (backend: Backend, model: Model & { kind: K }) => Loaded } = {
  'isolation-forest': (backend, { forest }) => new ForestKernel(backend, forest),
}

function say(said: Said, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(said, transfer)
}

async function answer(ask: Ask, backend: Backend, models: Map<number, Loaded>): Promise<unknown> {
  switch (ask.kind) {
    case 'load':
      models.set(ask.id, makers[ask.model.kind](backend, ask.model))
      return undefined
    case 'score': {
      const model = models.get(ask.id)
      if (model === undefined) throw new Error('this model was unloaded')
      return model.scores(ask.rows)
    }
    case 'unload':
      models.get(ask.id)?.dispose()
      models.delete(ask.id)
      return undefined
    case 'memory': {
      const { numTensors, numBytes } = backend.tf.memory()
      return { tensors: numTensors, bytes: numBytes }
    }
  }
}

async function serve(settings: ThreadSettings): Promise<void> {
  const models = new Map<number, Loaded>()
  let backend: Backend
  try {
    backend = await openBackend({ ...settings, lost: (why) => say({ kind: 'lost', why }) })
  } catch (cause) {
    say({ kind: 'not started', why: (cause as Error).message })
    return
  }
  // One after the other: two at once would only wait for each other, and need memory for both.
  let last: Promise<void> = Promise.resolve()
  parentPort?.on('message', ({ call, ask }: Call) => {
    last = last.then(async () => {
      try {
        const given = await answer(ask, backend, models)
        say({ kind: 'answer', call, answer: given }, given instanceof Float64Array ? [given.buffer as ArrayBuffer] : [])
      } catch (cause) {
        const isCallers = cause instanceof RangeError
        say({ kind: 'failure', call, error: (cause as Error).message, isCallers })
      }
    })
  })
  const { name, device, refused, startMs } = backend
  say({ kind: 'started', backend: { name, device, refused, startMs } })
}

if (parentPort !== null) await serve(workerData as ThreadSettings)
