/**
 * Reconstruction error of many entities of one class under one shared plane: each entity's features in units of its own robust scale, so that
 * a thousand services need one eigenproblem and not a thousand, and a new one is judged by what its class does. Smoothed per entity.
 */
import { checkBatch, type Detector, type EntityBatch } from './detector.ts'
import { spreadOf } from './order-statistics.ts'
import { fitPca, type Pca, squaredError } from './pca.ts'
import { ThinnedSample } from './thinned-sample.ts'

export interface PcaErrorOptions {
  readonly features: number
  readonly capacity: number
  /** Share of the variance that the plane keeps. */
  readonly share: number
  /** Weight of a new row in the moving average; 1 = none. */
  readonly emaWeight: number
  /** Rows of all entities together that the plane is fitted to, an even number. */
  readonly classRows: number
  /** Rows of one entity that its scale comes from, an even number. */
  readonly entityRows: number
}

export const pcaErrorDefaults: Omit<PcaErrorOptions, 'features' | 'capacity'> = {
  share: 0.9,
  emaWeight: 0.2,
  classRows: 8192,
  entityRows: 256,
}

/** Rows before an entity has a scale. */
const leastRows = 64
/** Scales are made anew when there is this much more to make them from. */
const growth = 1.5
const clip = 30

interface Entity {
  readonly rows: ThinnedSample
  readonly medians: Float64Array
  readonly scales: Float64Array
  nextScale: number
  isScaled: boolean
  average: number
}

export class PcaError implements Detector {
  readonly features: number
  readonly capacity: number
  readonly #options: PcaErrorOptions
  readonly #entities: (Entity | undefined)[]
  readonly #shared: ThinnedSample
  readonly #scaled: Float64Array
  readonly #residual: Float64Array
  #pca: Pca | undefined
  #nextFit = leastRows

  constructor(options: PcaErrorOptions) {
    this.features = options.features
    this.capacity = options.capacity
    this.#options = options
    this.#entities = Array.from({ length: options.capacity })
    this.#shared = new ThinnedSample(options.features, options.classRows)
    this.#scaled = new Float64Array(options.features)
    this.#residual = new Float64Array(options.features)
  }

  fit(history: EntityBatch): void {
    checkBatch(this, history)
    const { features } = this
    for (let i = 0; i < history.entities.length; i++) {
      this.#at(history.entities[i] as number).rows.add(history.values, i * features)
    }
    for (const slot of new Set(history.entities)) this.#rescale(this.#at(slot))
    for (let i = 0; i < history.entities.length; i++) {
      this.#scale(this.#at(history.entities[i] as number), history.values, i * features)
      this.#shared.add(this.#scaled)
    }
    this.#refit()
  }

  /** The smoothed squared error; NaN while the class or the entity is cold. O(features * kept) a row. */
  score(batch: EntityBatch, out: Float64Array): void {
    checkBatch(this, batch)
    for (let i = 0; i < batch.entities.length; i++) {
      const entity = this.#at(batch.entities[i] as number)
      if (this.#pca === undefined || !entity.isScaled) {
        out[i] = Number.NaN
        continue
      }
      this.#scale(entity, batch.values, i * this.features)
      const error = squaredError(this.#pca, this.#scaled, 0, this.#residual)
      const { emaWeight } = this.#options
      entity.average = Number.isNaN(entity.average) ? error : entity.average + emaWeight * (error - entity.average)
      out[i] = entity.average
    }
  }

  update(batch: EntityBatch, weights: Float64Array): void {
    checkBatch(this, batch)
    for (let i = 0; i < batch.entities.length; i++) {
      if (!((weights[i] as number) > 0)) continue
      const entity = this.#at(batch.entities[i] as number)
      entity.rows.add(batch.values, i * this.features)
      if (entity.rows.seen >= entity.nextScale) this.#rescale(entity)
      if (!entity.isScaled) continue
      this.#scale(entity, batch.values, i * this.features)
      this.#shared.add(this.#scaled)
    }
    if (this.#shared.seen >= this.#nextFit) this.#refit()
  }

  forget(entity: number): void {
    this.#entities[entity] = undefined
  }

  /** What each feature added to the squared error of one row of an entity, as it is now, unsmoothed; all 0 while cold. */
  contributions(slot: number, values: Float64Array, offset = 0): Float64Array {
    const entity = this.#entities[slot]
    if (this.#pca === undefined || entity?.isScaled !== true) return new Float64Array(this.features)
    this.#scale(entity, values, offset)
    squaredError(this.#pca, this.#scaled, 0, this.#residual)
    return this.#residual.map((value) => value * value)
  }

  #at(slot: number): Entity {
    const known = this.#entities[slot]
    if (known !== undefined) return known
    const fresh: Entity = {
      rows: new ThinnedSample(this.features, this.#options.entityRows),
      medians: new Float64Array(this.features),
      scales: new Float64Array(this.features).fill(1),
      nextScale: leastRows,
      isScaled: false,
      average: Number.NaN,
    }
    this.#entities[slot] = fresh
    return fresh
  }

  #rescale(entity: Entity): void {
    const { rows, values } = entity.rows
    if (rows < 2) return
    entity.nextScale = Math.ceil(entity.rows.seen * growth)
    entity.isScaled = true
    const column = new Float64Array(rows)
    for (let j = 0; j < this.features; j++) {
      for (let i = 0; i < rows; i++) column[i] = values[i * this.features + j] as number
      const { median, mad, sd } = spreadOf(column)
      const floor = 1e-3 * Math.abs(median)
      entity.medians[j] = median
      entity.scales[j] = sd === 0 ? Math.max(floor, 0.01) : Math.max(mad, 0.5 * sd, floor)
    }
  }

  #scale({ medians, scales }: Entity, values: Float64Array, offset: number): void {
    for (let j = 0; j < this.features; j++) {
      const z = ((values[offset + j] as number) - (medians[j] as number)) / (scales[j] as number)
      this.#scaled[j] = Number.isNaN(z) ? 0 : Math.max(-clip, Math.min(clip, z))
    }
  }

  #refit(): void {
    this.#nextFit = Math.ceil(this.#shared.seen * growth)
    if (this.#shared.rows < 2) return
    const { rows, columns, values } = this.#shared
    this.#pca = fitPca({ values, rows, columns }, this.#options.share)
  }
}
