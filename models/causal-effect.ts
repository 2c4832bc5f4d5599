/**
 * How much does one thing move another? Backdoor adjustment by linear regression (Pearl, Causality, 3.3; the estimator `backdoor.linear_regression` of
 * DoWhy) and the refuters of DoWhy in a form for time series: neighbouring rows depend on each other, so the interval is Newey and West's and the placebo
 * is the treatment at another time, not in another order.
 */
import { spreadOf } from './order-statistics.ts'

export interface CausalSample {
  /** One number a row, in time order; rows that hold a NaN anywhere are left out. */
  readonly treatment: Float64Array
  readonly outcome: Float64Array
  /** Columns that may drive both: a backdoor set, as the graph and the load give it. */
  readonly confounders: readonly Float64Array[]
}

export interface RefuterResult {
  readonly name: 'placebo' | 'random_common_cause' | 'subset' | 'dummy_outcome'
  readonly passed: boolean
  /**
   * placebo: share of placebos with as large an effect. random_common_cause and subset: how far the effect moves, as a share of it. dummy_outcome: the
   * median effect on noise, as a share of the effect.
   */
  readonly value: number
}

export interface CausalEffect {
  /** Units of the outcome per unit of the treatment. */
  readonly estimate: number
  /** 95 %. */
  readonly lower: number
  readonly upper: number
  readonly rows: number
  readonly refutations: readonly RefuterResult[]
}

export interface CausalOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** How many rows away rows still depend on each other; without it 4 (n / 100)^(2/9), at least 1. 0 gives White's HC0. */
  readonly lags?: number
}

const placebos = 100
const draws = 20
const subsetShare = 0.8
const mostPlaceboP = 0.05
const mostShift = 0.1
const mostSpread = 0.2
/** Rows for each coefficient, at least. */
const rowsPerCoefficient = 5
const z95 = 1.959963984540054

/** Undefined where it cannot be told: too few rows, a constant, or a treatment that the confounders explain. O(placebos x n k^2). */
export function causalEffect(sample: CausalSample, { random, lags }: CausalOptions): CausalEffect | undefined {
  const { treatment, outcome, confounders } = wholeRows(sample)
  const fitted = regress(treatment, outcome, confounders)
  if (fitted === undefined) return undefined
  const rows = treatment.length
  const error = standardError(fitted, lags ?? Math.max(1, Math.floor(4 * (rows / 100) ** (2 / 9))))
  const { effect } = fitted
  const of = (t: Float64Array, y: Float64Array, z: readonly Float64Array[]) => regress(t, y, z)?.effect ?? Number.NaN
  const share = (value: number) => (effect === 0 ? Number.POSITIVE_INFINITY : Math.abs(value / effect))
  const repeated = (times: number, draw: () => number) =>
    Float64Array.from({ length: times }, draw).filter((value) => !Number.isNaN(value))

  const shifted = repeated(placebos, () => of(shift(treatment, random), outcome, confounders))
  const placeboP = (1 + shifted.filter((value) => Math.abs(value) >= Math.abs(effect)).length) / (1 + shifted.length)
  const noisier = repeated(draws, () => of(treatment, outcome, [...confounders, normals(rows, random)]))
  const moved = share(spreadOf(noisier).median - effect)
  const parts = repeated(draws, () => {
    const chosen = subset(rows, random)
    return of(
      pick(treatment, chosen),
      pick(outcome, chosen),
      confounders.map((column) => pick(column, chosen)),
    )
  })
  const spread = share(deviation(parts))
  const scale = deviation(outcome)
  const dummies = repeated(draws, () =>
    of(
      treatment,
      normals(rows, random).map((value) => value * scale),
      confounders,
    ),
  )
  const dummy = share(spreadOf(dummies).median)
  return {
    estimate: effect,
    lower: effect - z95 * error,
    upper: effect + z95 * error,
    rows,
    refutations: [
      { name: 'placebo', passed: placeboP <= mostPlaceboP, value: placeboP },
      { name: 'random_common_cause', passed: moved < mostShift, value: moved },
      { name: 'subset', passed: spread < mostSpread, value: spread },
      { name: 'dummy_outcome', passed: dummy < mostSpread, value: dummy },
    ],
  }
}

interface Fitted {
  readonly effect: number
  /** The treatment less what the rest explains, and the outcome's residual: all that the effect's variance needs (Frisch, Waugh and Lovell). */
  readonly partial: Float64Array
  readonly residual: Float64Array
  readonly sumOfSquares: number
}

/** Least squares of the outcome on 1, the treatment and the confounders. */
function regress(
  treatment: Float64Array,
  outcome: Float64Array,
  confounders: readonly Float64Array[],
): Fitted | undefined {
  const rows = treatment.length
  if (rows < rowsPerCoefficient * (confounders.length + 2)) return undefined
  const basis = orthogonal(confounders)
  const partial = without(treatment, basis)
  const rest = without(outcome, basis)
  const sumOfSquares = dot(partial, partial)
  if (!(sumOfSquares > 1e-10 * spreadSquares(treatment))) return undefined
  const effect = dot(partial, rest) / sumOfSquares
  const residual = rest.map((value, row) => value - effect * partial[row]!)
  return { effect, partial, residual, sumOfSquares }
}

/** Of the effect, with Bartlett's weights (Newey and West 1987). */
function standardError({ partial, residual, sumOfSquares }: Fitted, lags: number): number {
  const scores = partial.map((value, row) => value * residual[row]!)
  let meat = dot(scores, scores)
  for (let lag = 1; lag <= Math.min(lags, scores.length - 1); lag++) {
    let sum = 0
    for (let row = lag; row < scores.length; row++) sum += scores[row]! * scores[row - lag]!
    meat += 2 * (1 - lag / (lags + 1)) * sum
  }
  return Math.sqrt(Math.max(0, meat)) / sumOfSquares
}

/** Orthonormal columns that span 1 and the confounders; what is spanned already is left out (modified Gram-Schmidt, twice). */
function orthogonal(confounders: readonly Float64Array[]): Float64Array[] {
  const rows = confounders[0]?.length ?? 0
  const basis: Float64Array[] = []
  for (const column of confounders) {
    const rest = without(column, basis)
    const norm = Math.sqrt(dot(rest, rest))
    if (norm > 1e-8 * Math.sqrt(spreadSquares(column)) && norm > 0 && rows > 0)
      basis.push(rest.map((value) => value / norm))
  }
  return basis
}

/** The column less its mean and its part along the basis. */
function without(column: Float64Array, basis: readonly Float64Array[]): Float64Array {
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length
  let rest = column.map((value) => value - mean)
  for (let pass = 0; pass < 2; pass++) {
    for (const direction of basis) {
      const along = dot(rest, direction)
      rest = rest.map((value, row) => value - along * direction[row]!)
    }
  }
  return rest
}

function spreadSquares(column: Float64Array): number {
  const mean = column.reduce((sum, value) => sum + value, 0) / column.length
  return column.reduce((sum, value) => sum + (value - mean) ** 2, 0)
}

function deviation(column: Float64Array): number {
  return Math.sqrt(spreadSquares(column) / Math.max(1, column.length - 1))
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let row = 0; row < a.length; row++) sum += a[row]! * b[row]!
  return sum
}

function wholeRows({ treatment, outcome, confounders }: CausalSample): CausalSample {
  const columns = [treatment, outcome, ...confounders]
  const chosen: number[] = []
  for (let row = 0; row < treatment.length; row++)
    if (columns.every((column) => Number.isFinite(column[row]))) chosen.push(row)
  return {
    treatment: pick(treatment, chosen),
    outcome: pick(outcome, chosen),
    confounders: confounders.map((column) => pick(column, chosen)),
  }
}

function pick(column: Float64Array, rows: readonly number[]): Float64Array {
  return Float64Array.from(rows, (row) => column[row]!)
}

/** By a tenth to nine tenths of its length, around the end. */
function shift(column: Float64Array, random: () => number): Float64Array {
  const by = Math.round(column.length * (0.1 + 0.8 * random()))
  return column.map((_, row) => column[(row + by) % column.length]!)
}

function subset(rows: number, random: () => number): number[] {
  const all = Array.from({ length: rows }, (_, row) => row)
  const size = Math.floor(rows * subsetShare)
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(random() * (rows - i))
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all.slice(0, size).sort((a, b) => a - b)
}

/** Box and Muller's. */
function normals(rows: number, random: () => number): Float64Array {
  return Float64Array.from(
    { length: rows },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  )
}
