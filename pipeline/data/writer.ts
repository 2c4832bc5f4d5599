/** Writes protobuf from its end to its beginning, so that the length of a message is known when it is written, in front of it. */
import { allocate, allocateShortly, putRange, putU32, putVarint, varintSize } from './wire.ts'

interface Texts {
  utf8Write: (this: Uint8Array, text: string, at: number, length: number) => number
}
const { utf8Write } = Buffer.prototype as unknown as Texts
const eight = new DataView(new ArrayBuffer(8))
const keepBytes = 1024 * 1024

export class Writer {
  private buffer = allocate(4096)
  /** Where the first written byte stands. */
  private at = this.buffer.length

  /** How much was written; remember it before a message and pass it to `message` after. */
  get size(): number {
    return this.buffer.length - this.at
  }

  varint(n: number): void {
    this.room(5)
    this.at -= varintSize(n)
    putVarint(this.buffer, this.at, n)
  }

  /** A 64-bit varint from its halves. */
  varint64(lo: number, hi: number): void {
    if (hi === 0) {
      this.varint(lo)
      return
    }
    this.room(10)
    let bytes = 5
    for (let rest = hi >>> 3; rest > 0; rest >>>= 7) bytes++
    this.at -= bytes
    let p = this.at
    for (let i = 0; i < 4; i++) {
      this.buffer[p++] = (lo & 127) | 128
      lo >>>= 7
    }
    let rest = hi >>> 3
    const fifth = lo | ((hi & 7) << 4)
    this.buffer[p++] = rest > 0 ? fifth | 128 : fifth
    while (rest > 0) {
      this.buffer[p++] = rest > 127 ? (rest & 127) | 128 : rest
      rest >>>= 7
    }
  }

  fixed32(n: number): void {
    this.room(4)
    this.at -= 4
    putU32(this.buffer, this.at, n)
  }

  fixed64(n: bigint): void {
    this.fixed32(Number((n >> 32n) & 0xffff_ffffn))
    this.fixed32(Number(n & 0xffff_ffffn))
  }

  double(n: number): void {
    eight.setFloat64(0, n, true)
    this.fixed32(eight.getUint32(4, true))
    this.fixed32(eight.getUint32(0, true))
  }

  bytes(from: Uint8Array, start = 0, end = from.length): void {
    this.room(end - start)
    this.at -= end - start
    putRange(this.buffer, this.at, from, start, end)
  }

  text(text: string): void {
    const length = Buffer.byteLength(text)
    this.room(length)
    this.at -= length
    utf8Write.call(this.buffer, text, this.at, length)
  }

  /** Length and tag of what was written since `size` was `before`. */
  message(tag: number, before: number): void {
    this.varint(this.size - before)
    this.varint(tag)
  }

  /** What was written, in memory of its own unless it is wanted shortly; the writer is empty again. */
  take(isShort = false): Uint8Array {
    const taken = isShort ? allocateShortly(this.size) : allocate(this.size)
    putRange(taken, 0, this.buffer, this.at, this.buffer.length)
    if (this.buffer.length > keepBytes) this.buffer = allocate(4096)
    this.at = this.buffer.length
    return taken
  }

  /** Empties the writer: what an error left behind must not reach the next message. */
  reset(): void {
    this.at = this.buffer.length
  }

  private room(bytes: number): void {
    if (bytes <= this.at) return
    const size = this.size
    const larger = allocate(Math.max(this.buffer.length * 2, size + bytes + 4096))
    putRange(larger, larger.length - size, this.buffer, this.at, this.buffer.length)
    this.buffer = larger
    this.at = larger.length - size
  }
}

const scratch = new Writer()
let busy = false

/** Runs `write` on a shared writer and answers the bytes. What is wanted shortly (see `allocateShortly`) is cheaper. */
export function written(write: (to: Writer) => void, isShort = false): Uint8Array {
  const to = busy ? new Writer() : scratch
  const outer = busy
  busy = true
  try {
    to.reset()
    write(to)
    return to.take(isShort)
  } finally {
    busy = outer
  }
}
