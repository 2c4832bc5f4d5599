/** Budgeting by time slices: each slice of time is good or bad as a whole, and is judged again when something of it comes late. */
import type { Slices } from './objective.ts'
import { type Counts, Ring, type SavedRing } from './ring.ts'

/** Changes what is counted: a slice more or less, a bad one more or less. */
type Note = (seconds: number, total: number, bad: number) => void
type IsGood = (total: number, part: number) => boolean

const [unknown, good, bad] = [0, 1, 2] as const

export class SliceVerdicts {
  private readonly ring: Ring
  private readonly verdicts: Uint8Array
  private readonly scratch: Counts = { total: 0, part: 0, seen: 0 }
  /** Number of the newest slice that was judged. */
  private judged = -1

  constructor({ seconds }: Slices, lateSeconds: number) {
    const size = Math.ceil(lateSeconds / seconds) + 2
    this.ring = new Ring(seconds, size)
    this.verdicts = new Uint8Array(size)
  }

  /** False = older than the oldest slice that is kept. */
  add(seconds: number, total: number, part: number, isGood: IsGood, note: Note): boolean {
    const slice = Math.floor(seconds / this.ring.slotSeconds)
    // After a silence its verdict may be gone, and it would be counted twice.
    if (slice <= this.judged - this.ring.size || !this.ring.add(seconds, total, part, 0)) return false
    if (slice <= this.judged) this.judge(slice, isGood, note)
    return true
  }

  /** Judges the slices that are over. One without data is neither good nor bad. */
  judgeUntil(seconds: number, isGood: IsGood, note: Note): void {
    const last = Math.floor(seconds / this.ring.slotSeconds) - 1
    const from = Math.max(this.judged + 1, last - this.ring.size + 1, 0)
    for (let slice = from; slice <= last; slice++) {
      this.verdicts[slice % this.ring.size] = unknown
      this.judged = slice
      this.judge(slice, isGood, note)
    }
    if (last > this.judged) this.judged = last
  }

  save(): SavedVerdicts {
    return { ring: this.ring.save(), verdicts: this.verdicts, judged: this.judged }
  }

  restore({ ring, verdicts, judged }: SavedVerdicts): void {
    if (verdicts.length !== this.verdicts.length || ring.slotSeconds !== this.ring.slotSeconds) return
    this.ring.restore(ring)
    this.verdicts.set(verdicts)
    this.judged = judged
  }

  private judge(slice: number, isGood: IsGood, note: Note): void {
    const at = slice % this.ring.size
    const { total, part } = this.ring.at(slice, this.scratch)
    const before = this.verdicts[at]!
    const now = total <= 0 ? unknown : isGood(total, part) ? good : bad
    if (now === before) return
    this.verdicts[at] = now
    note(
      slice * this.ring.slotSeconds,
      Number(now !== unknown) - Number(before !== unknown),
      Number(now === bad) - Number(before === bad),
    )
  }
}

export interface SavedVerdicts {
  readonly ring: SavedRing
  readonly verdicts: Uint8Array
  readonly judged: number
}
