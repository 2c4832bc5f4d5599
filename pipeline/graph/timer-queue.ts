/** Timers of a clock that somebody moves: told time, and the tests' clock. */

interface Timer {
  readonly run: () => void | Promise<void>
  readonly everyMs: number | undefined
  dueMs: number
}

export class TimerQueue {
  readonly #timers = new Set<Timer>()

  get size(): number {
    return this.#timers.size
  }

  /** The answer cancels it. */
  add(dueMs: number, everyMs: number | undefined, run: () => void | Promise<void>): () => void {
    const timer: Timer = { run: everyMs === undefined ? run : oneAtATime(run), everyMs, dueMs }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Takes the earliest that is due by `endMs`, of two the one that was set first; a repeating one stays and is due again. `dueMs` is when it is run. */
  next(nowMs: number, endMs: number): { readonly dueMs: number; readonly run: () => void | Promise<void> } | undefined {
    let earliest: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (earliest === undefined || timer.dueMs < earliest.dueMs)) earliest = timer
    }
    if (earliest === undefined) return undefined
    const dueMs = Math.max(nowMs, earliest.dueMs)
    if (earliest.everyMs === undefined) this.#timers.delete(earliest)
    else earliest.dueMs = dueMs + earliest.everyMs
    return { dueMs, run: earliest.run }
  }
}

/** A run that falls due while the one before is under way is left out, as by the wall clock. */
function oneAtATime(run: () => void | Promise<void>): () => void | Promise<void> {
  let isRunning = false
  return () => {
    if (isRunning) return
    const done = run()
    if (!(done instanceof Promise)) return
    isRunning = true
    return done.finally(() => {
      isRunning = false
    })
  }
}
