import type { Rejected } from '../component.ts'
import { itemNoun, type Signal } from '../data/telemetry.ts'
import type { Counter, Histogram, Labels, Meter } from '../telemetry/meter.ts'
import { errorType } from './rpc-error.ts'

/** As upstream's, of units and of bytes. */
const unitBounds = [
  10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000, 20_000,
  30_000, 50_000, 100_000,
]
const byteBounds = Array.from({ length: 18 }, (_, i) => 128 * 2 ** i)

/** `otelcol_exporter_*`, with upstream's names and attributes. One count per final outcome, after all retries. */
export class ExportMetrics {
  readonly #meter: Meter
  readonly #exporter: Labels
  readonly #queue: Labels
  readonly #sent: Counter
  readonly #failed: Counter
  readonly #enqueueFailed: Counter
  readonly #inFlight: Counter
  readonly #enqueuedUnits: Histogram
  readonly #enqueuedBytes: Histogram

  constructor(meter: Meter, id: string, signal: Signal) {
    const noun = itemNoun[signal]
    this.#meter = meter
    this.#exporter = { exporter: id }
    this.#queue = { exporter: id, data_type: signal }
    this.#sent = meter.counter(
      `otelcol_exporter_sent_${noun}`,
      `Number of ${words(noun)} successfully sent to destination.`,
    )
    this.#failed = meter.counter(
      `otelcol_exporter_send_failed_${noun}`,
      `Number of ${words(noun)} in failed attempts to send to destination.`,
    )
    this.#enqueueFailed = meter.counter(
      `otelcol_exporter_enqueue_failed_${noun}`,
      `Number of ${words(noun)} failed to be added to the sending queue.`,
    )
    this.#inFlight = meter.upDownCounter(
      'otelcol_exporter_in_flight_requests',
      'Number of export requests currently in flight.',
    )
    this.#enqueuedUnits = meter.histogram('otelcol_exporter_enqueue_size', unitBounds)
    this.#enqueuedBytes = meter.histogram('otelcol_exporter_enqueue_size_bytes', byteBounds)
  }

  started(): void {
    this.#inFlight.add(1, this.#queue)
  }

  ended(sent: number, failed: number, why?: Rejected): void {
    this.#inFlight.add(-1, this.#queue)
    this.#sent.add(sent, this.#exporter)
    if (failed === 0) return
    const reason = why && { 'error.type': errorType(why), 'error.permanent': String(!why.retryable) }
    this.#failed.add(failed, { ...this.#exporter, ...reason })
  }

  enqueued(units: number, bytes: number): void {
    this.#enqueuedUnits.record(units, this.#exporter)
    this.#enqueuedBytes.record(bytes, this.#exporter)
  }

  enqueueFailed(items: number): void {
    this.#enqueueFailed.add(items, this.#exporter)
  }

  observeQueue(size: () => number, capacity: number): void {
    this.#meter.gauge('otelcol_exporter_queue_size', size, this.#queue, 'Current size of the retry queue (in batches).')
    this.#meter.gauge(
      'otelcol_exporter_queue_capacity',
      () => capacity,
      this.#queue,
      'Fixed capacity of the retry queue (in batches).',
    )
  }
}

function words(noun: string): string {
  return noun.replace('_', ' ')
}
