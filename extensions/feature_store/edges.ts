/** Which entity calls which: what edges there are. How much goes over them is in their history. */
import type { EntityHistory } from './entity-history.ts'

export interface Edge {
  readonly source: string
  readonly target: string
  readonly type: string
  /** Undefined for one that a user has drawn. */
  readonly history: EntityHistory | undefined
  readonly firstSeconds: number
  lastSeconds: number
  isDirty: boolean
}

const maxDrawn = 10_000

export class Edges {
  /** By the entity's id. As many as there are entities at most. */
  readonly byId = new Map<string, Edge>()
  readonly drawnByEnds = new Map<string, Edge>()
  refused = 0

  observed(history: EntityHistory, source: string, target: string, type: string, seconds: number): boolean {
    if (!this.byId.has(history.id))
      this.byId.set(history.id, {
        source,
        target,
        type: type === '' ? 'call' : type,
        history,
        firstSeconds: seconds,
        lastSeconds: seconds,
        isDirty: true,
      })
    return true
  }

  seen(id: string, seconds: number): void {
    const edge = this.byId.get(id)
    if (edge === undefined || seconds <= edge.lastSeconds) return
    edge.lastSeconds = seconds
    edge.isDirty = true
  }

  drawn(source: string, target: string, seconds: number): void {
    const key = `${source}\n${target}`
    const edge = this.drawnByEnds.get(key)
    if (edge !== undefined) {
      if (seconds > edge.lastSeconds) edge.lastSeconds = seconds
      return
    }
    if (this.drawnByEnds.size >= maxDrawn) {
      this.refused++
      return
    }
    this.drawnByEnds.set(key, {
      source,
      target,
      type: 'causal',
      history: undefined,
      firstSeconds: seconds,
      lastSeconds: seconds,
      isDirty: true,
    })
  }

  /** One that was stored. */
  restore(key: string, edge: Omit<Edge, 'isDirty' | 'history'> & { readonly history?: EntityHistory }): void {
    const { history } = edge
    const to = history === undefined ? this.drawnByEnds : this.byId
    to.set(key, { ...edge, history, isDirty: false })
  }

  /** Those that were not seen since; the answer is the keys of drawn ones. */
  forget(beforeSeconds: number): readonly string[] {
    for (const [id, edge] of this.byId)
      if (edge.lastSeconds < beforeSeconds || edge.history?.isGone) this.byId.delete(id)
    const gone: string[] = []
    for (const [key, { lastSeconds }] of this.drawnByEnds) if (lastSeconds < beforeSeconds) gone.push(key)
    for (const key of gone) this.drawnByEnds.delete(key)
    return gone
  }
}
