/** What decides: from the configuration, and what an item says of how it was sampled before. The same for spans and log records. */

import {
  always,
  isSampled,
  leastProbability,
  mostRandom,
  never,
  probabilityOf,
  randomnessOf,
  thresholdFor,
  thresholdOf,
} from '../../pipeline/sampling/threshold.ts'
import type { Config } from './config.ts'

/** What an item carries along: `rv` and `th` of its tracestate, or the attributes of a log record. Empty = absent. */
export interface Carried {
  rValue: string
  tValue: string
  readonly isBroken?: true
}
export type SamplerProblem =
  | 'missing randomness'
  | 'item has sampling randomness, equalizing or proportional mode recommended'
  | 'item has sampling threshold, equalizing or proportional mode recommended'
  | 'inconsistent arriving threshold: item should not have been sampled'
  | 'the sampling state of the item is not valid'

export interface Decision {
  isSampled: boolean
  threshold: string
  policy: string
  /** Undefined = the item keeps what it carries. */
  carried: Carried | undefined
  problem: SamplerProblem | undefined
}

export interface Randomness {
  readonly value: string
  readonly policy: string
}

/** What is asked of an item. */
export interface Question {
  /** Undefined = it could not be read. */
  readonly carried: Carried | undefined
  /** Of the way that the mode has; undefined where the item has none. */
  readonly randomness: Randomness | undefined
  /** What the item itself asks for. */
  readonly wanted: string | undefined
}

export type Mode = 'never' | 'hash_seed' | 'consistent'

export class Sampler {
  readonly mode: Mode
  private readonly failClosed: boolean
  private readonly threshold: string
  private readonly ratio: number | undefined
  private readonly precision: number
  /** Products of probabilities, by the threshold that came. */
  private readonly products = new Map<string, string>()

  constructor(settings: Config) {
    const percentage = Math.min(100, Math.fround(settings.sampling_percentage))
    const ratio = Math.max(percentage / 100, leastProbability)
    this.failClosed = settings.fail_closed
    this.precision = settings.sampling_precision
    this.ratio = settings.mode === 'proportional' ? ratio : undefined
    const isConsistent = settings.mode === 'proportional' || settings.mode === 'equalizing'
    // In 32 bits and rounded towards zero, as upstream has always done it.
    const kept = Math.trunc(Math.fround(percentage * Math.fround(16384 / 100)))
    if (percentage === 0 || (!isConsistent && kept === 0)) {
      this.mode = 'never'
      this.threshold = never
    } else if (isConsistent) {
      this.mode = 'consistent'
      this.threshold = thresholdFor(ratio, this.precision) ?? never
    } else {
      this.mode = 'hash_seed'
      this.threshold = (BigInt(0x4000 - kept) << 42n).toString(16).padStart(14, '0')
    }
  }

  decide({ carried, randomness, wanted }: Question): Decision {
    const problem = this.problemOf(carried, randomness)
    const isReadable = carried !== undefined && (this.mode !== 'hash_seed' || !isInUse(problem))
    let threshold = this.failClosed ? never : always
    if (problem === undefined) threshold = this.thresholdFor(carried)
    else if (problem.startsWith('inconsistent')) carried!.tValue = ''
    const policy = wanted === undefined ? (randomness?.policy ?? 'missing_randomness') : 'sampling_priority'
    threshold = wanted ?? threshold
    const sampled = isSampled(randomness?.value ?? mostRandom, threshold)
    return { isSampled: sampled, threshold, policy, carried: isReadable ? carried : undefined, problem }
  }

  private problemOf(carried: Carried | undefined, randomness: Randomness | undefined): SamplerProblem | undefined {
    if (carried === undefined || carried.isBroken) return 'the sampling state of the item is not valid'
    if (this.mode === 'hash_seed') {
      if (carried.rValue !== '') return 'item has sampling randomness, equalizing or proportional mode recommended'
      if (carried.tValue !== '') return 'item has sampling threshold, equalizing or proportional mode recommended'
    }
    if (randomness === undefined) return 'missing randomness'
    const arriving = carried.tValue === '' ? undefined : thresholdOf(carried.tValue)
    if (arriving !== undefined && !isSampled(randomness.value, arriving))
      return 'inconsistent arriving threshold: item should not have been sampled'
    return undefined
  }

  private thresholdFor(carried: Carried | undefined): string {
    if (this.mode !== 'consistent') return this.threshold
    const arriving = carried === undefined || carried.tValue === '' ? undefined : thresholdOf(carried.tValue)
    if (this.ratio === undefined) return arriving !== undefined && arriving > this.threshold ? arriving : this.threshold
    return arriving === undefined ? this.threshold : this.product(arriving)
  }

  private product(arriving: string): string {
    let threshold = this.products.get(arriving)
    if (threshold === undefined) {
      threshold = thresholdFor(probabilityOf(arriving) * this.ratio!, this.precision) ?? never
      if (this.products.size === 256) this.products.clear()
      this.products.set(arriving, threshold)
    }
    return threshold
  }
}

function isInUse(problem: SamplerProblem | undefined): boolean {
  return problem?.startsWith('item has') ?? false
}

/** Randomness that the item carries, as consistent sampling wants it. */
export function carriedRandomness(carried: Carried | undefined): Randomness | undefined {
  const value = carried === undefined || carried.rValue === '' ? undefined : randomnessOf(carried.rValue)
  return value === undefined ? undefined : { value, policy: 'sampling_randomness' }
}

/** A threshold may rise and never fall: what was thrown away cannot come back. */
export function isRaised(tValue: string, threshold: string): boolean {
  const before = tValue === '' ? undefined : thresholdOf(tValue)
  return before === undefined || before <= threshold
}
