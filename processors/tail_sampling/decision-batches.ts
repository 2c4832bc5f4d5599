/** Traces by the tick in which they are decided: a ring with a batch for each second of `decision_wait`, and the one that is being filled. */
import type { Trace } from './trace.ts'

export class DecisionBatches {
  private readonly ring: Trace[][]
  /** Of each batch, how many traces in it mean nothing any more. */
  private readonly dead: number[]
  /** The batch that the next tick takes. */
  private next = 0
  /** How far `shiftOldest` has gone in the next batches. */
  private taken = 0

  constructor(waitMs: number) {
    const seconds = Math.max(1, Math.trunc(waitMs / 1_000))
    this.ring = Array.from({ length: seconds + 1 }, () => [])
    this.dead = this.ring.map(() => 0)
  }

  /** The number of the batch that new traces go to. */
  get current(): number {
    return this.next + this.ring.length - 1
  }

  /** After so many ticks all that are here now are decided. */
  get length(): number {
    return this.ring.length
  }

  add(trace: Trace): void {
    this.of(trace.batch).push(trace)
  }

  /** Only forward: a trace is never decided later than it would have been. The entry in its old batch means nothing from then on. */
  moveEarlier(trace: Trace, batchesFromNow: number): void {
    const proposed = this.next + batchesFromNow
    if (proposed >= trace.batch) return
    this.remove(trace)
    trace.batch = proposed
    this.add(trace)
  }

  /** A trace that left its batch, or the memory: when most of a batch is such traces, their entries go, so that they do not pile up. */
  remove({ batch }: Trace): void {
    const slot = batch % this.ring.length
    const traces = this.ring[slot]
    if (batch < this.next || traces === undefined || ++this.dead[slot]! * 2 < traces.length || traces.length < 64)
      return
    const from = batch === this.next ? this.taken : 0
    if (batch === this.next) this.taken = 0
    this.ring[slot] = traces.slice(from).filter((trace) => trace.batch === batch && isWaiting(trace))
    this.dead[slot] = 0
  }

  /** How many ticks until it is decided, from 0. */
  ticksLeft(trace: Trace): number {
    return Math.max(0, trace.batch - this.next)
  }

  /** Its number after a reload with other settings. */
  batchIn(ticks: number): number {
    return Math.min(this.current, this.next + ticks)
  }

  /** The batch that is due, and its number. */
  take(): { readonly number: number; readonly traces: Trace[] } {
    const number = this.next
    const slot = number % this.ring.length
    const traces = this.ring[slot]!
    this.ring[slot] = []
    this.dead[slot] = 0
    this.next++
    const from = this.taken
    this.taken = 0
    return { number, traces: from === 0 ? traces : traces.slice(from) }
  }

  /** The trace that would be decided first. */
  shiftOldest(): Trace | undefined {
    for (let number = this.next; number <= this.current; number++) {
      const batch = this.of(number)
      let at = number === this.next ? this.taken : 0
      while (at < batch.length) {
        const trace = batch[at++]!
        if (trace.batch !== number || !isWaiting(trace)) continue
        this.forget(number, at)
        return trace
      }
      this.forget(number, batch.length)
    }
    return undefined
  }

  private forget(number: number, count: number): void {
    if (number === this.next) this.taken = count
    else this.of(number).splice(0, count)
  }

  private of(number: number): Trace[] {
    return this.ring[number % this.ring.length]!
  }
}

function isWaiting({ isGone, outcome }: Trace): boolean {
  return !isGone && outcome === 'undecided'
}
