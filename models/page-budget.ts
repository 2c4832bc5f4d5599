/**
 * Holds the number of pages a team gets to what was agreed, by watching the pages it got: a false-alarm rate from a tail fitted last month is a
 * promise, pages of last week are a fact. Gives the p that an alarm needs.
 */

export interface PageBudgetOptions {
  readonly pagesPerWeek: number
  /** Independent decisions a week: entities times disjoint windows. */
  readonly decisionsPerWeek: number
  /** The p needed stays within these. */
  readonly leastP: number
  readonly mostP: number
}

export interface PageBudgetState {
  readonly logP: number
  readonly lastSeconds: number | undefined
}

const weekSeconds = 604_800
/** Change of ln p for one page too many, or too few: a page more than agreed makes the next need a p of 0.6 times as much. */
const step = 0.5
/** A gap in observation says no more than so many quiet weeks. */
const mostWeeks = 1

/**
 * Adaptive conformal inference (Gibbs & Candes 2021) on the logarithm of p: each page lowers it, time raises it, so that over time the pages
 * are those agreed, whatever is wrong with the tails. Within the bounds, pages exceed the budget by (ln mostP - ln leastP) / step at most, ever.
 */
export class PageBudget {
  readonly #options: PageBudgetOptions
  #logP: number
  #lastSeconds: number | undefined

  constructor(options: PageBudgetOptions) {
    const { pagesPerWeek, decisionsPerWeek } = options
    if (!(pagesPerWeek > 0) || !(decisionsPerWeek > 0))
      throw new RangeError('pages and decisions a week must be more than 0')
    this.#options = options
    this.#logP = this.#bounded(Math.log(pagesPerWeek / decisionsPerWeek))
  }

  /** Tells what happened up to now: pages since the last call. Time must not run backwards; where it does, it stands still. */
  observe(nowSeconds: number, pages: number): void {
    const passed = Math.max(0, nowSeconds - (this.#lastSeconds ?? nowSeconds)) / weekSeconds
    this.#lastSeconds = nowSeconds
    const agreed = this.#options.pagesPerWeek * Math.min(mostWeeks, passed)
    this.#logP = this.#bounded(this.#logP + step * (agreed - pages))
  }

  /** What an alarm's p must be below now. */
  get p(): number {
    return Math.exp(this.#logP)
  }

  save(): PageBudgetState {
    return { logP: this.#logP, lastSeconds: this.#lastSeconds }
  }

  restore({ logP, lastSeconds }: PageBudgetState): void {
    this.#logP = this.#bounded(logP)
    this.#lastSeconds = lastSeconds
  }

  #bounded(logP: number): number {
    const { leastP, mostP } = this.#options
    return Math.min(Math.log(mostP), Math.max(Math.log(leastP), logP))
  }
}
