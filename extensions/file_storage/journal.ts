import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  Journal,
  JournalEntry,
  JournalOptions,
  JournalRecord,
  JournalSize,
  StoredRecord,
} from '../../pipeline/capability/storage.ts'
import { AckFlusher } from './ack-flusher.ts'
import { GroupCommit } from './group-commit.ts'
import { encodeRecord } from './record.ts'
import { add, corruptSuffix, Segment, segmentSuffix } from './segment.ts'
import { Source } from './source.ts'
import { syncFolder } from './sync-folder.ts'

export interface JournalSettings {
  /** Each append is on the disk, not only with the kernel, before it resolves. */
  readonly fsync: boolean
  /** A segment that has this size gets no more records. */
  readonly segmentBytes: number
  readonly permissions: number
}
/** What the journal has to say of itself. */
export interface JournalEvents {
  tornTail(file: string): void
  damaged(file: string, lost: JournalSize): void
  writeFailed(error: Error): void
  failed(what: string, error: unknown): void
}

class Entry implements JournalEntry {
  readonly segment: Segment
  readonly offset: number
  readonly size: number
  readonly items: number
  readonly bytes: number
  isAcknowledged = false

  constructor(segment: Segment, offset: number, size: number, items: number, bytes: number) {
    this.segment = segment
    this.offset = offset
    this.size = size
    this.items = items
    this.bytes = bytes
  }
}
/** Larger ones would not fit the numbers of the format, nor any sender. */
const maxRecordBytes = 1024 * 1024 * 1024
/** Damaged segments that are kept for a person to look at; older ones are deleted. */
const maxSetAside = 8
const poisonSuffix = '.poison'

/** The queue on disk in the folder `path`. */
export class FileJournal implements Journal {
  readonly #path: string
  readonly #settings: JournalSettings
  readonly #events: JournalEvents
  readonly #options: JournalOptions
  readonly #onClose: () => void
  /** By age. The last one may be open for writing. */
  readonly #segments: Segment[] = []
  readonly #size = { records: 0, items: 0, bytes: 0 }
  #unread = 0
  #returned = 0
  #nextNumber = 1
  readonly #appends = new GroupCommit<JournalRecord, JournalEntry>({
    write: (group) => this.#writeGroup(group),
    bytesOf,
    onFailure: (error) => this.#events.writeFailed(error),
  })
  readonly #acks = new AckFlusher(
    () => this.#segments,
    (error) => this.#events.failed('note what was sent; after a crash it is sent again', error),
  )
  #source: Source | undefined
  #reading: Promise<StoredRecord | undefined> | undefined
  readonly #removing = new Set<Promise<void>>()
  #isClosed = false

  static async open(
    path: string,
    settings: JournalSettings,
    events: JournalEvents,
    options: JournalOptions = {},
    onClose: () => void = () => {},
  ): Promise<FileJournal> {
    const journal = new FileJournal(path, settings, events, options, onClose)
    await journal.#recover()
    return journal
  }

  private constructor(
    path: string,
    settings: JournalSettings,
    events: JournalEvents,
    options: JournalOptions,
    onClose: () => void,
  ) {
    this.#path = path
    this.#settings = settings
    this.#events = events
    this.#options = options
    this.#onClose = onClose
  }

  get size(): JournalSize {
    return this.#size
  }
  get unread(): number {
    return this.#unread
  }
  get returned(): number {
    return this.#returned
  }

  append(record: JournalRecord): Promise<JournalEntry> {
    if (this.#isClosed) return Promise.reject(new Error('the storage is closed'))
    const bytes = bytesOf(record)
    if (bytes <= maxRecordBytes) return this.#appends.add(record)
    return Promise.reject(new Error(`a record of ${bytes} bytes is larger than the storage takes (${maxRecordBytes})`))
  }

  take(entry: JournalEntry): boolean {
    const { segment, offset, size } = entry as Entry
    if (this.#reading !== undefined || this.#isClosed) return false
    const head = this.#segments.find((one) => one.unread > 0)
    if (head !== segment) return false
    if ((this.#source?.segment === segment ? this.#source.offset : segment.firstOffset) !== offset) return false
    if (this.#source?.segment === segment) this.#source.offset = offset + size
    else segment.firstOffset = offset + size
    this.#giveOut(entry as Entry)
    return true
  }

  async next(): Promise<StoredRecord | undefined> {
    if (this.#reading !== undefined) throw new Error('the journal is read by one reader at a time')
    this.#reading = this.#next()
    try {
      return await this.#reading
    } finally {
      this.#reading = undefined
    }
  }

  acknowledge(entry: JournalEntry): void {
    const own = entry as Entry
    // Once it is closed the files are another's: it sends again what was acknowledged too late.
    if (own.isAcknowledged || this.#isClosed) return
    own.isAcknowledged = true
    const { segment, offset, items, bytes } = own
    add(segment.gone, { records: 1, items, bytes })
    this.#subtract({ records: 1, items, bytes })
    if (segment.isDone) this.#remove(segment)
    else {
      segment.acks.acknowledged(offset, items, bytes)
      this.#acks.schedule()
    }
  }

  async begin(entries: readonly JournalEntry[]): Promise<void> {
    if (this.#isClosed) return
    for (const entry of entries) {
      const { segment, offset } = entry as Entry
      segment.acks.begun(offset)
    }
    await this.#acks.now()
  }

  ended(entry: JournalEntry): void {
    const { segment, offset, isAcknowledged } = entry as Entry
    if (this.#isClosed || isAcknowledged) return
    segment.acks.ended(offset)
    this.#acks.schedule()
  }

  async setAside({ entry, body }: StoredRecord): Promise<string> {
    const { segment, offset } = entry as Entry
    const path = `${segment.path.slice(0, -segmentSuffix.length)}-${offset}${poisonSuffix}`
    await writeFile(path, body, { mode: 0o600 })
    this.acknowledge(entry)
    const names = (await readdir(this.#path)).filter((name) => name.endsWith(poisonSuffix))
    await this.#forgetSetAside(names.sort())
    return path
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#appends.idle()
    await this.#reading?.catch(() => {})
    await this.#source?.close()
    await this.#acks.close()
    for (const segment of this.#segments.slice()) {
      await segment.close()
      if (segment.isDone) this.#remove(segment)
      await segment.acks.close()
    }
    await Promise.all(this.#removing)
    this.#onClose()
  }

  async #recover(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: this.#settings.permissions })
    const names = (await readdir(this.#path)).sort()
    for (const name of names) {
      const number = Number.parseInt(name, 10)
      if (Number.isNaN(number)) continue
      this.#nextNumber = Math.max(this.#nextNumber, number + 1)
      if (name.endsWith('.acks') && !names.includes(name.replace('.acks', segmentSuffix))) {
        await rm(join(this.#path, name), { force: true })
      }
      if (!name.endsWith(segmentSuffix)) continue
      const { segment, isTorn, lost } = await Segment.recover(this.#path, number)
      if (isTorn) this.#events.tornTail(segment.path)
      if (lost.records > 0 || segment.isDamaged) this.#events.damaged(segment.path, lost)
      if (lost.records > 0) this.#options.onLoss?.(lost)
      this.#segments.push(segment)
      add(this.#size, segment.held)
      this.#subtract(segment.gone)
      this.#unread += Math.max(0, segment.unread)
      this.#returned += segment.returned
      if (segment.isDone) this.#remove(segment)
    }
    await Promise.all(this.#removing)
    await this.#forgetSetAside(names.filter((name) => name.endsWith(corruptSuffix)))
  }

  async #forgetSetAside(names: readonly string[]): Promise<void> {
    for (const name of names.slice(0, -maxSetAside)) await rm(join(this.#path, name), { force: true })
  }

  async #writeGroup(group: readonly JournalRecord[]): Promise<readonly Entry[]> {
    return this.#write(group).catch(async (error: unknown) => {
      if (!(await this.#retire())) throw error
      return this.#write(group)
    })
  }

  async #write(group: readonly JournalRecord[]): Promise<readonly Entry[]> {
    const segment = await this.#writable()
    const buffers: Uint8Array[] = []
    const entries: Entry[] = []
    let offset = segment.end
    for (const record of group) {
      const encoded = encodeRecord(segment.salt, record)
      for (const buffer of encoded.buffers) buffers.push(buffer)
      entries.push(new Entry(segment, offset, encoded.size, record.items, encoded.bodyBytes))
      offset += encoded.size
    }
    await segment.append(buffers, offset - segment.end, this.#settings.fsync)
    for (const { items, bytes } of entries) {
      add(segment.held, { records: 1, items, bytes })
      add(this.#size, { records: 1, items, bytes })
      this.#unread++
    }
    return entries
  }

  /** The segment that the next records go to. */
  async #writable(): Promise<Segment> {
    const last = this.#segments.at(-1)
    if (last?.isOpen && last.end < this.#settings.segmentBytes) return last
    await this.#closeSegment(last)
    const segment = await Segment.create(this.#path, this.#nextNumber++)
    if (this.#settings.fsync) await syncFolder(this.#path)
    this.#segments.push(segment)
    return segment
  }

  /** After a failed write: a segment of which all was sent only takes room. Whether there was one. */
  async #retire(): Promise<boolean> {
    const last = this.#segments.at(-1)
    const isEmptied = last !== undefined && last.held.records > 0 && last.gone.records >= last.held.records
    if (last?.isOpen && last.gone.records >= last.held.records) await this.#closeSegment(last)
    await Promise.all(this.#removing)
    return isEmptied
  }

  async #closeSegment(segment: Segment | undefined): Promise<void> {
    if (segment === undefined) return
    await segment.close()
    if (segment.isDone) this.#remove(segment)
  }

  async #next(): Promise<StoredRecord | undefined> {
    while (this.#unread > 0 && !this.#isClosed) {
      const segment = this.#segments.find((one) => one.unread > 0)
      if (segment === undefined) {
        this.#unread = 0
        return undefined
      }
      const source = await this.#sourceOf(segment)
      const found = await source.next()
      if (found === undefined) {
        this.#loseRest(segment)
        continue
      }
      if (found.kind !== 'record') {
        segment.isDamaged = true
        continue
      }
      const attempts = source.attempts(found.offset)
      if (attempts === -1) continue
      const { items, bodyBytes } = found.header
      const entry = new Entry(segment, found.offset, source.offset - found.offset, items, bodyBytes)
      this.#giveOut(entry)
      return { entry, attempts, crashes: source.crashes(found.offset), meta: found.meta, body: found.body }
    }
    return undefined
  }

  async #sourceOf(segment: Segment): Promise<Source> {
    if (this.#source?.segment === segment) return this.#source
    await this.#source?.close()
    this.#source = undefined
    this.#source = await Source.open(segment)
    return this.#source
  }

  #giveOut({ segment, offset, items, bytes }: Entry): void {
    add(segment.read, { records: 1, items, bytes })
    this.#unread--
    segment.acks.taken(offset)
    this.#acks.schedule()
  }

  /** The segment is read to its end, and not everything that was written was found. */
  #loseRest(segment: Segment): void {
    const lost = {
      records: segment.unread,
      items: Math.max(0, segment.held.items - segment.read.items),
      bytes: Math.max(0, segment.held.bytes - segment.read.bytes),
    }
    segment.isDamaged = true
    this.#unread -= lost.records
    add(segment.read, lost)
    add(segment.gone, lost)
    this.#subtract(lost)
    this.#events.damaged(segment.path, lost)
    this.#options.onLoss?.(lost)
    if (segment.isDone) this.#remove(segment)
  }

  #subtract({ records, items, bytes }: JournalSize): void {
    this.#size.records -= records
    this.#size.items -= items
    this.#size.bytes -= bytes
  }

  #remove(segment: Segment): void {
    const at = this.#segments.indexOf(segment)
    if (at === -1) return
    this.#segments.splice(at, 1)
    const removing = this.#removeFiles(segment).finally(() => this.#removing.delete(removing))
    this.#removing.add(removing)
  }

  async #removeFiles(segment: Segment): Promise<void> {
    try {
      if (this.#source?.segment === segment) {
        const source = this.#source
        this.#source = undefined
        await source.close()
      }
      await this.#acks.idle()
      await segment.remove()
    } catch (error) {
      this.#events.failed('delete a part of a queue that was sent', error)
    }
  }
}

function bytesOf({ meta, chunks }: JournalRecord): number {
  let bytes = meta.length
  for (const chunk of chunks) bytes += chunk.length
  return bytes
}
