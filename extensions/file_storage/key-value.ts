import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { KeyValueStore } from '../../pipeline/capability/storage.ts'
import { GroupCommit } from './group-commit.ts'
import type { JournalEvents } from './journal.ts'
import { encodeRecord, formatVersion, headerBytes, newSalt, readSegmentHeader, segmentHeader } from './record.ts'
import { RecordReader, readFully } from './record-reader.ts'
import { NewerFormatError } from './segment.ts'
import { syncFolder } from './sync-folder.ts'

interface Change {
  readonly key: string
  /** Undefined = deleted. */
  readonly value: Uint8Array | undefined
}

const maxKeyBytes = 4 * 1024
/** All of it lies in memory. */
const maxBytes = 64 * 1024 * 1024
/** A file is written anew when it is larger than this and mostly out of date. */
const minCompactBytes = 256 * 1024

/** A map in a file of changes, each a record as in the journal: meta is the key, `items` 1 sets and 0 deletes. */
export class FileKeyValueStore implements KeyValueStore {
  readonly #path: string
  readonly #fsync: boolean
  readonly #events: JournalEvents
  readonly #onClose: () => void
  readonly #values = new Map<string, Uint8Array>()
  #liveBytes = 0
  #file: FileHandle | undefined
  #salt = 0
  #end = 0
  readonly #changes = new GroupCommit<Change, undefined>({
    write: (group) => this.#writeGroup(group),
    bytesOf: ({ key, value }) => key.length + (value?.length ?? 0),
    onFailure: (error) => this.#events.writeFailed(error),
  })
  #isClosed = false

  static async open(path: string, fsync: boolean, events: JournalEvents, onClose: () => void = () => {}) {
    const store = new FileKeyValueStore(path, fsync, events, onClose)
    await store.#recover()
    return store
  }

  private constructor(path: string, fsync: boolean, events: JournalEvents, onClose: () => void) {
    this.#path = path
    this.#fsync = fsync
    this.#events = events
    this.#onClose = onClose
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key)
  }

  keys(): Iterable<string> {
    return this.#values.keys()
  }

  set(key: string, value: Uint8Array): Promise<void> {
    if (Buffer.byteLength(key) > maxKeyBytes) return Promise.reject(new Error(`a key may have ${maxKeyBytes} bytes`))
    if (this.#liveBytes + key.length + value.length > maxBytes) {
      return Promise.reject(new Error(`the store is full: it takes ${maxBytes} bytes in all`))
    }
    // The caller may use its buffer again.
    return this.#change(key, value.slice())
  }

  delete(key: string): Promise<void> {
    return this.#change(key, undefined)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#changes.idle()
    await this.#file?.close()
    this.#onClose()
  }

  async #change(key: string, value: Uint8Array | undefined): Promise<void> {
    if (this.#isClosed) throw new Error('the storage is closed')
    await this.#changes.add({ key, value })
  }

  async #writeGroup(group: readonly Change[]): Promise<undefined[]> {
    await this.#write(group)
    for (const { key, value } of group) this.#apply(key, value)
    if (this.#end > minCompactBytes && this.#end > 4 * this.#liveBytes) {
      // What was written is safe in the old file too.
      await this.#compact().catch((error: unknown) => this.#events.failed('write a store anew', error))
    }
    return group.map(() => undefined)
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const file = this.#file
    if (file === undefined) throw new Error('the store has no file')
    const bytes = Buffer.concat(changes.flatMap(({ key, value }) => encode(this.#salt, key, value)))
    try {
      await writeFully(file, bytes, this.#end)
      if (this.#fsync) await file.datasync()
    } catch (error) {
      await file.truncate(this.#end).catch(() => {})
      throw error
    }
    this.#end += bytes.length
  }

  #apply(key: string, value: Uint8Array | undefined): void {
    const before = this.#values.get(key)
    if (before !== undefined) this.#liveBytes -= key.length + before.length
    if (value === undefined) this.#values.delete(key)
    else {
      this.#values.set(key, value)
      this.#liveBytes += key.length + value.length
    }
  }

  async #recover(): Promise<void> {
    const file = await openIfThere(this.#path)
    if (file === undefined) return this.#compact()
    const isWhole = await this.#readAll(file)
    if (isWhole) this.#file = file
    else {
      await file.close()
      await rename(this.#path, `${this.#path}.corrupt`)
      this.#events.damaged(this.#path, { records: 1, items: 0, bytes: 0 })
      await this.#compact()
    }
  }

  /** False when something in its middle cannot be read. */
  async #readAll(file: FileHandle): Promise<boolean> {
    const { size } = await file.stat()
    const head = Buffer.alloc(headerBytes)
    const header = readSegmentHeader(head.subarray(0, await readFully(file, head, 0)))
    if (header !== undefined && header.version > formatVersion) {
      await file.close()
      throw new NewerFormatError(this.#path, header.version)
    }
    const reader = new RecordReader(file, header?.salt)
    let isWhole = header !== undefined
    let isBroken = false
    this.#end = headerBytes
    for (let found = await reader.next(size); found !== undefined; found = await reader.next(size)) {
      if (found.kind !== 'record') {
        isBroken = true
        continue
      }
      if (isBroken) isWhole = false
      const key = Buffer.from(found.meta).toString('utf8')
      this.#apply(key, found.header.items === 0 ? undefined : found.body.slice())
      this.#end = reader.offset
    }
    this.#salt = header?.salt ?? 0
    if (isWhole && this.#end < size) {
      await file.truncate(this.#end)
      this.#events.tornTail(this.#path)
    }
    return isWhole
  }

  /** Writes what is valid into a new file and puts it in the place of the old one. */
  async #compact(): Promise<void> {
    const salt = newSalt()
    const path = `${this.#path}.new`
    const file = await open(path, 'w+', 0o600)
    try {
      const parts: Uint8Array[] = [segmentHeader(salt, 0)]
      for (const [key, value] of this.#values) parts.push(...encode(salt, key, value))
      const bytes = Buffer.concat(parts)
      await writeFully(file, bytes, 0)
      await file.datasync()
      await rename(path, this.#path)
      if (this.#fsync) await syncFolder(dirname(this.#path))
      await this.#file?.close()
      this.#file = file
      this.#salt = salt
      this.#end = bytes.length
    } catch (error) {
      await file.close()
      throw error
    }
  }
}

function encode(salt: number, key: string, value: Uint8Array | undefined): Uint8Array[] {
  const chunks = value === undefined ? [] : [value]
  return encodeRecord(salt, { items: value === undefined ? 0 : 1, meta: Buffer.from(key), chunks }).buffers
}

async function writeFully(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let at = 0
  while (at < bytes.length) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, offset + at)
    if (bytesWritten === 0) throw new Error('the file system takes no more bytes')
    at += bytesWritten
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
