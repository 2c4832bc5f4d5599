/** Sixty rows of the columns of one entity: written to while it is open, compressed once it is full. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { blockRows, type Fold } from './tiers.ts'

export class OpenBlock {
  readonly index: number
  /** Values with a smaller position in the journal are in it already. */
  readonly position: number
  isDirty = true
  /** Columns that there is room for. */
  private width: number
  /** Row by row, since values come by row; NaN = no value. */
  private data: Float32Array
  /** How near to the row's end the value was that a `last` keeps. */
  private phases: Uint8Array

  constructor(index: number, columns: number, position = 0) {
    this.index = index
    this.position = position
    this.width = Math.max(4, columns)
    this.data = new Float32Array(this.width * blockRows).fill(Number.NaN)
    this.phases = new Uint8Array(this.width * blockRows)
  }

  get bytes(): number {
    return this.data.byteLength + this.phases.byteLength + overheadBytes
  }

  /** `phase`: which of the values of its row it is, from 1. The answer is by how many bytes the block grew. */
  write(column: number, row: number, value: number, fold: Fold, phase: number): number {
    const grown = column >= this.width ? this.grow(column + 1) : 0
    const cell = (row - this.index * blockRows) * this.width + column
    this.isDirty = true
    if (fold === 'last') {
      if (phase < this.phases[cell]!) return grown
      this.phases[cell] = phase
      this.data[cell] = value
      return grown
    }
    const before = this.data[cell]!
    if (Number.isNaN(before)) this.data[cell] = value
    else if (fold === 'sum') this.data[cell] = before + value
    else this.data[cell] = fold === 'min' ? Math.min(before, value) : Math.max(before, value)
    return grown
  }

  /** The values of a column by row; undefined where it never had one. */
  column(place: number): Float32Array | undefined {
    if (place >= this.width) return undefined
    const values = new Float32Array(blockRows)
    for (let row = 0; row < blockRows; row++) values[row] = this.data[row * this.width + place]!
    return values
  }

  /** Column by column, which compresses best. `columns`: the numbers of the columns, in the order in which they stand. */
  freeze(columns: readonly number[]): Uint8Array {
    const { width } = this
    const count = Math.min(columns.length, width)
    const cells = count * blockRows
    const plain = Buffer.alloc(headerBytes + count * 2 + cells * 5)
    plain.writeUInt8(formatVersion, 0)
    plain.writeUInt16LE(count, 2)
    let at = headerBytes
    for (let c = 0; c < count; c++) at = plain.writeUInt16LE(columns[c]!, at)
    // By significance: the first bytes of neighbours are mostly equal, and compress.
    const bytes = new Uint8Array(this.data.buffer)
    for (let plane = 0; plane < 4; plane++)
      for (let c = 0; c < count; c++)
        for (let row = 0; row < blockRows; row++) plain[at++] = bytes[(row * width + c) * 4 + plane]!
    for (let c = 0; c < count; c++)
      for (let row = 0; row < blockRows; row++) plain[at++] = this.phases[row * width + c]!
    // A copy: what zlib gives pins its whole buffer.
    return new Uint8Array(zstdCompressSync(plain, { pledgedSrcSize: plain.length }))
  }

  /** Throws for what `freeze` did not write. `local`: where a column stands by now. */
  static thaw(
    index: number,
    position: number,
    frozen: Uint8Array,
    columns: number,
    local: (number: number) => number,
  ): OpenBlock {
    const { numbers, data, phases } = readFrozen(frozen)
    const block = new OpenBlock(index, columns, position)
    for (const [i, number] of numbers.entries()) {
      const to = local(number)
      if (to < 0) continue
      if (to >= block.width) block.grow(to + 1)
      for (let row = 0; row < blockRows; row++) {
        block.data[row * block.width + to] = data[i * blockRows + row]!
        block.phases[row * block.width + to] = phases[i * blockRows + row]!
      }
    }
    block.isDirty = false
    return block
  }

  private grow(columns: number): number {
    const before = this.bytes
    const width = Math.max(columns, Math.trunc((this.width * 3) / 2))
    const data = new Float32Array(width * blockRows).fill(Number.NaN)
    const phases = new Uint8Array(width * blockRows)
    for (let row = 0; row < blockRows; row++) {
      data.set(this.data.subarray(row * this.width, (row + 1) * this.width), row * width)
      phases.set(this.phases.subarray(row * this.width, (row + 1) * this.width), row * width)
    }
    this.width = width
    this.data = data
    this.phases = phases
    return this.bytes - before
  }
}

export interface FrozenColumns {
  readonly numbers: Uint16Array
  readonly data: Float32Array
  readonly phases: Uint8Array
}

/** Throws for what is no such block. */
export function readFrozen(frozen: Uint8Array): FrozenColumns {
  const plain = zstdDecompressSync(frozen, { maxOutputLength: maxPlainBytes })
  const count = plain.readUInt16LE(2)
  const cells = count * blockRows
  if (plain[0] !== formatVersion || plain.length !== headerBytes + count * 2 + cells * 5)
    throw new Error(`a block of history has the unknown format ${plain[0]} or length ${plain.length}`)
  const numbers = new Uint16Array(count)
  for (let c = 0; c < count; c++) numbers[c] = plain.readUInt16LE(headerBytes + c * 2)
  const data = new Float32Array(cells)
  const bytes = new Uint8Array(data.buffer)
  let at = headerBytes + count * 2
  for (let plane = 0; plane < 4; plane++) for (let i = plane; i < bytes.length; i += 4) bytes[i] = plain[at++]!
  return { numbers, data, phases: new Uint8Array(plain.subarray(at)) }
}

const formatVersion = 1
const headerBytes = 4
const maxPlainBytes = 64 * 1024 * 1024
/** Of the objects around the numbers, about. */
const overheadBytes = 400
