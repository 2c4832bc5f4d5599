/** Which entities the requests of an operation crossed. Of those there may be many; the ones crossed most are counted. */
import type { EntitySeries } from './entities.ts'
import type { Peer } from './peers.ts'

/** Counts of a pane. */
export interface Crossing {
  readonly of: CrossedEntity
  readonly pane: number
  requests: number
  errors: number
}

export class CrossedEntity {
  readonly operation: EntitySeries
  readonly crossed: EntitySeries | Peer
  /** See `OperationCrossings.find`. */
  credit: number
  private open: Crossing[] = []

  constructor(operation: EntitySeries, crossed: EntitySeries | Peer, credit: number) {
    this.operation = operation
    this.crossed = crossed
    this.credit = credit
  }

  /** The attribute that says what was crossed; who an address was may have become known. */
  get attribute(): Uint8Array {
    const { crossed } = this
    return 'kind' in crossed ? crossed.asCrossed : (crossed.service?.asCrossed ?? crossed.asCrossed)
  }

  at(pane: number, pending: Crossing[]): Crossing {
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i]!.pane === pane) return this.open[i]!
    const crossing: Crossing = { of: this, pane, requests: 0, errors: 0 }
    this.open.push(crossing)
    pending.push(crossing)
    return crossing
  }

  clear(): void {
    if (this.open.length > 0) this.open = []
  }
}

export class OperationCrossings {
  private readonly operation: EntitySeries
  private readonly most: number
  private readonly known = new Map<EntitySeries | Peer, CrossedEntity>()
  /** What credits are compared with, and what all of them were at least when they were last looked at. */
  private spent = 0
  private lowest = 0

  constructor(operation: EntitySeries, most: number) {
    this.operation = operation
    this.most = most
  }

  /**
   * Undefined where there is no room: Misra and Gries, "Finding repeated elements" (1982), by which whatever is crossed by more than one request in
   * `most` is sure to get in. O(1), O(most) when full.
   */
  find(crossed: EntitySeries | Peer): CrossedEntity | undefined {
    let found = this.known.get(crossed)
    if (found === undefined) {
      if (this.known.size >= this.most && !this.makeRoom()) return undefined
      found = new CrossedEntity(this.operation, crossed, this.spent)
      this.known.set(crossed, found)
    }
    found.credit++
    return found
  }

  private makeRoom(): boolean {
    if (this.spent >= this.lowest) {
      this.lowest = Number.POSITIVE_INFINITY
      for (const [crossed, { credit }] of this.known) {
        // The operation itself is what the others are a share of.
        if (crossed === this.operation) continue
        if (credit <= this.spent) {
          this.known.delete(crossed)
          this.lowest = 0
          return true
        }
        this.lowest = Math.min(this.lowest, credit)
      }
    }
    this.spent++
    return false
  }
}
