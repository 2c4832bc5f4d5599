/** The most recently used values, each for a time. */
export class ExpiringCache<V> {
  readonly #limit: number
  readonly #ttlMs: number
  readonly #nowMs: () => number
  readonly #entries = new Map<string, { readonly value: V; readonly untilMs: number }>()

  /** A limit below 1 is 1; `ttlMs` 0 = for ever, as upstream's caches. */
  constructor(limit: number, ttlMs: number, nowMs: () => number) {
    this.#limit = Math.max(1, limit)
    this.#ttlMs = ttlMs
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (entry.untilMs <= this.#nowMs()) return undefined
    this.#entries.set(key, entry)
    return entry.value
  }

  /** When full, the least recently used one goes. */
  set(key: string, value: V): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#limit) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(key, { value, untilMs: this.#ttlMs > 0 ? this.#nowMs() + this.#ttlMs : Infinity })
  }
}
