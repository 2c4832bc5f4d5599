/**
 * From p-values in time to one decision. Windows that overlap are not independent: two of three overlapping minutes fire 177 times as often as
 * two of three disjoint ones. So k of n looks at disjoint windows only, and the other two rules state what they assume.
 */
import { binomialAtLeast } from './special-functions.ts'

export interface KofN {
  readonly k: number
  readonly n: number
  /** Rows in a window: what two windows do not share. */
  readonly windowRows: number
}

/** True while k of the last n disjoint windows had a p below `p`. One p a row, each of the window that ends there. O(1) a row. */
export class DisjointRule {
  readonly #rule: KofN
  readonly #p: number
  readonly #hits: boolean[] = []
  #row = 0

  /** `falseAlarm` is the probability, per disjoint window, that a quiet entity alarms; the p a window needs follows from it. */
  constructor(rule: KofN, falseAlarm: number) {
    if (!(rule.k >= 1 && rule.k <= rule.n)) throw new RangeError(`${rule.k} of ${rule.n} windows is no rule`)
    this.#rule = rule
    this.#p = windowP(rule, falseAlarm)
  }

  get p(): number {
    return this.#p
  }

  next(p: number): boolean {
    const { k, n, windowRows } = this.#rule
    if (++this.#row % windowRows === 0) {
      this.#hits.push(p <= this.#p)
      if (this.#hits.length > n) this.#hits.shift()
    }
    return this.#hits.reduce((sum, isHit) => sum + (isHit ? 1 : 0), 0) >= k
  }
}

/** The p at which k or more of n independent windows are below it with probability `falseAlarm`. */
function windowP({ k, n }: KofN, falseAlarm: number): number {
  let [low, high] = [0, 1]
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2
    if (binomialAtLeast(k, n, middle) < falseAlarm) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * A p-value as a bet against "quiet": its expectation is 1 under any valid p (p-to-e calibrator kappa * p^(kappa - 1), Vovk & Wang 2021), so that
 * products of independent ones exceed 1 / q with probability q at most, whenever one looks (Ville).
 */
function eValue(p: number, kappa = 0.5): number {
  return kappa * Math.max(p, 1e-12) ** (kappa - 1)
}

/** E-detector of CUSUM kind (Shin, Ramdas & Rinaldo 2022): alarms at 1 / rate, then no sooner than after 1 / rate rows on average. Needs independent rows. */
export class EvidenceRule {
  readonly #limit: number
  #evidence = 0

  constructor(rate: number) {
    if (!(rate > 0 && rate < 1)) throw new RangeError(`a rate of false alarms is between 0 and 1, not ${rate}`)
    this.#limit = 1 / rate
  }

  get evidence(): number {
    return this.#evidence
  }

  /** Shiryaev-Roberts sum: each row may be the one at which the change came. Starts anew after an alarm. */
  next(p: number): boolean {
    this.#evidence = (this.#evidence + 1) * eValue(p)
    if (this.#evidence < this.#limit) return false
    this.#evidence = 0
    return true
  }
}

/** One-sided CUSUM (Page 1954) on -ln p, which is exponential with mean 1 while quiet: collects small shifts that last. */
export class CusumRule {
  readonly #slack: number
  readonly #limit: number
  #sum = 0

  /** `slack` is taken off each row: half of the shift that matters above 1. `limit` is h; with slack 2 a quiet entity alarms about every e^(.797 h) rows. */
  constructor(slack: number, limit: number) {
    this.#slack = slack
    this.#limit = limit
  }

  get sum(): number {
    return this.#sum
  }

  next(p: number): boolean {
    this.#sum = Math.max(0, this.#sum - Math.log(Math.max(p, 1e-12)) - this.#slack)
    return this.#sum > this.#limit
  }

  reset(): void {
    this.#sum = 0
  }
}
