/** Edges of a case by node, in compressed rows, both ways. */
import type { RootCauseCase } from './evidence.ts'

export interface Adjacency {
  /** Row `n` is `from[n]` to `from[n + 1]`. */
  readonly from: Uint32Array
  readonly neighbour: Uint32Array
  /** By entry: the share of the caller's work that goes that way, 0 to 1. */
  readonly share: Float64Array
}

export interface CallGraph {
  readonly callers: Adjacency
  readonly callees: Adjacency
}

/** O(nodes + edges). Throws a `RangeError` for an edge of a node that is not there. */
export function callGraph({ nodes, source, target, calls }: RootCauseCase): CallGraph {
  const share = shares(nodes.length, source, target, calls)
  return {
    callers: adjacency(nodes.length, target, source, share),
    callees: adjacency(nodes.length, source, target, share),
  }
}

/** A caller's calls along the edge over its own requests, which are at least the most that one of its edges carries. Unknown counts are taken as all. */
function shares(nodes: number, source: Uint32Array, target: Uint32Array, calls: Float64Array): Float64Array {
  const received = new Float64Array(nodes)
  const busiest = new Float64Array(nodes)
  for (let e = 0; e < source.length; e++) {
    const [from, to, count] = [source[e] as number, target[e] as number, calls[e] as number]
    if (from >= nodes || to >= nodes)
      throw new RangeError(`edge ${e} is of node ${Math.max(from, to)}: there are ${nodes}`)
    if (!(count > 0)) continue
    received[to] = (received[to] as number) + count
    busiest[from] = Math.max(busiest[from] as number, count)
  }
  return calls.map((count, e) => {
    const from = source[e] as number
    const own = Math.max(received[from] as number, busiest[from] as number)
    return count >= 0 && own > 0 ? count / own : 1
  })
}

function adjacency(nodes: number, key: Uint32Array, value: Uint32Array, share: Float64Array): Adjacency {
  const from = new Uint32Array(nodes + 1)
  for (const node of key) from[node + 1] = (from[node + 1] as number) + 1
  for (let n = 0; n < nodes; n++) from[n + 1] = (from[n + 1] as number) + (from[n] as number)
  const next = from.slice()
  const neighbour = new Uint32Array(key.length)
  const ordered = new Float64Array(key.length)
  for (let e = 0; e < key.length; e++) {
    const node = key[e] as number
    const at = next[node] as number
    next[node] = at + 1
    neighbour[at] = value[e] as number
    ordered[at] = share[e] as number
  }
  return { from, neighbour, share: ordered }
}

/** Reused between walks: what a breadth-first walk has seen. */
export class Reach {
  /** Nodes in the order in which they were reached, those that it began with left out. */
  readonly order: Uint32Array
  /** By node: how much of a fault arrives there, 0 to 1; 0 where the walk did not come. */
  readonly strength: Float64Array
  readonly #hops: Int32Array
  readonly #starts: number[] = []
  length = 0

  constructor(nodes: number) {
    this.order = new Uint32Array(nodes)
    this.strength = new Float64Array(nodes)
    this.#hops = new Int32Array(nodes).fill(-1)
  }

  /** Walks from `starts` up to `mostHops`, each step keeping `perHop` of the strength and the edge's share of the rest. O(nodes and edges reached). */
  walk({ from, neighbour, share }: Adjacency, starts: readonly number[], mostHops: number, perHop: number): void {
    for (let i = 0; i < this.length; i++) this.#clear(this.order[i] as number)
    for (const start of this.#starts) this.#clear(start)
    this.#starts.length = 0
    this.length = 0
    for (const start of starts) {
      if (this.#hops[start] === 0) continue
      this.#hops[start] = 0
      this.strength[start] = 1
      this.#starts.push(start)
    }
    for (const start of this.#starts) this.#expand(start, from, neighbour, share, mostHops, perHop)
    for (let i = 0; i < this.length; i++)
      this.#expand(this.order[i] as number, from, neighbour, share, mostHops, perHop)
  }

  hops(node: number): number {
    return this.#hops[node] as number
  }

  #expand(
    node: number,
    from: Uint32Array,
    neighbour: Uint32Array,
    share: Float64Array,
    mostHops: number,
    perHop: number,
  ): void {
    const hops = (this.#hops[node] as number) + 1
    if (hops > mostHops) return
    for (let e = from[node] as number; e < (from[node + 1] as number); e++) {
      const next = neighbour[e] as number
      const known = this.#hops[next] as number
      if (known >= 0 && known < hops) continue
      // A caller that seldom goes this way feels little of it, but those calls that do go this way are felt whole.
      const strength =
        (this.strength[node] as number) * perHop * (leastShare + (1 - leastShare) * Math.min(1, share[e] as number))
      this.strength[next] = Math.max(this.strength[next] as number, strength)
      if (known >= 0) continue
      this.#hops[next] = hops
      this.order[this.length++] = next
    }
  }

  #clear(node: number): void {
    this.#hops[node] = -1
    this.strength[node] = 0
  }
}

const leastShare = 0.4
