/** Keeps alarms and budgets in a storage extension, so that a restart neither raises them again nor forgets to clear them. */
import { deserialize, serialize } from 'node:v8'
import { StoredState } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'
import { checkState } from './state.ts'
import type { Watches } from './watches.ts'

export class Keeping {
  readonly #watches: Watches
  readonly #stored: StoredState
  #isOpen = false

  constructor(extension: string, context: Context, watches: Watches) {
    this.#watches = watches
    this.#stored = new StoredState(context, {
      extension,
      name: 'state',
      key: 'alarms',
      what: 'alarms',
      otherwise: 'active ones may be raised again',
    })
  }

  /** `isRestored`: a predecessor handed its alarms on, which are newer than those of the store. */
  async open(isRestored: boolean): Promise<void> {
    const restore = (bytes: Uint8Array) => this.#watches.restore(checkState(deserialize(bytes)))
    await this.#stored.open(isRestored ? undefined : restore)
    this.#isOpen = true
  }

  /** Never rejects: what could not be written is said, and tried again at the next call. */
  async write(): Promise<void> {
    await this.#stored.write(() => serialize(this.#watches.save(false)))
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.write()
    await this.#stored.close()
  }
}
