/** Keeps incidents in a storage extension, so that a restart opens none twice and forgets none. */
import { deserialize, serialize } from 'node:v8'
import { StoredState } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Books } from './books.ts'
import { checkState } from './state.ts'

export class Keeping {
  readonly #books: Books
  readonly #stored: StoredState
  #isOpen = false
  #next: Promise<unknown> | undefined

  constructor(extension: string, context: Context, books: Books) {
    this.#books = books
    this.#stored = new StoredState(context, {
      extension,
      name: 'state',
      key: 'incidents',
      what: 'incidents',
      otherwise: 'open ones may be told again',
    })
  }

  /** `isRestored`: a predecessor handed on what is newer than the store. */
  async open(isRestored: boolean): Promise<void> {
    const restore = (bytes: Uint8Array) => this.#books.restore(checkState(deserialize(bytes)))
    await this.#stored.open(isRestored ? undefined : restore)
    this.#isOpen = true
  }

  /** Never rejects: what could not be written is said, and tried again at the next call. Calls that wait for the same turn are one. */
  async write(): Promise<void> {
    this.#next ??= this.#stored.write(() => {
      this.#next = undefined
      return serialize(this.#books.save())
    })
    await this.#next
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.write()
    await this.#stored.close()
  }
}
