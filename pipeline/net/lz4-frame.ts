/**
 * The LZ4 frame format (lz4, `lz4_Frame_format.md` 1.6), decoded within a limit: the packages that do it have none. Linear in the output.
 */
import { setImmediate } from 'node:timers/promises'
import { xxh32 } from './checksum.ts'
import { malformed, tooLarge } from './compression-error.ts'

const magic = 0x184d2204
/** 0x184d2a50 to 0x184d2a5f */
const skippableMagic = 0x184d2a5

/** Gives way to the event loop whenever this much was decoded; a block counts something even when it is empty. */
const sliceBytes = 1 << 20
const blockCost = 256

interface Output {
  bytes: Uint8Array
  length: number
  /** Where the current frame began: matches reach no further back. */
  frameStart: number
  readonly maxBytes: number
  sinceYield: number
}

export async function decompressLz4(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const out: Output = { bytes: new Uint8Array(0), length: 0, frameStart: 0, maxBytes, sinceYield: 0 }
  if (body.length < 4) throw truncated()
  try {
    for (let at = 0; at < body.length; ) {
      const word = view.getUint32(at, true)
      if (word >>> 4 === skippableMagic) at += 8 + view.getUint32(at + 4, true)
      else if (word === magic) at = await decodeFrame(body, view, at + 4, out)
      else throw malformed('lz4', 'bad magic number')
      if (at > body.length) throw truncated()
    }
  } catch (cause) {
    if (cause instanceof RangeError) throw truncated(cause)
    throw cause
  }
  return out.bytes.subarray(0, out.length)
}

async function decodeFrame(body: Uint8Array, view: DataView, start: number, out: Output): Promise<number> {
  const flags = view.getUint8(start)
  const blockMax = 1 << (8 + 2 * ((view.getUint8(start + 1) >>> 4) & 7))
  if (flags >>> 6 !== 1) throw malformed('lz4', 'unsupported frame version')
  if (flags & 1) throw malformed('lz4', 'frames with a dictionary are not supported')
  if (blockMax < 65_536) throw malformed('lz4', 'invalid block size')
  const blockChecksum = (flags & 16) !== 0
  const contentChecksum = (flags & 4) !== 0
  let at = start + 2
  if (flags & 8) {
    const declared = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
    if (out.length + declared > out.maxBytes) throw tooLarge('lz4', out.maxBytes)
    // Nothing expands more than 255 times, so a larger claim buys no memory.
    reserve(out, Math.min(declared, body.length * 255))
    at += 8
  }
  if (view.getUint8(at) !== ((xxh32(body, start, at) >>> 8) & 255)) throw malformed('lz4', 'invalid header checksum')
  at++
  out.frameStart = out.length
  for (;;) {
    const before = out.length
    const word = view.getUint32(at, true)
    at += 4
    out.sinceYield += blockCost
    if (word === 0) break
    const size = word & 0x7fffffff
    if (at + size > body.length) throw truncated()
    if (size > blockMax) throw malformed('lz4', 'block larger than its frame allows')
    if (word >>> 31) copyStored(body, at, size, out)
    else decodeBlock(body, at, at + size, out, blockMax)
    if (blockChecksum && view.getUint32(at + size, true) !== xxh32(body, at, at + size))
      throw malformed('lz4', 'invalid block checksum')
    at += size + (blockChecksum ? 4 : 0)
    out.sinceYield += out.length - before
    if (out.sinceYield >= sliceBytes) {
      out.sinceYield = 0
      await setImmediate()
    }
  }
  if (!contentChecksum) return at
  if (view.getUint32(at, true) !== xxh32(out.bytes, out.frameStart, out.length))
    throw malformed('lz4', 'invalid frame checksum')
  return at + 4
}

function copyStored(body: Uint8Array, at: number, size: number, out: Output): void {
  if (out.length + size > out.maxBytes) throw tooLarge('lz4', out.maxBytes)
  reserve(out, size)
  out.bytes.set(body.subarray(at, at + size), out.length)
  out.length += size
}

/** Sequences of (literals, match). Matches may overlap what they write, so they go byte by byte. */
function decodeBlock(body: Uint8Array, from: number, end: number, out: Output, blockMax: number): void {
  reserve(out, Math.min(blockMax, (end - from) * 255))
  const bytes = out.bytes
  const limit = Math.min(bytes.length, out.length + blockMax)
  const overflow = () =>
    limit >= out.maxBytes ? tooLarge('lz4', out.maxBytes) : malformed('lz4', 'block larger than its frame allows')
  let to = out.length
  for (let at = from; at < end; ) {
    const token = body[at++]!
    let literals = token >>> 4
    if (literals === 15)
      for (let more = 255; more === 255; literals += more) {
        if (at >= end) throw truncated()
        more = body[at++]!
      }
    if (at + literals > end) throw truncated()
    if (to + literals > limit) throw overflow()
    if (literals > 16) bytes.set(body.subarray(at, at + literals), to)
    else for (let i = 0; i < literals; i++) bytes[to + i] = body[at + i]!
    at += literals
    to += literals
    if (at >= end) break // the last sequence has no match
    if (at + 2 > end) throw truncated()
    const distance = body[at]! | (body[at + 1]! << 8)
    at += 2
    if (distance === 0 || to - distance < out.frameStart) throw malformed('lz4', 'match before the start of the frame')
    let match = (token & 15) + 4
    if (match === 19)
      for (let more = 255; more === 255; match += more) {
        if (at >= end) throw truncated()
        more = body[at++]!
      }
    if (to + match > limit) throw overflow()
    if (distance >= match && match > 32) bytes.copyWithin(to, to - distance, to - distance + match)
    else for (let i = 0; i < match; i++) bytes[to + i] = bytes[to - distance + i]!
    to += match
  }
  out.length = to
}

/** Room for `more` bytes, doubling, never past the limit. */
function reserve(out: Output, more: number): void {
  const needed = Math.min(out.length + more, out.maxBytes)
  if (needed <= out.bytes.length) return
  const grown = new Uint8Array(Math.min(Math.max(needed, out.bytes.length * 2), out.maxBytes))
  grown.set(out.bytes.subarray(0, out.length))
  out.bytes = grown
}

function truncated(cause?: unknown): Error {
  return malformed('lz4', 'unexpected end of data', cause)
}
