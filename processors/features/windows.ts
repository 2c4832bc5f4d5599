/** Panes to windows: what each column says of the four windows that end with a pane. O(panes of an hour) a column. */
import { heardSignals, keptPanes, paneAt, paneMs, signalBits, slotOf, windowCount, windowPanes } from './columns.ts'
import type { FeatureEntity } from './entity.ts'
import { medianSlope } from './median-slope.ts'

/** Where the panes of the windows stand: for a reader from the oldest to the newest. */
export class Span {
  readonly end: number
  /** Slots from the oldest of the longest window on. */
  readonly slots = new Uint16Array(keptPanes)

  constructor(end: number) {
    this.end = end
    for (let i = 0; i < keptPanes; i++) this.slots[i] = slotOf(end - keptPanes + 1 + i)
  }
}

/** The first pane, as a place in `slots`, of each window. */
const firstOf = windowPanes.map((panes) => keptPanes - panes)

/** Sums by window into `out`. */
export function sumWindows(values: Float32Array, { slots }: Span, out: Float64Array): void {
  let sum = 0
  let place = keptPanes - 1
  for (let w = 0; w < windowCount; w++) {
    for (const first = firstOf[w]!; place >= first; place--) sum += values[slots[place]!]!
    // What was corrected downwards may leave the rounding of its numbers.
    out[w] = Math.max(0, sum)
  }
}

export function maxWindows(values: Float32Array, { slots }: Span, out: Float64Array): void {
  let max = 0
  let place = keptPanes - 1
  for (let w = 0; w < windowCount; w++) {
    for (const first = firstOf[w]!; place >= first; place--) max = Math.max(max, values[slots[place]!]!)
    out[w] = max
  }
}

/** How far a reading holds, in panes, before anything is known of how often it comes. */
const unknownHold = 12
const mostHold = 36

/** Fills what each pane holds: its own mean reading, else the latest one within two intervals, as these readings came; NaN = nothing. */
export class HeldReadings {
  readonly values = new Float64Array(keptPanes)
  /** By place: how many readings the pane itself has. */
  readonly weights = new Float64Array(keptPanes)
  /** Panes from one reading to the next, on average. */
  interval = Number.NaN
  private readonly x = new Float64Array(windowPanes[1])
  private readonly y = new Float64Array(windowPanes[1])

  fill(sums: Float32Array, weights: Float32Array, { slots }: Span): void {
    const hold = this.learn(weights, slots)
    let last = Number.NaN
    let age = 0
    for (let place = 0; place < keptPanes; place++) {
      const slot = slots[place]!
      const weight = weights[slot]!
      this.weights[place] = weight
      if (weight > 0) {
        last = sums[slot]! / weight
        age = 0
      } else if (++age > hold) last = Number.NaN
      this.values[place] = last
    }
  }

  private learn(weights: Float32Array, slots: Uint16Array): number {
    let first = -1
    let last = -1
    let panes = 0
    for (let place = 0; place < keptPanes; place++) {
      if (!(weights[slots[place]!]! > 0)) continue
      if (first < 0) first = place
      last = place
      panes++
    }
    this.interval = panes < 2 ? Number.NaN : (last - first) / (panes - 1)
    return panes < 2 ? unknownHold : Math.min(mostHold, Math.ceil(2 * this.interval))
  }

  /** Sum and number of the panes that have a value, by window. */
  add(sums: Float64Array, panes: Float64Array, times: number): void {
    let sum = 0
    let count = 0
    let place = keptPanes - 1
    for (let w = 0; w < windowCount; w++) {
      for (const first = firstOf[w]!; place >= first; place--) {
        const value = this.values[place]!
        if (Number.isNaN(value)) continue
        sum += value
        count++
      }
      sums[w] = sum * times
      panes[w] = count
    }
  }

  /**
   * The newest reading of each of `seriesCount` series, in panes that stand side by side: their mean. NaN where the shortest window has none; where not all
   * of them spoke in it, only what is in one pane counts.
   */
  newest(seriesCount: number): number {
    const { values, weights } = this
    let last = keptPanes - 1
    while (last >= firstOf[0]! && Number.isNaN(values[last]!)) last--
    if (last < firstOf[0]!) return Number.NaN
    const held = values[last]!
    let [weight, sum] = [0, 0]
    for (let place = last; place >= firstOf[0]!; place--) {
      if (!(weights[place]! > 0)) continue
      weight += weights[place]!
      sum += weights[place]! * values[place]!
      if (weight >= seriesCount) return sum / weight
    }
    return held
  }

  /** Growth an hour in the five minutes, whatever single readings do; NaN with fewer than eight readings of all series. */
  robustSlope(seriesCount: number): number {
    const { values, weights, x, y } = this
    let [n, weight, sum, at] = [0, 0, 0, 0]
    for (let place = keptPanes - 1; place >= firstOf[1]!; place--) {
      const own = weights[place]!
      if (!(own > 0)) continue
      weight += own
      sum += own * values[place]!
      at += own * place
      if (weight < seriesCount) continue
      x[n] = at / weight
      y[n++] = sum / weight
      weight = sum = at = 0
    }
    return n < leastForRobustSlope ? Number.NaN : medianSlope(x, y, n) * (3_600_000 / paneMs)
  }

  /**
   * Growth an hour by least squares over the panes that have readings of their own; NaN with fewer than six of them, and where they are of less than half
   * of the window: a process that has just started grows, and that says nothing of an hour.
   */
  slopes(out: Float64Array): void {
    let [n, x, y, xx, xy] = [0, 0, 0, 0, 0]
    let [newest, oldest] = [0, 0]
    let place = keptPanes - 1
    for (let w = 0; w < windowCount; w++) {
      for (const first = firstOf[w]!; place >= first; place--) {
        if (!(this.weights[place]! > 0)) continue
        const value = this.values[place]!
        if (n++ === 0) newest = place
        oldest = place
        x += place
        y += value
        xx += place * place
        xy += place * value
      }
      const spread = n * xx - x * x
      const isKnown = n >= leastForSlope && spread > 0 && newest - oldest >= (keptPanes - firstOf[w]!) / 2
      out[w] = isKnown ? ((n * xy - x * y) / spread) * (3_600_000 / paneMs) : Number.NaN
    }
  }
}

const leastForSlope = 6
/** Of five readings, as a scrape a minute gives, most of the slope is what a collector of garbage does; fifteen minutes tell it better. */
const leastForRobustSlope = 8

/** By window: the share of panes since `firstPane` in which the bit is set, or was within one and a half intervals before. NaN where it never was. */
export function heardShares(heard: Uint8Array, bit: number, firstPane: number, span: Span, out: Float64Array): void {
  const { slots, end } = span
  let first = -1
  let last = -1
  let panes = 0
  for (let place = 0; place < keptPanes; place++) {
    if ((heard[slots[place]!]! & bit) === 0) continue
    if (first < 0) first = place
    last = place
    panes++
  }
  const interval = panes < 2 ? 1 : (last - first) / (panes - 1)
  const hold = Math.min(mostHold, Math.floor(1.5 * interval) - 1)
  const start = Math.max(0, keptPanes - 1 - (end - firstPane))
  let age = mostHold + 1
  marks.fill(0)
  for (let place = 0; place < keptPanes; place++) {
    if ((heard[slots[place]!]! & bit) !== 0) age = 0
    else age++
    marks[place] = age <= hold ? 1 : 0
  }
  let sum = 0
  let count = 0
  let place = keptPanes - 1
  for (let w = 0; w < windowCount; w++) {
    for (const from = Math.max(firstOf[w]!, start); place >= from; place--) {
      sum += marks[place]!
      count++
    }
    out[w] = count === 0 ? Number.NaN : sum / count
  }
}

const marks = new Uint8Array(keptPanes)

/** The last pane up to the end of the windows in which the entity was heard of by this signal; 0 = never. */
export function heardLast({ heard, lastHeardMs }: FeatureEntity, signal: number, { slots, end }: Span): number {
  const ms = lastHeardMs[signal]!
  if (ms === 0 || heard === undefined) return 0
  const bit = signalBits[heardSignals[signal]!]
  for (let place = keptPanes - 1; place >= 0; place--)
    if ((heard[slots[place]!]! & bit) !== 0) return end - (keptPanes - 1 - place)
  return Math.min(paneAt(ms), end)
}
