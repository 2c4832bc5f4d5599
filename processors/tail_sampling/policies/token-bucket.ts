/** As golang.org/x/time/rate: full at the start, refilled all the time, never above its burst. */
import type { Clock } from '../../../pipeline/component.ts'

const nanosPerSecond = 1e9

export class TokenBucket {
  readonly burst: number
  private readonly clock: Clock
  private readonly perSecond: number
  private tokens: number
  private lastMs: number

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.clock = clock
    this.perSecond = perSecond
    this.burst = burst
    this.tokens = burst
    this.lastMs = clock.nowMs()
  }

  /** What is there now. */
  available(): number {
    const elapsedMs = Math.max(0, this.clock.nowMs() - this.lastMs)
    const refill = this.perSecond > 0 ? (elapsedMs / 1_000) * this.perSecond : 0
    return Math.min(this.burst, this.tokens + refill)
  }

  /** Takes all of them or none. */
  take(tokens: number): boolean {
    const left = this.available() - tokens
    if (tokens > this.burst || (left < 0 && this.hasToWait(-left))) return false
    this.lastMs = this.clock.nowMs()
    this.tokens = left
    return true
  }

  save(): number {
    return this.available()
  }

  restore(tokens: unknown): void {
    if (typeof tokens !== 'number' || !Number.isFinite(tokens)) throw new TypeError('no number of tokens')
    this.tokens = Math.min(this.burst, tokens)
    this.lastMs = this.clock.nowMs()
  }

  /** Less than a nanosecond is no time in Go. */
  private hasToWait(missing: number): boolean {
    return this.perSecond <= 0 || (missing / this.perSecond) * nanosPerSecond >= 1
  }
}
