import { type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

/** One mark: checksum, place of the record, what is marked, items, bytes. */
const markBytes = 20
const taken = 1
const done = 2
/** What a `taken` says more, in the place of its items; a build that does not know it reads one more attempt. */
const begun = 1
const ended = 2
/** Marks that could not be written for so long are given up: their records come again after a crash. */
const maxBufferedMarks = 100_000

export interface Marks {
  /** By the record's offset: how often it was taken, -1 = acknowledged. */
  readonly byOffset: ReadonlyMap<number, number>
  /** By the record's offset: how often it was begun since it last ended. */
  readonly begun: ReadonlyMap<number, number>
  readonly records: number
  readonly items: number
  readonly bytes: number
  /** Records that were taken and not acknowledged. */
  readonly open: number
}

/**
 * Which records of a segment were taken and acknowledged: a file beside it, appended to. A mark that is lost makes a duplicate, never a loss,
 * so nothing waits for it. Each mark's checksum starts from the segment's salt, so it can only mean a record of that segment.
 */
export class AckLog {
  readonly path: string
  readonly #salt: number
  #file: FileHandle | undefined
  #size = 0
  #buffered: Buffer[] = []

  constructor(path: string, salt: number, size = 0) {
    this.path = path
    this.#salt = salt
    // What is left of a torn mark is written over.
    this.#size = size - (size % markBytes)
  }

  get hasBuffered(): boolean {
    return this.#buffered.length > 0
  }

  taken(offset: number): void {
    this.#add(taken, offset, 0, 0)
  }

  /** What was begun and never ended is what a process died of, perhaps. */
  begun(offset: number): void {
    this.#add(taken, offset, begun, 0)
  }

  ended(offset: number): void {
    this.#add(taken, offset, ended, 0)
  }

  acknowledged(offset: number, items: number, bytes: number): void {
    this.#add(done, offset, items, bytes)
  }

  /** One call at a time. Throws what the file system says; the marks are kept for the next call then. */
  async flush(): Promise<void> {
    const marks = this.#buffered
    if (marks.length === 0) return
    this.#buffered = []
    try {
      this.#file ??= await open(this.path, this.#size === 0 ? 'w' : 'r+', 0o600)
      const all = Buffer.concat(marks)
      const { bytesWritten } = await this.#file.write(all, 0, all.length, this.#size)
      if (bytesWritten < all.length) throw new Error(`only ${bytesWritten} of ${all.length} bytes were written`)
      this.#size += all.length
    } catch (error) {
      if (marks.length + this.#buffered.length <= maxBufferedMarks) this.#buffered = marks.concat(this.#buffered)
      throw error
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async remove(): Promise<void> {
    this.#buffered = []
    await this.close()
    await rm(this.path, { force: true })
  }

  #add(what: number, offset: number, items: number, bytes: number): void {
    const mark = Buffer.allocUnsafe(markBytes)
    mark.writeUInt32LE(offset, 4)
    mark.writeUInt32LE(what, 8)
    mark.writeUInt32LE(items, 12)
    mark.writeUInt32LE(bytes, 16)
    mark.writeUInt32LE(crc32(mark.subarray(4), this.#salt), 0)
    this.#buffered.push(mark)
  }
}

/** What is not a whole, intact mark says nothing. */
export async function readMarks(path: string, salt: number): Promise<Marks & { readonly size: number }> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  })
  const byOffset = new Map<number, number>()
  const begunAt = new Map<number, number>()
  let records = 0
  let items = 0
  let sum = 0
  for (let at = 0; at + markBytes <= bytes.length; at += markBytes) {
    if (bytes.readUInt32LE(at) !== crc32(bytes.subarray(at + 4, at + markBytes), salt)) continue
    const offset = bytes.readUInt32LE(at + 4)
    const before = byOffset.get(offset) ?? 0
    if (before === -1) continue
    if (bytes.readUInt32LE(at + 8) === taken) {
      const more = bytes.readUInt32LE(at + 12)
      if (more === begun) begunAt.set(offset, (begunAt.get(offset) ?? 0) + 1)
      else if (more === ended) begunAt.delete(offset)
      else byOffset.set(offset, before + 1)
    } else {
      byOffset.set(offset, -1)
      records++
      items += bytes.readUInt32LE(at + 12)
      sum += bytes.readUInt32LE(at + 16)
    }
  }
  return { byOffset, begun: begunAt, records, items, bytes: sum, open: byOffset.size - records, size: bytes.length }
}
