/**
 * Time that stands still until somebody says how late it is: for telemetry that is recorded or simulated and comes faster than it happened, so that
 * idle time-outs, flushes and deadlines are those of the world that the telemetry is of.
 */
import type { OwnedClock } from './clock.ts'
import { TimerQueue } from './timer-queue.ts'

/** A timer's work may itself wait for a later time, so its end is not waited for longer than this, in milliseconds of wall clock. */
const patienceMs = 500

export class ToldTime {
  readonly #timers = new TimerQueue()
  #originUnixNano: bigint | undefined
  #nowMs = 0
  #moving: Promise<void> = Promise.resolve()

  /** For one component: its timers stop with it. `onFailure` hears what a timer's work throws. */
  clock(onFailure: (error: unknown) => void): OwnedClock {
    const cancels = new Set<() => void>()
    let isStopped = false
    const add = (ms: number, everyMs: number | undefined, run: () => void | Promise<void>) => {
      if (isStopped) return () => {}
      const cancelTimer = this.#timers.add(this.#nowMs + Math.max(0, ms), everyMs, async () => {
        if (everyMs === undefined) cancels.delete(cancel)
        try {
          await run()
        } catch (error) {
          onFailure(error)
        }
      })
      const cancel = () => {
        cancelTimer()
        cancels.delete(cancel)
      }
      cancels.add(cancel)
      return cancel
    }
    return {
      nowMs: () => this.#nowMs,
      nowUnixNano: () => (this.#originUnixNano ?? 0n) + BigInt(Math.round(this.#nowMs * 1e6)),
      after: (ms, run) => add(ms, undefined, run),
      every: (ms, run) => add(ms, Math.max(1, ms), run),
      stop() {
        isStopped = true
        for (const cancel of cancels) cancel()
      },
    }
  }

  /**
   * It is so late now: what fell due is run in order, each at its own time. Resolves when that is done. The first call says when time began; a time before the
   * present one changes nothing.
   */
  reach(unixNano: bigint): Promise<void> {
    this.#moving = this.#moving.then(() => this.#reach(unixNano))
    return this.#moving
  }

  async #reach(unixNano: bigint): Promise<void> {
    this.#originUnixNano ??= unixNano - BigInt(Math.round(this.#nowMs * 1e6))
    const endMs = Number(unixNano - this.#originUnixNano) / 1e6
    for (let timer = this.#timers.next(this.#nowMs, endMs); timer; timer = this.#timers.next(this.#nowMs, endMs)) {
      this.#nowMs = timer.dueMs
      await inTime(timer.run())
    }
    this.#nowMs = Math.max(this.#nowMs, endMs)
  }
}

function inTime(work: void | Promise<void>): Promise<void> | void {
  if (!(work instanceof Promise)) return
  return new Promise((resolve) => {
    const patience = setTimeout(resolve, patienceMs)
    const end = () => {
      clearTimeout(patience)
      resolve()
    }
    work.then(end, end)
  })
}
