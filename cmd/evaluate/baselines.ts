/** The detectors that ours has to beat, as the literature runs them, under our own alarm budget. */
import { AlarmBudget, type AlarmBudgetOptions } from '../../models/alarm-budget.ts'
import { spreadOf } from '../../models/order-statistics.ts'
import { fitPca, squaredError } from '../../models/pca.ts'
import type { Table } from '../predict/read-table.ts'

export interface Baseline {
  readonly name: string
  /** Scores of the rows of train and test, from what train says. */
  readonly score: (train: Table, test: Table) => { readonly train: Float64Array; readonly test: Float64Array }
}

const clip = 30
const emaWeight = 0.2

export const baselines: readonly Baseline[] = [
  { name: 'random', score: (train, test) => ({ train: noise(train.rows, 1), test: noise(test.rows, 2) }) },
  { name: 'max |z|', score: byRow((row) => row.reduce((most, z) => Math.max(most, Math.abs(z)), 0)) },
  { name: 'mean z^2', score: byRow((row) => row.reduce((sum, z) => sum + z * z, 0) / row.length) },
  { name: 'PCA-SPE', score: spe },
  {
    name: 'PCA-SPE + EMA',
    score: (train, test) => {
      const raw = spe(train, test)
      return { train: ema(raw.train), test: ema(raw.test) }
    },
  },
]

/** Alarms of a baseline: the budget watches the train rows, then decides on the test rows. */
export function budgetAlarms(train: Float64Array, test: Float64Array, options: AlarmBudgetOptions): Uint8Array {
  const budget = new AlarmBudget(options)
  // The logarithm changes no order, and keeps a threshold between two far apart scores in reason.
  for (const score of train) budget.decide(Math.log(score + Number.MIN_VALUE))
  return Uint8Array.from(test, (score) => (budget.decide(Math.log(score + Number.MIN_VALUE)) ? 1 : 0))
}

function spe(train: Table, test: Table): { readonly train: Float64Array; readonly test: Float64Array } {
  const columns = train.names.length
  const [a, b] = robustZ(train, test)
  const pca = fitPca({ values: a, rows: train.rows, columns }, 0.9)
  const residual = new Float64Array(columns)
  const errors = (values: Float64Array, rows: number) =>
    Float64Array.from({ length: rows }, (_, i) => squaredError(pca, values, i * columns, residual))
  return { train: errors(a, train.rows), test: errors(b, test.rows) }
}

function byRow(f: (row: Float64Array) => number): Baseline['score'] {
  return (train, test) => {
    const columns = train.names.length
    const [a, b] = robustZ(train, test)
    const all = (values: Float64Array, rows: number) =>
      Float64Array.from({ length: rows }, (_, i) => f(values.subarray(i * columns, (i + 1) * columns)))
    return { train: all(a, train.rows), test: all(b, test.rows) }
  }
}

function robustZ(train: Table, test: Table): readonly [Float64Array, Float64Array] {
  const columns = train.names.length
  const spreads = train.names.map((_, j) =>
    spreadOf(Float64Array.from({ length: train.rows }, (_, i) => train.values[i * columns + j] as number)),
  )
  const z = (values: Float64Array) =>
    values.map((value, i) => {
      const { median, mad, sd } = spreads[i % columns] as (typeof spreads)[number]
      const floor = 1e-3 * Math.abs(median)
      const scaled = (value - median) / (sd === 0 ? Math.max(floor, 0.01) : Math.max(mad, 0.5 * sd, floor))
      return Number.isNaN(scaled) ? 0 : Math.max(-clip, Math.min(clip, scaled))
    })
  return [z(train.values), z(test.values)]
}

function ema(values: Float64Array): Float64Array {
  let average = values[0] ?? 0
  return values.map((value) => (average += emaWeight * (value - average)))
}

/** Numbers that look random and are the same every time (xorshift32). */
function noise(length: number, seed: number): Float64Array {
  let state = seed * 0x9e37_79b9
  return Float64Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  })
}
