import type { BuildInfo } from '../telemetry/engine-view.ts'
import type { Logger } from '../telemetry/logger.ts'
import { registerLoopDelay } from '../telemetry/loop-delay.ts'
import { type ClosableLogger, createLogger, registerLogMetrics } from '../telemetry/pino-logger.ts'
import { registerProcessMetrics } from '../telemetry/process-metrics.ts'
import { servePrometheus } from '../telemetry/prometheus.ts'
import { Registry } from '../telemetry/registry.ts'
import type { ServiceTelemetry } from '../telemetry/settings.ts'
import { SwitchableLogger } from '../telemetry/switchable-logger.ts'

type Served = { readonly address: string; close(): Promise<void> }

/** The engine's own log and metrics, as `service::telemetry` says; a reload may change them. */
export class OwnTelemetry {
  readonly registry: Registry
  readonly logger: Logger
  readonly #resource: ReadonlyMap<string, string>
  readonly #switch: SwitchableLogger
  #sink: ClosableLogger
  #served: Served[] = []

  /** Throws when a log file or a port cannot be opened. */
  static async open(settings: ServiceTelemetry, build: BuildInfo, instanceId: string): Promise<OwnTelemetry> {
    const telemetry = new OwnTelemetry(settings, build, instanceId)
    try {
      telemetry.#served = await telemetry.#serve(settings, [])
    } catch (error) {
      await telemetry.close()
      throw error
    }
    return telemetry
  }

  private constructor(settings: ServiceTelemetry, build: BuildInfo, instanceId: string) {
    this.#resource = ownResource(settings, build, instanceId)
    this.#sink = createLogger(settings.logs, this.#resource)
    this.#switch = new SwitchableLogger(this.#sink)
    this.logger = this.#switch.logger
    this.registry = new Registry({ resource: this.#resource, level: settings.metrics.level })
    if (settings.metrics.level !== 'none') {
      const meter = this.registry.meter({})
      registerProcessMetrics(meter)
      registerLoopDelay(meter)
      registerLogMetrics(meter, this.#sink)
    }
  }

  /** Opens what is new before it closes what is gone; throws and changes nothing when that fails. */
  async change(next: ServiceTelemetry): Promise<void> {
    const sink = createLogger(next.logs, this.#resource)
    const before = this.#served
    try {
      this.#served = await this.#serve(next, before)
    } catch (error) {
      await sink.close()
      throw error
    }
    const old = this.#sink
    this.#sink = sink
    this.#switch.switchTo(sink)
    if (next.metrics.level !== this.registry.level) {
      this.logger.warn(
        'service::telemetry::metrics::level changes at the next start only; the running components count as before.',
      )
    }
    if (next.metrics.level !== 'none') registerLogMetrics(this.registry.meter({}), sink)
    await old.close()
    for (const one of before) if (!this.#served.includes(one)) await one.close()
  }

  async close(): Promise<void> {
    for (const one of this.#served) await one.close()
    this.#served = []
    await this.#sink.close()
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
