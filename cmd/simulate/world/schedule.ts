/** The events to come, in order of time; those of one time in the order in which they were made. A binary heap: O(log n) each. */

export interface Event {
  run: (() => void) | undefined
}

interface Entry extends Event {
  readonly at: number
  readonly order: number
}

export class Schedule {
  /** Milliseconds since the world began. */
  now = 0
  private readonly heap: Entry[] = []
  private order = 0

  get size(): number {
    return this.heap.length
  }

  /** Runs after `ms`; not before now. */
  after(ms: number, run: () => void): Event {
    const entry: Entry = { at: this.now + Math.max(0, ms), order: this.order++, run }
    this.push(entry)
    return entry
  }

  every(ms: number, run: () => void): Event {
    const handle: Event = { run }
    const again = (): void => {
      handle.run?.()
      if (handle.run !== undefined) this.after(ms, again)
    }
    this.after(ms, again)
    return handle
  }

  /** Runs everything up to that time, and stands there. */
  runUntil(ms: number): void {
    for (let first = this.heap[0]; first !== undefined && first.at <= ms; first = this.heap[0]) {
      this.pop()
      this.now = first.at
      first.run?.()
    }
    this.now = Math.max(this.now, ms)
  }

  private push(entry: Entry): void {
    const { heap } = this
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent]!
      if (isBefore(above, entry)) break
      heap[i] = above
      i = parent
    }
    heap[i] = entry
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop()!
    const size = heap.length
    if (size === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= size) break
      if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}

/** It stays in the schedule until its time, and then does nothing. */
export function cancel(event: Event | undefined): void {
  if (event !== undefined) event.run = undefined
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
