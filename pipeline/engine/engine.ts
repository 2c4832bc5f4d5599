import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { Rejected } from '../component.ts'
import type { Config } from '../config/config.ts'
import type { Batch } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import { WallClock } from '../graph/clock.ts'
import { Graph } from '../graph/graph.ts'
import { deliver } from '../graph/inlet.ts'
import { type Plan, planGraph } from '../graph/plan.ts'
import { type ReloadReport, reloadGraph } from '../graph/reload.ts'
import type { ToldTime } from '../graph/told-time.ts'
import type { Effects } from '../net/effects.ts'
import type { BuildInfo, EngineView } from '../telemetry/engine-view.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type PoolOptions, WorkerPool } from '../workers/pool.ts'
import { type Cut, ownerPlan } from '../workers/split.ts'
import { OwnTelemetry } from './own-telemetry.ts'

export interface EngineOptions {
  readonly build: BuildInfo
  /** Reads the configuration anew: at start and at each reload. Throws `ConfigError`. */
  readonly readConfig: () => Promise<Config>
  readonly featureGates: EngineView['featureGates']
  readonly handlerTimeoutMs?: number
  readonly swapTimeoutMs?: number
  /** Somebody tells the components what time it is; by the wall clock if absent. */
  readonly time?: ToldTime
  /** What components act on the outside world with; absent = they do not. */
  readonly effects?: Effects
  /** In a worker thread: which one, from 1, and what of the plan runs there. Its listeners share their ports with the other workers'. */
  readonly worker?: number
  readonly shapePlan?: (plan: Plan) => Plan
  /** Of the owner: the threads that run the wide part of the plan. */
  readonly workers?: PoolOptions
}

/** However long a reload took, the next one does not wait longer than this. */
const mostRestMs = 5_000

/** Why the engine stopped by itself. */
export interface Failure {
  readonly component: string
  readonly message: string
}

/** One running Collector: the configuration, the graph made of it, and its own telemetry. */
export class Engine {
  readonly logger: Logger
  readonly #options: EngineOptions
  readonly #telemetry: OwnTelemetry
  readonly #view: EngineView
  #graph: Graph | undefined
  #pool: WorkerPool | undefined
  #config: Config
  #phase: EngineView['phase'] = 'starting'
  readonly #phaseListeners = new Set<(phase: EngineView['phase']) => void>()
  #readySinceUnixNano = 0n
  #reloading: Promise<unknown> = Promise.resolve()
  /** One that has not begun yet: it reads what everybody who asks until then has written. */
  #nextReload: Promise<ReloadReport> | undefined
  #restsUntilMs = 0
  readonly #isHurried = new AbortController()
  #onFailure: (failure: Failure) => void = () => {}
  /** Resolves when a component says that the process cannot go on. */
  readonly failed: Promise<Failure>

  /** Reads the configuration and starts. Throws `ConfigError` or the start error; nothing is left open then. */
  static async start(options: EngineOptions): Promise<Engine> {
    const config = await options.readConfig()
    const instanceId = randomUUID()
    const telemetry = await OwnTelemetry.open(config.service.telemetry, options.build, instanceId)
    const engine = new Engine(options, config, telemetry)
    try {
      await engine.#start()
    } catch (error) {
      await engine.shutdown(AbortSignal.timeout(engine.#swapTimeoutMs))
      throw error
    }
    return engine
  }

  private constructor(options: EngineOptions, config: Config, telemetry: OwnTelemetry) {
    this.#options = options
    this.#config = config
    this.#telemetry = telemetry
    this.logger = options.worker === undefined ? telemetry.logger : telemetry.logger.with({ worker: options.worker })
    this.failed = new Promise((resolve) => {
      this.#onFailure = resolve
    })
    this.#view = this.#makeView()
  }

  get config(): Config {
    return this.#config
  }
  get view(): EngineView {
    return this.#view
  }
  get registry() {
    return this.#telemetry.registry
  }

  /**
   * Reads the configuration again and changes what differs. Throws when it is wrong or does not start: the old one runs on then.
   * Reloads run one after another, those that wait for one as one. In between data flow for as long as the last one took, since senders had to wait then.
   */
  reload(): Promise<ReloadReport> {
    if (this.#nextReload !== undefined) return this.#nextReload
    const reload = this.#reloading.then(async () => {
      await this.#rest()
      this.#nextReload = undefined
      const beganMs = performance.now()
      try {
        return await this.#reload()
      } finally {
        const endedMs = performance.now()
        this.#restsUntilMs = endedMs + Math.min(endedMs - beganMs, mostRestMs)
      }
    })
    this.#nextReload = reload
    this.#reloading = reload.catch(() => {})
    return reload
  }

  /** Empties the pipelines from the receivers on, closes everything. The answer is what went wrong meanwhile. */
  async shutdown(deadline: AbortSignal): Promise<readonly Error[]> {
    this.#isHurried.abort()
    await this.#reloading
    this.#say('Starting shutdown...')
    this.#enter('stopping')
    await this.#pool?.shutdown(deadline)
    const errors = (await this.#graph?.shutdown(deadline)) ?? []
    this.#enter('stopped')
    this.#say('Shutdown complete.')
    await this.#telemetry.close(deadline)
    return errors
  }

  async #start(): Promise<void> {
    this.#logWarnings(this.#config)
    const graph = new Graph(this.#planOf(this.#config), {
      logger: this.logger,
      view: this.#view,
      tracer: this.#telemetry.tracer,
      random: Math.random,
      clock: (onFailure) => this.#options.time?.clock(onFailure) ?? new WallClock(onFailure),
      handlerTimeoutMs: this.#options.handlerTimeoutMs ?? 60_000,
      swapTimeoutMs: this.#swapTimeoutMs,
      meter: (labels) => this.#telemetry.registry.meter(labels),
      sharesPorts: this.#options.worker !== undefined,
      effects: this.#options.effects,
      fatal: (component, message) => this.#onFailure({ component, message }),
    })
    this.#graph = graph
    const { command, version } = this.#options.build
    this.#say(`Starting ${command}...`, { Version: version, NumCPU: availableParallelism() })
    await graph.start()
    await this.#startWorkers()
    this.#readySinceUnixNano = nowUnixNano()
    this.#enter('ready')
    this.#say('Everything is ready. Begin running and processing data.')
  }

  async #rest(): Promise<void> {
    const ms = this.#restsUntilMs - performance.now()
    if (ms <= 0 || this.#isHurried.signal.aborted) return
    // Cut short by a shutdown.
    await setTimeout(ms, undefined, { signal: this.#isHurried.signal }).catch(() => {})
  }

  async #reload(): Promise<ReloadReport> {
    if (this.#graph === undefined || this.#phase !== 'ready') throw new Error('the engine is not running')
    const config = await this.#options.readConfig()
    const plan = this.#planOf(config)
    // The workers first: what they send to a pipeline that is not there yet waits for the end of this reload.
    await this.#pool?.run(config.tree)
    let report: ReloadReport
    try {
      report = await reloadGraph(this.#graph, plan)
    } catch (error) {
      await this.#pool?.run(this.#config.tree)
      throw error
    }
    this.#config = config
    try {
      await this.#telemetry.change(config.service.telemetry)
    } catch (error) {
      this.logger.error('The new telemetry settings could not be applied; the old ones stay.', {
        error: errorMessage(error),
      })
    }
    this.#logWarnings(config)
    this.#say('Configuration reloaded.', report)
    return report
  }

  #planOf(config: Config): Plan {
    const plan = planGraph(config)
    if (this.#options.workers !== undefined) return ownerPlan(plan)
    return this.#options.shapePlan?.(plan) ?? plan
  }

  async #startWorkers(): Promise<void> {
    const { workers } = this.#options
    if (workers === undefined) return
    this.#pool = new WorkerPool(workers, {
      deliver: (cut, batch) => this.#deliver(cut, batch),
      metrics: (worker, families) => this.#telemetry.registry.include(`worker ${worker}`, families),
      failed: (component, message) => this.#onFailure({ component, message }),
    })
    await this.#pool.run(this.#config.tree)
  }

  /** What a worker hands over goes on where its part of the pipeline ended. */
  async #deliver(cut: Cut, batch: Batch): Promise<void> {
    let inlet = this.#graph?.inletAt(cut.pipeline, cut.next, batch.signal)
    if (inlet === undefined) {
      await this.#reloading
      inlet = this.#graph?.inletAt(cut.pipeline, cut.next, batch.signal)
    }
    if (inlet === undefined) throw new Rejected(`pipeline "${cut.pipeline}" is not there any more`, { retryable: true })
    await deliver(inlet, batch)
  }

  /** Lines that people wait for: the owner's, once. */
  #say(message: string, fields: object = {}): void {
    if (this.#options.worker === undefined) this.logger.info(message, fields)
    else this.logger.debug(message, fields)
  }

  #logWarnings(config: Config): void {
    for (const { message, path, position } of config.warnings) {
      this.logger.warn(message, {
        ...(path === '' ? {} : { path }),
        ...(position === undefined ? {} : { at: `${position.source}:${position.line}:${position.column}` }),
      })
    }
    for (const warning of config.service.telemetry.warnings) this.logger.warn(warning)
  }

  #enter(phase: EngineView['phase']): void {
    this.#phase = phase
    for (const listener of this.#phaseListeners) listener(phase)
  }

  get #swapTimeoutMs(): number {
    return this.#options.swapTimeoutMs ?? 10_000
  }

  #makeView(): EngineView {
    const startedUnixNano = nowUnixNano()
    const phase = () => this.#phase
    const readySince = () => this.#readySinceUnixNano
    const graph = () => this.#graph
    return {
      build: this.#options.build,
      instanceId: this.#telemetry.instanceId,
      startedUnixNano,
      featureGates: this.#options.featureGates,
      spans: this.#telemetry.tracer,
      onPhase: (listener) => {
        this.#phaseListeners.add(listener)
        return () => this.#phaseListeners.delete(listener)
      },
      get phase() {
        return phase()
      },
      get readySinceUnixNano() {
        return readySince()
      },
      get components() {
        return graph()?.views() ?? []
      },
      get pipelines() {
        return graph()?.pipelineViews() ?? []
      },
    }
  }
}

function nowUnixNano(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
