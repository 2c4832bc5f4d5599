/** Keeps what was learned in a storage extension, in pieces, the most important entities first, so that a restart is no cold start. */
import { deserialize, serialize } from 'node:v8'
import { type KeyValueStore, storage } from '../../pipeline/capability/storage.ts'
import type { Context } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { Config } from './config.ts'
import { byImportance, type Entities } from './entities.ts'
import { type ClassState, type MemberState, restoreClass, restoreMember, saveClasses, saveMember } from './state.ts'

/** Entities of a piece: a write of about a megabyte. */
const pieceMembers = 64
const classKey = 'class '
const pieceKey = 'entities '

export class Keeping {
  readonly #context: Context
  readonly #settings: Config
  readonly #entities: Entities
  readonly #extension: string
  #store: KeyValueStore | undefined
  #stopTimer: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Bytes of the last checkpoint. */
  bytes = 0
  /** Entities that had no room in it. */
  leftOut = 0

  constructor(extension: string, settings: Config, context: Context, entities: Entities) {
    this.#context = context
    this.#settings = settings
    this.#entities = entities
    this.#extension = extension
  }

  /** `isRestored`: a predecessor handed on what it knew, which is newer than the store. */
  async start(isRestored: boolean): Promise<void> {
    const { id, pipeline = '', clock } = this.#context
    this.#store = await this.#find().keyValue({ kind: 'processor', id, name: `${pipeline} baselines`.trim() })
    if (!isRestored) await this.#load(this.#store)
    this.#stopTimer = clock.every(this.#settings.checkpoint_interval, () => this.write())
  }

  /** `isHandedOn`: a successor has all of it and writes it. */
  async shutdown(isHandedOn: boolean): Promise<void> {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    if (!isHandedOn) await this.write()
    await this.#writing
    await this.#store?.close()
    this.#store = undefined
  }

  /** Writes all of it, a piece at a time. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#checkpoint())
    return this.#writing
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

  /** What cannot be read costs what was learned, never the start. */
  async #load(store: KeyValueStore): Promise<void> {
    const slices = new Slices(this.#context.clock)
    const keys = [...store.keys()].sort()
    for (const key of keys) {
      const bytes = store.get(key)
      if (bytes === undefined) continue
      try {
        if (key.startsWith(classKey)) restoreClass(deserialize(bytes) as ClassState, this.#entities)
        else if (key.startsWith(pieceKey))
          for (const one of deserialize(bytes) as readonly MemberState[]) restoreMember(one, this.#entities)
      } catch (error) {
        this.#context.logger.warn('A part of what was learned could not be read; it is learned anew.', { key, error })
      }
      if (slices.isOver) await slices.pause()
    }
  }

  async #checkpoint(): Promise<void> {
    const store = this.#store
    if (store === undefined) return
    const slices = new Slices(this.#context.clock)
    const written = new Set<string>()
    let bytes = 0
    const set = async (key: string, value: Uint8Array) => {
      written.add(key)
      bytes += value.length
      await store.set(key, value)
      if (slices.isOver) await slices.pause()
    }
    try {
      for (const one of saveClasses(this.#entities)) await set(classKey + one.kind, serialize(one))
      const members = [...this.#entities.all()].sort(byImportance)
      let at = 0
      for (; at < members.length && bytes < this.#settings.checkpoint_limit; at += pieceMembers) {
        const piece = members.slice(at, at + pieceMembers).filter(({ slot }) => slot >= 0)
        await set(`${pieceKey}${String(at).padStart(9, '0')}`, serialize(piece.map(saveMember)))
      }
      const stale = [...store.keys()].filter((key) => !written.has(key))
      for (const key of stale) await store.delete(key)
      this.bytes = bytes
      this.leftOut = Math.max(0, members.length - at)
    } catch (error) {
      this.#context.logger.warn('What was learned could not be stored; it is tried again.', { error })
    }
  }
}
