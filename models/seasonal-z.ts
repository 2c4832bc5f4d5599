/**
 * Robust z of each feature against its own hour of the week, or of the day while there is no week yet, or against all it did: aiops.md 3.1.
 * Location and spread are exponential averages with gated weights, so that a fault does not become the norm; O(features) a row.
 */
import { checkBatch, type Detector, type EntityBatch } from './detector.ts'
import { normalTwoSided } from './special-functions.ts'

export interface SeasonalOptions {
  readonly features: number
  readonly capacity: number
  /** Seasons in a cycle, finest first: hours of a week, hours of a day, one. Season s of n is `floor(now / length) % n`. */
  readonly cycles: readonly number[]
  /** Ticks in a season. */
  readonly seasonTicks: number
  /** Rows a season needs before it is asked. */
  readonly leastRows: number
  /** Share of a residual's level that is no deviation at all. */
  readonly relativeFloor: number
}

export const seasonalDefaults: Omit<SeasonalOptions, 'features' | 'capacity'> = {
  cycles: [168, 24, 1],
  seasonTicks: 360,
  leastRows: 60,
  relativeFloor: 0.01,
}

/** The mean absolute deviation of a normal distribution is this share of its standard deviation. */
const deviationToSigma = 1.253_314_137_315_5
/** A new row's weight is at least this, once a season has as many rows as its inverse. */
const leastWeight = 0.005
/** Beyond so many sigmas a row's weight falls with the square of its distance. */
const gateSigmas = 3

interface Baseline {
  /** By season and feature, in single precision: 168 hours of 20 features are 34 KB an entity. */
  readonly location: Float32Array
  readonly deviation: Float32Array
  /** Stops counting at its type's limit. */
  readonly rows: Uint16Array
}

export class SeasonalZ implements Detector {
  readonly features: number
  readonly capacity: number
  readonly #options: SeasonalOptions
  readonly #baselines: (readonly Baseline[] | undefined)[]
  #tick = 0

  constructor(options: SeasonalOptions) {
    this.features = options.features
    this.capacity = options.capacity
    this.#options = options
    this.#baselines = Array.from({ length: options.capacity })
  }

  /** The tick that `score`, `update` and `fit` refer to; `fit` counts on from it, a tick for each row of an entity. */
  at(tick: number): void {
    this.#tick = tick
  }

  fit(history: EntityBatch): void {
    checkBatch(this, history)
    const start = this.#tick
    const rowsOf = new Map<number, number>()
    for (let i = 0; i < history.entities.length; i++) {
      const entity = history.entities[i] as number
      const row = rowsOf.get(entity) ?? 0
      rowsOf.set(entity, row + 1)
      this.#tick = start + row
      this.#learn(entity, history.values, i * this.features)
    }
    this.#tick = start + Math.max(0, ...rowsOf.values())
  }

  /** -ln p of the strangest feature, Bonferroni over the features; NaN while cold. */
  score(batch: EntityBatch, out: Float64Array): void {
    checkBatch(this, batch)
    for (let i = 0; i < batch.entities.length; i++) {
      let most = Number.NaN
      for (let j = 0; j < this.features; j++) {
        const z = Math.abs(this.z(batch.entities[i] as number, j, batch.values[i * this.features + j] as number))
        if (!(z <= most)) most = Number.isNaN(z) ? most : z
      }
      out[i] = Number.isNaN(most)
        ? Number.NaN
        : Math.max(0, -Math.log(Math.max(Number.MIN_VALUE, this.features * normalTwoSided(most))))
    }
  }

  update(batch: EntityBatch, weights: Float64Array): void {
    checkBatch(this, batch)
    for (let i = 0; i < batch.entities.length; i++) {
      if ((weights[i] as number) > 0) this.#learn(batch.entities[i] as number, batch.values, i * this.features)
    }
  }

  forget(entity: number): void {
    this.#baselines[entity] = undefined
  }

  /** What the entity's feature is expected to be now, and one sigma of it; undefined while cold. In the feature's own unit: this is what an alarm shows. */
  expected(entity: number, feature: number): { readonly location: number; readonly sigma: number } | undefined {
    const { cycles, leastRows, relativeFloor } = this.#options
    for (const [c, cycle] of cycles.entries()) {
      const baseline = this.#baselines[entity]?.[c]
      const at = this.#season(cycle) * this.features + feature
      if (baseline === undefined || (baseline.rows[at] as number) < leastRows) continue
      const location = baseline.location[at] as number
      const sigma = Math.max(deviationToSigma * (baseline.deviation[at] as number), relativeFloor * Math.abs(location))
      return { location, sigma: Math.max(sigma, Number.MIN_VALUE) }
    }
    return undefined
  }

  /** NaN while cold or where the value is missing. */
  z(entity: number, feature: number, value: number): number {
    const known = this.expected(entity, feature)
    return known === undefined ? Number.NaN : (value - known.location) / known.sigma
  }

  #season(cycle: number): number {
    return Math.floor(this.#tick / this.#options.seasonTicks) % cycle
  }

  #learn(entity: number, values: Float64Array, offset: number): void {
    const { cycles } = this.#options
    const baselines = this.#baselines[entity] ?? cycles.map((cycle) => newBaseline(cycle * this.features))
    this.#baselines[entity] = baselines
    for (let j = 0; j < this.features; j++) {
      const value = values[offset + j] as number
      if (Number.isNaN(value)) continue
      const z = this.z(entity, j, value)
      const gate = Math.abs(z) > gateSigmas ? (gateSigmas / z) ** 2 : 1
      for (const [c, cycle] of cycles.entries()) {
        const baseline = baselines[c] as Baseline
        const at = this.#season(cycle) * this.features + j
        // A season that is still cold takes what comes: what is far from a coarser one's norm may be just what sets it apart.
        learn(baseline, at, value, (baseline.rows[at] as number) < this.#options.leastRows ? 1 : gate)
      }
    }
  }
}

function newBaseline(cells: number): Baseline {
  return { location: new Float32Array(cells), deviation: new Float32Array(cells), rows: new Uint16Array(cells) }
}

function learn({ location, deviation, rows }: Baseline, at: number, value: number, gate: number): void {
  const count = Math.min((rows[at] as number) + 1, 65_535)
  rows[at] = count
  const weight = gate * Math.max(1 / count, leastWeight)
  const residual = value - (location[at] as number)
  location[at] = (location[at] as number) + weight * residual
  // The first row has no deviation from itself.
  if (count > 1)
    deviation[at] =
      (deviation[at] as number) +
      gate * Math.max(1 / (count - 1), leastWeight) * (Math.abs(residual) - (deviation[at] as number))
}
