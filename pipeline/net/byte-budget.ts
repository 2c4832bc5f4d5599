/** How many bytes of requests a server holds at once, over all its connections. What does not fit is refused, and may be sent again. */
export class ByteBudget {
  readonly #limit: number
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** False = no room; nothing was taken. A lone request always fits, so that a limit can never stop all traffic. */
  take(bytes: number): boolean {
    if (this.#used > 0 && this.#used + bytes > this.#limit) return false
    this.#used += bytes
    return true
  }

  give(bytes: number): void {
    this.#used -= bytes
  }
}

/** What a server holds unless its maker says otherwise. */
export const defaultInFlightBytes = 256 * 1_024 * 1_024
