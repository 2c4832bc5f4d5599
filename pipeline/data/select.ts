/** Copies some items of a chunk, with the containers they stand in, into a request of their own. Containers that would be empty are left out. */
import type { Tree } from './tree.ts'
import { allocate, putRange, putVarint, varintSize } from './wire.ts'

/** The nodes of a level that hold something selected, and how long their content becomes. */
interface Touched {
  readonly nodes: number[]
  readonly sizes: number[]
  /** How many children of the node were selected. */
  readonly children: number[]
}

/** `items` are indices into the tree's items, ascending; those from `from` to before `to` are copied, into memory of `reserve`. */
export function select(
  tree: Tree,
  items: ArrayLike<number>,
  from: number,
  to: number,
  reserve: (size: number) => Uint8Array = allocate,
): Uint8Array {
  const touched = measure(tree, items, from, to)
  let size = rangesSize(tree.requestHeader())
  for (const contents of touched[0]!.sizes) size += 1 + varintSize(contents) + contents
  return new Selection(tree, items, from, touched, reserve(size)).write()
}

function measure(tree: Tree, items: ArrayLike<number>, from: number, to: number): readonly Touched[] {
  const depth = tree.levels.length - 1
  const touched: Touched[] = []
  for (let l = 0; l < depth; l++) touched.push({ nodes: [], sizes: [], children: [] })
  const { parent, tagAt, end } = tree.items
  const lowest = touched[depth - 1]!
  let last = -1
  for (let i = from; i < to; i++) {
    const item = items[i]!
    const node = parent[item]!
    if (node !== last) add(tree, depth - 1, lowest, node)
    last = node
    lowest.sizes[lowest.sizes.length - 1]! += end[item]! - tagAt[item]!
    lowest.children[lowest.children.length - 1]!++
  }
  for (let l = depth - 1; l > 0; l--) {
    const level = tree.levels[l]!
    const above = touched[l - 1]!
    const { nodes, sizes } = touched[l]!
    last = -1
    for (const [k, node] of nodes.entries()) {
      const holder = level.parent[node]!
      if (holder !== last) add(tree, l - 1, above, holder)
      last = holder
      const contents = sizes[k]!
      above.sizes[above.sizes.length - 1]! += 1 + varintSize(contents) + contents
      above.children[above.children.length - 1]!++
    }
  }
  return touched
}

function add(tree: Tree, l: number, touched: Touched, node: number): void {
  touched.nodes.push(node)
  touched.sizes.push(rangesSize(tree.header(l, node)))
  touched.children.push(0)
}

function rangesSize(ranges: readonly number[]): number {
  let size = 0
  for (let i = 0; i < ranges.length; i += 2) size += ranges[i + 1]! - ranges[i]!
  return size
}

class Selection {
  private readonly tree: Tree
  private readonly items: ArrayLike<number>
  private readonly touched: readonly Touched[]
  private readonly out: Uint8Array
  private readonly next: number[]
  private item: number
  private at = 0

  constructor(tree: Tree, items: ArrayLike<number>, from: number, touched: readonly Touched[], out: Uint8Array) {
    this.tree = tree
    this.items = items
    this.touched = touched
    this.item = from
    this.out = out
    this.next = touched.map(() => 0)
  }

  write(): Uint8Array {
    const ranges = this.tree.requestHeader()
    this.ranges(ranges, 0, ranges.length)
    for (let k = this.touched[0]!.nodes.length; k > 0; k--) this.container(0)
    return this.out
  }

  private container(l: number): void {
    const { tree, out } = this
    const { bytes } = tree
    const level = tree.levels[l]!
    const touched = this.touched[l]!
    const k = this.next[l]!++
    const node = touched.nodes[k]!
    // The tags of containers fit in 7 bits, however long they were written.
    out[this.at++] = bytes[level.tagAt[node]!]! & 127
    this.at = putVarint(out, this.at, touched.sizes[k]!)
    const ranges = tree.header(l, node)
    const firstChild = tree.levels[l + 1]!.tagAt[level.firstChild[node]!]!
    let before = 0
    while (before < ranges.length && ranges[before]! < firstChild) before += 2
    this.ranges(ranges, 0, before)
    if (l === this.touched.length - 1) this.copyItems(touched.children[k]!)
    else for (let c = touched.children[k]!; c > 0; c--) this.container(l + 1)
    this.ranges(ranges, before, ranges.length)
  }

  /** Items that stand side by side are copied at once. */
  private copyItems(count: number): void {
    const { items } = this
    const { tagAt, end } = this.tree.items
    const stop = this.item + count
    while (this.item < stop) {
      let last = items[this.item++]!
      const start = tagAt[last]!
      while (this.item < stop && tagAt[items[this.item]!]! === end[last]!) last = items[this.item++]!
      this.at = putRange(this.out, this.at, this.tree.bytes, start, end[last]!)
    }
  }

  private ranges(ranges: readonly number[], from: number, to: number): void {
    for (let i = from; i < to; i += 2) {
      this.at = putRange(this.out, this.at, this.tree.bytes, ranges[i]!, ranges[i + 1]!)
    }
  }
}
