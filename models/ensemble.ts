/**
 * All detectors over the entities of one class as one: rows of numbers in, a calibrated probability out, with the columns that made it so.
 *
 * 1. Each column of each entity against its own season, drift and scatter (`seasonal-z.ts`, `deviance.ts`, `ratio-baseline.ts`): z and nats.
 * 2. The nats of a column are calibrated over all entities of the class (`tail-histogram.ts`), so that a heavy tail is learned and not assumed; the columns'
 *    p are combined (`fusion.ts`).
 * 3. The z of a row together: do they still fit (`pca-error.ts`), one plane for the class.
 * 4. For entities that were admitted: `novelty.ts`, which has a history of its own for each.
 * 5. 2 to 4 are combined, divided by the entity's own usual strangeness, and calibrated once more.
 *
 * Windows overlap, so a row is judged whenever it comes and learned only when it shares nothing with the last one learned (`Column.stride`): a
 * marginal probability is right for overlapping windows too, but counting them all would count one event many times over.
 */

import { type Column, learnedUnit } from './column.ts'
import { type Expectation, expectedRange, natsOf, zOf } from './column-surprise.ts'
import { checkBatch, type Detector, type EntityBatch } from './detector.ts'
import { clipP, combineUnclipped } from './fusion.ts'
import { EntityNovelty, type NoveltyOptions, type NoveltyState, noveltyDefaults } from './novelty.ts'
import { PcaError, type PcaErrorState } from './pca-error.ts'
import { RatioBaseline } from './ratio-baseline.ts'
import { type SeasonalMoment, type SeasonalState, SeasonalZ } from './seasonal-z.ts'
import { TailHistogram, type TailHistogramState } from './tail-histogram.ts'

export interface EnsembleOptions {
  readonly columns: readonly Column[]
  readonly capacity: number
  /** Ticks that are only learned; of a column with longer windows at least three of them. */
  readonly warmupTicks: number
  /** What is less likely does not teach. */
  readonly gateP: number
  /** After so many ticks below the gate it is how things are, and is learned anew. */
  readonly acceptTicks: number
  readonly novelty: NoveltyOptions
  /** What a history of its own is of: the numbers as they come, or their z, which have neither season nor unit. */
  readonly history: 'values' | 'residuals'
}

export const ensembleDefaults: Omit<EnsembleOptions, 'columns' | 'capacity'> = {
  warmupTicks: 120,
  gateP: 1e-3,
  acceptTicks: 8640,
  novelty: noveltyDefaults,
  history: 'values',
}

export interface Moment extends SeasonalMoment {
  /** Whole; one more for each tick. */
  readonly tick: number
}

export interface ColumnVerdict {
  readonly column: number
  /** Share of the strangeness, 0 to 1. */
  readonly contribution: number
  readonly z: number
  readonly lower: number
  readonly upper: number
}

/** p of each detector; NaN where it has no answer. */
export interface Parts {
  readonly seasonal: number
  readonly plane: number
  readonly novelty: number
}

interface Entity {
  readonly support: Float64Array
  readonly lastTick: Float64Array
  readonly ratios: RatioBaseline
  novelty: EntityNovelty | undefined
  noveltyTick: number
  /** What it says by its own history, which is short: calibrated over the class before it counts. */
  noveltyNats: number
  noveltyScore: number
  noveltyAlarm: boolean
  /** How strange it usually is: mean nats over its learned rows, 1 for what is calibrated. */
  strangeness: number
  planeError: number
  rows: number
  /** Tick at which it went below the gate; NaN = it is not. */
  gatedSince: number
}

/** What the entities of the class have in common. */
export interface EnsembleState {
  readonly version: 1
  readonly columns: readonly Column[]
  readonly tails: readonly TailHistogramState[]
  readonly plane: PcaErrorState
  readonly planeTail: TailHistogramState
  readonly noveltyTail: TailHistogramState
  readonly fusedTail: TailHistogramState
}

export interface EnsembleEntityState {
  readonly seasonal: SeasonalState | undefined
  readonly support: Float64Array
  readonly lastTick: Float64Array
  readonly ratios: Float64Array
  readonly novelty: NoveltyState | undefined
  readonly noveltyTick: number
  readonly noveltyNats: number
  readonly noveltyScore: number
  readonly noveltyAlarm: boolean
  readonly strangeness: number
  readonly planeError: number
  readonly rows: number
  readonly gatedSince: number
}

/** Memory of an entity's usual strangeness, in learned rows. */
const strangenessRows = 2000
/** It counts from so many rows on; before, the entity is like its class. */
const strangenessPrior = 200
/** Windows of one run below the gate that the tails see. */
const taughtRows = 3
/** -ln p at which the score is one half. */
const middleNats = 7
const supportWeight = 1 / 500
/** While few windows were seen, their scatter is itself uncertain. */
const youngRows = 12
const leastRows = 3
/** A z on the good side of a column says no more than this. */
const mostGood = 1.5
/** What is within its expected range explains little beside what is not. */
const withinShare = 0.1
/** 95 of 100 are within. */
const rangeZ = 1.96
/** What is believed of a history of its own before it is known: e^-8 is e^-2. */
const noveltyScale = 4
/** `Column.unknownHour` for all columns together. */
const unknownHour = 1.5
/** How much a row at such an hour counts in the tails. */
const unknownHourWeight = 0.1
/** A history knows no hours at all. */
const unknownHourOfNovelty = 2.5

export class Ensemble implements Detector {
  readonly features: number
  readonly capacity: number
  readonly #options: EnsembleOptions
  readonly #columns: readonly Column[]
  /** Columns that are judged. */
  readonly #judged: Int32Array
  readonly #ratioOf: Int32Array
  readonly #leastRows: Int32Array
  readonly #ratios: number
  readonly #baseStride: number
  readonly #seasonal: SeasonalZ
  readonly #tails: readonly TailHistogram[]
  readonly #plane: PcaError
  readonly #planeTail = new TailHistogram()
  readonly #noveltyTail = new TailHistogram(noveltyScale)
  readonly #fusedTail = new TailHistogram()
  readonly #entities: (Entity | undefined)[]
  // Of the rows last scored, by row and column.
  #z = new Float64Array(0)
  #nats = new Float64Array(0)
  #planeNats = new Float64Array(0)
  #fusedNats = new Float64Array(0)
  #p = new Float64Array(0)
  #parts = new Float64Array(0)
  readonly #zRow: Float64Array
  readonly #columnP: Float64Array
  readonly #detectorP = new Float64Array(3)
  readonly #learned: Float64Array
  readonly #weights: Float64Array
  readonly #noveltyRow: Float64Array
  readonly #expectation: { location: number; sigma: number; support: number; correlation: number }
  #moment: Moment = { tick: 0, hour: 0, hourOfWeek: Number.NaN }

  constructor(options: EnsembleOptions) {
    const { columns, capacity } = options
    this.#options = options
    this.#columns = columns
    this.features = columns.length
    this.capacity = capacity
    const places = columns.keys().toArray()
    this.#judged = Int32Array.from(places.filter((j) => columns[j]?.statistic !== 'support'))
    let ratios = 0
    this.#ratioOf = Int32Array.from(columns, ({ statistic }) => (statistic === 'ratio' ? ratios++ : -1))
    this.#ratios = ratios
    this.#leastRows = Int32Array.from(columns, ({ stride }) =>
      Math.max(leastRows, Math.ceil(options.warmupTicks / stride)),
    )
    this.#baseStride = columns.reduce((least, { stride }) => Math.min(least, stride), Number.POSITIVE_INFINITY)
    this.#seasonal = new SeasonalZ({ columns: this.features, capacity })
    this.#tails = columns.map(() => new TailHistogram())
    this.#plane = new PcaError(this.features)
    this.#entities = Array.from({ length: capacity })
    this.#zRow = new Float64Array(this.features)
    this.#columnP = new Float64Array(this.#judged.length)
    this.#learned = new Float64Array(this.features)
    this.#weights = new Float64Array(this.features)
    this.#noveltyRow = new Float64Array(this.#judged.length)
    this.#expectation = { location: Number.NaN, sigma: Number.NaN, support: Number.NaN, correlation: 0 }
  }

  /** The moment that `score`, `update` and `explain` refer to. */
  at(moment: Moment): void {
    this.#moment = moment
    this.#seasonal.at(moment)
  }

  /** Rows in time order, a slot as often as it has rows, a tick each. */
  fit(history: EntityBatch): void {
    checkBatch(this, history)
    const start = this.#moment
    const rowsOf = new Map<number, number>()
    const [out, weights] = [new Float64Array(1), Float64Array.of(1)]
    for (let i = 0; i < history.entities.length; i++) {
      const slot = history.entities[i] as number
      const row = rowsOf.get(slot) ?? 0
      rowsOf.set(slot, row + 1)
      this.at({ ...start, tick: start.tick + row })
      const one = {
        entities: Int32Array.of(slot),
        values: history.values.subarray(i * this.features, (i + 1) * this.features),
      }
      this.score(one, out)
      this.update(one, weights)
    }
    for (const slot of rowsOf.keys()) this.#entities[slot]?.novelty?.fit()
    this.at({ ...start, tick: start.tick + Math.max(0, ...rowsOf.values()) })
  }

  /** Gives the entity a history of its own. See `bytes` for what it costs. */
  admit(slot: number): void {
    const entity = this.#at(slot)
    entity.novelty ??= new EntityNovelty(this.#judged.length, this.#options.novelty)
  }

  dismiss(slot: number): void {
    const entity = this.#entities[slot]
    if (entity === undefined) return
    entity.novelty = undefined
    entity.noveltyNats = Number.NaN
  }

  /** What a history of its own costs at the most. */
  get noveltyBytes(): number {
    return EntityNovelty.mostBytes(this.#judged.length, this.#options.novelty)
  }

  /** Tick since which the entity is below the gate; NaN = it is not. */
  gatedSince(slot: number): number {
    return this.#entities[slot]?.gatedSince ?? Number.NaN
  }

  isAdmitted(slot: number): boolean {
    return this.#entities[slot]?.novelty !== undefined
  }

  /** -ln p of each row; NaN while cold. O(columns * kept components) a row. */
  score(batch: EntityBatch, out: Float64Array): void {
    checkBatch(this, batch)
    this.#makeRoom(batch.entities.length)
    for (let row = 0; row < batch.entities.length; row++) {
      const slot = batch.entities[row] as number
      out[row] = this.#judge(this.#at(slot), slot, batch.values, row)
    }
  }

  /**
   * For ranking the rows of one entity over time, 0 to 1: of an admitted one what its own history says, smoothed, which ranks better on public data than the
   * combined p does; of another its combined p. `alarm` is the admitted one's own decision within its own budget.
   */
  ranking(row: number, slot: number): { readonly score: number; readonly alarm: boolean } {
    const entity = this.#entities[slot]
    if (entity?.novelty !== undefined) return { score: entity.noveltyScore, alarm: entity.noveltyAlarm }
    const nats = -Math.log(this.#p[row] as number)
    return { score: Number.isNaN(nats) ? 0 : nats / (nats + middleNats), alarm: false }
  }

  /** p of each detector for row `row` of the batch last scored. */
  parts(row: number): Parts {
    const at = row * 3
    return {
      seasonal: this.#parts[at] as number,
      plane: this.#parts[at + 1] as number,
      novelty: this.#parts[at + 2] as number,
    }
  }

  /** Learns the rows last scored whose weight is above 0, each column when its window shares nothing with the last one learned. */
  update(batch: EntityBatch, weights: Float64Array): void {
    checkBatch(this, batch)
    for (let row = 0; row < batch.entities.length; row++) {
      if (!((weights[row] as number) > 0)) continue
      const slot = batch.entities[row] as number
      this.#learn(this.#at(slot), slot, batch.values, row)
    }
  }

  /** Which columns made row `row` of the batch last scored what it is, strongest first. */
  explain(batch: EntityBatch, row: number): readonly ColumnVerdict[] {
    const slot = batch.entities[row] as number
    const entity = this.#at(slot)
    const offset = row * this.features
    this.#seasonal.expect(slot, this.#leastRows)
    const shares = this.#shares(entity, row)
    const verdicts: { column: number; contribution: number; z: number; lower: number; upper: number }[] = []
    // Without a calendar the expected range follows what comes, and says too little to overrule the others.
    const isOfValues = this.#options.history === 'values'
    let total = 0
    for (const j of this.#judged) {
      const column = this.#columns[j] as Column
      if (Number.isNaN(batch.values[offset + j])) continue
      const support = column.support < 0 ? Number.NaN : (batch.values[offset + column.support] as number)
      const range = expectedRange(column, this.#expect(entity, j, column), support)
      const z = this.#z[offset + j] as number
      const isBad = column.bad === 'both' ? Math.abs(z) > rangeZ : (column.bad === 'high' ? z : -z) > rangeZ
      const contribution =
        (shares[j] as number) * (isBad || isOfValues || column.statistic === 'surprise' ? 1 : withinShare)
      total += contribution
      verdicts.push({
        column: j,
        contribution,
        z,
        lower: range?.lower ?? Number.NaN,
        upper: range?.upper ?? Number.NaN,
      })
    }
    if (total > 0) for (const verdict of verdicts) verdict.contribution /= total
    return verdicts.sort((a, b) => b.contribution - a.contribution)
  }

  /** From now on what is seen is normal: baselines are learned anew. One column, or all. */
  rebase(slot: number, column?: number): void {
    const entity = this.#entities[slot]
    if (entity === undefined) return
    this.#rebaseColumns(entity, slot, column)
    if (entity.novelty !== undefined) entity.novelty = new EntityNovelty(this.#judged.length, this.#options.novelty)
    entity.noveltyNats = Number.NaN
  }

  forget(slot: number): void {
    this.#entities[slot] = undefined
    this.#seasonal.forget(slot)
  }

  /** Bytes that the slot holds. */
  bytes(slot: number): number {
    const entity = this.#entities[slot]
    if (entity === undefined) return 0
    return (
      400 +
      this.features * 16 +
      entity.ratios.state.byteLength +
      this.#seasonal.bytes(slot) +
      (entity.novelty?.bytes ?? 0)
    )
  }

  /** What the entities have in common. */
  save(): EnsembleState {
    return {
      version: 1,
      columns: this.#columns.map(columnState),
      tails: this.#tails.map((tail) => tail.save()),
      plane: this.#plane.save(),
      planeTail: this.#planeTail.save(),
      noveltyTail: this.#noveltyTail.save(),
      fusedTail: this.#fusedTail.save(),
    }
  }

  /** Throws `RangeError` on a state of another version or of other columns. */
  restore(state: EnsembleState): void {
    if (state.version !== 1 || JSON.stringify(state.columns) !== JSON.stringify(this.#columns.map(columnState)))
      throw new RangeError('this is the state of an ensemble of other columns')
    for (const [j, tail] of this.#tails.entries()) tail.restore(state.tails[j] as TailHistogramState)
    this.#plane.restore(state.plane)
    this.#planeTail.restore(state.planeTail)
    this.#noveltyTail.restore(state.noveltyTail)
    this.#fusedTail.restore(state.fusedTail)
  }

  /** Shares its arrays: serialise it before the entity learns again, or go on with neither. */
  saveEntity(slot: number): EnsembleEntityState | undefined {
    const entity = this.#entities[slot]
    if (entity === undefined) return undefined
    const { ratios, novelty, ...rest } = entity
    return { ...rest, seasonal: this.#seasonal.save(slot), ratios: ratios.state, novelty: novelty?.save() }
  }

  /** Throws `RangeError` on the state of other columns, or a slot that is not its own. */
  restoreEntity(slot: number, { seasonal, ratios, novelty, ...rest }: EnsembleEntityState): void {
    if (slot < 0 || slot >= this.capacity || rest.support.length !== this.features)
      throw new RangeError(`this is no state of an entity of ${this.features} columns, or ${slot} is no slot`)
    if (seasonal !== undefined) this.#seasonal.restore(slot, seasonal)
    let own: EntityNovelty | undefined
    if (novelty !== undefined) {
      own = new EntityNovelty(this.#judged.length, this.#options.novelty)
      own.restore(novelty)
    }
    this.#entities[slot] = { ...rest, ratios: new RatioBaseline(this.#ratios, ratios), novelty: own }
  }

  #rebaseColumns(entity: Entity, slot: number, column?: number): void {
    this.#seasonal.rebase(slot, column)
    for (let j = 0; j < this.features; j++)
      if ((column === undefined || column === j) && (this.#ratioOf[j] as number) >= 0)
        entity.ratios.forget(this.#ratioOf[j] as number)
    entity.gatedSince = Number.NaN
  }

  #at(slot: number): Entity {
    const known = this.#entities[slot]
    if (known !== undefined) return known
    const fresh: Entity = {
      support: new Float64Array(this.features).fill(Number.NaN),
      lastTick: new Float64Array(this.features).fill(Number.NaN),
      ratios: new RatioBaseline(this.#ratios),
      novelty: undefined,
      noveltyTick: Number.NaN,
      noveltyNats: Number.NaN,
      noveltyScore: Number.NaN,
      noveltyAlarm: false,
      strangeness: 1,
      planeError: 1,
      rows: 0,
      gatedSince: Number.NaN,
    }
    this.#entities[slot] = fresh
    return fresh
  }

  #makeRoom(rows: number): void {
    if (this.#p.length >= rows) return
    this.#z = new Float64Array(rows * this.features)
    this.#nats = new Float64Array(rows * this.features)
    this.#planeNats = new Float64Array(rows)
    this.#fusedNats = new Float64Array(rows)
    this.#p = new Float64Array(rows)
    this.#parts = new Float64Array(rows * 3)
  }

  #expect(entity: Entity, j: number, column: Column): Expectation {
    const into = this.#expectation
    const ratio = this.#ratioOf[j] as number
    if (ratio >= 0) {
      const isCold = entity.ratios.rows(ratio) < (this.#leastRows[j] as number)
      into.location = isCold ? Number.NaN : entity.ratios.ratio(ratio)
      into.correlation = entity.ratios.correlation(ratio)
    } else {
      into.location = this.#seasonal.location[j] as number
      into.sigma = this.#seasonal.sigma[j] as number
    }
    into.support = column.support < 0 ? Number.NaN : (entity.support[j] as number)
    return into
  }

  #judge(entity: Entity, slot: number, values: Float64Array, row: number): number {
    this.#measure(entity, slot, values, row)
    this.#p[row] = Number.NaN
    // What is learned is as it is; what is judged is thought less of at an hour that was never seen.
    this.#fusedNats[row] = this.#combine(entity, slot, row, false)
    const judged = this.#seasonal.knowsHour(slot)
      ? (this.#fusedNats[row] as number)
      : this.#combine(entity, slot, row, true)
    if (Number.isNaN(judged)) return Number.NaN
    const calibrated = this.#fusedTail.p(judged / Math.max(1, this.#usual(entity.strangeness, entity.rows)))
    this.#p[row] = calibrated
    return -Math.log(calibrated)
  }

  /** What each detector says of a row, by itself. */
  #measure(entity: Entity, slot: number, values: Float64Array, row: number): void {
    const offset = row * this.features
    this.#seasonal.expect(slot, this.#leastRows)
    for (let j = 0; j < this.features; j++) {
      const column = this.#columns[j] as Column
      const value = values[offset + j] as number
      let z = Number.NaN
      let nats = Number.NaN
      if (column.statistic === 'surprise') nats = value * column.countsPerUnit
      else if (column.statistic !== 'support' && !Number.isNaN(value)) {
        const support = column.support < 0 ? Number.NaN : (values[offset + column.support] as number)
        const expectation = this.#expect(entity, j, column)
        z = support < column.leastSupport ? Number.NaN : zOf(column, expectation, value, support)
        if (column.confirmedBy >= 0 && !Number.isNaN(z)) {
          const shorter = values[offset + column.confirmedBy] as number
          if (!Number.isNaN(shorter)) z = lesser(z, zOf(column, expectation, shorter, support))
        }
        if (!Number.isNaN(z)) nats = natsOf(column, expectation, z, value, support)
      }
      this.#z[offset + j] = z
      this.#nats[offset + j] = nats
    }
    this.#planeNats[row] = this.#plane.score(this.#badSides(row))
    this.#lookBack(entity, slot, values, row)
  }

  /** The z of a row for those who see all of it: what is better than usual is not held against it. */
  #badSides(row: number): Float64Array {
    for (let j = 0; j < this.features; j++) {
      const z = this.#z[row * this.features + j] as number
      const { bad } = this.#columns[j] as Column
      this.#zRow[j] = bad === 'high' ? Math.max(-mostGood, z) : bad === 'low' ? Math.min(mostGood, z) : z
    }
    return this.#zRow
  }

  /** Each window is seen once: what was said of it holds until the next one that shares nothing with it. */
  #lookBack(entity: Entity, slot: number, values: Float64Array, row: number): void {
    const { novelty } = entity
    const { tick } = this.#moment
    if (novelty === undefined || tick - entity.noveltyTick < this.#baseStride) return
    const offset = row * this.features
    const isOfValues = this.#options.history === 'values'
    for (let k = 0; k < this.#judged.length; k++) {
      const j = this.#judged[k] as number
      const value = values[offset + j] as number
      // A history of residuals begins when there are residuals of all.
      if (!isOfValues && !Number.isNaN(value) && this.#rowsOf(entity, slot, j) < (this.#leastRows[j] as number)) return
      const z = this.#zRow[j] as number
      this.#noveltyRow[k] = isOfValues ? learnedUnit(this.#columns[j] as Column, value) : Number.isNaN(z) ? 0 : z
    }
    entity.noveltyTick = tick
    const { p, score, alarm } = novelty.score(this.#noveltyRow)
    entity.noveltyScore = score
    entity.noveltyAlarm = alarm
    entity.noveltyNats = p === 1 ? Number.NaN : -Math.log(clipP(p))
  }

  /** -ln of the combined p of a row that was measured, not yet calibrated; NaN while cold. */
  #combine(entity: Entity, slot: number, row: number, isCautious: boolean): number {
    const offset = row * this.features
    let known = 0
    for (let k = 0; k < this.#judged.length; k++) {
      const j = this.#judged[k] as number
      const nats = this.#nats[offset + j] as number
      if (Number.isNaN(nats)) continue
      const young = 1 + youngRows / Math.max(1, this.#rowsOf(entity, slot, j))
      const caution = isCautious ? young * (this.#columns[j] as Column).unknownHour : young
      this.#columnP[known++] = (this.#tails[j] as TailHistogram).p(nats / caution)
    }
    const at = row * 3
    const parts = this.#parts
    parts[at] = known === 0 ? Number.NaN : combineUnclipped(this.#columnP, known)
    const planeUsual = Math.max(0.5, this.#usual(entity.planeError, entity.rows)) * (isCautious ? unknownHour : 1)
    const planeNats = known < 3 ? Number.NaN : (this.#planeNats[row] as number)
    parts[at + 1] = Number.isNaN(planeNats) ? Number.NaN : supported(this.#planeTail, planeNats / planeUsual)
    const { noveltyNats } = entity
    parts[at + 2] = Number.isNaN(noveltyNats)
      ? Number.NaN
      : supported(this.#noveltyTail, noveltyNats / (isCautious ? unknownHourOfNovelty : 1))
    let answers = 0
    for (let k = 0; k < 3; k++) if (!Number.isNaN(parts[at + k])) this.#detectorP[answers++] = parts[at + k] as number
    return answers === 0 ? Number.NaN : -Math.log(combineUnclipped(this.#detectorP, answers))
  }

  #rowsOf(entity: Entity, slot: number, j: number): number {
    const ratio = this.#ratioOf[j] as number
    return ratio >= 0 ? entity.ratios.rows(ratio) : this.#seasonal.rows(slot, j)
  }

  #usual(mean: number, rows: number): number {
    return (mean * rows + strangenessPrior) / (rows + strangenessPrior)
  }

  #learn(entity: Entity, slot: number, values: Float64Array, row: number): void {
    const { tick } = this.#moment
    const { gateP, acceptTicks } = this.#options
    const isGated = (this.#p[row] as number) < gateP
    if (!isGated) entity.gatedSince = Number.NaN
    else if (Number.isNaN(entity.gatedSince)) entity.gatedSince = tick
    else if (tick - entity.gatedSince >= acceptTicks) {
      // A history of its own accepts by itself.
      this.#rebaseColumns(entity, slot)
      if (entity.noveltyTick === tick) entity.novelty?.learn()
      return
    }
    const offset = row * this.features
    // The tail must see what is rare, or it would find the rare rarer each time; but not all the hours of a fault.
    const isLong = isGated && tick - entity.gatedSince >= taughtRows * this.#baseStride
    // What scatters more for want of a profile is not to be the tail of what has one.
    const weight = this.#seasonal.knowsHour(slot) ? 1 : unknownHourWeight
    let isBaseDue = false
    for (let j = 0; j < this.features; j++) {
      const { stride, statistic, support } = this.#columns[j] as Column
      this.#weights[j] = 0
      const value = values[offset + j] as number
      if (statistic === 'support' || Number.isNaN(value)) continue
      const last = entity.lastTick[j] as number
      if (tick - last < stride) continue
      // Slots that began together learn at different ticks, so that no tick has all the work.
      entity.lastTick[j] = Number.isNaN(last) ? tick - (slot % stride) : tick
      if (stride === this.#baseStride) isBaseDue = true
      if (!isLong) this.#tails[j]?.add(this.#nats[offset + j] as number, weight)
      if (isGated) continue
      this.#weights[j] = 1
      this.#learned[j] = learnedUnit(this.#columns[j] as Column, value)
      if (support >= 0) this.#learnSupport(entity, j, values[offset + support] as number, value)
    }
    if (!isGated) this.#seasonal.learn(slot, this.#learned, 0, this.#weights)
    if (isBaseDue && !isLong) this.#learnTogether(entity, row, isGated, weight)
    if (isBaseDue && entity.novelty !== undefined && entity.noveltyTick === tick) entity.novelty.learn()
  }

  #learnSupport(entity: Entity, j: number, support: number, value: number): void {
    if (Number.isNaN(support)) return
    const known = entity.support[j] as number
    entity.support[j] = Number.isNaN(known) ? support : known + supportWeight * (support - known)
    const ratio = this.#ratioOf[j] as number
    if (ratio < 0) return
    entity.ratios.learn(ratio, value * support, support, 1)
    this.#weights[j] = 0
  }

  #learnTogether(entity: Entity, row: number, isGated: boolean, weight: number): void {
    const fused = this.#fusedNats[row] as number
    if (Number.isNaN(fused)) return
    const usual = Math.max(1, this.#usual(entity.strangeness, entity.rows))
    const planeError = this.#planeNats[row] as number
    const planeUsual = Math.max(0.5, this.#usual(entity.planeError, entity.rows))
    this.#fusedTail.add(fused / usual, weight)
    this.#planeTail.add(planeError / planeUsual, weight)
    if (entity.noveltyTick === this.#moment.tick) this.#noveltyTail.add(entity.noveltyNats, weight)
    if (isGated) return
    entity.rows = Math.min(strangenessRows, entity.rows + 1)
    const share = 1 / entity.rows
    entity.strangeness += share * (Math.min(fused, 10) - entity.strangeness)
    if (!Number.isNaN(planeError)) entity.planeError += share * (Math.min(planeError, 10) - entity.planeError)
    this.#plane.learn(this.#badSides(row))
  }

  /** Calibrated nats of each column, without the half that one has on a normal day. */
  #columnNats(offset: number): Float64Array {
    const parts = new Float64Array(this.features)
    for (const j of this.#judged) {
      const nats = this.#nats[offset + j] as number
      if (!Number.isNaN(nats)) parts[j] = Math.max(0, -Math.log((this.#tails[j] as TailHistogram).p(nats)) - 0.5)
    }
    return parts
  }

  /** Each detector has a part as large as its surprise, and divides it among the columns as it sees them. */
  #shares(entity: Entity, row: number): Float64Array {
    const shares = new Float64Array(this.features)
    const offset = row * this.features
    const { seasonal, plane, novelty } = this.parts(row)
    const add = (p: number, parts: Float64Array) => {
      const total = parts.reduce((sum, part) => sum + Math.max(0, part), 0)
      if (!(total > 0) || Number.isNaN(p)) return
      const nats = -Math.log(clipP(p))
      for (let j = 0; j < this.features; j++)
        shares[j] = (shares[j] as number) + (nats * Math.max(0, parts[j] as number)) / total
    }
    const isOfNow = entity.novelty !== undefined && entity.noveltyTick === this.#moment.tick && !Number.isNaN(novelty)
    if (entity.novelty !== undefined && isOfNow) {
      const parts = entity.novelty.contributions()
      const spread = new Float64Array(this.features)
      for (const [k, j] of this.#judged.entries()) spread[j] = parts[k] as number
      add(novelty, spread)
    }
    // A history of plain numbers is what ranks the rows, and knows best which of them did it.
    if (!(isOfNow && this.#options.history === 'values')) {
      add(seasonal, this.#columnNats(offset))
      this.#plane.score(this.#badSides(row))
      add(
        plane,
        this.#plane.residual.map((value) => value * value),
      )
    }
    const total = shares.reduce((sum, share) => sum + share, 0)
    return total > 0 ? shares.map((share) => share / total) : shares
  }
}

/** Of two on the same side the one nearer to 0; else 0. */
function lesser(a: number, b: number): number {
  return a > 0 ? Math.max(0, Math.min(a, b)) : Math.min(0, Math.max(a, b))
}

/** What has no theory behind it is not believed beyond what was seen: a tenth of a row at the least. */
function supported(tail: TailHistogram, nats: number): number {
  return Math.max(0.1 / tail.rows, tail.p(nats))
}

/** What a column's learned numbers depend on, without what else the caller says of it. */
function columnState(column: Column): Column {
  const { statistic, bad, floor, relativeFloor, offset, countsPerUnit, support, leastSupport, confirmedBy, stride } =
    column
  const { unknownHour: unknown } = column
  return {
    statistic,
    bad,
    floor,
    relativeFloor,
    offset,
    countsPerUnit,
    support,
    leastSupport,
    confirmedBy,
    stride,
    unknownHour: unknown,
  }
}
