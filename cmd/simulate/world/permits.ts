/** A number of permits and who waits for one: workers of an instance, connections of a pool, the one holder of a lock. */
import { Fifo } from './fifo.ts'

interface Waiter {
  grant: (() => void) | undefined
}

export class Permits {
  taken = 0
  private most: number
  private readonly waiters = new Fifo<Waiter>()
  private withdrawn = 0

  constructor(limit: number) {
    this.most = limit
  }

  get limit(): number {
    return this.most
  }
  /** More permits go to those who wait at once; fewer become fewer as they are given back. */
  set limit(limit: number) {
    this.most = limit
    this.grantNext()
  }

  get waiting(): number {
    return this.waiters.size - this.withdrawn
  }

  /** Calls `grant` at once, or when a permit is given back; the answer withdraws a wait, and does nothing later. */
  take(grant: () => void): () => void {
    if (this.taken < this.most) {
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
    this.grantNext()
  }

  private grantNext(): void {
    while (this.taken < this.most) {
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
