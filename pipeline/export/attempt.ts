import { type Attempt, type Clock, Rejected } from '../component.ts'
import { formatDuration } from '../config/duration.ts'
import type { Batch } from '../data/telemetry.ts'

/** What an exporter's component does with a batch, whatever its signal. */
export type Handler = (batch: Batch, attempt: Attempt) => void | Promise<void>

/** Runs attempts under a time limit. An attempt that does not hear its abort is left behind, so that it cannot hold a consumer. */
export class Attempts {
  readonly #handler: Handler
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #running = new Set<Running>()
  #aborted: string | undefined

  /** `timeoutMs` 0 = no limit. */
  constructor(handler: Handler, timeoutMs: number, clock: Clock) {
    this.#handler = handler
    this.#timeoutMs = timeoutMs
    this.#clock = clock
  }

  /** Not `async`: a handler that answers at once costs no promise of ours. */
  run(batch: Batch, traceparent?: string): Promise<void> | void {
    if (this.#aborted !== undefined) return Promise.reject(interrupted(this.#aborted))
    const running = new Running(this.#timeoutMs, traceparent)
    const answer = this.#handler(batch, running)
    if (answer === undefined) return
    return new Promise((resolve, reject) => {
      this.#running.add(running)
      const stopTimer =
        this.#timeoutMs === 0
          ? undefined
          : this.#clock.after(this.#timeoutMs, () => running.abort(tooSlow(this.#timeoutMs)))
      const end = () => {
        stopTimer?.()
        this.#running.delete(running)
      }
      running.onAbort = (why) => {
        end()
        reject(why)
      }
      answer.then(
        () => {
          end()
          resolve()
        },
        (error: unknown) => {
          end()
          reject(error)
        },
      )
    })
  }

  /** Fails what runs and whatever is tried later. */
  abortAll(reason: string): void {
    this.#aborted = reason
    for (const running of this.#running) running.abort(interrupted(reason))
  }
}

class Running implements Attempt {
  readonly timeoutMs: number
  readonly traceparent: string | undefined
  onAbort: ((why: Error) => void) | undefined
  #controller: AbortController | undefined

  constructor(timeoutMs: number, traceparent: string | undefined) {
    this.timeoutMs = timeoutMs
    this.traceparent = traceparent
  }

  /** Made on demand: many exporters never look at it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(why: Error): void {
    this.onAbort?.(why)
    this.#controller?.abort(why)
  }
}

function tooSlow(timeoutMs: number): Rejected {
  return new Rejected(`no answer within ${formatDuration(timeoutMs)}: context deadline exceeded`, { retryable: true })
}

function interrupted(reason: string): Rejected {
  return new Rejected(`export interrupted: ${reason}`, { retryable: true })
}
