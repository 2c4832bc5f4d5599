/** Counts in slots of event time, the newest `size` of them: what comes late is added where it belongs, what comes later than that is told. */

export interface Counts {
  total: number
  /** Of a ratio with `good`: the good ones; else the bad ones. */
  part: number
  /** How many were really seen, where sampling left some out; 0 where nobody says. */
  seen: number
}

export class Ring {
  readonly slotSeconds: number
  readonly size: number
  /** Number of the newest slot, counted from 1970; -1 while nothing was counted. */
  head = -1
  readonly total: Float64Array
  readonly part: Float64Array
  readonly seen: Float64Array

  constructor(slotSeconds: number, size: number) {
    this.slotSeconds = slotSeconds
    this.size = size
    this.total = new Float64Array(size)
    this.part = new Float64Array(size)
    this.seen = new Float64Array(size)
  }

  /** False = older than the oldest slot. */
  add(seconds: number, total: number, part: number, seen: number): boolean {
    const slot = Math.floor(seconds / this.slotSeconds)
    if (slot > this.head) this.advance(slot)
    else if (slot <= this.head - this.size) return false
    const at = slot % this.size
    this.total[at]! += total
    this.part[at]! += part
    this.seen[at]! += seen
    return true
  }

  /** Over [from, to) in seconds. Of the oldest slot, where only a part of it lies within, that part. O(slots). */
  sum(from: number, to: number, into: Counts): Counts {
    into.total = 0
    into.part = 0
    into.seen = 0
    const first = Math.max(Math.floor(from / this.slotSeconds), this.head - this.size + 1, 0)
    const last = Math.min(Math.ceil(to / this.slotSeconds) - 1, this.head)
    if (last < first) return into
    const within = Math.min(1, first + 1 - from / this.slotSeconds)
    const at = first % this.size
    into.total = this.total[at]! * within
    into.part = this.part[at]! * within
    into.seen = this.seen[at]! * within
    for (let slot = first + 1, i = (at + 1) % this.size; slot <= last; slot++, i = i + 1 === this.size ? 0 : i + 1) {
      into.total += this.total[i]!
      into.part += this.part[i]!
      into.seen += this.seen[i]!
    }
    return into
  }

  /** Of one slot, by its number; zeros where it is not kept. */
  at(slot: number, into: Counts): Counts {
    const isKept = slot <= this.head && slot > this.head - this.size && slot >= 0
    const at = slot % this.size
    into.total = isKept ? this.total[at]! : 0
    into.part = isKept ? this.part[at]! : 0
    into.seen = isKept ? this.seen[at]! : 0
    return into
  }

  save(): SavedRing {
    const { slotSeconds, head } = this
    const oldest = Math.max(head - this.size + 1, 0)
    const slots: number[] = []
    const values: number[] = []
    for (let slot = oldest; slot <= head; slot++) {
      const at = slot % this.size
      if (this.total[at] === 0 && this.part[at] === 0 && this.seen[at] === 0) continue
      slots.push(slot - oldest)
      values.push(this.total[at]!, this.part[at]!, this.seen[at]!)
    }
    return { slotSeconds, head, oldest, slots: Uint32Array.from(slots), values: Float64Array.from(values) }
  }

  /** Takes over what still fits: the size may be another one. */
  restore({ head, oldest, slots, values }: SavedRing): void {
    if (head < 0) return
    this.advance(head)
    for (const [i, slot] of slots.entries())
      this.add((oldest + slot + 0.5) * this.slotSeconds, values[3 * i]!, values[3 * i + 1]!, values[3 * i + 2]!)
  }

  private advance(slot: number): void {
    const fresh = Math.min(slot - this.head, this.size)
    for (let i = slot - fresh + 1; i <= slot; i++) {
      const at = i % this.size
      this.total[at] = 0
      this.part[at] = 0
      this.seen[at] = 0
    }
    this.head = slot
  }
}

/** Slots without counts are left out. */
export interface SavedRing {
  readonly slotSeconds: number
  readonly head: number
  readonly oldest: number
  readonly slots: Uint32Array
  /** total, part and seen of each. */
  readonly values: Float64Array
}

/** Resolutions in seconds: a window is counted in slots of at most a hundredth of it, but never finer than a pane. */
const resolutions = [10, 60, 600, 3_600] as const

export function resolutionFor(windowSeconds: number): number {
  return resolutions.findLast((one) => one <= windowSeconds / 100) ?? resolutions[0]
}

/** As many rings as the windows need, the finest first, each long enough for its longest window and what comes late. */
export function ringsFor(windowsSeconds: readonly number[], lateSeconds: number): readonly Ring[] {
  const longest = new Map<number, number>([[resolutions[0], 3_600]])
  for (const window of windowsSeconds) {
    const resolution = resolutionFor(window)
    longest.set(resolution, Math.max(window, longest.get(resolution) ?? 0))
  }
  return [...longest]
    .sort(([a], [b]) => a - b)
    .map(([resolution, window]) => new Ring(resolution, Math.ceil((window + lateSeconds) / resolution) + 1))
}
