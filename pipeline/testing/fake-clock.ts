import type { Clock } from '../component.ts'
import { TimerQueue } from '../graph/timer-queue.ts'

/** A clock that moves only by `advance`. Due timers run one after another, in the order in which they are due. */
export class FakeClock implements Clock {
  readonly #startUnixNano: bigint
  readonly #timers = new TimerQueue()
  #nowMs = 0

  constructor(startUnixNano = 1_700_000_000_000_000_000n) {
    this.#startUnixNano = startUnixNano
  }

  nowMs(): number {
    return this.#nowMs
  }

  nowUnixNano(): bigint {
    return this.#startUnixNano + BigInt(Math.round(this.#nowMs * 1e6))
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  after(ms: number, run: () => void | Promise<void>): () => void {
    return this.#add(ms, undefined, run)
  }

  every(ms: number, run: () => void | Promise<void>): () => void {
    return this.#add(ms, ms, run)
  }

  /** Moves time on and runs what falls due; a timer that a timer sets runs too, if it is due within `ms`. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms
    await settle()
    for (let timer = this.#timers.next(this.#nowMs, end); timer; timer = this.#timers.next(this.#nowMs, end)) {
      this.#nowMs = timer.dueMs
      // Not awaited: a timer's work may itself wait for a later timer.
      void timer.run()
      await settle()
    }
    this.#nowMs = end
    await settle()
  }

  #add(ms: number, everyMs: number | undefined, run: () => void | Promise<void>): () => void {
    return this.#timers.add(this.#nowMs + Math.max(0, ms), everyMs, run)
  }
}

/** Lets everything that is ready to run do so: promise jobs and one round of the event loop. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}
