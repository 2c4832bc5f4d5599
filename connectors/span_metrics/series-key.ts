/** The identity of a series as bytes, composed anew for each span in memory that is used again. */
import { asText, readValue } from '../../pipeline/data/any-value.ts'
import { cursor, high, putRange, putU32, uvarint, uvarint64 } from '../../pipeline/data/wire.ts'

interface Texts {
  utf8Write: (this: Uint8Array, text: string, at: number, length: number) => number
}
const { utf8Write } = Buffer.prototype as unknown as Texts
/** No byte of a UTF-8 text has these values, so that no two lists of texts are composed alike. */
const separator = 0xff
const nothing = 0xfe

export class SeriesKey {
  bytes = new Uint8Array(1024)
  length = 0

  clear(): void {
    this.length = 0
  }

  /** Goes back to what was composed first. */
  truncate(length: number): void {
    this.length = length
  }

  number(n: number): void {
    this.reserve(4)
    this.length = putU32(this.bytes, this.length, n)
  }

  byte(n: number): void {
    this.reserve(1)
    this.bytes[this.length++] = n
  }

  range(b: Uint8Array, start: number, end: number): void {
    this.reserve(end - start + 1)
    this.length = putRange(this.bytes, this.length, b, start, end)
    this.bytes[this.length++] = separator
  }

  text(text: string): void {
    const size = Buffer.byteLength(text)
    this.reserve(size + 1)
    utf8Write.call(this.bytes, text, this.length, size)
    this.length += size
    this.bytes[this.length++] = separator
  }

  none(): void {
    this.byte(nothing)
  }

  /** The text of the AnyValue in [start, end): values of different types that read alike are one, as upstream has it. */
  value(b: Uint8Array, start: number, end: number): void {
    const tag = start < end ? b[start]! : 0
    if (tag === 10) {
      const length = uvarint(b, start + 1)
      if (cursor + length === end) {
        this.range(b, cursor, end)
        return
      }
    } else if (tag === 24) {
      const lo = uvarint64(b, start + 1)
      if (high === 0 && cursor === end) {
        this.digits(lo)
        return
      }
    }
    this.text(asText(readValue(b, start, end)))
  }

  private digits(n: number): void {
    this.reserve(11)
    let size = 1
    for (let rest = n; rest >= 10; rest = Math.floor(rest / 10)) size++
    let rest = n
    for (let i = size - 1; i >= 0; i--) {
      this.bytes[this.length + i] = 48 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    this.length += size
    this.bytes[this.length++] = separator
  }

  private reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    larger.set(this.bytes)
    this.bytes = larger
  }
}
