import type { Histogram, Labels, Meter } from '../../pipeline/telemetry/meter.ts'

export type Trigger = 'size' | 'timeout'

const itemBounds = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000, 20000, 30000, 50000,
  100000,
]
const byteBounds = Array.from({ length: 18 }, (_, i) => 128 * 2 ** i)

/** `otelcol_processor_batch_*`, as upstream names them. */
export class BatchTelemetry {
  readonly #labels: Labels
  readonly #items: Histogram
  readonly #bytes: Histogram
  readonly #triggers: Readonly<Record<Trigger, ReturnType<Meter['counter']>>>

  constructor(meter: Meter, id: string) {
    this.#labels = { processor: id }
    this.#items = meter.histogram('otelcol_processor_batch_batch_send_size', itemBounds, 'Number of units in the batch')
    this.#bytes = meter.histogram(
      'otelcol_processor_batch_batch_send_size_bytes',
      byteBounds,
      'Number of bytes in batch that was sent. Only available on detailed level.',
    )
    this.#triggers = {
      size: meter.counter(
        'otelcol_processor_batch_batch_size_trigger_send',
        'Number of times the batch was sent due to a size trigger',
      ),
      timeout: meter.counter(
        'otelcol_processor_batch_timeout_trigger_send',
        'Number of times the batch was sent due to a timeout trigger',
      ),
    }
  }

  sent(trigger: Trigger, items: number, bytes: number): void {
    this.#triggers[trigger].add(1, this.#labels)
    this.#items.record(items, this.#labels)
    this.#bytes.record(bytes, this.#labels)
  }
}

export function observeCardinality(meter: Meter, id: string, read: () => number): void {
  meter.gauge(
    'otelcol_processor_batch_metadata_cardinality',
    read,
    { processor: id },
    'Number of distinct metadata value combinations being processed',
  )
}
