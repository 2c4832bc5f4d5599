import { Fifo } from './fifo.ts'

interface Waiter {
  readonly units: number
  readonly bytes: number
  readonly admit: () => void
  readonly refuse: (why: Error) => void
}

/** What a queue may hold, in its own unit and in bytes pinned. Whoever waits for room is served in order, so that a large batch is not starved by small ones. */
export class Capacity {
  readonly #maxUnits: number
  readonly #maxBytes: number
  readonly #waiting = new Fifo<Waiter>()
  #units = 0
  #bytes = 0

  /** `maxBytes` 0 = no limit. */
  constructor(maxUnits: number, maxBytes: number) {
    this.#maxUnits = maxUnits
    this.#maxBytes = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes
  }

  get units(): number {
    return this.#units
  }
  get bytes(): number {
    return this.#bytes
  }
  get waiting(): number {
    return this.#waiting.length
  }

  /** Whether it fits when everything else is gone. */
  canEverHold(units: number, bytes: number): boolean {
    return units <= this.#maxUnits && bytes <= this.#maxBytes
  }

  tryTake(units: number, bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(units, bytes)) return false
    this.#take(units, bytes)
    return true
  }

  /** Resolves when the room is taken; rejects when `close` comes first. */
  take(units: number, bytes: number): Promise<void> {
    if (this.tryTake(units, bytes)) return Promise.resolve()
    return new Promise((admit, refuse) => this.#waiting.push({ units, bytes, admit, refuse }))
  }

  /** Takes the room whether it is there or not. */
  force(units: number, bytes: number): void {
    this.#take(units, bytes)
  }

  give(units: number, bytes: number): void {
    this.#units -= units
    this.#bytes -= bytes
    for (let next = this.#waiting.peek(); next && this.#fits(next.units, next.bytes); next = this.#waiting.peek()) {
      this.#waiting.shift()
      this.#take(next.units, next.bytes)
      next.admit()
    }
  }

  /** Refuses whoever waits. */
  close(why: Error): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) next.refuse(why)
  }

  #fits(units: number, bytes: number): boolean {
    return this.#units + units <= this.#maxUnits && this.#bytes + bytes <= this.#maxBytes
  }

  #take(units: number, bytes: number): void {
    this.#units += units
    this.#bytes += bytes
  }
}
