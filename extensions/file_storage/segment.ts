import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AckLog, readMarks } from './ack-log.ts'
import {
  formatVersion,
  headerBytes,
  newSalt,
  readSegmentHeader,
  readSegmentTrailer,
  segmentHeader,
  segmentTrailer,
  type Totals,
} from './record.ts'
import { RecordReader, readFully } from './record-reader.ts'

/** A file of the journal whose name is `name`: written, read to its end, then deleted. */
export class Segment {
  readonly number: number
  readonly path: string
  readonly salt: number
  readonly acks: AckLog
  /** Where the records end. */
  end: number
  /** Where reading begins. */
  firstOffset = headerBytes
  /** Whether something in it could not be read: it is set aside instead of deleted. */
  isDamaged = false
  /** Whether records are still appended. */
  isOpen: boolean
  readonly held: { records: number; items: number; bytes: number }
  /** Of `held`, what was acknowledged or lost. */
  readonly gone = { records: 0, items: 0, bytes: 0 }
  /** Of `held`, what was given out, acknowledged before the start, or lost. */
  readonly read = { records: 0, items: 0, bytes: 0 }
  /** What an earlier process had taken and not acknowledged. */
  returned = 0
  #writer: FileHandle | undefined

  private constructor(path: string, number: number, salt: number, made: SegmentState) {
    this.number = number
    this.path = path
    this.salt = salt
    this.acks = new AckLog(ackPath(path), salt, made.ackBytes)
    this.end = made.end
    this.held = { ...made.held }
    this.isOpen = made.writer !== undefined
    this.#writer = made.writer
  }

  get isDone(): boolean {
    return !this.isOpen && this.gone.records >= this.held.records
  }
  get unread(): number {
    return this.held.records - this.read.records
  }

  static async create(folder: string, number: number): Promise<Segment> {
    const path = join(folder, segmentName(number))
    const salt = newSalt()
    const writer = await open(path, 'wx', 0o600)
    try {
      const { bytesWritten } = await writer.write(segmentHeader(salt, number), 0, headerBytes, 0)
      if (bytesWritten < headerBytes) throw new Error(`only ${bytesWritten} bytes were written`)
    } catch (error) {
      await writer.close()
      await rm(path, { force: true })
      throw error
    }
    return new Segment(path, number, salt, { held: nothing, end: headerBytes, ackBytes: 0, writer })
  }

  /** What a former process left. Throws `NewerFormatError`. */
  static async recover(folder: string, number: number): Promise<Recovered> {
    const path = join(folder, segmentName(number))
    const file = await open(path, 'r+')
    try {
      const { size } = await file.stat()
      const header = readSegmentHeader(await readAt(file, 0, headerBytes))
      if (header !== undefined && header.version > formatVersion) throw new NewerFormatError(path, header.version)
      const totals = header && (await readTrailer(file, header.salt, size))
      if (header !== undefined && totals !== undefined) {
        const marks = await readMarks(ackPath(path), header.salt)
        const state = { held: totals, end: size - headerBytes, ackBytes: marks.size, writer: undefined }
        const segment = new Segment(path, number, header.salt, state)
        segment.returned = marks.open
        add(segment.gone, marks)
        add(segment.read, marks)
        return { segment, isTorn: false, lost: nothing }
      }
      const found = await scan(file, header?.salt, size)
      const marks = await readMarks(ackPath(path), found.salt)
      await repair(file, number, found, header !== undefined)
      const state = { held: sumOf(found.records), end: found.end, ackBytes: marks.size, writer: undefined }
      const segment = new Segment(path, number, found.salt, state)
      segment.returned = marks.open
      segment.isDamaged =
        found.damaged.length > 0 || (header === undefined && found.records.length === 0 && size > headerBytes)
      const isAcknowledged = ({ offset }: Place) => marks.byOffset.get(offset) === -1
      const done = sumOf(found.records.filter(isAcknowledged))
      add(segment.gone, done)
      add(segment.read, done)
      const lost = sumOf(found.damaged.filter((place) => !isAcknowledged(place)))
      return { segment, isTorn: found.end < size && size > headerBytes, lost }
    } finally {
      await file.close()
    }
  }

  /** All or nothing: what was half written is cut off. Throws what the file system says. */
  async append(buffers: readonly Uint8Array[], bytes: number, isSynced: boolean): Promise<void> {
    const writer = this.#writer
    if (writer === undefined) throw new Error('the segment is closed')
    try {
      const { bytesWritten } = await writer.writev(buffers, this.end)
      // A disk that fills up takes a part and reports the reason only when asked for the rest.
      if (bytesWritten < bytes) await this.#writeRest(writer, buffers, bytesWritten)
      if (isSynced) await writer.datasync()
    } catch (error) {
      await writer.truncate(this.end).catch(() => this.close())
      throw error
    }
    this.end += bytes
  }

  async #writeRest(writer: FileHandle, buffers: readonly Uint8Array[], written: number): Promise<void> {
    const all = Buffer.concat(buffers)
    let at = written
    while (at < all.length) {
      const { bytesWritten } = await writer.write(all, at, all.length - at, this.end + at)
      if (bytesWritten === 0) throw new Error('the file system takes no more bytes')
      at += bytesWritten
    }
  }

  /** No more is appended. Without a trailer, for which there may be no room, the next start reads the records instead. */
  async close(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    this.isOpen = false
    if (writer === undefined) return
    try {
      await writer.write(segmentTrailer(this.salt, this.held), 0, headerBytes, this.end)
    } catch {
      await writer.truncate(this.end).catch(() => {})
    } finally {
      await writer.close()
    }
  }

  reader(): Promise<FileHandle> {
    return open(this.path, 'r')
  }

  /** Deletes it, or sets it aside where something in it was lost. */
  async remove(): Promise<void> {
    await this.close()
    if (this.isDamaged) await rename(this.path, `${this.path.slice(0, -segmentSuffix.length)}${corruptSuffix}`)
    else await rm(this.path, { force: true })
    await this.acks.remove()
  }
}

interface SegmentState {
  readonly held: Totals
  readonly end: number
  readonly ackBytes: number
  readonly writer: FileHandle | undefined
}
interface Recovered {
  readonly segment: Segment
  /** Its end was no whole record and was cut off. */
  readonly isTorn: boolean
  readonly lost: Totals
}
interface Place {
  readonly offset: number
  readonly items: number
  readonly bytes: number
}
interface Scan {
  readonly records: readonly Place[]
  /** What cannot be read, but stands before something that can. */
  readonly damaged: readonly Place[]
  readonly end: number
  readonly salt: number
}
const nothing: Totals = { records: 0, items: 0, bytes: 0 }

export const segmentSuffix = '.segment'
export const corruptSuffix = '.corrupt'

export class NewerFormatError extends Error {
  constructor(path: string, version: number) {
    super(
      `${path} has format ${version} and this build reads up to ${formatVersion}: run the newer version until the queue is empty, ` +
        'or move the file away (it holds data that was not sent)',
    )
  }
}

function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}${segmentSuffix}`
}
function ackPath(path: string): string {
  return `${path.slice(0, -segmentSuffix.length)}.acks`
}

export function add(to: { records: number; items: number; bytes: number }, what: Totals): void {
  to.records += what.records
  to.items += what.items
  to.bytes += what.bytes
}

async function readAt(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes)
  return buffer.subarray(0, await readFully(file, buffer, offset))
}

async function readTrailer(file: FileHandle, salt: number, size: number): Promise<Totals | undefined> {
  if (size < 2 * headerBytes) return undefined
  return readSegmentTrailer(await readAt(file, size - headerBytes, headerBytes), salt)
}

/** Reads every record of a segment that was never closed. Without a salt, that of the first record is believed. */
async function scan(file: FileHandle, salt: number | undefined, size: number): Promise<Scan> {
  const reader = new RecordReader(file, salt)
  const records: Place[] = []
  const damaged: Place[] = []
  let broken: Place[] = []
  let end = headerBytes
  let ownSalt = salt
  for (let found = await reader.next(size); found !== undefined; found = await reader.next(size)) {
    const place = { offset: found.offset, items: 0, bytes: 0 }
    if (found.kind === 'tail') break
    if (found.header !== undefined) {
      place.items = found.header.items
      place.bytes = found.header.bodyBytes
    }
    if (found.kind === 'damage') broken.push(place)
    else {
      ownSalt ??= found.header.salt
      records.push(place)
      damaged.push(...broken)
      broken = []
      end = reader.offset
    }
  }
  return { records, damaged, end, salt: ownSalt ?? newSalt() }
}

/** Cuts off the torn end and closes the segment, so that the next start need not scan it. */
async function repair(file: FileHandle, number: number, found: Scan, hasHeader: boolean): Promise<void> {
  if (!hasHeader && found.records.length === 0) return
  await file.truncate(found.end)
  try {
    if (!hasHeader) await file.write(segmentHeader(found.salt, number), 0, headerBytes, 0)
    await file.write(segmentTrailer(found.salt, sumOf(found.records)), 0, headerBytes, found.end)
  } catch {
    // No room: the next start scans again.
    await file.truncate(found.end)
  }
}

function sumOf(places: readonly Place[]): Totals {
  const sum = { records: 0, items: 0, bytes: 0 }
  for (const { items, bytes } of places) add(sum, { records: 1, items, bytes })
  return sum
}

/** Of a segment whose queue is not open: what is not acknowledged. */
export async function pendingOf(path: string): Promise<Totals> {
  const file = await open(path, 'r')
  try {
    const { size } = await stat(path)
    const salt = readSegmentHeader(await readAt(file, 0, headerBytes))?.salt
    if (salt === undefined) return nothing
    const held = (await readTrailer(file, salt, size)) ?? sumOf((await scan(file, salt, size)).records)
    const marks = await readMarks(ackPath(path), salt)
    return { records: held.records - marks.records, items: held.items - marks.items, bytes: held.bytes - marks.bytes }
  } finally {
    await file.close()
  }
}
