/** A thread that plays runs, one after the other, each through a binary of its own. */
import { parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '../../pipeline/error-message.ts'
import { playOne, type RunRecord } from './play-one.ts'
import type { Run } from './scenario-set.ts'
import { subjectsOf } from './subjects.ts'

export interface PlayerData {
  /** A file; the built-in pass-through if absent. */
  readonly config: string | undefined
  readonly hasRepairs: boolean
}
export type ToPlayer = { readonly kind: 'play'; readonly run: Run } | { readonly kind: 'stop' }
export type FromPlayer =
  | { readonly kind: 'progress'; readonly ms: number }
  | { readonly kind: 'done'; readonly record: RunRecord }
  | { readonly kind: 'failed'; readonly message: string }

const port = parentPort
if (port === null) throw new Error('this is the inside of a thread of the benchmark')
const { config, hasRepairs } = workerData as PlayerData
const interrupted = new AbortController()

function say(message: FromPlayer): void {
  port?.postMessage(message)
}

port.on('message', (order: ToPlayer) => {
  if (order.kind === 'stop') {
    interrupted.abort()
    // What it plays is told first; then nothing keeps the thread.
    port.unref()
    return
  }
  const { signal } = interrupted
  const onProgress = (ms: number) => say({ kind: 'progress', ms })
  playOne(order.run, { subjects: subjectsOf(config), config, hasRepairs, signal, onProgress }).then(
    (record) => say({ kind: 'done', record }),
    (error: unknown) => say({ kind: 'failed', message: errorMessage(error) }),
  )
})
