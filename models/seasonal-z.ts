/**
 * What each number of an entity is expected to be now, and how far it usually is from that: a weekly (or, before a week is known, a daily) profile of
 * hourly means, the drift of the last hours from it, and the mean absolute error of that prediction (aiops.md 3.1). An hour is folded into the profile once
 * it is over, so learning costs O(columns) a row and a profile 4 bytes an hour and column.
 */
export interface SeasonalOptions {
  readonly columns: number
  readonly capacity: number
}

export interface SeasonalMoment {
  /** 0 to 168, Monday 0:00 first, with its fraction; NaN where there is no calendar, and then there are no profiles. */
  readonly hourOfWeek: number
  /** Hours since any fixed moment, whole: a new number closes an hour. */
  readonly hour: number
}

/** The mean absolute deviation of a normal distribution is this share of its standard deviation. */
const deviationToSigma = 1.253_314_137_315_5
/** A new row's least weight in the drift, and in the deviation, which needs no haste. */
const driftWeight = 1 / 200
const deviationWeight = 1 / 1000
/** A new hour's least weight in the profiles. */
const dayWeight = 0.15
const weekWeight = 0.25
/** Beyond so many sigmas a row's weight falls with the square of its distance. */
const gateSigmas = 3
/** A finer profile is tried for so many rows. */
const trialRows = 720
const hoursOfDay = 24
const hoursOfWeek = 168

const [noProfile, dayProfile, weekProfile] = [0, 1, 2]

interface Entity {
  columns: number
  drift: Float64Array
  deviation: Float64Array
  rows: Uint32Array
  profile: Uint8Array
  /** The same of the next finer profile, which is tried before it is taken. */
  trialDrift: Float64Array
  trialDeviation: Float64Array
  trialRows: Uint32Array
  /** Of the hour that is going on. */
  hourSum: Float64Array
  hourRows: Uint32Array
  hour: number
  hourOfWeek: number
  /** Hour by column, NaN = never seen. */
  day: Float32Array
  week: Float32Array
  dayHours: Uint8Array
  weekHours: Uint8Array
}

/** Of one entity. */
export type SeasonalState = Readonly<Entity>

export class SeasonalZ {
  readonly capacity: number
  /** Of the entity and moment last asked for: NaN while cold. In the unit that is learned. */
  readonly location: Float64Array
  readonly sigma: Float64Array
  readonly #columns: number
  readonly #entities: (Entity | undefined)[]
  readonly #season: Float64Array
  #moment: SeasonalMoment = { hourOfWeek: Number.NaN, hour: 0 }

  constructor({ columns, capacity }: SeasonalOptions) {
    this.#columns = columns
    this.capacity = capacity
    this.#entities = Array.from({ length: capacity })
    this.location = new Float64Array(columns)
    this.sigma = new Float64Array(columns)
    this.#season = new Float64Array(columns)
  }

  /** The moment that all else refers to. */
  at(moment: SeasonalMoment): void {
    this.#moment = moment
  }

  /** Rows learned of a column. */
  rows(slot: number, column: number): number {
    return this.#entities[slot]?.rows[column] ?? 0
  }

  /** Whether this hour of this day of the week was seen before; true without a calendar. */
  knowsHour(slot: number): boolean {
    const { hourOfWeek } = this.#moment
    if (Number.isNaN(hourOfWeek)) return true
    return (this.#entities[slot]?.weekHours[wrapped(hourOfWeek, hoursOfWeek)] ?? 0) > 0
  }

  /** Writes `location` and `sigma`; a column with fewer than its `leastRows` is NaN. O(columns). */
  expect(slot: number, leastRows: ArrayLike<number>): void {
    const entity = this.#entities[slot]
    const { location, sigma } = this
    if (entity === undefined) {
      location.fill(Number.NaN)
      sigma.fill(Number.NaN)
      return
    }
    this.#writeSeason(entity)
    for (let j = 0; j < this.#columns; j++) {
      const isCold = (entity.rows[j] as number) < (leastRows[j] as number)
      location[j] = isCold ? Number.NaN : (this.#season[j] as number) + (entity.drift[j] as number)
      sigma[j] = isCold ? Number.NaN : deviationToSigma * (entity.deviation[j] as number)
    }
  }

  /** Learns `columns` numbers of `values` at `offset`, those whose `weights` are above 0; NaN is none. O(columns). */
  learn(slot: number, values: Float64Array, offset: number, weights: Float64Array): void {
    const entity = this.#entities[slot] ?? newEntity(this.#columns)
    this.#entities[slot] = entity
    this.#closeHour(entity)
    this.#writeSeason(entity)
    for (let j = 0; j < this.#columns; j++) {
      const value = values[offset + j] as number
      const weight = weights[j] as number
      if (!(weight > 0) || !Number.isFinite(value)) continue
      const rows = (entity.rows[j] as number) + 1
      entity.rows[j] = rows
      const season = this.#season[j] as number
      if (rows === 1) entity.drift[j] = value - season
      const residual = value - season - (entity.drift[j] as number)
      const distance = Math.abs(residual)
      const deviation = entity.deviation[j] as number
      const limit = gateSigmas * deviationToSigma * deviation
      // In the beginning there is no telling what is far.
      const gate = rows > 30 && limit > 0 && distance > limit ? weight * (limit / distance) ** 2 : weight
      entity.drift[j] = (entity.drift[j] as number) + gate * Math.max(1 / rows, driftWeight) * residual
      if (rows > 1)
        entity.deviation[j] = deviation + gate * Math.max(1 / (rows - 1), deviationWeight) * (distance - deviation)
      this.#tryFiner(entity, j, value)
      entity.hourSum[j] = (entity.hourSum[j] as number) + value
      entity.hourRows[j] = (entity.hourRows[j] as number) + 1
    }
  }

  /** What is seen now is how things are: levels and deviations are learned anew, profiles are dropped. `column` alone, or all. */
  rebase(slot: number, column?: number): void {
    const entity = this.#entities[slot]
    if (entity === undefined) return
    for (let j = 0; j < this.#columns; j++) {
      if (column !== undefined && j !== column) continue
      entity.rows[j] = 0
      entity.drift[j] = 0
      entity.deviation[j] = 0
      entity.profile[j] = noProfile
      entity.trialRows[j] = 0
      entity.hourSum[j] = 0
      entity.hourRows[j] = 0
      for (let h = 0; h < hoursOfDay; h++) entity.day[h * this.#columns + j] = Number.NaN
      for (let h = 0; h < entity.week.length / this.#columns; h++) entity.week[h * this.#columns + j] = Number.NaN
    }
  }

  forget(slot: number): void {
    this.#entities[slot] = undefined
  }

  bytes(slot: number): number {
    const entity = this.#entities[slot]
    return entity === undefined ? 0 : 2_200 + this.#columns * 64 + entity.day.byteLength + entity.week.byteLength
  }

  /** Shares its arrays: serialise it before the entity learns again, or go on with neither. */
  save(slot: number): SeasonalState | undefined {
    const entity = this.#entities[slot]
    return entity === undefined ? undefined : { ...entity }
  }

  /** Throws `RangeError` on the state of other columns. */
  restore(slot: number, state: SeasonalState): void {
    if (state.columns !== this.#columns || state.drift.length !== this.#columns)
      throw new RangeError(`this is no state of a seasonal baseline of ${this.#columns} columns`)
    this.#entities[slot] = { ...state }
  }

  #writeSeason(entity: Entity): void {
    const season = this.#season
    const { hourOfWeek } = this.#moment
    for (let j = 0; j < this.#columns; j++) {
      const profile = entity.profile[j] as number
      season[j] = profile === noProfile || Number.isNaN(hourOfWeek) ? 0 : this.#seasonOf(entity, j, profile, hourOfWeek)
    }
  }

  /** A line from the middle of an hour to the middle of the next: traffic that rises by a third in an hour is no step. */
  #seasonOf(entity: Entity, column: number, profile: number, hourOfWeek: number): number {
    const cycle = profile === weekProfile ? hoursOfWeek : hoursOfDay
    const cells = profile === weekProfile ? entity.week : entity.day
    const from = Math.floor(hourOfWeek - 0.5)
    const share = hourOfWeek - 0.5 - from
    const before = cells[wrapped(from, cycle) * this.#columns + column] as number
    const after = cells[wrapped(from + 1, cycle) * this.#columns + column] as number
    return before + share * (after - before)
  }

  #closeHour(entity: Entity): void {
    const { hour, hourOfWeek } = this.#moment
    if (hour === entity.hour) return
    if (!Number.isNaN(entity.hourOfWeek)) this.#fold(entity)
    entity.hour = hour
    entity.hourOfWeek = hourOfWeek
    entity.hourSum.fill(0)
    entity.hourRows.fill(0)
  }

  #fold(entity: Entity): void {
    const columns = this.#columns
    const hourOfDay = wrapped(entity.hourOfWeek, hoursOfDay)
    const hourOfWeek = wrapped(entity.hourOfWeek, hoursOfWeek)
    const days = (entity.dayHours[hourOfDay] as number) + 1
    const weeks = (entity.weekHours[hourOfWeek] as number) + 1
    let isAny = false
    if (entity.week.length === 0) entity.week = new Float32Array(hoursOfWeek * columns).fill(Number.NaN)
    for (let j = 0; j < columns; j++) {
      const rows = entity.hourRows[j] as number
      if (rows === 0) continue
      isAny = true
      const mean = (entity.hourSum[j] as number) / rows
      foldInto(entity.day, hourOfDay * columns + j, mean, Math.max(1 / days, dayWeight))
      foldInto(entity.week, hourOfWeek * columns + j, mean, Math.max(1 / weeks, weekWeight))
    }
    if (!isAny) return
    entity.dayHours[hourOfDay] = Math.min(255, days)
    entity.weekHours[hourOfWeek] = Math.min(255, weeks)
  }

  /** A finer profile is tried on the rows that come, and taken when it predicts them better: a week that was seen once is no better than chance allows. */
  #tryFiner(entity: Entity, j: number, value: number): void {
    const { hourOfWeek } = this.#moment
    const profile = entity.profile[j] as number
    if (profile === weekProfile || Number.isNaN(hourOfWeek)) return
    const rows = entity.trialRows[j] as number
    const finer = isWhole(entity.week, this.#columns, j) ? weekProfile : profile + 1
    if (finer === weekProfile && profile === dayProfile && !isWhole(entity.week, this.#columns, j)) return
    if (rows === 0 && !isWhole(finer === weekProfile ? entity.week : entity.day, this.#columns, j)) return
    const residual =
      value - this.#seasonOf(entity, j, finer, hourOfWeek) - (rows === 0 ? 0 : (entity.trialDrift[j] as number))
    const limit = gateSigmas * deviationToSigma * (entity.deviation[j] as number)
    const distance = Math.abs(residual)
    const gate = limit > 0 && distance > limit ? (limit / distance) ** 2 : 1
    if (rows === 0) {
      entity.trialDrift[j] = residual
      entity.trialDeviation[j] = 0
    } else {
      entity.trialDrift[j] = (entity.trialDrift[j] as number) + gate * driftWeight * residual
      entity.trialDeviation[j] =
        (entity.trialDeviation[j] as number) + (gate / rows) * (distance - (entity.trialDeviation[j] as number))
    }
    entity.trialRows[j] = rows + 1
    if (rows < trialRows) return
    entity.trialRows[j] = 0
    if ((entity.trialDeviation[j] as number) >= (entity.deviation[j] as number)) return
    entity.profile[j] = finer
    entity.drift[j] = entity.trialDrift[j] as number
    entity.deviation[j] = entity.trialDeviation[j] as number
  }
}

function newEntity(columns: number): Entity {
  return {
    columns,
    drift: new Float64Array(columns),
    deviation: new Float64Array(columns),
    rows: new Uint32Array(columns),
    profile: new Uint8Array(columns),
    trialDrift: new Float64Array(columns),
    trialDeviation: new Float64Array(columns),
    trialRows: new Uint32Array(columns),
    hourSum: new Float64Array(columns),
    hourRows: new Uint32Array(columns),
    hour: Number.NaN,
    hourOfWeek: Number.NaN,
    day: new Float32Array(hoursOfDay * columns).fill(Number.NaN),
    week: new Float32Array(0),
    dayHours: new Uint8Array(hoursOfDay),
    weekHours: new Uint8Array(hoursOfWeek),
  }
}

function wrapped(hour: number, cycle: number): number {
  const at = Math.floor(hour) % cycle
  return at < 0 ? at + cycle : at
}

function foldInto(cells: Float32Array, at: number, mean: number, weight: number): void {
  const known = cells[at] as number
  cells[at] = Number.isNaN(known) ? mean : known + weight * (mean - known)
}

function isWhole(cells: Float32Array, columns: number, column: number): boolean {
  if (cells.length === 0) return false
  for (let at = column; at < cells.length; at += columns) if (Number.isNaN(cells[at])) return false
  return true
}
