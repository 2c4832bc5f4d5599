/** Streaming peaks over threshold (Siffer et al. 2017): a threshold that a score passes with a stated probability, learned without labels. */
import { excessAt, fitGeneralizedPareto, type GeneralizedPareto, tailBeyond } from './generalized-pareto.ts'
import { quantileOfSorted, sortedFinite } from './order-statistics.ts'

export interface SpotOptions {
  /** Probability that a normal score is beyond the alarm threshold. */
  readonly q: number
  /** Share of the first scores below the threshold at which the tail begins. */
  readonly level: number
  /** Excesses kept to fit the tail to; the oldest go. */
  readonly mostExcesses: number
}

export const spotDefaults: SpotOptions = { q: 1e-4, level: 0.98, mostExcesses: 1000 }

/** A fit costs 100 times as much as a step: it waits for a twentieth more excesses. */
const refitShare = 0.05

export class Spot {
  readonly #q: number
  readonly #mostExcesses: number
  readonly #initial: number
  readonly #excesses: number[]
  #count: number
  #tailCount: number
  #fresh = 0
  #tail: GeneralizedPareto

  /** `scores` are the first ones, 500 or more to be of use. Throws `RangeError` if none is finite. */
  constructor(scores: Float64Array, { q, level, mostExcesses }: SpotOptions = spotDefaults) {
    const sorted = sortedFinite(scores)
    this.#q = q
    this.#mostExcesses = mostExcesses
    this.#initial = quantileOfSorted(sorted, level)
    this.#excesses = Array.from(sorted.filter((score) => score > this.#initial)).map((score) => score - this.#initial)
    this.#count = sorted.length
    this.#tailCount = Math.max(1, this.#excesses.length)
    this.#tail = this.#fit()
  }

  /** z_q: what a score has to go beyond. */
  get threshold(): number {
    return this.#initial + excessAt(this.#tail, Math.min(1, (this.#q * this.#count) / this.#tailCount))
  }

  get tail(): GeneralizedPareto {
    return this.#tail
  }

  /** P(score >= x) for x in the tail; elsewhere the tail's whole share, since nothing finer is kept. */
  p(x: number): number {
    return (this.#tailCount / this.#count) * tailBeyond(this.#tail, x - this.#initial)
  }

  /** Takes the next score and says whether it is an alarm; alarms are not learned. Amortised O(1), a fit now and then. */
  next(score: number): boolean {
    if (Number.isNaN(score)) return false
    if (score > this.threshold) return true
    this.#count++
    if (score <= this.#initial) return false
    this.#tailCount++
    this.#excesses.push(score - this.#initial)
    if (this.#excesses.length > this.#mostExcesses) this.#excesses.shift()
    if (++this.#fresh > refitShare * this.#excesses.length) this.#tail = this.#fit()
    return false
  }

  #fit(): GeneralizedPareto {
    this.#fresh = 0
    return this.#excesses.length === 0
      ? { shape: 0, scale: Number.MIN_VALUE }
      : fitGeneralizedPareto(Float64Array.from(this.#excesses))
  }
}

/** DSPOT: SPOT on the difference from the mean of the last `depth` normal scores, for scores that drift. */
export class DriftSpot {
  readonly #spot: Spot
  readonly #recent: Float64Array
  #at = 0
  #sum: number

  /** `scores` are the first ones, more than `depth` of them. */
  constructor(scores: Float64Array, depth = 20, options: SpotOptions = spotDefaults) {
    if (scores.length <= depth) throw new RangeError(`a depth of ${depth} needs more scores than ${scores.length}`)
    const residuals = new Float64Array(scores.length - depth)
    let sum = 0
    for (let i = 0; i < scores.length; i++) {
      if (i >= depth) {
        residuals[i - depth] = (scores[i] as number) - sum / depth
        sum -= scores[i - depth] as number
      }
      sum += scores[i] as number
    }
    this.#recent = scores.slice(scores.length - depth)
    this.#sum = sum
    this.#spot = new Spot(residuals, options)
  }

  get threshold(): number {
    return this.#sum / this.#recent.length + this.#spot.threshold
  }

  next(score: number): boolean {
    if (Number.isNaN(score)) return false
    if (this.#spot.next(score - this.#sum / this.#recent.length)) return true
    this.#sum += score - (this.#recent[this.#at] as number)
    this.#recent[this.#at] = score
    this.#at = (this.#at + 1) % this.#recent.length
    return false
  }
}
