import type { Clock } from '../component.ts'
import { pause } from './pause.ts'

/** So many requests a second, and so many at once: client-go's token bucket. Those who wait go one after another. */
export class RequestRate {
  readonly #perMs: number
  readonly #burst: number
  readonly #clock: Clock
  #tokens: number
  #atMs: number

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#clock = clock
    this.#tokens = burst
    this.#atMs = clock.nowMs()
  }

  /** Rejects when `signal` aborts first. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const nowMs = this.#clock.nowMs()
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
    // Below zero are those who wait already.
    this.#tokens--
    if (this.#tokens < 0) await pause(-this.#tokens / this.#perMs, this.#clock, signal)
  }
}
