/** Who calls whom, as of a time. Directions are those of calls; trouble goes the other way. */
import type { Graph } from '../../pipeline/capability/feature-store.ts'

/** How far is looked for what a burn or a page may come from. */
const maxDepth = 16

export class CallGraph {
  readonly services: number
  readonly size: number
  readonly #callees = new Map<string, string[]>()
  readonly #callers = new Map<string, string[]>()
  readonly #sourceOfEdge = new Map<string, string>()
  readonly #near = new Map<string, ReadonlyMap<string, number>>()

  constructor({ nodes, source, target, edges }: Pick<Graph, 'nodes' | 'source' | 'target' | 'edges'>) {
    for (let i = 0; i < source.length; i++) {
      const [from, to] = [nodes[source[i]!]!, nodes[target[i]!]!]
      if (from === to) continue
      add(this.#callees, from, to)
      add(this.#callers, to, from)
      const edge = edges[i]
      if (edge !== undefined && edge !== '') this.#sourceOfEdge.set(edge, from)
    }
    this.services = nodes.filter((id) => id.startsWith('service:')).length
    this.size = source.length
  }

  /** Of an edge's alarm: who calls, exactly; undefined for what is not in the graph. */
  sourceOf(edge: string): string | undefined {
    return this.#sourceOfEdge.get(edge)
  }

  hasCallers(place: string): boolean {
    return this.#callers.has(place)
  }

  /** What it calls within so many calls, with their number; itself is not in it. Remembered. */
  callees(place: string, hops: number): ReadonlyMap<string, number> {
    const key = `${hops} ${place}`
    let found = this.#near.get(key)
    if (found === undefined) {
      found = reach(this.#callees, place, hops)
      this.#near.set(key, found)
    }
    return found
  }

  callers(place: string, hops: number): ReadonlyMap<string, number> {
    return reach(this.#callers, place, hops)
  }

  /** Everything below it. */
  allCallees(place: string): ReadonlyMap<string, number> {
    return this.callees(place, maxDepth)
  }

  /** Everything above it. */
  allCallers(place: string): ReadonlyMap<string, number> {
    return this.callers(place, maxDepth)
  }
}

function add(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function reach(next: ReadonlyMap<string, readonly string[]>, from: string, hops: number): Map<string, number> {
  const found = new Map<string, number>()
  let frontier = [from]
  for (let hop = 1; hop <= hops && frontier.length > 0; hop++) {
    const further: string[] = []
    for (const place of frontier)
      for (const one of next.get(place) ?? []) {
        if (one === from || found.has(one)) continue
        found.set(one, hop)
        further.push(one)
      }
    frontier = further
  }
  return found
}
