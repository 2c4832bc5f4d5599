import type { Part } from './held-spans.ts'

export type Outcome = 'undecided' | 'sampled' | 'not_sampled' | 'dropped'

/** A trace in memory. Once decided it holds no spans, and stays for the late ones until others need its place. */
export class Trace {
  readonly id: string
  readonly arrivedMs: number
  /** The number of the decision batch that it is in. */
  batch: number
  spanCount = 0
  /** As OTLP, without the framing of the request. */
  sizeBytes = 0
  first: Part | undefined = undefined
  last: Part | undefined = undefined
  outcome: Outcome = 'undecided'
  /** -1 = no decision was made, it was too large. */
  decidedMs = -1
  policy = ''
  threshold = ''
  isGone = false

  constructor(id: string, arrivedMs: number, batch: number) {
    this.id = id
    this.arrivedMs = arrivedMs
    this.batch = batch
  }

  add(part: Part): void {
    if (this.last === undefined) this.first = part
    else this.last.next = part
    this.last = part
  }
}
