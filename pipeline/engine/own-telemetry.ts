import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../component.ts'
import { WallClock } from '../graph/clock.ts'
import { userAgent } from '../net/user-agent.ts'
import type { BuildInfo } from '../telemetry/engine-view.ts'
import type { LogDrops } from '../telemetry/log-output.ts'
import type { Logger } from '../telemetry/logger.ts'
import { registerLoopDelay } from '../telemetry/loop-delay.ts'
import type { OwnResource } from '../telemetry/own-resource.ts'
import { type ClosableLogger, createLogger, registerLogMetrics } from '../telemetry/pino-logger.ts'
import { registerProcessMetrics } from '../telemetry/process-metrics.ts'
import { servePrometheus } from '../telemetry/prometheus.ts'
import { Registry } from '../telemetry/registry.ts'
import type { ServiceTelemetry } from '../telemetry/settings.ts'
import { SwitchableLogger } from '../telemetry/switchable-logger.ts'
import { Tracer } from '../telemetry/tracer.ts'
import type { Sending } from './own-sending.ts'

type Served = { readonly address: string; close(): Promise<void> }

/** How long own telemetry that waits may hold up a shutdown or a reload. */
const closeTimeoutMs = 3_000

/** The engine's own log, metrics and spans, as `service::telemetry` says; a reload may change them. */
export class OwnTelemetry {
  readonly registry: Registry
  readonly logger: Logger
  readonly tracer = new Tracer()
  readonly #resource: ReadonlyMap<string, string>
  readonly #build: BuildInfo
  readonly #instanceId: string
  readonly #switch: SwitchableLogger
  readonly #clock: Clock & { stop(): void }
  #sink: ClosableLogger
  #served: Served[] = []
  #sending: Sending | undefined
  #hasProcessMetrics = false
  #settings: ServiceTelemetry
  /** Lines that the logs before this one did not write. */
  readonly #dropsBefore: LogDrops = { sampled: 0, blocked: 0 }

  /** Throws when a log file or a port cannot be opened. */
  static async open(settings: ServiceTelemetry, build: BuildInfo, instanceId: string): Promise<OwnTelemetry> {
    const telemetry = new OwnTelemetry(settings, build, instanceId)
    try {
      telemetry.#served = await telemetry.#serve(settings, [])
      telemetry.#sending = await telemetry.#send(settings, telemetry.#sink)
      telemetry.#sending?.begin()
      telemetry.#sending?.beginReading(undefined)
    } catch (error) {
      await telemetry.close()
      throw error
    }
    return telemetry
  }

  private constructor(settings: ServiceTelemetry, build: BuildInfo, instanceId: string) {
    this.#build = build
    this.#instanceId = instanceId
    this.#resource = ownResource(settings, build, instanceId)
    this.#sink = createLogger(settings.logs, this.#resource)
    this.#switch = new SwitchableLogger(this.#sink)
    this.logger = this.#switch.logger
    this.registry = new Registry({ resource: this.#resource, level: settings.metrics.level })
    this.#clock = new WallClock((error) => this.logger.error('Own telemetry failed unexpectedly.', { error }))
    this.#settings = settings
    this.#countProcess(settings)
  }

  /** What its resource says, which `service::telemetry::resource` may set or take out. */
  get instanceId(): string {
    return this.#resource.get('service.instance.id') ?? this.#instanceId
  }

  /** Opens what is new before it closes what is gone; throws and changes nothing when that fails. */
  async change(next: ServiceTelemetry): Promise<void> {
    if (isDeepStrictEqual(next, this.#settings)) return
    const sink = createLogger(next.logs, this.#resource)
    const before = this.#served
    let sending: Sending | undefined
    try {
      sending = await this.#send(next, sink)
      this.#served = await this.#serve(next, before)
    } catch (error) {
      await sending?.close(AbortSignal.abort())
      await sink.close()
      throw error
    }
    const old = this.#sink
    const oldSending = this.#sending
    this.#sink = sink
    this.#settings = next
    this.#sending = sending
    this.registry.level = next.metrics.level
    this.#switch.switchTo(sink)
    sending?.begin()
    if (sending === undefined) this.#stopTracing()
    this.#countProcess(next)
    if (!sameResource(this.#resource, ownResource(next, this.#build, this.#instanceId)))
      this.logger.warn('service::telemetry::resource changes at the next start only.')
    await oldSending?.close(AbortSignal.timeout(closeTimeoutMs))
    sending?.beginReading(oldSending)
    await old.close()
    this.#dropsBefore.sampled += old.drops.sampled
    this.#dropsBefore.blocked += old.drops.blocked
    for (const one of before) if (!this.#served.includes(one)) await one.close()
  }

  async close(deadline: AbortSignal = AbortSignal.timeout(closeTimeoutMs)): Promise<void> {
    await this.#sending?.close(AbortSignal.any([deadline, AbortSignal.timeout(closeTimeoutMs)]))
    for (const one of this.#served) await one.close()
    this.#served = []
    this.#clock.stop()
    await this.#sink.close()
  }

  /** Of this log and of those that reloads have replaced. */
  #allDrops(): Readonly<LogDrops> {
    const of = (kind: keyof LogDrops) => this.#dropsBefore[kind] + this.#sink.drops[kind]
    return {
      get sampled() {
        return of('sampled')
      },
      get blocked() {
        return of('blocked')
      },
    }
  }

  #countProcess({ metrics }: ServiceTelemetry): void {
    if (metrics.level === 'none' || this.#hasProcessMetrics) return
    this.#hasProcessMetrics = true
    const meter = this.registry.meter({})
    registerLogMetrics(meter, { drops: this.#allDrops() })
    registerProcessMetrics(meter)
    registerLoopDelay(meter)
  }

  #stopTracing(): void {
    const never = { root: 0, remoteSampled: 0, remoteNotSampled: 0, localSampled: 0, localNotSampled: 0 }
    this.tracer.configure({ sinks: [], sampler: never, joinsRemote: false })
  }

  /** What sends is loaded only when something is to be sent. */
  async #send(settings: ServiceTelemetry, logger: ClosableLogger): Promise<Sending | undefined> {
    const { metrics, traces, logs } = settings
    if (metrics.periodic.length + traces.processors.length + logs.processors.length === 0) return undefined
    const { Sending } = await import('./own-sending.ts')
    const { command, version } = this.#build
    const resource: OwnResource = { attributes: Object.fromEntries(this.#resource), scope: command, version }
    const sending = new Sending({
      settings,
      resource,
      logger,
      registry: this.registry,
      tracer: this.tracer,
      clock: this.#clock,
      userAgent: userAgent(this.#build),
    })
    return sending
  }

  /** Those of `open` that are still wanted, and new ones for the rest. */
  async #serve({ metrics }: ServiceTelemetry, open: readonly Served[]): Promise<Served[]> {
    const served: Served[] = []
    const fresh: Served[] = []
    try {
      for (const { host, port } of metrics.prometheus) {
        const address = `${host}:${port}`
        const kept = open.find((one) => one.address === address)
        if (kept !== undefined) {
          served.push(kept)
          continue
        }
        const server = await servePrometheus(this.registry, { host, port })
        const one = { address, close: () => server.close() }
        fresh.push(one)
        served.push(one)
      }
    } catch (error) {
      for (const one of fresh) await one.close()
      throw error
    }
    return served
  }
}

/** `service.name`, `service.version` and `service.instance.id` unless the settings say otherwise; null drops one. */
function ownResource(settings: ServiceTelemetry, build: BuildInfo, instanceId: string): ReadonlyMap<string, string> {
  const all = new Map<string, string | null>([
    ['service.name', build.command],
    ['service.version', build.version],
    ['service.instance.id', instanceId],
    ...settings.resource,
  ])
  return new Map([...all].flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])))
}

function sameResource(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
}
