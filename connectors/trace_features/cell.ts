/** What is counted of an entity in a pane of event time, and the ledger of all that waits to be sent. */
import { bucketOf } from '../../pipeline/data/exponential-histogram.ts'
import type { Crossing } from './crossings.ts'
import type { EntitySeries } from './entities.ts'
import type { PeerCalls } from './peers.ts'
import { highestScale, Sketch } from './sketch.ts'

/** A duration on its way into the histograms of several entities. */
export class Measure {
  seconds = 0
  times = 1
  private index = 0

  set(nanos: number, times: number): void {
    this.seconds = nanos / 1e9
    this.times = times
    if (nanos > 0) this.index = bucketOf(this.seconds, highestScale)
  }

  addTo(sketch: Sketch): void {
    sketch.add(this.seconds, this.index, this.times)
  }
}

export class Cell {
  pane: number
  /** Counted into, or on its way out. */
  isInUse = true
  readonly of: EntitySeries | PeerCalls
  requests = 0
  errors = 0
  sampled = 0
  duration: Sketch | undefined = undefined
  selfTime: Sketch | undefined = undefined
  networkGap: Sketch | undefined = undefined

  constructor(pane: number, of: EntitySeries | PeerCalls) {
    this.pane = pane
    this.of = of
  }

  count(weight: number, failed: boolean, duration: Measure): void {
    this.requests += weight
    if (failed) this.errors += weight
    this.sampled++
    duration.addTo((this.duration ??= new Sketch()))
  }

  clear(): void {
    this.requests = 0
    this.errors = 0
    this.sampled = 0
    this.duration?.clear()
    this.selfTime?.clear()
    this.networkGap?.clear()
  }
}

/** An entity keeps so many cells to use them again: they live long enough to be a burden for the garbage collector. */
const maxSpare = 2

/** The cells of one that waits to be sent: one or two most of the time, the latest last. */
export class Cells {
  private readonly of: EntitySeries | PeerCalls
  private open: Cell[] = []
  private last: Cell | undefined = undefined
  private readonly spare: Cell[] = []

  constructor(of: EntitySeries | PeerCalls) {
    this.of = of
  }

  get isEmpty(): boolean {
    return this.open.length === 0
  }

  at(pane: number, ledger: Ledger): Cell {
    const { last } = this
    if (last !== undefined && last.pane === pane) return last
    return this.other(pane, ledger)
  }

  /** They were taken away. */
  clear(): void {
    if (this.open.length > 0) this.open = []
    this.last = undefined
  }

  /** One that was sent. */
  giveBack(cell: Cell): void {
    if (!cell.isInUse || this.spare.length >= maxSpare) return
    cell.isInUse = false
    cell.clear()
    this.spare.push(cell)
  }

  private other(pane: number, ledger: Ledger): Cell {
    let cell: Cell | undefined
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i]!.pane === pane) cell = this.open[i]
    if (cell === undefined) {
      cell = this.spare.pop() ?? new Cell(pane, this.of)
      cell.pane = pane
      cell.isInUse = true
      this.open.push(cell)
      ledger.cells.push(cell)
      this.of.lastSeenMs = ledger.nowMs
    }
    this.last = cell
    return cell
  }
}

/** Everything that was counted and not yet sent. */
export class Ledger {
  cells: Cell[] = []
  crossings: Crossing[] = []
  /** When what is counted now came. */
  nowMs = 0

  get size(): number {
    return this.cells.length + this.crossings.length
  }

  /** Nothing waits then. */
  take(): { readonly cells: readonly Cell[]; readonly crossings: readonly Crossing[] } {
    const { cells, crossings } = this
    this.cells = []
    this.crossings = []
    for (const { of } of cells) of.cells.clear()
    for (const { of } of crossings) of.clear()
    return { cells, crossings }
  }
}
