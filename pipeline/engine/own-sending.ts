import type { Clock } from '../component.ts'
import { errorMessage } from '../error-message.ts'
import { ItemProcessor } from '../telemetry/item-processor.ts'
import { linesToOtlp, type OwnLine } from '../telemetry/log-records.ts'
import type { Counter } from '../telemetry/meter.ts'
import { MetricReader } from '../telemetry/metric-reader.ts'
import type { Readings } from '../telemetry/metrics-batch.ts'
import type { OwnResource } from '../telemetry/own-resource.ts'
import type { ClosableLogger } from '../telemetry/pino-logger.ts'
import type { Registry } from '../telemetry/registry.ts'
import type { PeriodicSettings, ServiceTelemetry } from '../telemetry/settings.ts'
import { openSink, type Sink } from '../telemetry/sink.ts'
import { type OwnSpan, spansToOtlp } from '../telemetry/span.ts'
import type { Tracer } from '../telemetry/tracer.ts'

export interface SendingParts {
  readonly settings: ServiceTelemetry
  readonly resource: OwnResource
  readonly logger: ClosableLogger
  readonly registry: Registry
  readonly tracer: Tracer
  readonly clock: Clock
  readonly userAgent: string
}

/** A backend that is down must not fill the log. */
const complainEveryMs = 60_000

/** Everything of `service::telemetry` that sends own telemetry somewhere. One of them sends at a time. */
export class Sending {
  readonly #parts: SendingParts
  readonly #spans: readonly ItemProcessor<OwnSpan>[]
  readonly #lines: readonly ItemProcessor<OwnLine>[]
  readonly #readers: MetricReader[] = []
  readonly #metricSinks: readonly Sink[]
  readonly #lost: Counter
  readonly #complainAfter = new Map<string, number>()

  /** Throws when certificates cannot be read. Nothing is sent before `begin`. */
  constructor(parts: SendingParts) {
    this.#parts = parts
    this.#lost = parts.registry
      .meter({})
      .counter('vigil_own_telemetry_lost_items', 'Own spans and log lines that did not reach their server')
    const { settings, resource, userAgent } = parts
    this.#metricSinks = settings.metrics.periodic.map(({ exporter }) => openSink(exporter, userAgent))
    this.#spans = settings.traces.processors.map((one) =>
      this.#processor(one, 'spans', (spans: readonly OwnSpan[]) => spansToOtlp(spans, resource)),
    )
    this.#lines = settings.logs.processors.map((one) =>
      this.#processor(one, 'log_records', (lines: readonly OwnLine[]) => linesToOtlp(lines, resource)),
    )
  }

  /** From here on spans and lines go here. */
  begin(): void {
    const { settings, logger, tracer } = this.#parts
    tracer.configure({
      sinks: this.#spans,
      sampler: settings.traces.sampler,
      joinsRemote: settings.traces.joinsRemote,
    })
    if (this.#lines.length === 0) return
    logger.tee = (line) => {
      for (const processor of this.#lines) processor.add(line)
    }
  }

  /** Sends metrics from here on; `before` is what a predecessor, closed by now, sent last. */
  beginReading(before: Sending | undefined): void {
    const { settings, registry, resource, clock } = this.#parts
    for (const [i, periodic] of settings.metrics.periodic.entries()) {
      const reader = new MetricReader({
        settings: periodic,
        registry,
        resource,
        clock,
        sink: this.#metricSinks[i]!,
        before: before === undefined ? undefined : before.#readingsFor(periodic),
        onFailure: (error) => this.#complain('metrics', error),
      })
      this.#readers.push(reader)
    }
  }

  #readingsFor({ exporter }: PeriodicSettings): Readings | undefined {
    if (exporter.to !== 'otlp') return undefined
    const same = this.#readers.find(({ url }) => url === exporter.url.href)
    return same?.readings
  }

  async close(deadline: AbortSignal): Promise<void> {
    await Promise.all([
      ...this.#readers.map((reader) => reader.close(deadline)),
      ...this.#spans.map((processor) => processor.close(deadline)),
      ...this.#lines.map((processor) => processor.close(deadline)),
    ])
  }

  #processor<T>(
    settings: ServiceTelemetry['traces']['processors'][number],
    item: 'spans' | 'log_records',
    build: ConstructorParameters<typeof ItemProcessor<T>>[0]['build'],
  ): ItemProcessor<T> {
    const { clock, userAgent } = this.#parts
    return new ItemProcessor<T>({
      settings,
      clock,
      build,
      sink: openSink(settings.exporter, userAgent),
      onLost: (items, reason, error) => {
        this.#lost.add(items, { item, reason })
        if (error !== undefined) this.#complain(item, error)
      },
    })
  }

  /** To the outputs of the log only now and then; the line itself may be lost on its way to the same server. */
  #complain(item: string, error: unknown): void {
    const { logger, clock } = this.#parts
    const nowMs = clock.nowMs()
    if (nowMs < (this.#complainAfter.get(item) ?? 0)) return
    this.#complainAfter.set(item, nowMs + complainEveryMs)
    logger.error('OpenTelemetry internal telemetry error', {
      item,
      error: errorMessage(error),
    })
  }
}
