/**
 * The decision to alarm under a budget, held by watching what happens and not by trusting a tail that drifts: the threshold is the level that
 * past excursions went beyond just as often as the budget allows. Excursions and not rows are counted, since neighbouring rows are not independent.
 */
import { quantileOfSorted } from './order-statistics.ts'
import { ThinnedSample, type ThinnedSampleState } from './thinned-sample.ts'

export interface AlarmBudgetOptions {
  /** Alarms a row: 1/2000 is one alarm in two thousand rows. */
  readonly rate: number
  /** Past excursions that an alarm may leave above it beside those that the rows so far have earned: `inHand * ln(rows / warmup)` alarms more over time, most of them early. */
  readonly inHand: number
  /** Rows without an exceedance that end an excursion. */
  readonly gap: number
  /** An excursion that goes on is another one after so many rows: it is paid for again, and alarms again. */
  readonly repeat: number
  /** Nothing alarms before so many rows. */
  readonly warmup: number
  /** Values kept to know what is ordinary, an even number. */
  readonly sampleRows: number
}

/** Excursions remembered; older ones are forgotten, and their rows with them. */
const maxPeaks = 512
/** What is below this share of all values is no excursion. */
const bulk = 0.9

export interface AlarmBudgetState {
  readonly sample: ThinnedSampleState
  readonly peaks: readonly { readonly from: number; readonly peak: number }[]
  readonly row: number
  readonly nextReview: number
  readonly floor: number
  readonly threshold: number
  readonly lastAbove: number
  readonly lastExceeded: number
  readonly lastAlarm: number
}

export class AlarmBudget {
  readonly #options: AlarmBudgetOptions
  readonly #sample: ThinnedSample
  readonly #peaks: { readonly from: number; peak: number }[] = []
  readonly #cell = new Float64Array(1)
  #row = 0
  #nextReview = 0
  #floor = Number.NEGATIVE_INFINITY
  #threshold = Number.POSITIVE_INFINITY
  #lastAbove = Number.NEGATIVE_INFINITY
  #lastExceeded = Number.NEGATIVE_INFINITY
  #lastAlarm = Number.NEGATIVE_INFINITY

  constructor(options: AlarmBudgetOptions) {
    this.#options = options
    this.#sample = new ThinnedSample(1, options.sampleRows)
  }

  /** What the next value has to go beyond. Infinite while cold. */
  get threshold(): number {
    return this.#threshold
  }

  /** Takes the value of the next row and says whether it raises an alarm. NaN is a row without a value. Amortised O(log n). */
  decide(value: number): boolean {
    const { gap, repeat } = this.#options
    const row = this.#row++
    if (Number.isNaN(value)) return false
    if (row >= this.#nextReview) this.#review(row)
    let alarms = false
    if (value > this.#threshold) {
      alarms = row - this.#lastExceeded > gap || row - this.#lastAlarm >= repeat
      if (alarms) this.#lastAlarm = row
      this.#lastExceeded = row
    }
    this.#remember(value, row)
    return alarms
  }

  save(): AlarmBudgetState {
    return {
      sample: this.#sample.save(),
      peaks: this.#peaks.map((one) => ({ ...one })),
      row: this.#row,
      nextReview: this.#nextReview,
      floor: this.#floor,
      threshold: this.#threshold,
      lastAbove: this.#lastAbove,
      lastExceeded: this.#lastExceeded,
      lastAlarm: this.#lastAlarm,
    }
  }

  restore(state: AlarmBudgetState): void {
    this.#sample.restore(state.sample)
    this.#peaks.splice(0, this.#peaks.length, ...state.peaks.map((one) => ({ ...one })))
    this.#row = state.row
    this.#nextReview = state.nextReview
    this.#floor = state.floor
    this.#threshold = state.threshold
    this.#lastAbove = state.lastAbove
    this.#lastExceeded = state.lastExceeded
    this.#lastAlarm = state.lastAlarm
  }

  #remember(value: number, row: number): void {
    this.#cell[0] = value
    this.#sample.add(this.#cell)
    if (value <= this.#floor) return
    const current = this.#peaks.at(-1)
    const goesOn = row - this.#lastAbove <= this.#options.gap && row - (current?.from ?? 0) < this.#options.repeat
    this.#lastAbove = row
    if (current !== undefined && goesOn) current.peak = Math.max(current.peak, value)
    else {
      this.#peaks.push({ from: row, peak: value })
      if (this.#peaks.length > maxPeaks) this.#peaks.shift()
    }
  }

  #review(row: number): void {
    const { rate, inHand, warmup } = this.#options
    this.#nextReview = row + Math.max(20, Math.floor(row / 100))
    if (this.#sample.rows > 0) this.#floor = quantileOfSorted(this.#sample.values.toSorted(), bulk)
    if (row < warmup || this.#peaks.length === 0) return
    const scope = row - (this.#peaks.length === maxPeaks ? (this.#peaks[0]?.from ?? 0) : 0)
    const peaks = this.#peaks.map(({ peak }) => peak).sort((a, b) => b - a)
    const allowed = Math.max(1, Math.floor(rate * scope) + inHand)
    this.#threshold = peaks[Math.min(allowed, peaks.length) - 1] ?? Number.POSITIVE_INFINITY
  }
}
