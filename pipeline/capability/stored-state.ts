/** What a component keeps in a storage extension, so that a restart goes on where it was. */
import type { Context } from '../component.ts'
import { type KeyValueStore, type Storage, storage } from './storage.ts'

/** The storage of a setting that names an extension. Throws with the cure when no such extension runs. */
export function storageOf(context: Pick<Context, 'extension'>, extension: string): Storage {
  try {
    return context.extension(storage, extension)
  } catch (cause) {
    throw new Error(
      `no storage extension "${extension}": add one like file_storage to extensions and to service::extensions`,
      { cause },
    )
  }
}

interface Place {
  readonly extension: string
  /** Tells apart what one component keeps. */
  readonly name: string
  readonly key: string
  /** For the log: `templates`, of which `otherwise` says what becomes when they cannot be read: `they are learned anew`. */
  readonly what: string
  readonly otherwise: string
}

/** One state under one key. */
export class StoredState {
  private readonly context: Context
  private readonly place: Place
  private store: KeyValueStore | undefined
  private writing: Promise<unknown> = Promise.resolve()

  constructor(context: Context, place: Place) {
    this.context = context
    this.place = place
  }

  /** `restore` gets what was stored; without it a predecessor handed on what is newer. What cannot be read costs what was kept, never the start. */
  async open(restore?: (bytes: Uint8Array) => void): Promise<void> {
    const { extension, name, key, what, otherwise } = this.place
    const { kind, id } = this.context
    this.store = await storageOf(this.context, extension).keyValue({ kind, id, name })
    const bytes = restore && this.store.get(key)
    if (bytes === undefined) return
    try {
      restore?.(bytes)
    } catch (error) {
      this.context.logger.warn(`The stored ${what} could not be read; ${otherwise}.`, { error })
    }
  }

  /** Never rejects; false when it could not be written. One write after the other: `state` is asked for when it is its turn. */
  write(state: () => Uint8Array): Promise<boolean> {
    const written = this.writing.then(async () => {
      if (this.store === undefined) return false
      try {
        await this.store.set(this.place.key, state())
        return true
      } catch (error) {
        this.context.logger.warn(`The ${this.place.what} could not be stored; it is tried again.`, { error })
        return false
      }
    })
    this.writing = written
    return written
  }

  /** After what is being written. */
  async close(): Promise<void> {
    await this.writing
    await this.store?.close()
    this.store = undefined
  }
}
