import { type Context, Rejected } from '../../pipeline/component.ts'
import { formatDuration } from '../../pipeline/config/duration.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Fifo } from '../../pipeline/export/fifo.ts'
import { Backoff } from '../../pipeline/export/retry.ts'
import type { Trigger } from './telemetry.ts'

export interface Ready {
  readonly batch: Batch
  readonly trigger: Trigger
}
export interface OutboxOptions {
  readonly context: Pick<Context, 'clock' | 'random' | 'logger' | 'dropped'>
  readonly emit: (batch: Batch) => Promise<void>
  readonly onSent: (ready: Ready) => void
  /** The batch is gone, downstream or lost. */
  readonly onGone: (batch: Batch) => void
  /** Nothing is on its way any more. */
  readonly onIdle: () => void
}

/** What follows is refused for a moment most often: a full queue drains within milliseconds. */
const waits = { initial_interval: 100, randomization_factor: 0.5, multiplier: 1.5, max_interval: 5_000 }

/** Batches on their way downstream, one at a time and in order. What is refused for now is held and tried again; nothing else is lost but what is refused for good. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #ready = new Fifo<Ready>()
  #isSending = false
  #isHurried = false
  #isClosed = false
  #wake: (() => void) | undefined
  #onEmpty: (() => void) | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  get isIdle(): boolean {
    return !this.#isSending
  }

  push(ready: Ready): void {
    this.#ready.push(ready)
    if (!this.#isSending) void this.#run()
  }

  /** Resolves when everything is sent or lost. Batches that wait are tried again at once. */
  drain(): Promise<void> {
    this.#isHurried = true
    this.#wake?.()
    if (!this.#isSending) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  /** Whatever is not sent now is lost. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  async #run(): Promise<void> {
    this.#isSending = true
    for (let next = this.#ready.shift(); next; next = this.#ready.shift()) {
      await this.#send(next)
      this.#options.onGone(next.batch)
    }
    this.#isSending = false
    this.#options.onIdle()
    if (!this.#isSending) this.#onEmpty?.()
  }

  async #send(ready: Ready): Promise<void> {
    const { context, emit, onSent } = this.#options
    const backoff = new Backoff(waits, context.random)
    let remaining = ready.batch
    for (let attempt = 1; ; attempt++) {
      try {
        await emit(remaining)
        onSent(ready)
        return
      } catch (error) {
        const refusal = error instanceof Rejected ? error : undefined
        const message = errorMessage(error)
        remaining = (refusal?.remaining as Batch | undefined) ?? remaining
        if (refusal === undefined || !refusal.retryable || this.#isClosed) {
          const reason = refusal?.retryable ? 'shutdown' : 'refused_downstream'
          context.dropped(remaining.count, reason, 'lost')
          context.logger.error('Sender failed', { error: message, dropped_items: remaining.count })
          return
        }
        const waitMs = Math.max(backoff.next(), refusal.retryAfterMs ?? 0)
        if (attempt === 1) {
          const fields = { error: message, held_items: remaining.count, interval: formatDuration(waitMs) }
          context.logger.warn('Sender failed. Will retry the batch after interval.', fields)
        }
        await this.#wait(waitMs)
      }
    }
  }

  #wait(ms: number): Promise<void> {
    // The first wait of a drain is skipped; those that follow are short, or the loop would spin until the deadline.
    if (this.#isClosed) return Promise.resolve()
    const bounded = this.#isHurried ? Math.min(ms, waits.initial_interval) : ms
    return new Promise((resolve) => {
      const wake = () => {
        stopTimer()
        this.#wake = undefined
        resolve()
      }
      const stopTimer = this.#options.context.clock.after(bounded, wake)
      this.#wake = wake
    })
  }
}
