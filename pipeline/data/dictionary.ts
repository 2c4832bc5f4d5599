/** Texts as small numbers: open addressing over one heap of bytes, so that a scan looks texts up without making strings. */
import type { Dictionary } from './telemetry.ts'
import { plain, text } from './wire.ts'

/** In a column: the row has no such attribute. Not 0, which is a text that found the dictionary full. */
export const absent = 0xffff_ffff
const overflow = 0

/** Unlike in every process, so that nobody can send texts made to collide. */
const seed = crypto.getRandomValues(new Int32Array(1))[0]!

const digits = new Uint8Array(16)

/** How many bytes of text a dictionary keeps for each entry of its limit, on average. */
const bytesPerEntry = 256

export class ByteDictionary implements Dictionary {
  readonly limit: number
  size = 0
  overflows = 0
  private slots = new Int32Array(64)
  private hashes = new Int32Array(32)
  private starts = new Uint32Array(33)
  private heap = new Uint8Array(1024)

  constructor(limit: number) {
    if (!Number.isInteger(limit) || limit < 1 || limit >= 0x1000_0000)
      throw new RangeError(`a dictionary of ${limit} texts`)
    this.limit = limit
  }

  /** The text's number, from 1 on; 0 when the dictionary is full. */
  id(of: string): number {
    const bytes = plain(Buffer.from(of))
    return this.idOf(bytes, 0, bytes.length)
  }

  /** The text of a number; empty for `overflow` and `absent`. */
  text(id: number): string {
    return id < 1 || id > this.size ? '' : text(this.heap, this.starts[id - 1]!, this.starts[id]!)
  }

  /** The number of a small whole number's text, without making the text: that of `id(String(n))`. */
  idOfWhole(n: number): number {
    let start = digits.length
    do {
      digits[--start] = 48 + (n % 10)
      n = Math.floor(n / 10)
    } while (n > 0)
    return this.idOf(digits, start, digits.length)
  }

  /** The number of the text that stands in [start, end). */
  idOf(b: Uint8Array, start: number, end: number): number {
    const length = end - start
    const hash = hashOf(b, start, end)
    const { slots, hashes, starts, heap } = this
    const mask = slots.length - 1
    let slot = hash & mask
    for (let id = slots[slot]!; id !== 0; slot = (slot + 1) & mask, id = slots[slot]!) {
      if (hashes[id - 1] !== hash) continue
      const at = starts[id - 1]!
      if (starts[id]! - at !== length) continue
      let i = 0
      while (i < length && heap[at + i] === b[start + i]) i++
      if (i === length) return id
    }
    return this.add(b, start, end, hash, slot)
  }

  private add(b: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const at = this.starts[this.size]!
    const stop = at + end - start
    if (this.size === this.limit || stop > this.limit * bytesPerEntry + 65_536) {
      this.overflows++
      return overflow
    }
    if (this.size === this.hashes.length) this.grow()
    if (stop > this.heap.length) this.heap = enlarged(this.heap, new Uint8Array(Math.max(stop, this.heap.length * 2)))
    for (let i = start, to = at; i < end; ) this.heap[to++] = b[i++]!
    const id = ++this.size
    this.hashes[id - 1] = hash
    this.starts[id] = stop
    this.slots[slot] = id
    if (id * 2 > this.slots.length) this.rehash()
    return id
  }

  private grow(): void {
    const entries = this.hashes.length * 2
    this.hashes = enlarged(this.hashes, new Int32Array(entries))
    this.starts = enlarged(this.starts, new Uint32Array(entries + 1))
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2)
    const mask = slots.length - 1
    for (let id = 1; id <= this.size; id++) {
      let slot = this.hashes[id - 1]! & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = id
    }
    this.slots = slots
  }
}

/** Four bytes at a time in two lanes: multiplying byte by byte waits for each product. */
export function hashOf(b: Uint8Array, start: number, end: number): number {
  let p = start
  let one = seed ^ (end - start)
  let two = 0x9e37_79b1
  for (; p + 8 <= end; p += 8) {
    one = Math.imul(one ^ (b[p]! | (b[p + 1]! << 8) | (b[p + 2]! << 16) | (b[p + 3]! << 24)), 0x85eb_ca6b)
    two = Math.imul(two ^ (b[p + 4]! | (b[p + 5]! << 8) | (b[p + 6]! << 16) | (b[p + 7]! << 24)), 0xc2b2_ae35)
    one ^= one >>> 15
    two ^= two >>> 13
  }
  for (; p < end; p++) one = Math.imul(one ^ b[p]!, 0x0100_0193)
  const both = Math.imul(one ^ (one >>> 16) ^ two, 0x85eb_ca6b)
  return both ^ (both >>> 13)
}

function enlarged<A extends Uint8Array | Int32Array | Uint32Array>(from: A, to: A): A {
  to.set(from)
  return to
}

/** A dictionary of at most `limit` texts (and 256 bytes a text on average): once full, it answers 0 for what it does not know, and counts that. */
export function newDictionary(limit: number): Dictionary {
  return new ByteDictionary(limit)
}

export function byteDictionary(of: Dictionary): ByteDictionary {
  if (of instanceof ByteDictionary) return of
  throw new TypeError('columns need a dictionary made by newDictionary(limit)')
}
