/** Several threads that play runs at once. Worlds know nothing of each other, so that the order in which they end changes no result. */
import { Worker } from 'node:worker_threads'
import type { RunRecord } from './play-one.ts'
import type { FromPlayer, PlayerData, ToPlayer } from './player.ts'
import type { Run } from './scenario-set.ts'

export interface PlayersOptions {
  readonly jobs: number
  readonly config: string | undefined
  readonly hasRepairs: boolean
  readonly signal: AbortSignal
  readonly onProgress: (run: Run, ms: number) => void
  /** Called one at a time. */
  readonly onRecord: (record: RunRecord) => Promise<void>
}

/** Throws the first error of a player, after the others have ended. */
export async function playAll(runs: readonly Run[], options: PlayersOptions): Promise<void> {
  const { jobs, signal } = options
  const waiting = runs.values()
  const stop = new AbortController()
  const all = AbortSignal.any([signal, stop.signal])
  let written: Promise<void> = Promise.resolve()
  const told = {
    ...options,
    signal: all,
    onRecord: (record: RunRecord) => {
      const after = written.then(() => options.onRecord(record))
      written = after.catch(() => {})
      return after
    },
  }
  let first: { readonly error: unknown } | undefined
  const players = Array.from({ length: Math.min(jobs, runs.length) }, () =>
    playSome(waiting, told).catch((error: unknown) => {
      first ??= { error }
      stop.abort()
    }),
  )
  await Promise.all(players)
  if (first !== undefined) throw first.error
}

async function playSome(waiting: Iterator<Run>, options: PlayersOptions): Promise<void> {
  const { config, hasRepairs, signal, onProgress, onRecord } = options
  const data: PlayerData = { config, hasRepairs }
  const worker = new Worker(new URL('./player.ts', import.meta.url), { workerData: data })
  const order = (message: ToPlayer) => worker.postMessage(message)
  const stop = () => order({ kind: 'stop' })
  signal.addEventListener('abort', stop)
  let hearing: (PromiseWithResolvers<RunRecord> & { readonly run: Run }) | undefined
  worker.on('message', (message: FromPlayer) => {
    if (hearing === undefined) return
    if (message.kind === 'progress') onProgress(hearing.run, message.ms)
    else if (message.kind === 'done') hearing.resolve(message.record)
    else hearing.reject(new Error(message.message))
  })
  worker.on('error', (error) => hearing?.reject(error))
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      hearing?.reject(new Error(`the thread that played ${hearing.run.name} ended`))
      resolve()
    })
  })
  try {
    for (;;) {
      if (signal.aborted) throw new Error('interrupted')
      const next = waiting.next()
      if (next.done === true) return
      const run = next.value
      hearing = { run, ...Promise.withResolvers<RunRecord>() }
      order({ kind: 'play', run })
      await onRecord(await hearing.promise)
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await ended
  }
}
