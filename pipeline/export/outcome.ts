/** How refusals and losses are counted and told, whatever the queue. */
import { Rejected } from '../component.ts'
import type { Batch } from '../data/telemetry.ts'
import { type Exporting, lossReason, type SenderContext } from './exporting.ts'
import type { Reservation } from './sender.ts'
import type { QueueSettings } from './sending.ts'

/** How often a queue that refuses may say so in the log. */
const refusalLogIntervalMs = 10_000

/** The sender hears a refusal and may try again, so it is no drop; the log hears of it now and then. */
export class Refusals {
  readonly #context: SenderContext
  readonly #exporting: Exporting
  #items = 0
  #nextLogMs = 0

  constructor(context: SenderContext, exporting: Exporting) {
    this.#context = context
    this.#exporting = exporting
  }

  refuse(batch: Batch, message: string, retryable: boolean, cause?: unknown): Rejected {
    this.#exporting.metrics.enqueueFailed(batch.count)
    this.#items += batch.count
    const nowMs = this.#context.clock.nowMs()
    if (nowMs >= this.#nextLogMs) {
      this.#context.logger.error(`Exporting failed. Rejecting data.${this.#exporting.advice}`, {
        error: message,
        rejected_items: this.#items,
      })
      this.#items = 0
      this.#nextLogMs = nowMs + refusalLogIntervalMs
    }
    return new Rejected(message, { retryable, ...(cause === undefined ? {} : { cause }) })
  }

  tooLarge(batch: Batch, units: number, { queue_size, sizer }: QueueSettings): Rejected {
    const most = `${queue_size} ${sizer}`
    return this.refuse(batch, `element size too large: it has ${units}, the queue holds ${most}`, false)
  }
}

/** Of what was acknowledged and will never arrive. */
export function reportLoss(
  context: SenderContext,
  exporting: Exporting,
  batch: Batch,
  failure: Rejected,
  isClosed: boolean,
): void {
  const items = failure.remaining?.count ?? batch.count
  context.dropped(items, lossReason(failure, isClosed), 'lost')
  context.logger.error(`Exporting failed. Dropping data.${exporting.advice}`, {
    error: failure.message,
    dropped_items: items,
  })
}

/** In the unit of `queue_size`. */
export function unitsOf(batch: Batch, sizer: QueueSettings['sizer']): number {
  switch (sizer) {
    case 'requests':
      return 1
    case 'items':
      return batch.count
    case 'bytes':
      return batch.byteLength
  }
}

/** Of an empty batch. */
export const nothing: Reservation = { certain: true, commit: () => Promise.resolve(), release: () => {} }
