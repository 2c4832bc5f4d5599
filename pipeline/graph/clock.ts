import type { Clock } from '../component.ts'

/** The clock of one component: its timers stop with it. */
export interface OwnedClock extends Clock {
  /** Ends every timer; later ones never start. */
  stop(): void
}

/** Wall time. Timers belong to one component and stop with it. */
export class WallClock implements OwnedClock {
  readonly #cancels = new Set<() => void>()
  readonly #onFailure: (error: unknown) => void
  #stopped = false

  /** `onFailure` hears what a timer's work throws; nobody else waits for it. */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  nowUnixNano(): bigint {
    // Date gives milliseconds; the rest comes from the high-resolution clock, so that two reads in one millisecond differ.
    return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1_000n
  }

  nowMs(): number {
    return performance.now()
  }

  after(ms: number, run: () => void | Promise<void>): () => void {
    if (this.#stopped) return () => {}
    const timer = setTimeout(() => {
      this.#cancels.delete(cancel)
      void this.#run(run)
    }, ms)
    const cancel = () => {
      clearTimeout(timer)
      this.#cancels.delete(cancel)
    }
    this.#cancels.add(cancel)
    return cancel
  }

  every(ms: number, run: () => void | Promise<void>): () => void {
    let cancel = () => {}
    let cancelled = false
    const next = () => {
      cancel = this.after(ms, async () => {
        await this.#run(run)
        if (!cancelled) next()
      })
    }
    next()
    return () => {
      cancelled = true
      cancel()
    }
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of this.#cancels) cancel()
  }

  async #run(run: () => void | Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#onFailure(error)
    }
  }
}
