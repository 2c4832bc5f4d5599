/** Edges of which one span came, the oldest first. */
import { type Edge, newEdge } from './edge.ts'

export interface StoreOptions {
  readonly maxItems: number
  readonly ttlMs: number
  complete(edge: Edge): void
  expire(edge: Edge): void
}

export class Store {
  private readonly edges = new Map<string, Edge>()
  private readonly options: StoreOptions

  constructor(options: StoreOptions) {
    this.options = options
  }

  get size(): number {
    return this.edges.size
  }

  /** What became of the span: a new edge, one more of a known edge, or nothing because there is no room. */
  upsert(key: string, nowMs: number, update: (edge: Edge) => void): 'new' | 'known' | 'full' {
    const known = this.edges.get(key)
    const edge = known ?? newEdge(key, nowMs + this.options.ttlMs)
    update(edge)
    if (edge.client !== '' && edge.server !== '') {
      this.edges.delete(key)
      this.options.complete(edge)
      return known === undefined ? 'new' : 'known'
    }
    if (known !== undefined) return 'known'
    if (this.edges.size >= this.options.maxItems) return 'full'
    this.edges.set(key, edge)
    return 'new'
  }

  expire(nowMs: number): void {
    for (const edge of this.edges.values()) {
      if (edge.expiresMs >= nowMs) break
      this.edges.delete(edge.key)
      this.options.expire(edge)
    }
  }

  /** Empties it. */
  take(): Edge[] {
    const edges = [...this.edges.values()]
    this.edges.clear()
    return edges
  }

  /** Of another instance; the answer is how many found no room. */
  adopt(edges: readonly Edge[]): number {
    const room = Math.max(0, this.options.maxItems - this.edges.size)
    for (const edge of edges.slice(0, room)) this.edges.set(edge.key, edge)
    return Math.max(0, edges.length - room)
  }
}
