/** Spans by columns, and what follows from how they nest. Nodes, operations and traces are indexes; times are seconds on one clock. */

export interface Spans {
  readonly trace: Int32Array
  /** Row of the parent; -1 where there is none or it was lost. */
  readonly parent: Int32Array
  readonly node: Int32Array
  readonly operation: Int32Array
  readonly start: Float64Array
  readonly end: Float64Array
}

/** Rows of the children of each span, by start: those of `i` are `rows[from[i]]` to `rows[from[i + 1] - 1]`. */
export interface Children {
  readonly from: Uint32Array
  readonly rows: Uint32Array
}

/** O(n log n). Spans of equal start keep the order of their end, then of their rows. */
export function childrenOf({ parent, start, end }: Spans): Children {
  const n = parent.length
  const from = new Uint32Array(n + 1)
  for (const p of parent) if (p >= 0) from[p + 1]!++
  for (let i = 0; i < n; i++) from[i + 1]! += from[i]!
  const next = from.slice(0, n)
  const rows = new Uint32Array(from[n]!)
  const byStart = new Uint32Array(n)
    .map((_, i) => i)
    .sort((a, b) => start[a]! - start[b]! || end[a]! - end[b]! || a - b)
  for (const i of byStart) if (parent[i]! >= 0) rows[next[parent[i]!]!++] = i
  return { from, rows }
}

/** Duration less the union of the children's intervals, clipped to the span; s. O(n). */
export function selfTimes({ start, end }: Spans, { from, rows }: Children): Float64Array {
  const self = new Float64Array(start.length)
  for (let i = 0; i < self.length; i++) {
    const last = end[i]!
    let at = start[i]!
    let busy = 0
    for (let k = from[i]!; k < from[i + 1]!; k++) {
      const child = rows[k]!
      const since = Math.max(at, start[child]!)
      const until = Math.min(last, end[child]!)
      if (until <= since) continue
      busy += until - since
      at = until
    }
    self[i] = Math.max(0, last - start[i]! - busy)
  }
  return self
}

/** 1 for a call to another node: a span that has children, all of them at one other node. What it takes by itself is spent on the way. */
export function remoteCalls({ node }: Spans, { from, rows }: Children): Uint8Array {
  const isRemote = new Uint8Array(node.length)
  for (let i = 0; i < isRemote.length; i++) {
    const [first, end] = [from[i]!, from[i + 1]!]
    if (first === end) continue
    const callee = node[rows[first]!]!
    if (callee === node[i]) continue
    let isOne = true
    for (let k = first + 1; k < end; k++) if (node[rows[k]!] !== callee) isOne = false
    if (isOne) isRemote[i] = 1
  }
  return isRemote
}
