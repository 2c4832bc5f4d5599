/** Policies that keep traces until a limit is reached, in spans or in bytes. */
import { isSampled, never } from '../../../pipeline/sampling/threshold.ts'
import { randomnessIn } from '../trace-randomness.ts'
import type { TraceView } from '../trace-view.ts'
import type { Budget, Policy, Stateful } from './policy.ts'
import { addOne } from './threshold-arithmetic.ts'
import type { TokenBucket } from './token-bucket.ts'

type Cost = (trace: TraceView) => number

export const spansOf: Cost = ({ spanCount }) => spanCount
export const bytesOf: Cost = ({ sizeBytes }) => sizeBytes

export function limit(bucket: TokenBucket, cost: Cost): Policy & Stateful {
  return {
    decide: (trace) => (bucket.take(cost(trace)) ? 'sampled' : 'not_sampled'),
    save: () => bucket.save(),
    restore: (state) => bucket.restore(state),
  }
}

interface Candidate {
  readonly randomness: string
  readonly cost: number
}

/**
 * The same limit where thresholds are written: of all traces that are due the ones with the highest randomness fit in, and the randomness of the first
 * that does not is the threshold (Ting, "Adaptive Threshold Sampling", arXiv:1708.04970, sec. 3.1). O(n log n) per round.
 */
export class BudgetLimit implements Policy, Budget, Stateful {
  readonly budget = this
  private readonly bucket: TokenBucket
  private readonly cost: Cost
  private candidates: Candidate[] = []
  /** Undefined inside of a policy that does not let it see all traces first. */
  private threshold: string | undefined

  constructor(bucket: TokenBucket, cost: Cost) {
    this.bucket = bucket
    this.cost = cost
  }

  begin(): void {
    this.candidates = []
  }

  see(trace: TraceView): void {
    const cost = this.cost(trace)
    // What never fits must not push out what does.
    if (cost <= this.bucket.burst) this.candidates.push({ randomness: randomnessIn(trace), cost })
  }

  settle(): void {
    const { candidates } = this
    this.candidates = []
    const available = Math.trunc(this.bucket.available())
    candidates.sort((a, b) => (a.randomness < b.randomness ? 1 : a.randomness > b.randomness ? -1 : 0))
    let [kept, spent] = [0, 0]
    while (kept < candidates.length && spent + candidates[kept]!.cost <= available) spent += candidates[kept++]!.cost
    const rejected = candidates[kept]?.randomness
    if (rejected !== undefined)
      // A threshold cannot part traces of equal randomness.
      while (kept > 0 && candidates[kept - 1]!.randomness === rejected) spent -= candidates[--kept]!.cost
    this.threshold = rejected === undefined ? '0'.repeat(14) : kept === 0 ? never : addOne(rejected)
    if (spent > 0) this.bucket.take(spent)
  }

  decide(trace: TraceView) {
    const cost = this.cost(trace)
    if (cost > this.bucket.burst) return 'not_sampled'
    if (this.threshold === undefined) return this.bucket.take(cost) ? 'sampled' : 'not_sampled'
    if (!isSampled(randomnessIn(trace), this.threshold)) return 'not_sampled'
    trace.threshold = this.threshold
    return 'sampled'
  }

  save(): unknown {
    return this.bucket.save()
  }

  restore(state: unknown): void {
    this.bucket.restore(state)
  }
}
