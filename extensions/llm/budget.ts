/** Calls and tokens within any hour and any 24 hours. As many entries as calls a day. */
import type { Config } from './config.ts'

export interface Spent {
  readonly atMs: number
  tokens: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export class Budget {
  readonly #limits: Config['budget']
  #spent: Spent[] = []

  constructor(limits: Config['budget']) {
    this.#limits = limits
  }

  /** Sets aside what a call may cost at most; undefined where it is not left. */
  reserve(nowMs: number, tokens: number): Spent | undefined {
    this.#spent = this.#spent.filter(({ atMs }) => atMs > nowMs - dayMs)
    const { calls_per_hour, calls_per_day, tokens_per_hour, tokens_per_day } = this.#limits
    const hour = sum(this.#spent.filter(({ atMs }) => atMs > nowMs - hourMs))
    const day = sum(this.#spent)
    if (hour.calls >= calls_per_hour || day.calls >= calls_per_day) return undefined
    if (hour.tokens + tokens > tokens_per_hour || day.tokens + tokens > tokens_per_day) return undefined
    const spent = { atMs: nowMs, tokens }
    this.#spent.push(spent)
    return spent
  }

  save(): readonly Spent[] {
    return this.#spent
  }

  restore(spent: readonly Spent[]): void {
    this.#spent = spent.slice(-this.#limits.calls_per_day)
  }
}

function sum(all: readonly Spent[]): { calls: number; tokens: number } {
  return { calls: all.length, tokens: all.reduce((total, { tokens }) => total + tokens, 0) }
}
