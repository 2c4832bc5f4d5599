import { itemNoun, type Signal } from '../data/telemetry.ts'
import type { Counter, Labels, Meter } from '../telemetry/meter.ts'

/** `otelcol_exporter_*`, with upstream's names and attributes. One count per final outcome, after all retries. */
export class ExportMetrics {
  readonly #meter: Meter
  readonly #exporter: Labels
  readonly #queue: Labels
  readonly #sent: Counter
  readonly #failed: Counter
  readonly #enqueueFailed: Counter
  readonly #inFlight: Counter

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
  }

  started(): void {
    this.#inFlight.add(1, this.#queue)
  }

  ended(sent: number, failed: number): void {
    this.#inFlight.add(-1, this.#queue)
    this.#sent.add(sent, this.#exporter)
    if (failed > 0) this.#failed.add(failed, this.#exporter)
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
