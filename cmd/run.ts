import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { ConfigError, describeProblem } from '../pipeline/config/config.ts'
import { Engine, type EngineOptions } from '../pipeline/engine/engine.ts'
import { notifySystemd, type Supervisor } from '../pipeline/engine/sd-notify.ts'
import { WallClock } from '../pipeline/graph/clock.ts'
import { liveEffects } from '../pipeline/net/effects.ts'

export interface RunOptions extends EngineOptions {
  /** Reload when a file of the configuration changes. */
  readonly watch: boolean
  readonly shutdownTimeoutMs: number
}

/** Runs until a signal or a component ends it. Resolves to the exit code; throws what kept it from starting. */
export async function run(options: RunOptions): Promise<number> {
  const engine = await Engine.start({
    effects: liveEffects,
    ...options,
    // They are known when the configuration has been read: the spread above asks before.
    get featureGates() {
      return options.featureGates
    },
  })
  // A floating promise or a stray callback, most likely of a plugin, must not take everybody's telemetry with it.
  const onStray = (error: unknown) => engine.logger.error('An error was thrown that nobody waited for.', { error })
  process.on('uncaughtException', onStray)
  process.on('unhandledRejection', onStray)

  let stopWatching = () => {}
  const rewatch = () => {
    stopWatching()
    if (options.watch) stopWatching = watchFiles(engine, reload)
  }
  const supervisor = notifySystemd(process.env, new WallClock(onStray), engine.logger)
  const reload = () => void reloadAndTell(engine, supervisor).then(rewatch)
  process.on('SIGHUP', reload)
  rewatch()
  supervisor.ready()

  await untilStopped(engine)
  stopWatching()
  const isTold = supervisor.stopping()
  process.off('SIGHUP', reload)
  const hurry = new AbortController()
  // A second signal says that nobody wants to wait for the queues.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => hurry.abort())
  const errors = await engine.shutdown(AbortSignal.any([hurry.signal, AbortSignal.timeout(options.shutdownTimeoutMs)]))
  process.off('uncaughtException', onStray)
  process.off('unhandledRejection', onStray)
  await isTold
  if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '))
  return 0
}

async function untilStopped(engine: Engine): Promise<void> {
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
  })
  const why = await Promise.race([signalled, engine.failed])
  if (typeof why === 'string') {
    engine.logger.info('Received signal from OS', { signal: why })
    return
  }
  engine.logger.error('Asynchronous error received, terminating process', {
    component: why.component,
    error: why.message,
  })
}

async function reloadAndTell(engine: Engine, supervisor: Supervisor): Promise<void> {
  supervisor.reloading()
  engine.logger.info('Config updated, restart service')
  try {
    await engine.reload()
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems.map(describeProblem) : [String(error)]
    engine.logger.error('The new configuration was not taken; the old one runs on.', { problems })
  }
  // Also after a refusal: the engine is as ready as before.
  supervisor.ready()
}

/** Editors replace files rather than write them, so the folders are watched, and a burst of events is one change. */
function watchFiles(engine: Engine, changed: () => void): () => void {
  const settleMs = 200
  let timer: NodeJS.Timeout | undefined
  const folders = Map.groupBy(engine.config.files, dirname)
  const watchers = [...folders].map(([folder, files]) => {
    const names = new Set(files.map((file) => basename(file)))
    return watch(folder, (_event, name) => {
      // A ConfigMap is swapped by a link beside the file, whose name is not ours.
      if (name !== null && !names.has(name) && name !== '..data') return
      clearTimeout(timer)
      timer = setTimeout(changed, settleMs)
    })
  })
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}
