import type { Segment } from './segment.ts'

const delayMs = 5

/** Writes the marks of all segments a moment after the first, so that a write carries many. */
export class AckFlusher {
  readonly #segments: () => readonly Segment[]
  readonly #onFailure: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()
  #isFailing = false

  constructor(segments: () => readonly Segment[], onFailure: (error: unknown) => void) {
    this.#segments = segments
    this.#onFailure = onFailure
  }

  schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#flushing = this.#flushing.then(() => this.#flush())
    }, delayMs)
  }

  /** Resolves when what is buffered is written, or cannot be. */
  now(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flush())
    return this.#flushing
  }

  /** Resolves when no flush is under way. */
  idle(): Promise<void> {
    return this.#flushing
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#flushing
    await this.#flush()
  }

  async #flush(): Promise<void> {
    for (const { acks } of this.#segments().slice()) {
      if (!acks.hasBuffered) continue
      try {
        await acks.flush()
        this.#isFailing = false
      } catch (error) {
        if (!this.#isFailing) this.#onFailure(error)
        this.#isFailing = true
      }
    }
  }
}
