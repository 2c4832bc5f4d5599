/**
 * Holds the number of alarms a team gets to what was agreed, by watching the alarms it got: a false-alarm rate from a tail fitted last month is a
 * promise, alarms of last week are a fact. Gives the p that an alarm needs.
 */

export interface PageBudgetOptions {
  /** Alarms agreed on for a week. */
  readonly perWeek: number
  /** The p needed stays within these, whatever was observed. */
  readonly leastP: number
  readonly mostP: number
}

export interface PageBudgetState {
  readonly correction: number
  readonly lastSeconds: number | undefined
}

const weekSeconds = 604_800
/** Change of ln p for one alarm too many, or too few: an alarm more than agreed makes the next need a p of 0.6 times as much. */
const step = 0.5
/** A gap in observation says no more than so many quiet weeks. */
const mostWeeks = 1
/** How wrong stated p are taken to be at most: 1e-6 where they are far too small, 100 where too large. */
const leastCorrection = Math.log(1e-6)
const mostCorrection = Math.log(100)

/**
 * Adaptive conformal inference (Gibbs & Candes 2021) on the logarithm of p: each alarm lowers it, time raises it, so that over time the alarms are those
 * agreed, whatever is wrong with the tails. Alarms exceed the budget by 13.8 / 0.5 = 28 at most, ever, and by ln(f) / 0.5 where p are f times too small.
 */
export class PageBudget {
  readonly #options: PageBudgetOptions
  #correction = 0
  #lastSeconds: number | undefined

  /** Throws a RangeError for a budget of nothing. */
  constructor(options: PageBudgetOptions) {
    if (!(options.perWeek > 0)) throw new RangeError('a budget is more than 0 alarms a week')
    this.#options = options
  }

  /** Tells what happened up to now: alarms since the last call. Time must not run backwards; where it does, it stands still. */
  observe(nowSeconds: number, alarms: number): void {
    const last = this.#lastSeconds ?? nowSeconds
    const passed = Math.max(0, nowSeconds - last) / weekSeconds
    this.#lastSeconds = Math.max(nowSeconds, last)
    const agreed = this.#options.perWeek * Math.min(mostWeeks, passed)
    this.#correction = bounded(this.#correction + step * (agreed - alarms))
  }

  /** What the p of one of so many independent decisions a week must be below now. Entities times disjoint windows, most often. */
  p(decisionsPerWeek: number): number {
    const { perWeek, leastP, mostP } = this.#options
    const p = (perWeek / Math.max(1, decisionsPerWeek)) * Math.exp(this.#correction)
    return Math.min(mostP, Math.max(leastP, p))
  }

  /** Whether a smaller p is of no help: it would have to be below `leastP`, or far more wrong than any is. Not so after a while without an alarm. */
  isUsedUp(decisionsPerWeek: number): boolean {
    const { perWeek, leastP } = this.#options
    const p = (perWeek / Math.max(1, decisionsPerWeek)) * Math.exp(this.#correction)
    return p < leastP || this.#correction < leastCorrection + step
  }

  /** How many times as small as it should be the stated p turned out: 1 at first. */
  get correction(): number {
    return Math.exp(this.#correction)
  }

  save(): PageBudgetState {
    return { correction: this.#correction, lastSeconds: this.#lastSeconds }
  }

  restore({ correction, lastSeconds }: PageBudgetState): void {
    this.#correction = bounded(Number.isFinite(correction) ? correction : 0)
    this.#lastSeconds = lastSeconds
  }
}

function bounded(correction: number): number {
  return Math.min(mostCorrection, Math.max(leastCorrection, correction))
}
