/**
 * When did it change? Bayesian online change-point detection (Adams & MacKay 2007) with a normal-gamma model, used to date an alarm that another
 * detector raised: as a detector of its own it is poor (17.7 on NAB).
 */
import { logGamma } from './special-functions.ts'

export interface ChangePoint {
  /** First row after the change. */
  readonly row: number
  /** Posterior probability that the change lies within `from` to `to`, rows inclusive, the shortest such interval about `row`. */
  readonly from: number
  readonly to: number
  readonly probability: number
}

export interface ChangePointOptions {
  /** Rows expected between changes. */
  readonly expectedRun: number
  /** Mass of the stated interval. */
  readonly mass: number
}

const changePointDefaults: ChangePointOptions = { expectedRun: 250, mass: 0.8 }

/** Run lengths kept, and the probability below which one is dropped: what makes a row O(300). */
const mostRuns = 300
const leastProbability = 1e-6

interface Runs {
  /** First row of each run. */
  readonly starts: Int32Array
  readonly probabilities: Float64Array
  readonly mean: Float64Array
  readonly kappa: Float64Array
  readonly alpha: Float64Array
  readonly beta: Float64Array
}

/**
 * Dates the latest change in a window of standardised values (residuals of about unit size; NaN is left out). Undefined where the
 * likeliest story is that nothing changed. O(300 n).
 */
export function dateChange(
  values: Float64Array,
  { expectedRun, mass }: ChangePointOptions = changePointDefaults,
): ChangePoint | undefined {
  const hazard = 1 / expectedRun
  let runs = newRuns()
  // Two that take turns: making them anew for each row costs more than the arithmetic.
  let next = newRuns()
  let count = 1
  runs.starts[0] = 0
  runs.probabilities[0] = 1
  setPrior(runs, 0)
  for (let row = 0; row < values.length; row++) {
    const x = values[row] as number
    if (Number.isNaN(x)) continue
    let fresh = 0
    let kept = 0
    // Slot 0 is the run that begins after this row; it has seen nothing yet.
    for (let k = 0; k < count; k++) {
      const joint = (runs.probabilities[k] as number) * predictive(x, runs, k)
      fresh += joint * hazard
      next.probabilities[++kept] = joint * (1 - hazard)
      next.starts[kept] = runs.starts[k] as number
      observe(x, runs, k, next, kept)
    }
    next.probabilities[0] = fresh
    next.starts[0] = row + 1
    setPrior(next, 0)
    count = pruned(next, kept + 1)
    ;[runs, next] = [next, runs]
  }
  return likeliest(runs, count, values.length, mass)
}

function newRuns(): Runs {
  const size = mostRuns + 2
  return {
    starts: new Int32Array(size),
    probabilities: new Float64Array(size),
    mean: new Float64Array(size),
    kappa: new Float64Array(size),
    alpha: new Float64Array(size),
    beta: new Float64Array(size),
  }
}

/** Values are standardised: a run's mean is about 0 give or take ten, its variance about 1. */
function setPrior({ mean, kappa, alpha, beta }: Runs, k: number): void {
  mean[k] = 0
  kappa[k] = 0.01
  alpha[k] = 1
  beta[k] = 1
}

/** Student t with 2a degrees of freedom, scale^2 = b (k + 1) / (a k). */
function predictive(x: number, { mean, kappa, alpha, beta }: Runs, k: number): number {
  const a = alpha[k] as number
  const square = ((beta[k] as number) * ((kappa[k] as number) + 1)) / (a * (kappa[k] as number))
  const t = (x - (mean[k] as number)) ** 2 / (2 * a * square)
  return Math.exp(
    logGamma(a + 0.5) - logGamma(a) - 0.5 * Math.log(2 * a * Math.PI * square) - (a + 0.5) * Math.log1p(t),
  )
}

function observe(x: number, from: Runs, k: number, to: Runs, at: number): void {
  const kappa = from.kappa[k] as number
  const mean = from.mean[k] as number
  to.beta[at] = (from.beta[k] as number) + (kappa * (x - mean) ** 2) / (2 * (kappa + 1))
  to.mean[at] = (kappa * mean + x) / (kappa + 1)
  to.kappa[at] = kappa + 1
  to.alpha[at] = (from.alpha[k] as number) + 0.5
}

/** Normalises, drops what is improbable, and the least probable beyond the limit. Gives how many stay. */
function pruned(runs: Runs, count: number): number {
  const { probabilities } = runs
  let total = 0
  for (let k = 0; k < count; k++) total += probabilities[k] as number
  if (!(total > 0)) {
    // A value that no run could have made: everything begins here.
    probabilities.fill(0)
    probabilities[0] = 1
    return 1
  }
  let floor = leastProbability * total
  if (count > mostRuns) floor = Math.max(floor, probabilities.slice(0, count).sort()[count - mostRuns] as number)
  let kept = 0
  let sum = 0
  for (let k = 0; k < count; k++) {
    const p = probabilities[k] as number
    // The fresh run is always improbable at first, and is the one a change grows from.
    if (k > 0 && p < floor) continue
    sum += p
    for (const column of [runs.starts, probabilities, runs.mean, runs.kappa, runs.alpha, runs.beta])
      column[kept] = column[k] as number
    kept++
  }
  for (let k = 0; k < kept; k++) probabilities[k] = (probabilities[k] as number) / sum
  return kept
}

function likeliest(
  { starts, probabilities }: Runs,
  count: number,
  rows: number,
  mass: number,
): ChangePoint | undefined {
  const byRow = new Map<number, number>()
  for (let k = 0; k < count; k++) byRow.set(starts[k] as number, probabilities[k] as number)
  const at = (row: number) => byRow.get(row) ?? 0
  let best = 0
  for (const row of byRow.keys()) if (row < rows && at(row) > at(best)) best = row
  if (best === 0) return undefined
  let [from, to, probability] = [best, best, at(best)]
  while (probability < mass && (from > 1 || to < rows - 1)) {
    const [left, right] = [from > 1 ? at(from - 1) : -1, to < rows - 1 ? at(to + 1) : -1]
    if (left >= right) from--
    else to++
    probability += Math.max(left, right)
  }
  return { row: best, from, to, probability }
}
