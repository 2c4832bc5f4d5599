import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  Journal,
  JournalOptions,
  KeyValueStore,
  Storage,
  StorageOwner,
} from '../../pipeline/capability/storage.ts'
import type { Clock } from '../../pipeline/component.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import type { Meter } from '../../pipeline/telemetry/meter.ts'
import { newEvents } from './events.ts'
import { FileJournal, type JournalEvents, type JournalSettings } from './journal.ts'
import { FileKeyValueStore } from './key-value.ts'
import { journalName, ownerOf, storeName } from './names.ts'
import { pendingOf, segmentSuffix } from './segment.ts'

export interface FileStorageOptions extends JournalSettings {
  readonly directory: string
  /** What cannot be opened is set aside, and an empty one takes its place. */
  readonly recreate: boolean
  readonly logger: Logger
  readonly meter: Meter
  readonly clock: Clock
}

/** What is open in this process, by path: two writers would destroy each other's work. */
const open = new Set<string>()

export class FileStorage implements Storage {
  readonly #options: FileStorageOptions
  readonly #events: JournalEvents

  constructor(options: FileStorageOptions) {
    this.#options = options
    this.#events = newEvents(options)
  }

  async journal(owner: StorageOwner, options: JournalOptions = {}): Promise<Journal> {
    const path = join(this.#options.directory, journalName(owner))
    return this.#open(path, (onClose) => FileJournal.open(path, this.#options, this.#events, options, onClose))
  }

  async keyValue(owner: StorageOwner): Promise<KeyValueStore> {
    const path = join(this.#options.directory, storeName(owner))
    return this.#open(path, (onClose) => FileKeyValueStore.open(path, this.#options.fsync, this.#events, onClose))
  }

  /** Queues that hold something and that nobody has opened. */
  async orphans(): Promise<readonly Orphan[]> {
    const orphans: Orphan[] = []
    for (const found of await readdir(this.#options.directory, { withFileTypes: true })) {
      const owner = ownerOf(found.name)
      const path = join(this.#options.directory, found.name)
      if (owner === undefined || !found.isDirectory() || open.has(path)) continue
      const sum = { records: 0, items: 0, bytes: 0 }
      for (const file of await readdir(path)) {
        if (!file.endsWith(segmentSuffix)) continue
        const { records, items, bytes } = await pendingOf(join(path, file))
        sum.records += records
        sum.items += items
        sum.bytes += bytes
      }
      if (sum.records > 0) orphans.push({ ...owner, ...sum, path })
    }
    return orphans
  }

  async #open<T>(path: string, make: (onClose: () => void) => Promise<T>): Promise<T> {
    if (open.has(path)) throw new Error(`${path} is open already: two components have the same id and storage`)
    open.add(path)
    const onClose = () => void open.delete(path)
    try {
      return await make(onClose).catch((error: unknown) => {
        if (!this.#options.recreate) throw error
        return this.#setAside(path, error).then(() => make(onClose))
      })
    } catch (error) {
      onClose()
      throw error
    }
  }

  async #setAside(path: string, error: unknown): Promise<void> {
    const aside = `${path}.backup`
    await rename(path, aside)
    const message = 'A queue or store that could not be opened was set aside, and an empty one made.'
    this.#options.logger.error(message, { path: aside, error })
  }
}

interface Orphan extends StorageOwner {
  readonly path: string
  readonly records: number
  readonly items: number
  readonly bytes: number
}
