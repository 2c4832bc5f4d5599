/** Keeps alarms and budgets in a storage extension, so that a restart neither raises them again nor forgets to clear them. */
import { deserialize, serialize } from 'node:v8'
import { type KeyValueStore, storage } from '../../pipeline/capability/storage.ts'
import type { Context } from '../../pipeline/component.ts'
import { checkState, type State } from './state.ts'

const key = 'alarms'

export class Keeping {
  readonly #context: Context
  readonly #extension: string
  readonly #state: () => State
  #store: KeyValueStore | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(extension: string, context: Context, state: () => State) {
    this.#extension = extension
    this.#context = context
    this.#state = state
  }

  /** What was stored; undefined where there is nothing, or nothing that can be read. */
  async open(): Promise<State | undefined> {
    const { kind, id } = this.#context
    this.#store = await this.#find().keyValue({ kind, id, name: 'state' })
    const bytes = this.#store.get(key)
    if (bytes === undefined) return undefined
    try {
      return checkState(deserialize(bytes))
    } catch (error) {
      this.#context.logger.warn('Stored alarms could not be read; active ones may be raised again.', { error })
      return undefined
    }
  }

  /** Resolves when it is written, or could not be: that is said, and tried again at the next call. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#store?.set(key, serialize(this.#state()))
      } catch (error) {
        this.#context.logger.warn('Alarms could not be stored; it is tried again.', { error })
      }
    })
    return this.#writing
  }

  async close(): Promise<void> {
    if (this.#store === undefined) return
    await this.write()
    await this.#store.close()
    this.#store = undefined
  }

  #find() {
    try {
      return this.#context.extension(storage, this.#extension)
    } catch (cause) {
      throw new Error(
        `no storage extension "${this.#extension}": add one like file_storage to extensions and to service::extensions`,
        { cause },
      )
    }
  }
}
