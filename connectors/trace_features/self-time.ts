/** How much of an interval others do not cover. */

const few = 24

export class Cover {
  private starts: number[] = []
  private ends: number[] = []
  private count = 0

  clear(): void {
    this.count = 0
  }

  add(start: number, end: number): void {
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.count++
  }

  /** The length of the part of [start, end] that no interval covers. O(n log n); O(n) for a few that came nearly in order. */
  uncovered(start: number, end: number): number {
    this.sort()
    const { starts, ends, count } = this
    let free = 0
    let at = start
    for (let i = 0; i < count && at < end; i++) {
      const from = starts[i]!
      if (from > at) free += Math.min(from, end) - at
      if (ends[i]! > at) at = ends[i]!
    }
    return at < end ? free + end - at : free
  }

  private sort(): void {
    const { starts, ends, count } = this
    if (count > few) {
      const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => starts[a]! - starts[b]!)
      this.starts = order.map((i) => starts[i]!)
      this.ends = order.map((i) => ends[i]!)
      return
    }
    for (let i = 1; i < count; i++) {
      const start = starts[i]!
      const end = ends[i]!
      let k = i - 1
      for (; k >= 0 && starts[k]! > start; k--) {
        starts[k + 1] = starts[k]!
        ends[k + 1] = ends[k]!
      }
      starts[k + 1] = start
      ends[k + 1] = end
    }
  }
}
