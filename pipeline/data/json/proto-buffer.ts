/** A growing buffer of protobuf bytes. Written forwards: a length is reserved first and moved in place when it turns out longer. */

const keptBytes = 4 << 20

export class ProtoBuffer {
  bytes: Uint8Array = new Uint8Array(64 << 10)
  at = 0

  /** Room for `wanted` more bytes. */
  reserve(wanted: number): void {
    if (this.bytes.length - this.at >= wanted) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + wanted))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  /** A copy of what was written; the buffer starts anew and keeps only a moderate size. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.at)
    this.reset()
    return taken
  }

  reset(): void {
    this.at = 0
    if (this.bytes.length > keptBytes) this.bytes = new Uint8Array(64 << 10)
  }

  byte(value: number): void {
    this.bytes[this.at++] = value
  }

  varint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.at++] = rest
  }

  varint64(low: number, high: number): void {
    let lo = low >>> 0
    let hi = high >>> 0
    while (hi !== 0) {
      this.bytes[this.at++] = (lo & 0x7f) | 0x80
      lo = ((lo >>> 7) | (hi << 25)) >>> 0
      hi >>>= 7
    }
    this.varint(lo)
  }

  fixed32(value: number): void {
    const { bytes, at } = this
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
    this.at = at + 4
  }

  double(value: number): void {
    doubles[0] = value
    this.fixed32(words[0]!)
    this.fixed32(words[1]!)
  }

  /** Starts a length-delimited value; `size` is the guess how many bytes its length takes. */
  open(size: number): number {
    const start = this.at
    this.at += size
    return start
  }

  /** Writes the length of what was put after `open(size)`, moving the content where the guess was wrong. Needs 4 spare bytes. */
  close(start: number, size: number): void {
    const { bytes } = this
    const length = this.at - start - size
    const needed = length < 1 << 7 ? 1 : length < 1 << 14 ? 2 : length < 1 << 21 ? 3 : length < 1 << 28 ? 4 : 5
    if (needed !== size) bytes.copyWithin(start + needed, start + size, this.at)
    this.at = start
    this.varint(length)
    this.at += length
  }

  /** Takes out what was written between two places. */
  cut(from: number, to: number): void {
    this.bytes.copyWithin(from, to, this.at)
    this.at -= to - from
  }
}

const doubles = new Float64Array(1)
const words = new Uint32Array(doubles.buffer)
