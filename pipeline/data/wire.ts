/**
 * Protobuf primitives over plain `Uint8Array`s.
 *
 * Everything here trusts its input: chunks were checked by `validate.ts` before. Functions that read a varint leave the position after it in `cursor`.
 */

export let cursor = 0

interface Slices {
  utf8Slice: (this: Uint8Array, start: number, end: number) => string
  latin1Slice: (this: Uint8Array, start: number, end: number) => string
  hexSlice: (this: Uint8Array, start: number, end: number) => string
  copy: (this: Uint8Array, target: Uint8Array, at: number, start: number, end: number) => number
}
const { utf8Slice, latin1Slice, hexSlice, copy } = Buffer.prototype as unknown as Slices
const eight = new DataView(new ArrayBuffer(8))

/** A `Buffer` as the plain array it is: mixing both in one scanner makes it polymorphic. */
export function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The low 32 bits of a varint. */
export function uvarint(b: Uint8Array, p: number): number {
  let byte = b[p++]!
  let result = byte & 127
  if (byte > 127) {
    byte = b[p++]!
    result |= (byte & 127) << 7
    if (byte > 127) {
      byte = b[p++]!
      result |= (byte & 127) << 14
      if (byte > 127) {
        byte = b[p++]!
        result |= (byte & 127) << 21
        if (byte > 127) {
          byte = b[p++]!
          result |= byte << 28
          while (byte > 127) byte = b[p++]!
        }
      }
    }
  }
  cursor = p
  return result >>> 0
}

/** A 64-bit varint in two halves: the low one is answered, the high one is left in `high`. */
export let high = 0
export function uvarint64(b: Uint8Array, p: number): number {
  let lo = 0
  let hi = 0
  for (let shift = 0; ; shift += 7) {
    const byte = b[p++]!
    const bits = byte & 127
    if (shift < 28) lo |= bits << shift
    else if (shift === 28) {
      lo |= bits << 28
      hi |= bits >>> 4
    } else if (shift < 64) hi |= bits << (shift - 32)
    if (byte < 128) break
  }
  cursor = p
  high = hi >>> 0
  return lo >>> 0
}

/** An int64 from its halves: a number when safe, else a bigint. */
export function signed64(lo: number, hi: number): number | bigint {
  const top = hi | 0
  if (top >= -0x20_0000 && top < 0x20_0000) {
    const value = top * 0x1_0000_0000 + lo
    if (Number.isSafeInteger(value)) return value
  }
  return (BigInt(top) << 32n) | BigInt(lo)
}

export function skip(b: Uint8Array, p: number, wire: number): number {
  if (wire === 2) {
    const length = uvarint(b, p)
    return cursor + length
  }
  if (wire === 0) {
    while (b[p++]! > 127);
    return p
  }
  return p + (wire === 1 ? 8 : 4)
}

/** Where the value of the first field with this tag begins, or -1. */
export function find(b: Uint8Array, p: number, end: number, tag: number): number {
  while (p < end) {
    let t = b[p++]!
    if (t > 127) {
      t = uvarint(b, p - 1)
      p = cursor
    }
    if (t === tag) return p
    const wire = t & 7
    if (wire === 2) {
      let length = b[p++]!
      if (length > 127) {
        length = uvarint(b, p - 1)
        p = cursor
      }
      p += length
    } else if (wire === 0) {
      while (b[p++]! > 127);
    } else p += wire === 1 ? 8 : 4
  }
  return -1
}

export function u32(b: Uint8Array, p: number): number {
  return (b[p]! | (b[p + 1]! << 8) | (b[p + 2]! << 16) | (b[p + 3]! << 24)) >>> 0
}

export function fixed64(b: Uint8Array, p: number): bigint {
  return (BigInt(u32(b, p + 4)) << 32n) | BigInt(u32(b, p))
}

export function float64(b: Uint8Array, p: number): number {
  eight.setUint32(0, u32(b, p), true)
  eight.setUint32(4, u32(b, p + 4), true)
  return eight.getFloat64(0, true)
}

export function hex(b: Uint8Array, start: number, end: number): string {
  return hexSlice.call(b, start, end)
}

/** The bytes as a text of one character each: a key for a map. */
export function latin1(b: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(b, start, end)
}

// Short ASCII texts repeat: service names, keys, routes. A direct-mapped cache is bounded by its size; a hit is checked byte by byte.
const cacheSlots = 4096
const cacheLength = 40
const cached = Array.from({ length: cacheSlots }, () => '')

export function text(b: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  if (length > cacheLength) return utf8Slice.call(b, start, end)
  let hash = length
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + b[i]!) | 0
  const slot = (hash ^ (hash >>> 15)) & (cacheSlots - 1)
  const known = cached[slot]!
  if (known.length === length) {
    let i = 0
    while (i < length && known.charCodeAt(i) === b[start + i]!) i++
    if (i === length) return known
  }
  const fresh = utf8Slice.call(b, start, end)
  let ascii = fresh.length === length
  for (let i = start; ascii && i < end; i++) ascii = b[i]! < 128
  if (ascii) cached[slot] = fresh
  return fresh
}

export function varintSize(n: number): number {
  return n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x20_0000 ? 3 : n < 0x1000_0000 ? 4 : 5
}

/** Writes an unsigned 32-bit varint and answers where it ends. */
export function putVarint(b: Uint8Array, p: number, n: number): number {
  while (n > 127) {
    b[p++] = (n & 127) | 128
    n >>>= 7
  }
  b[p++] = n
  return p
}

export function putU32(b: Uint8Array, p: number, n: number): number {
  b[p] = n
  b[p + 1] = n >>> 8
  b[p + 2] = n >>> 16
  b[p + 3] = n >>> 24
  return p + 4
}

/** Copies a byte range and answers where it ends. Short ranges are faster in a loop than in a call. */
export function putRange(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length < 48) {
    for (let i = 0; i < length; i++) to[at + i] = from[start + i]!
  } else copy.call(from, to, at, start, end)
  return at + length
}

/** Memory that is not zeroed first and is nobody else's. */
export function allocate(length: number): Uint8Array {
  // V8 keeps these few bytes in the object itself, which takes a fifteenth of the time of a buffer of their own.
  if (length <= 64) return new Uint8Array(length)
  return plain(Buffer.allocUnsafeSlow(length))
}

const slabBytes = 64 * 1024
let slab = allocate(slabBytes)
let slabAt = 0

/** Memory that shares a buffer with others: for what is copied elsewhere soon, since what stays pins the whole buffer. */
export function allocateShortly(length: number): Uint8Array {
  if (length <= 64 || length > slabBytes / 8) return allocate(length)
  if (slabAt + length > slabBytes) {
    slab = allocate(slabBytes)
    slabAt = 0
  }
  const start = slabAt
  slabAt += length
  return new Uint8Array(slab.buffer, start, length)
}
