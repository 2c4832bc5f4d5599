/** Keeps what was learned in a storage extension, in pieces, the most important entities first, so that a restart is no cold start. */
import { deserialize, serialize } from 'node:v8'
import type { KeyValueStore } from '../../pipeline/capability/storage.ts'
import { storageOf } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { Config } from './config.ts'
import { byImportance, type Entities } from './entities.ts'
import type { Senders } from './senders.ts'
import { type ClassState, type MemberState, restoreClass, restoreMember, saveClasses, saveMember } from './state.ts'

/** Entities of a piece: a write of about a megabyte. */
const pieceMembers = 64
const classKey = 'class '
const pieceKey = 'entities '

export class Keeping {
  readonly #context: Context
  readonly #settings: Config
  readonly #entities: Entities
  readonly #senders: Senders
  readonly #extension: string
  #store: KeyValueStore | undefined
  #stopTimer: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Bytes of the last checkpoint. */
  bytes = 0
  /** Entities that had no room in it. */
  leftOut = 0

  constructor(extension: string, settings: Config, context: Context, entities: Entities, senders: Senders) {
    this.#context = context
    this.#settings = settings
    this.#entities = entities
    this.#senders = senders
    this.#extension = extension
  }

  /** `isRestored`: a predecessor handed on what it knew, which is newer than the store. */
  async start(isRestored: boolean): Promise<void> {
    const { id, pipeline = '', clock } = this.#context
    this.#store = await storageOf(this.#context, this.#extension).keyValue({
      kind: 'processor',
      id,
      name: `${pipeline} baselines`.trim(),
    })
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

  /** What cannot be read costs what was learned, never the start. */
  async #load(store: KeyValueStore): Promise<void> {
    const slices = new Slices(this.#context.clock)
    const failed: { readonly key: string; readonly error: unknown }[] = []
    const refused = new Set<string>()
    let leftOut = 0
    const attempt = (key: string, restore: () => void): boolean => {
      try {
        restore()
        return true
      } catch (error) {
        failed.push({ key, error })
        return false
      }
    }
    // Classes come before entities: what was learned of other columns is of no use to either.
    for (const key of [...store.keys()].sort()) {
      const bytes = store.get(key)
      if (bytes === undefined) continue
      if (key.startsWith(classKey)) {
        if (!attempt(key, () => restoreClass(deserialize(bytes) as ClassState, this.#entities)))
          refused.add(key.slice(classKey.length))
      } else if (key.startsWith(pieceKey)) {
        let members: readonly MemberState[] = []
        attempt(key, () => {
          members = deserialize(bytes) as readonly MemberState[]
        })
        for (const one of members) {
          const isRead =
            !refused.has(one.entity.kind) && attempt(key, () => restoreMember(one, this.#entities, this.#senders))
          if (!isRead) leftOut++
        }
      }
      if (slices.isOver) await slices.pause()
    }
    if (failed.length > 0)
      this.#context.logger.warn(
        'A part of what was learned could not be read, as after a change of what is judged; it is learned anew.',
        { entities: leftOut, parts: failed.length, ...failed[0] },
      )
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
