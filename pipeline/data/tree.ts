/**
 * Where the containers and items of one chunk stand: a level each for resources, scopes and items; for metrics also one for metrics and one for their data.
 * Nodes of a level are in wire order, and the children of a node are neighbours.
 */
import type { Signal } from './telemetry.ts'
import { cursor, skip, uvarint } from './wire.ts'

/** The tags (field number and wire type 2) that lead from a level to the next. */
const scopes = [[10], [18], [18]] as const
const levels: Record<Signal, readonly (readonly number[])[]> = {
  traces: scopes,
  logs: scopes,
  metrics: [...scopes, [42, 58, 74, 82, 90], [10]],
  // Items here are profiles, not samples: a profile is never cut.
  profiles: scopes,
}

export const resourceLevel = 0
export const scopeLevel = 1
export const metricLevel = 2
export const dataLevel = 3

export class Level {
  size = 0
  /** Where the field begins that holds the node. */
  tagAt: Int32Array
  start: Int32Array
  end: Int32Array
  parent: Int32Array
  /** In the next level; its children end where the next node's begin. One more entry than nodes. */
  firstChild: Int32Array

  constructor(capacity: number) {
    this.tagAt = new Int32Array(capacity)
    this.start = new Int32Array(capacity)
    this.end = new Int32Array(capacity)
    this.parent = new Int32Array(capacity)
    this.firstChild = new Int32Array(capacity + 1)
  }

  add(tagAt: number, start: number, end: number, parent: number): number {
    const i = this.size++
    if (i === this.tagAt.length) this.grow()
    this.tagAt[i] = tagAt
    this.start[i] = start
    this.end[i] = end
    this.parent[i] = parent
    return i
  }

  private grow(): void {
    const capacity = Math.max(16, this.tagAt.length * 2)
    this.tagAt = larger(this.tagAt, capacity)
    this.start = larger(this.start, capacity)
    this.end = larger(this.end, capacity)
    this.parent = larger(this.parent, capacity)
    this.firstChild = larger(this.firstChild, capacity + 1)
  }
}

function larger(array: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(capacity)
  copy.set(array)
  return copy
}

export class Tree {
  readonly bytes: Uint8Array
  readonly levels: readonly Level[]
  readonly items: Level
  private rootHeader: readonly number[] | undefined
  private readonly headers: (readonly number[] | undefined)[][]

  constructor(signal: Signal, bytes: Uint8Array, items: number) {
    this.bytes = bytes
    const tags = levels[signal]
    this.levels = tags.map((_, i) => new Level(i === tags.length - 1 ? items : 16))
    this.items = this.levels.at(-1)!
    this.headers = tags.map(() => [])
    index(bytes, 0, bytes.length, this.levels, tags, 0, -1)
    // Closes the last node's children.
    for (let l = 0; l < this.levels.length - 1; l++) {
      const level = this.levels[l]!
      level.firstChild[level.size] = this.levels[l + 1]!.size
    }
  }

  /** What of a node is not its children, as pairs of start and end. */
  header(l: number, node: number): readonly number[] {
    const level = this.levels[l]!
    return (this.headers[l]![node] ??= gaps(
      level.start[node]!,
      level.end[node]!,
      this.levels[l + 1]!,
      level.firstChild[node]!,
      level.firstChild[node + 1]!,
    ))
  }

  /** What of the request is not resources: unknown fields, and the dictionary of profiles. */
  requestHeader(): readonly number[] {
    const first = this.levels[0]!
    return (this.rootHeader ??= gaps(0, this.bytes.length, first, 0, first.size))
  }

  /** Whether a resource, a scope, ... holds no item. */
  get hasEmpty(): boolean {
    for (let l = 0; l < this.levels.length - 1; l++) {
      const { firstChild, size } = this.levels[l]!
      for (let node = 0; node < size; node++) if (firstChild[node]! === firstChild[node + 1]!) return true
    }
    return false
  }

  /** The node of level `l` that holds the item. */
  ancestor(item: number, l: number): number {
    let node = item
    for (let i = this.levels.length - 1; i > l; i--) node = this.levels[i]!.parent[node]!
    return node
  }
}

function index(
  b: Uint8Array,
  start: number,
  end: number,
  into: readonly Level[],
  tags: readonly (readonly number[])[],
  l: number,
  parent: number,
): void {
  const level = into[l]!
  const wanted = tags[l]!
  const only = wanted.length === 1 ? wanted[0]! : -1
  const deeper = l + 1 < into.length
  let p = start
  while (p < end) {
    const at = p
    let tag = b[p++]!
    if (tag > 127) {
      tag = uvarint(b, at)
      p = cursor
    }
    if ((tag & 7) !== 2) {
      p = skip(b, p, tag & 7)
      continue
    }
    let length = b[p++]!
    if (length > 127) {
      const next = b[p++]!
      if (next < 128) length = (length & 127) | (next << 7)
      else {
        length = uvarint(b, p - 2)
        p = cursor
      }
    }
    if (tag === only || (only < 0 && wanted.includes(tag))) {
      const node = level.add(at, p, p + length, parent)
      if (deeper) {
        level.firstChild[node] = into[l + 1]!.size
        index(b, p, p + length, into, tags, l + 1, node)
      }
    }
    p += length
  }
}

function gaps(start: number, end: number, children: Level, first: number, last: number): readonly number[] {
  const ranges: number[] = []
  let p = start
  for (let i = first; i < last; i++) {
    if (children.tagAt[i]! > p) ranges.push(p, children.tagAt[i]!)
    p = children.end[i]!
  }
  if (end > p) ranges.push(p, end)
  return ranges
}
