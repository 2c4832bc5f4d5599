interface Waiting<T, R> {
  readonly item: T
  readonly resolve: (result: R) => void
  readonly reject: (error: Error) => void
}

export interface GroupCommitOptions<T, R> {
  /** Writes all of them or none. The results are in the order of the items. */
  readonly write: (group: readonly T[]) => Promise<readonly R[]>
  readonly bytesOf: (item: T) => number
  readonly onFailure: (error: Error) => void
}

/** One group is one write, and one sync. */
const maxGroupBytes = 8 * 1024 * 1024
const maxGroupItems = 512

/** What arrives while a write is under way goes into the next one, so that many small writes cost as much as a few. In order. */
export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>
  #waiting: Waiting<T, R>[] = []
  #writing: Promise<void> | undefined

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options
  }

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      // What else comes in this turn goes into the same group.
      this.#writing ??= Promise.resolve().then(() => this.#writeAll())
    })
  }

  /** Resolves when everything that was added is written or refused. */
  async idle(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      try {
        const results = await this.#options.write(group.map(({ item }) => item))
        for (const [i, { resolve }] of group.entries()) resolve(results[i]!)
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error))
        this.#options.onFailure(failure)
        for (const { reject } of group) reject(failure)
      }
    }
    this.#writing = undefined
  }

  #takeGroup(): readonly Waiting<T, R>[] {
    let bytes = 0
    let count = 0
    for (const { item } of this.#waiting) {
      bytes += this.#options.bytesOf(item)
      if (count > 0 && bytes > maxGroupBytes) break
      if (++count === maxGroupItems) break
    }
    const group = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    return group
  }
}
