/** How strange an entity was in the last ticks, so that what is strange now can be dated. */
import { dateChange } from '../../models/change-point.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'

/** Quarter of an hour. */
const kept = 90
/** Fewer ticks cannot tell when it began. */
const least = 12

export interface Onset {
  /** Unix seconds. */
  readonly at: number
  /** Seconds either way. */
  readonly uncertainty: number
}

export class Recent {
  /** z that would be as unlikely, oldest first from `#next` on. NaN where there was no tick. */
  #values = new Float32Array(kept).fill(Number.NaN)
  #next = 0

  /** `nats` of one tick, NaN where it was not judged. */
  add(nats: number): void {
    this.#values[this.#next] = Math.sqrt(2 * Math.max(0, nats))
    this.#next = (this.#next + 1) % kept
  }

  /** When what is seen at `now` (Unix seconds, end of the last window) began. */
  onset(now: number): Onset {
    const ordered = Float64Array.from({ length: kept }, (_, i) => this.#values[(this.#next + i) % kept] as number)
    const first = ordered.findIndex((value) => !Number.isNaN(value))
    const known = first < 0 ? new Float64Array(0) : ordered.subarray(first)
    // Nothing to date it by: it began within the last window.
    if (known.length < least) return { at: now - 60, uncertainty: 60 }
    const change = dateChange(known.map((value) => value - 1))
    if (change === undefined) return { at: now - 30, uncertainty: 60 }
    const age = known.length - 1 - change.row
    // The first window that shows it ends with the pane in which it began.
    const at = now - age * paneSeconds - paneSeconds / 2
    const width = ((change.to - change.from) / 2 + 1) * paneSeconds
    return { at, uncertainty: width }
  }

  save(): Float32Array {
    return Float32Array.from({ length: kept }, (_, i) => this.#values[(this.#next + i) % kept] as number)
  }

  restore(values: Float32Array): void {
    if (values.length !== kept) return
    this.#values = values.slice()
    this.#next = 0
  }
}
