/** Snappy's block and framing formats, bounded (google/snappy, `format_description.txt` and `framing_format.txt`). */
import { setImmediate } from 'node:timers/promises'
import snappy from 'snappy'
import { crc32c } from './checksum.ts'
import { malformed, tooLarge } from './compression-error.ts'

const streamIdentifier = Buffer.from('ff060000734e61507059', 'hex')
const maxChunk = 65_536
/** A body larger than this gives way to the event loop between pieces of this size. */
const sliceBytes = 1 << 20
/** What a chunk costs whatever its size, in bytes that could be decoded meanwhile. */
const chunkCost = 1_024

export function isFramed(body: Uint8Array): boolean {
  return streamIdentifier.equals(body.subarray(0, streamIdentifier.length))
}

/** Refuses by the declared size, before anything is allocated. */
export async function decompressBlock(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const declared = blockLength(body, 0, body.length)
  if (declared > maxBytes) throw tooLarge('snappy', maxBytes)
  // The densest element copies 64 bytes and takes three, so more than that is a lie.
  if (declared > body.length * 22) throw malformed('snappy', 'corrupt input')
  try {
    const out = declared <= sliceBytes ? snappy.uncompressSync(body) : await snappy.uncompress(body)
    return bytesOf(out)
  } catch (cause) {
    throw malformed('snappy', 'corrupt input', cause)
  }
}

export async function decompressFramed(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  if (!isFramed(body)) throw malformed('snappy', 'the stream identifier is missing')
  const parts: Uint8Array[] = []
  let total = 0
  let sinceYield = 0
  for (let at = 0; at < body.length; ) {
    if (at + 4 > body.length) throw malformed('snappy', 'truncated chunk header')
    const type = body[at]!
    const start = at + 4
    const end = start + (body[at + 1]! | (body[at + 2]! << 8) | (body[at + 3]! << 16))
    if (end > body.length) throw malformed('snappy', 'truncated chunk')
    at = end
    if (type > 1) {
      if (type < 0x80) throw malformed('snappy', `unknown chunk type ${type}`)
      continue
    }
    const part = type === 0 ? decodeChunk(body, start, end) : storedChunk(body, start, end)
    total += part.length
    if (total > maxBytes) throw tooLarge('snappy', maxBytes)
    parts.push(part)
    if ((sinceYield += part.length + chunkCost) >= sliceBytes) {
      sinceYield = 0
      await setImmediate()
    }
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total)
}

export async function compressFramed(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  const out: Uint8Array[] = [streamIdentifier]
  let sinceYield = 0
  for (const chunk of chunks)
    for (let from = 0; from < chunk.length; from += maxChunk) {
      const piece = chunk.subarray(from, Math.min(from + maxChunk, chunk.length))
      const packed = snappy.compressSync(piece)
      const smaller = packed.length < piece.length - (piece.length >>> 3)
      const data = smaller ? packed : piece
      const header = Buffer.allocUnsafe(8)
      header.writeUInt32LE((((data.length + 4) << 8) | (smaller ? 0 : 1)) >>> 0, 0)
      header.writeUInt32LE(masked(crc32c(piece, 0, piece.length)), 4)
      out.push(header, data)
      if ((sinceYield += piece.length + chunkCost) >= sliceBytes) {
        sinceYield = 0
        await setImmediate()
      }
    }
  return Buffer.concat(out)
}

function decodeChunk(body: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start < 4) throw malformed('snappy', 'truncated chunk')
  if (blockLength(body, start + 4, end) > maxChunk) throw malformed('snappy', 'chunk larger than 65536 bytes')
  let part: Uint8Array
  try {
    part = bytesOf(snappy.uncompressSync(body.subarray(start + 4, end)))
  } catch (cause) {
    throw malformed('snappy', 'corrupt input', cause)
  }
  check(body, start, part, 0, part.length)
  return part
}

function storedChunk(body: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start < 4) throw malformed('snappy', 'truncated chunk')
  if (end - start - 4 > maxChunk) throw malformed('snappy', 'chunk larger than 65536 bytes')
  check(body, start, body, start + 4, end)
  return body.subarray(start + 4, end)
}

function check(body: Uint8Array, at: number, data: Uint8Array, from: number, to: number): void {
  const expected = (body[at]! | (body[at + 1]! << 8) | (body[at + 2]! << 16) | (body[at + 3]! << 24)) >>> 0
  if (masked(crc32c(data, from, to)) !== expected) throw malformed('snappy', 'corrupt input: checksum mismatch')
}

function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function blockLength(body: Uint8Array, from: number, to: number): number {
  let length = 0
  for (let at = from, factor = 1; at < to && at < from + 5; at++, factor *= 128) {
    length += (body[at]! & 127) * factor
    if (body[at]! < 128) return length
  }
  throw malformed('snappy', 'corrupt input')
}

function bytesOf(out: Uint8Array | string): Uint8Array {
  return typeof out === 'string' ? Buffer.from(out) : out
}
