/** A file of records, and in memory what is in it. */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { headerBytes, isWhole, type RecordHeader, readHeader } from './record.ts'
import { Scan } from './scan.ts'

export interface Recorded extends RecordHeader {
  /** Of the header. */
  readonly at: number
  readonly services: ReadonlySet<string>
  /** Marks of the trace ids, sorted. */
  readonly marks: Uint32Array
}

export class Segment {
  readonly path: string
  readonly number: number
  readonly records: Recorded[] = []
  bytes = 0
  /** Of a file that was found and not yet read through: its size. */
  unreadBytes = 0
  /** When the last record came. */
  newestMs = 0
  isGone = false
  private writer: FileHandle | undefined

  constructor(path: string, number: number) {
    this.path = path
    this.number = number
  }

  static async create(path: string, number: number): Promise<Segment> {
    const segment = new Segment(path, number)
    segment.writer = await open(path, 'wx', 0o600)
    return segment
  }

  /** Nothing of it stays where it cannot be written in whole. */
  async append(record: Recorded, buffers: readonly Uint8Array[]): Promise<void> {
    const size = headerBytes + record.bodyBytes
    try {
      let written = 0
      let rest: readonly Uint8Array[] = buffers
      while (written < size) {
        const { bytesWritten } = await this.writer!.writev(rest as Uint8Array[], this.bytes + written)
        if (bytesWritten === 0) throw new Error('nothing was written')
        written += bytesWritten
        rest = after(rest, bytesWritten)
      }
    } catch (error) {
      await this.writer!.truncate(this.bytes).catch(() => {})
      throw error
    }
    this.bytes += size
    this.take(record)
  }

  /** What a former process left. Cuts off what is not whole; the answer is how much that was. */
  async recover(pause: () => Promise<void>): Promise<number> {
    const file = await open(this.path, 'r+')
    try {
      const { size } = await file.stat()
      while (this.bytes < size) {
        const header = await readAt(file, this.bytes, headerBytes)
        const found = readHeader(header)
        if (found === undefined || this.bytes + headerBytes + found.bodyBytes > size) break
        const body = await readAt(file, this.bytes + headerBytes, found.bodyBytes)
        if (!isWhole(header, body)) break
        const scan = new Scan()
        scan.add(found.signal, body)
        this.take({ ...found, at: this.bytes, services: scan.services, marks: scan.traceMarks() })
        this.bytes += headerBytes + found.bodyBytes
        await pause()
      }
      if (this.bytes < size) await file.truncate(this.bytes)
      return size - this.bytes
    } finally {
      this.unreadBytes = 0
      await file.close()
    }
  }

  /** Undefined for what is gone by now, or is not what was written. */
  async read({ at, bodyBytes }: Recorded): Promise<Uint8Array | undefined> {
    if (this.isGone) return undefined
    let file: FileHandle
    try {
      file = await open(this.path, 'r')
    } catch {
      return undefined
    }
    try {
      const bytes = await readAt(file, at, headerBytes + bodyBytes)
      const header = bytes.subarray(0, headerBytes)
      const body = new Uint8Array(bytes.buffer, bytes.byteOffset + headerBytes, bytes.length - headerBytes)
      return body.length === bodyBytes && isWhole(header, body) ? body : undefined
    } finally {
      await file.close()
    }
  }

  async close(): Promise<void> {
    await this.writer?.close()
    this.writer = undefined
  }

  async remove(): Promise<void> {
    this.isGone = true
    await this.close()
    await rm(this.path, { force: true })
  }

  private take(record: Recorded): void {
    this.records.push(record)
    this.newestMs = Math.max(this.newestMs, record.cameMs)
  }
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(length))
  let read = 0
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, at + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return bytes.subarray(0, read)
}

/** What is left of buffers when so much of them is written. */
function after(buffers: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written
  for (const [i, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(i + 1)]
    left -= buffer.length
  }
  return []
}
