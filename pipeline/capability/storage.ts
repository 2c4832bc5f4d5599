/** What a storage extension offers: state and queues that survive the process. */
import type { Kind } from '../component.ts'
import { type Capability, capability } from './capability.ts'

/** Whose data it is: two owners that differ in anything never see each other's. */
export interface StorageOwner {
  readonly kind: Kind
  /** The component's id as in the YAML. */
  readonly id: string
  /** Tells apart what one component keeps: the signal of its queue, most often. */
  readonly name: string
}

export interface Storage {
  /** Rejects while the same store is open already. */
  keyValue(owner: StorageOwner): Promise<KeyValueStore>
  /** Rejects while the same journal is open already. */
  journal(owner: StorageOwner, options?: JournalOptions): Promise<Journal>
}
export const storage: Capability<Storage> = capability('storage')

/** Small state: offsets, checkpoints. All of it lies in memory too, so its size is bounded. */
export interface KeyValueStore {
  get(key: string): Uint8Array | undefined
  keys(): Iterable<string>
  /** Resolves when it is written. */
  set(key: string, value: Uint8Array): Promise<void>
  delete(key: string): Promise<void>
  close(): Promise<void>
}

export interface JournalOptions {
  /** Records that were in the journal and cannot be read any more; they no longer count in `size`. */
  readonly onLoss?: (loss: JournalSize) => void
}
export interface JournalSize {
  readonly records: number
  readonly items: number
  /** Of the chunks; what the journal adds does not count. */
  readonly bytes: number
}
export interface JournalRecord {
  /** What the owner counts, so that a loss can be told in its unit. */
  readonly items: number
  /** What the owner wants to know of the chunks. */
  readonly meta: Uint8Array
  readonly chunks: readonly Uint8Array[]
}
/** A record that lies in the journal. */
export interface JournalEntry {
  readonly items: number
  readonly bytes: number
}
export interface StoredRecord {
  readonly entry: JournalEntry
  /** How often it was taken before, by processes that ended without acknowledging it. */
  readonly attempts: number
  /** How many processes ended between its `begin` and its `ended`, since the last `ended`. */
  readonly crashes: number
  readonly meta: Uint8Array
  /** The chunks, one behind the other. */
  readonly body: Uint8Array
}

/**
 * A queue on disk: records are appended at its end, taken from its head in order, and acknowledged in any order. What was not acknowledged is
 * there again after a restart, what was acknowledged shortly before a crash may be.
 */
export interface Journal {
  /** What is not acknowledged. */
  readonly size: JournalSize
  /** Records that nobody has taken since it was opened. */
  readonly unread: number
  /** Records that were taken and not acknowledged when it was closed or its process ended. */
  readonly returned: number
  /** Resolves when it is written (synced, where the storage is set so), in call order. Rejects when it is not; nothing of it is left then. */
  append(record: JournalRecord): Promise<JournalEntry>
  /** Takes what was just appended without reading it. False when older records come first. */
  take(entry: JournalEntry): boolean
  /** Takes the oldest record; undefined when there is none. One call at a time. */
  next(): Promise<StoredRecord | undefined>
  acknowledge(entry: JournalEntry): void
  /** Notes that the process may end of what now begins with these records. Resolves when that is noted, or cannot be. */
  begin(entries: readonly JournalEntry[]): Promise<void>
  /** The process has survived what began with this record. */
  ended(entry: JournalEntry): void
  /** Puts the bytes of a record that must not be taken again where a person finds them, and acknowledges it. Resolves with the place. */
  setAside(record: StoredRecord): Promise<string>
  /** Writes what is left to write. Resolves when another may open it. */
  close(): Promise<void>
}
