import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import type { ConfigTree } from '../config/tree.ts'
import { Engine } from '../engine/engine.ts'
import { errorMessage } from '../error-message.ts'
import type { BuildInfo, EngineView } from '../telemetry/engine-view.ts'
import { withoutIdentities } from '../telemetry/merge-families.ts'
import { Bridge } from './crossing.ts'
import type { ToOwner, ToWorker } from './messages.ts'
import { widePlan } from './split.ts'

export interface WorkerWorld {
  readonly port: MessagePort
  /** From 1. */
  readonly index: number
  readonly build: BuildInfo
  readonly featureGates: EngineView['featureGates']
  readonly decode: (tree: ConfigTree) => Promise<Config>
}

const metricsEveryMs = 1_000

/** Runs the wide part of the configuration in this thread, at the owner's orders. */
export function runWorker({ port, index, build, featureGates, decode }: WorkerWorld): void {
  const post = (message: ToOwner) => port.postMessage(message)
  const bridge = new Bridge((crossing) => post({ kind: 'crossing', crossing }))
  let tree: ConfigTree | undefined
  let engine: Engine | undefined
  const readConfig = async () => {
    if (tree === undefined) throw new Error('the worker was given no configuration')
    return ofWorker(await decode(tree))
  }
  const postMetrics = () => {
    if (engine !== undefined) post({ kind: 'metrics', families: withoutIdentities(engine.registry.snapshot()) })
  }
  const metricsTimer = setInterval(postMetrics, metricsEveryMs)

  const obey = async (message: Exclude<ToWorker, { kind: 'answer' }>): Promise<void> => {
    if (message.kind === 'stop') {
      clearInterval(metricsTimer)
      // The owner ends this thread when its deadline passes.
      await engine?.shutdown(new AbortController().signal)
      postMetrics()
      return
    }
    const before = tree
    tree = message.tree
    try {
      if (engine !== undefined) await engine.reload()
      else {
        engine = await Engine.start({
          build,
          featureGates,
          readConfig,
          worker: index,
          shapePlan: (plan) => widePlan(plan, (cut) => bridge.componentAt(cut)),
        })
        void engine.failed.then((failure) => post({ kind: 'failed', ...failure }))
      }
    } catch (error) {
      tree = before
      throw error
    }
  }
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'answer') return bridge.settle(message.answer)
    const { order, kind } = message
    obey(message).then(
      () => {
        post({ kind: 'done', order })
        if (kind === 'stop') port.close()
      },
      (error: unknown) => post({ kind: 'done', order, error: errorMessage(error) }),
    )
  })
}

/** The owner serves the metrics of all. */
function ofWorker(config: Config): Config {
  const { telemetry } = config.service
  const metrics = { ...telemetry.metrics, prometheus: [], periodic: [] }
  return { ...config, warnings: [], service: { ...config.service, telemetry: { ...telemetry, metrics, warnings: [] } } }
}
