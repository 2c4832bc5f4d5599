import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { findRecord, headerBytes, type RecordHeader, readRecordHeader } from './record.ts'

export type Found =
  | {
      readonly kind: 'record'
      readonly offset: number
      readonly header: RecordHeader
      readonly meta: Uint8Array
      readonly body: Uint8Array
    }
  /** A record whose bytes are not what was written; without a header, bytes between records that are none. */
  | { readonly kind: 'damage'; readonly offset: number; readonly header?: RecordHeader }
  /** Nothing that can be read follows. */
  | { readonly kind: 'tail'; readonly offset: number }

const windowBytes = 256 * 1024

/** Walks the records of a segment, through a window so that small ones do not cost a read each. Never throws for what the bytes are. */
export class RecordReader {
  offset: number
  readonly #file: FileHandle
  readonly #salt: number | undefined
  readonly #memory = Buffer.allocUnsafeSlow(windowBytes)
  #window: Buffer = this.#memory.subarray(0, 0)
  #windowOffset = 0
  /** How much is read at once: among large records little, since they are read past the window. */
  #step = windowBytes

  constructor(file: FileHandle, salt: number | undefined, offset = headerBytes) {
    this.#file = file
    this.#salt = salt
    this.offset = offset
  }

  /** Undefined at `end`, which is where valid bytes end as far as is known. */
  async next(end: number): Promise<Found | undefined> {
    const { offset } = this
    if (offset >= end) return undefined
    const at = await this.#load(offset, headerBytes, end)
    const header = readRecordHeader(this.#window, at, this.#salt)
    if (header === undefined) return this.#resume(offset, end)
    const size = headerBytes + header.metaBytes + header.bodyBytes
    if (offset + size > end) return this.#resume(offset, end)
    const content = await this.#content(offset + headerBytes, size - headerBytes, end)
    // Not before: a read that fails is tried again.
    this.offset = offset + size
    if (crc32(content, header.salt) !== header.crc) return { kind: 'damage', offset, header }
    return {
      kind: 'record',
      offset,
      header,
      meta: content.subarray(0, header.metaBytes),
      body: content.subarray(header.metaBytes),
    }
  }

  /** Bytes of their own, so that a small record does not pin the window. */
  async #content(offset: number, bytes: number, end: number): Promise<Uint8Array> {
    const content = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
    this.#step = bytes > windowBytes ? headerBytes : windowBytes
    if (bytes <= windowBytes) {
      const at = await this.#load(offset, bytes, end)
      const { length } = this.#window
      content.set(this.#window.subarray(at, at + bytes))
      // What the file does not have is no data: the checksum will say so.
      if (length - at < bytes) content.fill(0, Math.max(0, length - at))
      return content
    }
    const read = await readFully(this.#file, content, offset)
    if (read < bytes) content.fill(0, read)
    return content
  }

  /** Looks for the next place where a whole record begins. */
  async #resume(from: number, end: number): Promise<Found> {
    let offset = from + 1
    this.#step = windowBytes
    while (end - offset >= headerBytes) {
      const at = await this.#load(offset, headerBytes, end)
      const found = findRecord(this.#window, at)
      if (found === -1) {
        // The beginning of a mark may lie at the end of the window.
        offset = Math.max(offset + 1, this.#windowOffset + this.#window.length - 3)
        continue
      }
      offset = this.#windowOffset + found
      if (end - offset < headerBytes) break
      const place = await this.#load(offset, headerBytes, end)
      const header = readRecordHeader(this.#window, place, this.#salt)
      if (header !== undefined && offset + headerBytes + header.metaBytes + header.bodyBytes <= end) {
        this.offset = offset
        return { kind: 'damage', offset: from }
      }
      offset++
    }
    this.offset = end
    return { kind: 'tail', offset: from }
  }

  /** Where in the window `bytes` (no more than the window has) from `offset` on lie; fewer where the file ends. */
  async #load(offset: number, bytes: number, end: number): Promise<number> {
    const have = this.#windowOffset + this.#window.length
    if (offset >= this.#windowOffset && offset + bytes <= have) return offset - this.#windowOffset
    const wanted = Math.min(Math.max(bytes, this.#step), end - offset)
    const read = await readFully(this.#file, this.#memory.subarray(0, wanted), offset)
    this.#window = this.#memory.subarray(0, read)
    this.#windowOffset = offset
    return 0
  }
}

/** How many bytes there were. */
export async function readFully(file: FileHandle, into: Uint8Array, offset: number): Promise<number> {
  let read = 0
  while (read < into.length) {
    const { bytesRead } = await file.read(into, read, into.length - read, offset + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return read
}
