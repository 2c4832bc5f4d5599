/**
 * The format on disk, version 1. All numbers are little-endian.
 *
 *   segment: header (32 bytes), records, and, once nothing is appended any more, a trailer (32 bytes)
 *   record:  header (32 bytes), meta, chunks
 *
 * Each checksum starts from the segment's salt, so that bytes of another segment are never taken for this one's.
 */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * A segment of a lower version is read as that version says and never appended to; one of a higher version stops the start, since what it
 * holds would be lost. Raise it with every change of what is written, `meta` of the queues included.
 */
export const formatVersion = 1
export const headerBytes = 32

const segmentMagic = 0x4a4c4756
const recordMagic = 0x52434756
const trailerMagic = 0x54534756

interface SegmentHeader {
  readonly version: number
  readonly salt: number
}
export interface RecordHeader {
  readonly metaBytes: number
  /** Of the chunks. */
  readonly bodyBytes: number
  readonly items: number
  /** Of meta and chunks, from the salt on. */
  readonly crc: number
  readonly salt: number
}
export interface Totals {
  readonly records: number
  readonly items: number
  readonly bytes: number
}

export function newSalt(): number {
  return randomBytes(4).readUInt32LE()
}

export function segmentHeader(salt: number, number: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(segmentMagic, 0)
  header.writeUInt32LE(formatVersion, 4)
  header.writeUInt32LE(salt, 8)
  header.writeUInt32LE(number, 12)
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28)
  return header
}

export function readSegmentHeader(from: Buffer): SegmentHeader | undefined {
  if (from.length < headerBytes || from.readUInt32LE(0) !== segmentMagic) return undefined
  if (from.readUInt32LE(28) !== crc32(from.subarray(0, 28))) return undefined
  return { version: from.readUInt32LE(4), salt: from.readUInt32LE(8) }
}

function recordHeader(into: Buffer, record: RecordHeader): void {
  into.writeUInt32LE(recordMagic, 0)
  into.writeUInt32LE(record.crc, 8)
  into.writeUInt32LE(record.metaBytes, 12)
  into.writeUInt32LE(record.bodyBytes, 16)
  into.writeUInt32LE(record.items, 20)
  into.writeUInt32LE(0, 24)
  into.writeUInt32LE(record.salt, 28)
  into.writeUInt32LE(crc32(into.subarray(8, headerBytes), record.salt), 4)
}

/** Without `salt`, which a broken segment header leaves unknown, the record's own is believed. */
export function readRecordHeader(from: Buffer, at: number, salt: number | undefined): RecordHeader | undefined {
  if (from.length - at < headerBytes || from.readUInt32LE(at) !== recordMagic) return undefined
  const own = from.readUInt32LE(at + 28)
  if (salt !== undefined && own !== salt) return undefined
  if (from.readUInt32LE(at + 4) !== crc32(from.subarray(at + 8, at + headerBytes), own)) return undefined
  return {
    crc: from.readUInt32LE(at + 8),
    metaBytes: from.readUInt32LE(at + 12),
    bodyBytes: from.readUInt32LE(at + 16),
    items: from.readUInt32LE(at + 20),
    salt: own,
  }
}

/** The first place at or behind `from` where a record may begin. -1 = none. */
export function findRecord(bytes: Buffer, from: number): number {
  return bytes.indexOf(magicBytes, from)
}
const magicBytes = Buffer.alloc(4)
magicBytes.writeUInt32LE(recordMagic)

/** What the segment holds, so that a start need not read it. */
export function segmentTrailer(salt: number, { records, items, bytes }: Totals): Buffer {
  const trailer = Buffer.alloc(headerBytes)
  trailer.writeUInt32LE(trailerMagic, 0)
  trailer.writeUInt32LE(records, 8)
  trailer.writeDoubleLE(items, 12)
  trailer.writeDoubleLE(bytes, 20)
  trailer.writeUInt32LE(crc32(trailer.subarray(8), salt), 4)
  return trailer
}

export function readSegmentTrailer(from: Buffer, salt: number): Totals | undefined {
  if (from.length < headerBytes || from.readUInt32LE(0) !== trailerMagic) return undefined
  if (from.readUInt32LE(4) !== crc32(from.subarray(8), salt)) return undefined
  return { records: from.readUInt32LE(8), items: from.readDoubleLE(12), bytes: from.readDoubleLE(20) }
}

/** The buffers that a record is written from; the chunks are not copied unless they are small. */
export function encodeRecord(
  salt: number,
  record: { readonly items: number; readonly meta: Uint8Array; readonly chunks: readonly Uint8Array[] },
): { readonly buffers: Uint8Array[]; readonly size: number; readonly bodyBytes: number } {
  const { items, meta, chunks } = record
  let bodyBytes = 0
  let crc = crc32(meta, salt)
  for (const chunk of chunks) {
    bodyBytes += chunk.length
    crc = crc32(chunk, crc)
  }
  const isSmall = bodyBytes <= smallBytes
  const size = headerBytes + meta.length + bodyBytes
  const head = Buffer.allocUnsafe(isSmall ? size : headerBytes + meta.length)
  recordHeader(head, { metaBytes: meta.length, bodyBytes, items, crc, salt })
  head.set(meta, headerBytes)
  if (!isSmall) return { buffers: [head, ...chunks], size, bodyBytes }
  let at = headerBytes + meta.length
  for (const chunk of chunks) {
    head.set(chunk, at)
    at += chunk.length
  }
  return { buffers: [head], size, bodyBytes }
}
/** Below this a copy is cheaper than one more buffer in the system call. */
const smallBytes = 16 * 1024
