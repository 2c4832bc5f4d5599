/** The last values of each feature of each entity, from which a baseline learns what is usual. */
import type { Window } from '../subject.ts'

const most = 240
/** Fewer say nothing. */
const least = 12

export class History {
  /** By entity and feature; each a ring. */
  private readonly rings: Float64Array[] = []
  private readonly seen: number[] = []

  add({ values }: Window): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (Number.isNaN(value)) continue
      const ring = (this.rings[i] ??= new Float64Array(most))
      const count = this.seen[i] ?? 0
      ring[count % most] = value
      this.seen[i] = count + 1
    }
  }

  /** Of the series in that place of a window's values; undefined while it is too little. */
  of(place: number): Float64Array | undefined {
    const count = Math.min(most, this.seen[place] ?? 0)
    return count < least ? undefined : this.rings[place]?.subarray(0, count)
  }

  get places(): number {
    return this.rings.length
  }
}

/** When to learn again: at the end of the warm-up, and then every so often. */
export class Lessons {
  private readonly everyMs: number
  private nextMs: number | undefined

  constructor(everyMs: number) {
    this.everyMs = everyMs
  }

  isDue({ startMs, isWarmUp }: Window): boolean {
    if (isWarmUp || (this.nextMs !== undefined && startMs < this.nextMs)) return false
    this.nextMs = startMs + this.everyMs
    return true
  }
}
