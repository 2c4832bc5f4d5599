/** Rewrites a chunk: replaces byte ranges inside the nodes of one level, copies the rest, and corrects the lengths of what holds them. */
import type { Tree } from './tree.ts'
import { allocate, putRange, putVarint, varintSize } from './wire.ts'

export class Splices {
  private readonly tree: Tree
  private readonly level: number
  private readonly starts: number[] = []
  private readonly ends: number[] = []
  private readonly pieces: (Uint8Array | undefined)[] = []
  /** By how much the content of each node grows, a level each. */
  private readonly growth: readonly Int32Array[]

  constructor(tree: Tree, level: number) {
    this.tree = tree
    this.level = level
    this.growth = tree.levels.slice(0, level + 1).map((l) => new Int32Array(l.size))
  }

  get size(): number {
    return this.starts.length
  }

  /** Puts `by` in the place of [start, end), which lies in `node`. Call it in wire order. */
  replace(node: number, start: number, end: number, by: Uint8Array | undefined): void {
    this.starts.push(start)
    this.ends.push(end)
    this.pieces.push(by)
    this.growth[this.level]![node]! += (by === undefined ? 0 : by.length) - (end - start)
  }

  /** The new chunk, in one buffer of exactly its size. */
  write(): Uint8Array {
    const { bytes } = this.tree
    let size = bytes.length
    for (let l = this.level; l >= 0; l--) {
      const { start, end, tagAt, parent, size: nodes } = this.tree.levels[l]!
      const growth = this.growth[l]!
      const above = this.growth[l - 1]
      for (let node = 0; node < nodes; node++) {
        const more = growth[node]!
        if (more === 0) continue
        const all = more + 1 + varintSize(end[node]! - start[node]! + more) - (start[node]! - tagAt[node]!)
        if (above === undefined) size += all
        else above[parent[node]!]! += all
      }
    }
    return new Writer(this.tree, this.level, this.growth, this.starts, this.ends, this.pieces, allocate(size)).write()
  }
}

class Writer {
  private readonly tree: Tree
  private readonly level: number
  private readonly growth: readonly Int32Array[]
  private readonly starts: readonly number[]
  private readonly ends: readonly number[]
  private readonly pieces: readonly (Uint8Array | undefined)[]
  private readonly out: Uint8Array
  private at = 0
  private copied = 0
  private next = 0

  constructor(
    tree: Tree,
    level: number,
    growth: readonly Int32Array[],
    starts: readonly number[],
    ends: readonly number[],
    pieces: readonly (Uint8Array | undefined)[],
    out: Uint8Array,
  ) {
    this.tree = tree
    this.level = level
    this.growth = growth
    this.starts = starts
    this.ends = ends
    this.pieces = pieces
    this.out = out
  }

  write(): Uint8Array {
    this.nodes(0, 0, this.tree.levels[0]!.size)
    this.copyUpTo(this.tree.bytes.length)
    return this.out
  }

  private nodes(l: number, from: number, to: number): void {
    const level = this.tree.levels[l]!
    const growth = this.growth[l]!
    const { tagAt, start, end, firstChild } = level
    for (let node = from; node < to; node++) {
      const more = growth[node]!
      if (more !== 0) {
        this.copyUpTo(tagAt[node]!)
        this.out[this.at++] = this.tree.bytes[tagAt[node]!]! & 127
        this.at = putVarint(this.out, this.at, end[node]! - start[node]! + more)
        this.copied = start[node]!
      }
      if (l < this.level) this.nodes(l + 1, firstChild[node]!, firstChild[node + 1]!)
      else this.splices(end[node]!)
    }
  }

  private splices(end: number): void {
    const { starts, ends, pieces } = this
    while (this.next < starts.length && starts[this.next]! <= end) {
      this.copyUpTo(starts[this.next]!)
      const piece = pieces[this.next]
      if (piece !== undefined) this.at = putRange(this.out, this.at, piece, 0, piece.length)
      this.copied = ends[this.next]!
      this.next++
    }
  }

  private copyUpTo(end: number): void {
    if (end > this.copied) {
      this.at = putRange(this.out, this.at, this.tree.bytes, this.copied, end)
      this.copied = end
    }
  }
}
