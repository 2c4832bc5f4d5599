import { type Clock, Rejected } from '../component.ts'
import { formatDuration } from '../config/duration.ts'
import type { Batch } from '../data/telemetry.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { RetrySettings } from './sending.ts'

export interface RetryTools {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
}

type RetriedAttempt = (batch: Batch, traceparent: string | undefined) => Promise<void> | void

/** What goes with one export besides its batch. */
export interface ExportCall {
  /** Of the span around it. */
  readonly traceparent?: string | undefined
  /** Hears of each attempt that failed. */
  readonly onRefused?: (() => void) | undefined
}

/** Repeats what failed and may get through later, with upstream's waits and messages. */
export class Retries {
  readonly #settings: RetrySettings
  readonly #tools: RetryTools
  readonly #attempt: RetriedAttempt
  /** Wakes whoever waits for its next attempt. */
  readonly #waiting = new Set<() => void>()
  #stopped = false

  constructor(settings: RetrySettings, tools: RetryTools, attempt: RetriedAttempt) {
    this.#settings = settings
    this.#tools = tools
    this.#attempt = attempt
  }

  /** Throws `Rejected` when it gives up; its `remaining` is what did not get through. */
  async run(batch: Batch, { traceparent, onRefused }: ExportCall = {}): Promise<void> {
    const { clock, logger } = this.#tools
    const startMs = clock.nowMs()
    const backoff = new Backoff(this.#settings, this.#tools.random)
    let remaining = batch
    for (;;) {
      try {
        await this.#attempt(remaining, traceparent)
        return
      } catch (error) {
        if (!(error instanceof Rejected)) throw error
        onRefused?.()
        remaining = (error.remaining as Batch | undefined) ?? remaining
        if (!error.retryable) throw giveUp('not retryable error: Permanent error', error, remaining)
        if (this.#stopped) throw giveUp('interrupted due to shutdown', error, remaining)
        const waitMs = Math.max(backoff.next(), error.retryAfterMs ?? 0)
        const { max_elapsed_time } = this.#settings
        if (max_elapsed_time > 0 && clock.nowMs() - startMs + waitMs > max_elapsed_time) {
          throw giveUp('no more retries left', error, remaining)
        }
        logger.info('Exporting failed. Will retry the request after interval.', {
          error: error.message,
          interval: formatDuration(waitMs),
        })
        await this.#wait(waitMs)
      }
    }
  }

  /** From now on nobody waits: what waits gets one more attempt at once, and so does what comes later. */
  stop(): void {
    this.#stopped = true
    for (const wake of this.#waiting) wake()
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        stopTimer()
        this.#waiting.delete(wake)
        resolve()
      }
      const stopTimer = this.#tools.clock.after(ms, wake)
      this.#waiting.add(wake)
    })
  }
}

type Waits = Pick<RetrySettings, 'initial_interval' | 'randomization_factor' | 'multiplier' | 'max_interval'>

/** The exponential back-off of cenkalti/backoff, which upstream uses. */
export class Backoff {
  readonly #settings: Waits
  readonly #random: () => number
  #currentMs: number

  constructor(settings: Waits, random: () => number) {
    this.#settings = settings
    this.#random = random
    this.#currentMs = settings.initial_interval
  }

  next(): number {
    const { randomization_factor, multiplier, max_interval } = this.#settings
    const current = this.#currentMs
    this.#currentMs = Math.min(current * multiplier, Math.max(max_interval, 0))
    return current * (1 + randomization_factor * (2 * this.#random() - 1))
  }
}

function giveUp(what: string, error: Rejected, remaining: Batch): Rejected {
  return new Rejected(`${what}: ${error.message}`, {
    retryable: error.retryable,
    remaining,
    cause: error,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.grpcCode === undefined ? {} : { grpcCode: error.grpcCode }),
  })
}
