/** zap's sampler: of each level and message, the first `initial` lines of a `tick`, then each `thereafter`-th. */
import type { LogSettings } from './settings.ts'

/** As many as zap has: messages that share a counter are sampled together. */
const countersPerLevel = 4_096
/** A message is told from others by its length and this much of its start. */
const hashedChars = 512

export class LogSampler {
  private readonly settings: LogSettings['sampling']
  private readonly counts: Float64Array
  private readonly resetAt: Float64Array

  constructor(settings: LogSettings['sampling'], levels: number) {
    this.settings = settings
    this.counts = new Float64Array(settings.enabled ? levels * countersPerLevel : 0)
    this.resetAt = new Float64Array(this.counts.length)
  }

  passes(level: number, message: string, nowMs: number): boolean {
    const { enabled, tick, initial, thereafter } = this.settings
    if (!enabled) return true
    const at = level * countersPerLevel + (hash(message) % countersPerLevel)
    // A clock that went back far must not hold the line back for as long.
    if (nowMs >= this.resetAt[at]! || this.resetAt[at]! - nowMs > tick) {
      this.counts[at] = 0
      this.resetAt[at] = nowMs + tick
    }
    const count = (this.counts[at] = this.counts[at]! + 1)
    return count <= initial || (thereafter > 0 && (count - initial) % thereafter === 0)
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 2_166_136_261 ^ text.length
  const end = Math.min(text.length, hashedChars)
  for (let i = 0; i < end; i++) state = Math.imul(state ^ text.charCodeAt(i), 16_777_619)
  return state >>> 0
}
