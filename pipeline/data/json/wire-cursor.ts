/** Walks protobuf bytes: tags, varints and fixed words, 64 bits as two halves. */
import { Rejected } from '../../component.ts'
import { wireType } from './schema.ts'

export const empty = new Uint8Array(0)

export class WireCursor {
  protected input: Uint8Array = empty
  protected pos = 0
  /** Of the last 64-bit varint. */
  protected low = 0
  protected high = 0

  protected at(input: Uint8Array, pos: number): void {
    this.input = input
    this.pos = pos
  }

  protected word(): number {
    const { input, pos } = this
    this.pos = pos + 4
    return input[pos]! | (input[pos + 1]! << 8) | (input[pos + 2]! << 16) | (input[pos + 3]! << 24)
  }

  protected tag(): number {
    const byte = this.input[this.pos]!
    if (byte < 0x80) {
      this.pos++
      return byte
    }
    return this.varint()
  }

  /** A length or a tag. */
  protected varint(): number {
    const { input } = this
    let { pos } = this
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = input[pos++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.pos = pos
        return value >>> 0
      }
    }
    return broken('has a varint that does not end')
  }

  protected varint64(): void {
    const { input } = this
    let { pos } = this
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = input[pos++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        this.pos = pos
        this.low = low
        this.high = high
        return
      }
    }
    broken('has a varint that does not end')
  }

  protected skip(wire: number, end: number): void {
    switch (wire) {
      case wireType.varint:
        while (this.input[this.pos]! >= 0x80) this.pos++
        this.pos++
        break
      case wireType.fixed64:
        this.pos += 8
        break
      case wireType.length: {
        const length = this.varint()
        this.pos += length
        break
      }
      case wireType.fixed32:
        this.pos += 4
        break
      default:
        broken(`has wire type ${wire}`)
    }
    if (this.pos > end) broken('is cut off')
  }
}

/** Batches are checked before they come here; this is for what was not. */
export function broken(how: string): never {
  throw new Rejected(`writing OTLP/JSON: the protobuf ${how}`, { retryable: false, grpcCode: 3 })
}
