import type { Clock } from '../component.ts'
import { metricsBatch, type Readings, readingsOf } from './metrics-batch.ts'
import type { OwnResource } from './own-resource.ts'
import type { Registry } from './registry.ts'
import type { PeriodicSettings } from './settings.ts'
import type { Sink } from './sink.ts'

export interface MetricReaderParts {
  readonly settings: PeriodicSettings
  readonly registry: Pick<Registry, 'snapshot'>
  readonly resource: OwnResource
  readonly sink: Sink
  readonly clock: Clock
  /** What the reader that this one replaces sent last. */
  readonly before?: Readings | undefined
  readonly onFailure: (error: unknown) => void
}

/** Sends all metrics every now and then. What does not arrive is in the next one: sums are cumulative, deltas count from the last that did. */
export class MetricReader {
  readonly #parts: MetricReaderParts
  readonly #stopTimer: () => void
  readonly #stop = new AbortController()
  #before: Readings
  #sending: Promise<void> | undefined

  constructor(parts: MetricReaderParts) {
    this.#parts = parts
    this.#before = parts.before ?? new Map()
    this.#stopTimer = parts.clock.every(parts.settings.intervalMs, () => this.#send())
  }

  /** What arrived last, for deltas. */
  get readings(): Readings {
    return this.#before
  }
  get url(): string {
    const { exporter } = this.#parts.settings
    return exporter.to === 'otlp' ? exporter.url.href : ''
  }

  /** Sends a last time. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#stopTimer()
    const stop = () => this.#stop.abort()
    if (deadline.aborted) stop()
    deadline.addEventListener('abort', stop, { once: true })
    await this.#sending
    if (!deadline.aborted) await this.#send()
    deadline.removeEventListener('abort', stop)
    this.#parts.sink.close()
  }

  #send(): Promise<void> {
    this.#sending ??= this.#sendNow().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #sendNow(): Promise<void> {
    const { settings, registry, resource, sink, clock, onFailure } = this.#parts
    const controller = new AbortController()
    const stop = clock.after(settings.timeoutMs, () => controller.abort())
    const temporality = settings.exporter.to === 'otlp' ? settings.exporter.temporality : 'cumulative'
    try {
      const families = registry.snapshot()
      const nowUnixNano = clock.nowUnixNano()
      const batch = metricsBatch(families, { resource, nowUnixNano, temporality, before: this.#before })
      if (batch.count === 0) return
      await sink.send(batch, AbortSignal.any([controller.signal, this.#stop.signal]))
      if (temporality !== 'cumulative') this.#before = readingsOf(families, nowUnixNano)
    } catch (error) {
      onFailure(error)
    } finally {
      stop()
    }
  }
}
