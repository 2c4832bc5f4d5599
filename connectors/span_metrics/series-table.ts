/**
 * Series by the bytes of their key: open addressing over one heap of keys, and one row of numbers a series beside it. A span touches these arrays
 * only, with neither a string nor an object of its own, and series that are far apart in memory cost few cache misses.
 */
import { hashOf } from '../../pipeline/data/dictionary.ts'
import type { Series } from './series.ts'

/** What a row begins with; the buckets of a histogram with fixed bounds follow. */
export const countAt = 0
export const lastSeenAt = 1
export const sumAt = 2
export const bucketsAt = 3

/** The rows and keys of a table as they were at one moment. */
export class FrozenTable {
  private readonly rows: Float64Array
  private readonly stride: number
  private readonly starts: Uint32Array
  private readonly heap: Uint8Array

  constructor(rows: Float64Array, stride: number, starts: Uint32Array, heap: Uint8Array) {
    this.rows = rows
    this.stride = stride
    this.starts = starts
    this.heap = heap
  }

  key(id: number): Uint8Array {
    return this.heap.subarray(this.starts[id]!, this.starts[id + 1]!)
  }

  row(id: number): Float64Array {
    return this.rows.subarray(id * this.stride, (id + 1) * this.stride)
  }
}

export class SeriesTable {
  readonly stride: number
  /** The row of series `id` begins at `id * stride`. */
  rows: Float64Array
  /** By id. */
  entries: Series[] = []
  private slots = new Int32Array(64)
  private hashes = new Int32Array(32)
  /** Where the keys begin; one more than there are series. */
  private starts = new Uint32Array(33)
  private heap = new Uint8Array(4096)
  private hash = 0
  private slot = 0

  constructor(buckets: number) {
    this.stride = bucketsAt + buckets
    this.rows = new Float64Array(32 * this.stride)
  }

  get size(): number {
    return this.entries.length
  }

  /** The id, or -1; remembers where the key would stand, for the `insert` that follows. */
  find(b: Uint8Array, length: number): number {
    const hash = hashOf(b, 0, length)
    const { slots, hashes, starts, heap } = this
    const mask = slots.length - 1
    let slot = hash & mask
    for (let next = slots[slot]!; next !== 0; slot = (slot + 1) & mask, next = slots[slot]!) {
      const id = next - 1
      if (hashes[id] !== hash) continue
      const at = starts[id]!
      if (starts[next]! - at !== length) continue
      let i = 0
      while (i < length && heap[at + i] === b[i]) i++
      if (i === length) return id
    }
    this.hash = hash
    this.slot = slot
    return -1
  }

  /** Inserts under the key that `find` has just not found. */
  insert(series: Series, b: Uint8Array, length: number): number {
    const id = this.entries.push(series) - 1
    series.id = id
    if (id === this.hashes.length) this.grow()
    const at = this.starts[id]!
    if (at + length > this.heap.length) {
      const larger = new Uint8Array(Math.max(at + length, this.heap.length * 2))
      larger.set(this.heap.subarray(0, at))
      this.heap = larger
    }
    for (let i = 0; i < length; i++) this.heap[at + i] = b[i]!
    this.starts[id + 1] = at + length
    this.hashes[id] = this.hash
    this.slots[this.slot] = id + 1
    if (this.size * 2 > this.slots.length) this.index(this.slots.length * 2)
    return id
  }

  /** A view that is good until the next change. */
  key(id: number): Uint8Array {
    return this.heap.subarray(this.starts[id]!, this.starts[id + 1]!)
  }

  row(id: number): Float64Array {
    return this.rows.subarray(id * this.stride, (id + 1) * this.stride)
  }

  /** `goesOn`: series of it are counted further; otherwise all that somebody wants to read of it is swept at once, which leaves the old memory alone. */
  frozen(goesOn: boolean): FrozenTable {
    const { rows, stride, starts, heap } = this
    // Keys are only ever added, or moved to new memory.
    return new FrozenTable(goesOn ? rows.slice(0, this.size * stride) : rows, stride, starts, heap)
  }

  /** Forgets those that are not live, and gives back what they took. */
  sweep(): void {
    const { entries, hashes, starts, heap, stride } = this
    const kept = entries.filter(({ isLive }) => isLive)
    if (kept.length === entries.length) return
    let capacity = 32
    while (capacity < kept.length) capacity *= 2
    let bytes = 0
    for (const { id } of kept) bytes += starts[id + 1]! - starts[id]!
    const fresh = {
      hashes: new Int32Array(capacity),
      starts: new Uint32Array(capacity + 1),
      heap: new Uint8Array(Math.max(4096, bytes)),
      rows: new Float64Array(capacity * stride),
    }
    for (const [id, series] of kept.entries()) {
      const old = series.id
      const at = fresh.starts[id]!
      fresh.heap.set(heap.subarray(starts[old]!, starts[old + 1]!), at)
      fresh.starts[id + 1] = at + starts[old + 1]! - starts[old]!
      fresh.hashes[id] = hashes[old]!
      fresh.rows.set(this.row(old), id * stride)
      series.id = id
    }
    this.entries = kept
    this.hashes = fresh.hashes
    this.starts = fresh.starts
    this.heap = fresh.heap
    this.rows = fresh.rows
    this.index(capacity * 2)
  }

  private grow(): void {
    const capacity = this.hashes.length * 2
    const hashes = new Int32Array(capacity)
    hashes.set(this.hashes)
    this.hashes = hashes
    const starts = new Uint32Array(capacity + 1)
    starts.set(this.starts)
    this.starts = starts
    const rows = new Float64Array(capacity * this.stride)
    rows.set(this.rows)
    this.rows = rows
  }

  private index(size: number): void {
    const slots = new Int32Array(size)
    const mask = size - 1
    for (let id = 0; id < this.size; id++) {
      let slot = this.hashes[id]! & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = id + 1
    }
    this.slots = slots
  }
}
