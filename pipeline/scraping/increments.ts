/** What counters of many things grew by since they were read last. */
import { z } from 'zod'

const saved = z.object({ version: z.literal(1), counters: z.array(z.tuple([z.string(), z.array(z.number())])) })

export class Increments {
  readonly #limit: number
  readonly #counters = new Map<string, readonly number[]>()

  /** Of more than `limit` things those are forgotten that were not read for the longest time; they begin anew. */
  constructor(limit: number) {
    this.#limit = Math.max(1, limit)
  }

  /** All of it the first time, as upstream: a thing that was not there before began at zero. A counter that fell was reset, and counts from zero. */
  of(key: string, values: readonly number[]): number[] {
    const before = this.#counters.get(key)
    this.#counters.delete(key)
    if (this.#counters.size >= this.#limit) this.#counters.delete(this.#counters.keys().next().value!)
    this.#counters.set(key, values)
    if (before === undefined) return [...values]
    return values.map((value, i) => (value >= (before[i] ?? 0) ? value - (before[i] ?? 0) : value))
  }

  /** Whether it was read before. */
  has(key: string): boolean {
    return this.#counters.has(key)
  }

  save(): Uint8Array {
    return Buffer.from(JSON.stringify({ version: 1, counters: [...this.#counters] }))
  }

  /** Throws when it is of another version or broken. */
  restore(state: Uint8Array): void {
    const { counters } = saved.parse(JSON.parse(Buffer.from(state).toString('utf8')))
    for (const [key, values] of counters.slice(-this.#limit)) this.#counters.set(key, values)
  }
}
