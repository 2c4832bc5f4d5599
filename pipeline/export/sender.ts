/**
 * What stands around every exporter, as in upstream: queue (and batch) -> telemetry -> retry -> timeout -> the component's one attempt.
 */
import { Rejected } from '../component.ts'
import type { Batch, Origin } from '../data/telemetry.ts'
import { DiskQueue } from './disk-queue.ts'
import { Exporting, type ExportingOptions, lossReason, type SenderContext } from './exporting.ts'
import { ExportQueue } from './queue.ts'

/** Room in a queue, held for one batch. Exactly one of the two is called. */
export interface Reservation {
  /** Whether `commit` cannot fail any more: the batch lies in the queue then. */
  readonly certain: boolean
  /** Resolves when the batch is accepted: enqueued, or exported where there is no queue or `wait_for_result` is set. */
  commit(): Promise<void>
  release(): void
}
export interface Sender {
  /** Throws `Rejected` when there is no room. With `block_on_overflow` the room is waited for in `commit`. */
  reserve(batch: Batch): Reservation
  /** `reserve` and `commit` in one. */
  consume(batch: Batch): Promise<void>
  /** Of a queue on disk: the extension that keeps it. */
  readonly storage?: string
  /** Throws when what the queue needs is not there. */
  start(): Promise<void>
  /**
   * Sends what is held; what is left when `deadline` aborts is counted as lost. A queue on disk only ends what is under way and keeps the rest
   * for the next start. Call it before the component's own shutdown.
   */
  shutdown(deadline: AbortSignal): Promise<void>
  /**
   * Stops sending and gives everything that was accepted and is not exported to `give`, now and later: a reload puts another sender in this
   * one's place. What is under way may end until `deadline`. Resolves when nothing runs any more. A `heir` with the same storage finds there
   * what waits, and is given nothing.
   */
  handOver(give: (batch: Batch) => void, deadline: AbortSignal, heir?: Sender): Promise<void>
  /** Accepts what a predecessor gave up, whatever the limits: it had room there. */
  takeOver(batch: Batch): void
}
export interface SenderOptions extends ExportingOptions {
  /** Batches of different keys are never merged: what of the origin the pipeline reads. Default: nothing is read. */
  readonly originKey?: (origin: Origin) => string
}

export function wrapExporter(options: SenderOptions): Sender {
  const { context, sending } = options
  const exporting = new Exporting(options)
  if (sending.sending_queue === undefined) return new DirectSender(context, exporting)
  const queue = {
    context,
    signal: options.signal,
    settings: sending.sending_queue,
    originKey: options.originKey ?? (() => ''),
    exporting,
  }
  const { storage } = sending.sending_queue
  return storage === undefined ? new ExportQueue(queue) : new DiskQueue(queue, storage)
}

/** No queue: the sender waits for the export itself, so that back pressure is the number of senders. */
class DirectSender implements Sender {
  readonly #context: SenderContext
  readonly #exporting: Exporting
  readonly #running = new Set<Promise<void>>()
  #closed = false

  constructor(context: SenderContext, exporting: Exporting) {
    this.#context = context
    this.#exporting = exporting
  }

  async start(): Promise<void> {}

  reserve(batch: Batch): Reservation {
    if (this.#closed) throw closed()
    return { certain: false, commit: () => this.#export(batch), release: () => {} }
  }

  async consume(batch: Batch): Promise<void> {
    await this.reserve(batch).commit()
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#closed = true
    this.#exporting.stopRetries()
    const abort = () => this.#exporting.abort('the shutdown deadline passed')
    if (deadline.aborted) abort()
    deadline.addEventListener('abort', abort, { once: true })
    await Promise.allSettled(this.#running)
    deadline.removeEventListener('abort', abort)
  }

  /** Nothing was acknowledged that is not exported, so there is nothing to give. */
  async handOver(_give: (batch: Batch) => void, deadline: AbortSignal): Promise<void> {
    await this.shutdown(deadline)
  }

  takeOver(batch: Batch): void {
    // It was acknowledged long ago: nobody waits, so that a failure is a loss.
    this.#export(batch).catch((refusal: Rejected) => {
      this.#context.dropped(refusal.remaining?.count ?? batch.count, lossReason(refusal, this.#closed), 'lost')
    })
  }

  async #export(batch: Batch): Promise<void> {
    if (batch.count === 0) return
    const running = this.#exporting.run(batch)
    this.#running.add(running)
    try {
      await running
    } catch (error) {
      const refusal = error as Rejected
      const rejected = refusal.remaining?.count ?? batch.count
      this.#context.logger.error(`Exporting failed. Rejecting data.${this.#exporting.advice}`, {
        error: refusal.message,
        rejected_items: rejected,
      })
      throw refusal
    } finally {
      this.#running.delete(running)
    }
  }
}

function closed(): Rejected {
  return new Rejected('the exporter is shut down', { retryable: true })
}
