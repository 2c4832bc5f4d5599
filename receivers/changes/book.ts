/** Which changes were told, so that a redelivery is no second one. */
import { z } from 'zod'

const savedSchema = z.array(z.tuple([z.string(), z.number()]))

export class Book {
  readonly #max: number
  /** When it was told, ms since 1970, by what makes a change this one; the oldest first. */
  readonly #told = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#told.size
  }

  toldAt(key: string): number | undefined {
    return this.#told.get(key)
  }

  put(key: string, nowMs: number): void {
    this.#told.delete(key)
    this.#told.set(key, nowMs)
    while (this.#told.size > this.#max) this.#told.delete(this.#told.keys().next().value as string)
  }

  save(): Uint8Array {
    return Buffer.from(JSON.stringify([...this.#told]))
  }

  /** Throws for what `save` did not write. */
  restore(state: Uint8Array): void {
    for (const [key, atMs] of savedSchema.parse(JSON.parse(Buffer.from(state).toString('utf8')))) this.put(key, atMs)
  }
}
