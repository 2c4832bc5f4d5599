/** The values that came since the last commit, so that a restart can write them again into blocks that are not stored yet. */
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompressSync } from 'node:zlib'

const compress = promisify(zstdCompress)

const valueBytes = 16
/** More is not noted: it is stored with its block, some minutes later. */
const maxValues = 4_000_000
const maxPlainBytes = maxValues * valueBytes
const formatVersion = 1

/** Values in the order in which they came, column by column. */
export interface JournalColumns {
  readonly length: number
  readonly entity: Uint32Array
  readonly pane: Uint32Array
  readonly value: Float32Array
  readonly column: Uint16Array
  readonly revision: Uint16Array
}

interface Encoded {
  readonly bytes: Uint8Array
  /** Position of the first value. */
  readonly first: number
  readonly count: number
  readonly isWritten: () => void
}

export class Journal {
  /** Values that were not noted for want of room. */
  overflowed = 0
  /** Of the next value: how many there ever were, noted or not. */
  position = 1
  /** Full: nothing is noted until all that is in it is written, so that positions have no gaps. */
  private isOverflowing = false
  private length = 0
  /** Position of the first that is in it. */
  private first = 1
  private entity = new Uint32Array(1_024)
  private pane = new Uint32Array(1_024)
  private value = new Float32Array(1_024)
  private column = new Uint16Array(1_024)
  private revision = new Uint16Array(1_024)

  get size(): number {
    return this.length
  }

  add(entity: number, column: number, pane: number, value: number, revision: number): void {
    this.position++
    this.isOverflowing ||= this.length === this.entity.length && !this.grow()
    if (this.isOverflowing) {
      this.overflowed++
      return
    }
    if (this.length === 0) this.first = this.position - 1
    const at = this.length++
    this.entity[at] = entity
    this.column[at] = column
    this.pane[at] = pane
    this.value[at] = value
    this.revision[at] = Math.min(revision, 0xffff)
  }

  /** What is in it now, compressed; what comes meanwhile stays. `isWritten` takes it out. */
  async encode(): Promise<Encoded> {
    const { length, first } = this
    const plain = new Uint8Array(8 + length * valueBytes)
    new DataView(plain.buffer).setUint32(0, formatVersion)
    new DataView(plain.buffer).setUint32(4, length)
    let at = 8
    for (const column of [this.entity, this.pane, this.value, this.column, this.revision]) {
      const bytes = new Uint8Array(column.buffer, 0, length * column.BYTES_PER_ELEMENT)
      plain.set(bytes, at)
      at += bytes.length
    }
    const bytes = new Uint8Array(await compress(plain))
    return { bytes, first, count: length, isWritten: () => this.drop(length) }
  }

  private drop(count: number): void {
    for (const column of [this.entity, this.pane, this.value, this.column, this.revision])
      column.copyWithin(0, count, this.length)
    this.length -= count
    this.first += count
    if (this.length === 0) this.isOverflowing = false
  }

  private grow(): boolean {
    const size = this.length * 2
    if (size > maxValues) return false
    const larger = <A extends Uint32Array | Uint16Array | Float32Array>(to: A, from: A): A => {
      to.set(from)
      return to
    }
    this.entity = larger(new Uint32Array(size), this.entity)
    this.pane = larger(new Uint32Array(size), this.pane)
    this.value = larger(new Float32Array(size), this.value)
    this.column = larger(new Uint16Array(size), this.column)
    this.revision = larger(new Uint16Array(size), this.revision)
    return true
  }
}

/** Throws for what `encode` did not write. */
export function readJournal(bytes: Uint8Array): JournalColumns {
  const plain = new Uint8Array(zstdDecompressSync(bytes, { maxOutputLength: maxPlainBytes + 8 }))
  const view = new DataView(plain.buffer)
  const length = view.getUint32(4)
  if (view.getUint32(0) !== formatVersion || plain.length !== 8 + length * valueBytes)
    throw new Error(`a journal has the unknown format ${view.getUint32(0)} or length ${plain.length}`)
  return {
    length,
    entity: new Uint32Array(plain.buffer, 8, length),
    pane: new Uint32Array(plain.buffer, 8 + length * 4, length),
    value: new Float32Array(plain.buffer, 8 + length * 8, length),
    column: new Uint16Array(plain.buffer, 8 + length * 12, length),
    revision: new Uint16Array(plain.buffer, 8 + length * 14, length),
  }
}
