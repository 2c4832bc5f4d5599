/**
 * How new an entity's present row is to what it did so far, learned from the stream alone: robust scaling, a few lags where there are few
 * columns, then two views with a tail and an alarm budget each. The pattern view, shrunk Mahalanobis distance smoothed over three time scales, sees what
 * does not fit together and what lasts; the size view, the mean squared robust z, sees short and large. Every row is scored before it is
 * learned, so that tails and thresholds are those of unseen rows.
 */
import type { AlarmBudgetOptions } from './alarm-budget.ts'
import { checkBatch, type Detector, type EntityBatch } from './detector.ts'
import { spreadOf } from './order-statistics.ts'
import { fitShrunkDistance, type ShrunkDistance, squaredDistance } from './shrunk-distance.ts'
import { ThinnedSample, type ThinnedSampleState } from './thinned-sample.ts'
import { WatchedStatistic, type WatchedStatisticState } from './watched-statistic.ts'

export interface NoveltyOptions {
  /** Rows kept to learn from, an even number. Memory is `historyRows * columns * lags * 8` bytes an entity. */
  readonly historyRows: number
  readonly pattern: AlarmBudgetOptions
  readonly size: AlarmBudgetOptions
  /** No column's scale is below this; for columns whose unit is known to be one. */
  readonly leastScale: number
}

export const noveltyDefaults: NoveltyOptions = {
  historyRows: 8192,
  leastScale: 0,
  pattern: { rate: 1 / 4000, inHand: 1, gap: 50, repeat: 288, warmup: 100, sampleRows: 4096 },
  size: { rate: 1 / 3000, inHand: 2, gap: 50, repeat: 288, warmup: 100, sampleRows: 4096 },
}

export interface Novelty {
  /** 0 to 1; smoothed, for ranking. 0 while cold. */
  readonly score: number
  /** Probability of a row as strange as this by chance. 1 while cold. */
  readonly p: number
  /** True on the row at which an alarm is raised, and again after `repeat` rows while it goes on. */
  readonly alarm: boolean
}

/** Rows before the first fit. */
const firstFit = 64
/** While an entity has fewer rows, its model is fitted anew with a quarter more of them, then with twice as many: a long fault must not become normal soon. */
const coldRows = 5000
const coldGrowth = 1.25
const warmGrowth = 2
/** Rows less likely than this are not learned from, until so many in a row say that this is how things are now. */
const gateP = 1e-3
const gateRows = 2000
/** Robust z beyond this says no more than this. */
const clip = 30
/** Variance floor of the distance, as a share of the mean variance. */
const varianceFloor = 0.01
const lags = [0, 1, 2, 3, 5, 8, 12, 18, 26, 36] as const
/** One column is seen with ten lags, seven or more only as they are now: correlation between columns says more than the past does. */
const widthWithLags = 12
/** Two statistics with their samples, at the most. */
const watchedBytes = 4 * 4096 * 8
/** Weights of a new row in the moving averages beside the row itself. */
const fastWeight = 0.3
const slowWeight = 0.05

export interface NoveltyState {
  readonly version: 1
  readonly history: ThinnedSampleState
  readonly past: Float64Array
  readonly row: Float64Array
  readonly scaled: Float64Array
  readonly medians: Float64Array
  readonly scales: Float64Array
  readonly pattern: WatchedStatisticState
  readonly size: WatchedStatisticState
  readonly model: ShrunkDistance | undefined
  readonly seen: number
  readonly nextFit: number
  readonly gated: number
  readonly p: number
  readonly fast: number
  readonly slow: number
}

/** One entity. Time order is the order of the calls. */
export class EntityNovelty {
  readonly #columns: number
  readonly #lags: readonly number[]
  readonly #leastScale: number
  readonly #history: ThinnedSample
  readonly #past: Float64Array
  readonly #row: Float64Array
  readonly #scaled: Float64Array
  readonly #medians: Float64Array
  readonly #scales: Float64Array
  readonly #pattern: WatchedStatistic
  readonly #size: WatchedStatistic
  #model: ShrunkDistance | undefined
  #seen = 0
  #nextFit = firstFit
  #gated = 0
  #p = 1
  #fast = Number.NaN
  #slow = Number.NaN

  constructor(columns: number, { historyRows, pattern, size, leastScale }: NoveltyOptions = noveltyDefaults) {
    this.#leastScale = leastScale
    this.#columns = columns
    this.#lags = lags.slice(0, Math.max(1, Math.floor(widthWithLags / columns)))
    const width = columns * this.#lags.length
    this.#history = new ThinnedSample(width, historyRows)
    this.#past = new Float64Array(columns * ((this.#lags.at(-1) ?? 0) + 1))
    this.#row = new Float64Array(width)
    this.#scaled = new Float64Array(width)
    this.#medians = new Float64Array(width)
    this.#scales = new Float64Array(width).fill(1)
    this.#pattern = new WatchedStatistic(pattern)
    this.#size = new WatchedStatistic(size)
  }

  /** Scores `columns` numbers of `values` at `offset` (NaN = missing), then learns from them. O(width^2), and a fit now and then. */
  next(values: Float64Array, offset = 0): Novelty {
    const answer = this.score(values, offset)
    this.learn()
    return answer
  }

  score(values: Float64Array, offset = 0): Novelty {
    this.#embed(values, offset)
    if (this.#seen >= this.#nextFit) this.fit()
    if (this.#model === undefined) return { score: 0, p: 1, alarm: false }
    const width = this.#row.length
    let squares = 0
    for (let j = 0; j < width; j++) {
      const z = this.#scale(this.#row[j] as number, j)
      this.#scaled[j] = z
      squares += z * z
    }
    const distance = Math.sqrt(squaredDistance(this.#model, this.#scaled, 0) / width)
    this.#fast = Number.isNaN(this.#fast) ? distance : this.#fast + fastWeight * (distance - this.#fast)
    this.#slow = Number.isNaN(this.#slow) ? distance : this.#slow + slowWeight * (distance - this.#slow)
    const level = this.#fast * this.#slow
    this.#pattern.watch(level * distance)
    this.#size.watch(squares / width)
    // Bonferroni: the two views are dependent in a way that differs from entity to entity.
    this.#p = Math.min(1, 2 * Math.min(this.#pattern.p, this.#size.p))
    return { score: level / (1 + level), p: this.#p, alarm: this.#pattern.alarm || this.#size.alarm }
  }

  /** Takes the row last scored for normal, unless it was far from it. */
  learn(): void {
    if (this.#p >= gateP) this.#gated = 0
    else this.#gated++
    if (this.#gated === 0 || this.#gated > gateRows) this.#history.add(this.#row)
    this.#seen++
  }

  /** Each column's part in the distance of the row last scored, lags added up; positive where it made the row stranger. */
  contributions(): Float64Array {
    const sums = new Float64Array(this.#columns)
    if (this.#model === undefined) return sums
    const parts = new Float64Array(this.#scaled.length)
    squaredDistance(this.#model, this.#scaled, 0, parts)
    for (let k = 0; k < parts.length; k++) {
      const column = k % this.#columns
      sums[column] = (sums[column] as number) + (parts[k] as number)
    }
    return sums
  }

  /** Fits to the rows learned so far; does nothing with fewer than two. It happens by itself as rows come; at the end of a warm-up it is worth a call. */
  fit(): void {
    const { rows, columns: width } = this.#history
    if (rows < 2) return
    this.#nextFit = Math.ceil(this.#seen * (this.#seen < coldRows ? coldGrowth : warmGrowth))
    const raw = this.#history.values
    const column = new Float64Array(rows)
    for (let j = 0; j < width; j++) {
      for (let i = 0; i < rows; i++) column[i] = raw[i * width + j] as number
      const { median, mad, sd } = spreadOf(column)
      const floor = 1e-3 * Math.abs(median)
      this.#medians[j] = median
      // A column that never moved has no scale of its own: a hundredth of a unit, or a thousandth of its level.
      this.#scales[j] = Math.max(this.#leastScale, sd === 0 ? Math.max(floor, 0.01) : Math.max(mad, 0.5 * sd, floor))
    }
    const scaled = new Float64Array(rows * width)
    for (let i = 0; i < scaled.length; i++) scaled[i] = this.#scale(raw[i] as number, i % width)
    this.#model = fitShrunkDistance({ values: scaled, rows, columns: width }, varianceFloor)
  }

  static mostBytes(columns: number, { historyRows }: NoveltyOptions = noveltyDefaults): number {
    const width = columns * Math.min(lags.length, Math.max(1, Math.floor(widthWithLags / columns)))
    return 8 * width * (historyRows + width + 6) + watchedBytes
  }

  /** What it holds now; the history grows with the rows that are learned. */
  get bytes(): number {
    const width = this.#row.length
    return this.#history.bytes + this.#past.byteLength + 8 * (width * width + 6 * width) + watchedBytes
  }

  save(): NoveltyState {
    return {
      version: 1,
      history: this.#history.save(),
      past: this.#past.slice(),
      row: this.#row.slice(),
      scaled: this.#scaled.slice(),
      medians: this.#medians.slice(),
      scales: this.#scales.slice(),
      pattern: this.#pattern.save(),
      size: this.#size.save(),
      model: this.#model,
      seen: this.#seen,
      nextFit: this.#nextFit,
      gated: this.#gated,
      p: this.#p,
      fast: this.#fast,
      slow: this.#slow,
    }
  }

  /** Throws `RangeError` on a state of another version, or of other columns. */
  restore(state: NoveltyState): void {
    if (state.version !== 1 || state.past.length !== this.#past.length || state.row.length !== this.#row.length)
      throw new RangeError(`this is no state of a novelty of ${this.#columns} columns`)
    this.#history.restore(state.history)
    this.#past.set(state.past)
    this.#row.set(state.row)
    this.#scaled.set(state.scaled)
    this.#medians.set(state.medians)
    this.#scales.set(state.scales)
    this.#pattern.restore(state.pattern)
    this.#size.restore(state.size)
    this.#model = state.model
    this.#seen = state.seen
    this.#nextFit = state.nextFit
    this.#gated = state.gated
    this.#p = state.p
    this.#fast = state.fast
    this.#slow = state.slow
  }

  #embed(values: Float64Array, offset: number): void {
    const columns = this.#columns
    this.#past.copyWithin(columns, 0, this.#past.length - columns)
    for (let j = 0; j < columns; j++) this.#past[j] = values[offset + j] as number
    for (let l = 0; l < this.#lags.length; l++) {
      // Before there is a past, the oldest row stands for it.
      const back = Math.min(this.#lags[l] as number, this.#seen)
      for (let j = 0; j < columns; j++) this.#row[l * columns + j] = this.#past[back * columns + j] as number
    }
  }

  #scale(value: number, column: number): number {
    const z = (value - (this.#medians[column] as number)) / (this.#scales[column] as number)
    return Number.isNaN(z) ? 0 : Math.max(-clip, Math.min(clip, z))
  }
}

/** `EntityNovelty` for up to `capacity` entities of the same `features`. The score is -ln p. */
export class NoveltyDetector implements Detector {
  readonly features: number
  readonly capacity: number
  readonly #options: NoveltyOptions
  readonly #entities: (EntityNovelty | undefined)[]

  constructor(features: number, capacity: number, options: NoveltyOptions = noveltyDefaults) {
    this.features = features
    this.capacity = capacity
    this.#options = options
    this.#entities = Array.from({ length: capacity })
  }

  fit(history: EntityBatch): void {
    checkBatch(this, history)
    for (let i = 0; i < history.entities.length; i++)
      this.#at(history.entities[i] as number).next(history.values, i * this.features)
    for (const entity of new Set(history.entities)) this.#at(entity).fit()
  }

  score(batch: EntityBatch, out: Float64Array): void {
    checkBatch(this, batch)
    for (let i = 0; i < batch.entities.length; i++) {
      const { p } = this.#at(batch.entities[i] as number).score(batch.values, i * this.features)
      out[i] = p === 1 ? Number.NaN : -Math.log(p)
    }
  }

  update(batch: EntityBatch, weights: Float64Array): void {
    checkBatch(this, batch)
    for (let i = 0; i < batch.entities.length; i++) {
      if ((weights[i] as number) > 0) this.#at(batch.entities[i] as number).learn()
    }
  }

  forget(entity: number): void {
    this.#entities[entity] = undefined
  }

  #at(entity: number): EntityNovelty {
    const known = this.#entities[entity]
    if (known !== undefined) return known
    const fresh = new EntityNovelty(this.features, this.#options)
    this.#entities[entity] = fresh
    return fresh
  }
}
