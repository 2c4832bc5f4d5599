/** A number of permits and who waits for one: workers of an instance, connections of a pool, the one holder of a lock. */
import { Fifo } from './fifo.ts'

interface Waiter {
  grant: (() => void) | undefined
}

export class Permits {
  taken = 0
  limit: number
  private readonly waiters = new Fifo<Waiter>()
  private withdrawn = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get waiting(): number {
    return this.waiters.size - this.withdrawn
  }

  /** Calls `grant` at once, or when a permit is given back; the answer withdraws a wait, and does nothing later. */
  take(grant: () => void): () => void {
    if (this.taken < this.limit) {
      this.taken++
      grant()
      return nothing
    }
    const waiter: Waiter = { grant }
    this.waiters.push(waiter)
    return () => {
      if (waiter.grant === undefined) return
      waiter.grant = undefined
      this.withdrawn++
    }
  }

  giveBack(): void {
    this.taken--
    while (this.taken < this.limit) {
      const waiter = this.waiters.shift()
      if (waiter === undefined) return
      const { grant } = waiter
      if (grant === undefined) {
        this.withdrawn--
        continue
      }
      waiter.grant = undefined
      this.taken++
      grant()
    }
  }
}

function nothing(): void {}
