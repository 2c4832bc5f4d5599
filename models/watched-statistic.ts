/** A statistic of one entity over time with what its past says about it: how unlikely a value is, and whether it is worth an alarm. */
import { AlarmBudget, type AlarmBudgetOptions, type AlarmBudgetState } from './alarm-budget.ts'
import { fitScoreTail, pOfScore, type ScoreTail } from './score-tail.ts'
import { ThinnedSample, type ThinnedSampleState } from './thinned-sample.ts'

/** Values before the first tail. */
const firstFit = 64
/** The tail is fitted anew when there is this much more to fit it to. */
const growth = 1.1
/** The logarithm of nothing. */
const least = 1e-30

export interface WatchedStatisticState {
  readonly sample: ThinnedSampleState
  readonly budget: AlarmBudgetState
  readonly tail: ScoreTail | undefined
  readonly seen: number
  readonly nextFit: number
  readonly p: number
  readonly alarm: boolean
}

export class WatchedStatistic {
  readonly #sample: ThinnedSample
  readonly #cell = new Float64Array(1)
  readonly #budget: AlarmBudget
  #tail: ScoreTail | undefined
  #seen = 0
  #nextFit = firstFit
  #p = 1
  #alarm = false

  constructor(alarms: AlarmBudgetOptions) {
    this.#budget = new AlarmBudget(alarms)
    this.#sample = new ThinnedSample(1, alarms.sampleRows)
  }

  /** Of the value last watched: the probability of one at least as high. 1 while cold. */
  get p(): number {
    return this.#p
  }

  get alarm(): boolean {
    return this.#alarm
  }

  /** Takes a positive value; the logarithm is what is kept, since a threshold and a tail belong between values that differ by factors. Judged first, then learned. */
  watch(value: number): void {
    const logarithm = Math.log(Math.max(value, least))
    if (this.#seen >= this.#nextFit) {
      this.#nextFit = Math.ceil(this.#seen * growth)
      this.#tail = fitScoreTail(this.#sample.values)
    }
    this.#seen++
    this.#p = this.#tail === undefined ? 1 : pOfScore(this.#tail, logarithm)
    this.#alarm = this.#budget.decide(logarithm)
    this.#cell[0] = logarithm
    this.#sample.add(this.#cell)
  }

  save(): WatchedStatisticState {
    return {
      sample: this.#sample.save(),
      budget: this.#budget.save(),
      tail: this.#tail,
      seen: this.#seen,
      nextFit: this.#nextFit,
      p: this.#p,
      alarm: this.#alarm,
    }
  }

  restore({ sample, budget, tail, seen, nextFit, p, alarm }: WatchedStatisticState): void {
    this.#sample.restore(sample)
    this.#budget.restore(budget)
    this.#tail = tail
    this.#seen = seen
    this.#nextFit = nextFit
    this.#p = p
    this.#alarm = alarm
  }
}
