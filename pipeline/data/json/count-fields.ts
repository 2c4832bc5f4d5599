/** Counts what lies at a path of field numbers in valid protobuf bytes, without decoding anything. */

/** Each step names the fields that lead on; the last one those that are counted. */
export type FieldPath = readonly (readonly number[])[]

export function countFields(bytes: Uint8Array, path: FieldPath): number {
  return new FieldCounter(bytes).count(bytes.length, path, 0)
}

class FieldCounter {
  private readonly bytes: Uint8Array
  private pos = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  count(end: number, path: FieldPath, level: number): number {
    const wanted = path[level] ?? []
    const isLast = level === path.length - 1
    let total = 0
    while (this.pos < end) {
      const tag = this.varint()
      const wire = tag & 7
      if (wire !== 2) {
        if (wire === 0) this.varint()
        else this.pos += wire === 1 ? 8 : 4
        continue
      }
      const length = this.varint()
      const next = this.pos + length
      if (wanted.includes(tag >>> 3)) total += isLast ? 1 : this.count(next, path, level + 1)
      this.pos = next
    }
    return total
  }

  private varint(): number {
    const { bytes } = this
    let value = 0
    for (let shift = 0; this.pos < bytes.length; shift += 7) {
      const byte = bytes[this.pos++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return value >>> 0
  }
}
