/** Gathers the points of a tick: a row of numbers for each entity. */
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import type { Entities, EntityClass, Member } from './entities.ts'
import { type Meaning, Meanings } from './meanings.ts'

/** Rows of one class and one importance. */
export interface Group {
  readonly class: EntityClass
  readonly members: readonly Member[]
  readonly entities: Int32Array
  readonly values: Float64Array
}

export interface Tick {
  /** Unix time in units of ten seconds, at the end of its windows. */
  readonly tick: number
  /** In the calendar's time zone; NaN where nobody said. */
  readonly hourOfWeek: number
  /** By importance: entities that are never left out, then tiers 2 to 4, then those of no tier. */
  readonly byImportance: readonly (readonly Group[])[]
  readonly rows: number
}

/** A tick that was not ended yet, as plain data. */
export interface OpenTick {
  readonly tick: number
  readonly hourOfWeek: number
  readonly hourTick: number
  readonly isClosed: boolean
  readonly rows: readonly OpenRow[]
}
interface OpenRow {
  readonly key: string
  readonly values: Float64Array
  readonly completeness: Float32Array
  readonly versionAge: number
}

const windowNames = Object.keys(windows)
/** Weight of a new value in the mean that says how busy an entity is. */
const busynessWeight = 0.01
const importances = 5

export class Ticks {
  readonly #entities: Entities
  readonly #meanings = new Meanings()
  readonly #touched: Member[] = []
  readonly #originKey: (batch: Metrics) => string
  #tick = Number.NEGATIVE_INFINITY
  #isClosed = true
  #hourOfWeek = Number.NaN
  #hourTick = Number.NEGATIVE_INFINITY
  /** Points of a tick that was judged already. */
  late = 0
  /** Points of entities that there is no room for. */
  homeless = 0

  constructor(entities: Entities, originKey: (batch: Metrics) => string) {
    this.#entities = entities
    this.#originKey = originKey
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  /** Takes what is a feature or a mark; `closed` gets a tick as soon as a later one begins. True where there was something of the tick that is open now. */
  add(batch: Metrics, closed: (tick: Tick) => void): boolean {
    const points = this.#meanings.points(batch)
    const { length, series, value, meanings } = points
    const originKey = this.#originKey(batch)
    let isAny = false
    for (let row = 0; row < length; row++) {
      const id = series[row] as number
      let meaning = meanings[id]
      if (meaning === undefined) meaning = this.#meanings.read(points, id)
      if (meaning === null) continue
      const tick = points.tick(row)
      if (!Number.isInteger(tick)) continue
      if (tick < this.#tick || (tick === this.#tick && this.#isClosed)) {
        this.late++
        continue
      }
      if (tick > this.#tick) {
        if (!this.#isClosed) closed(this.close())
        this.#tick = tick
        this.#isClosed = false
      }
      isAny = true
      this.#take(meaning, value[row] as number, batch, originKey)
    }
    return isAny
  }

  /** Ends the tick that is open. */
  close(): Tick {
    this.#isClosed = true
    const lists = new Map<EntityClass, Member[][]>()
    for (const member of this.#touched) {
      // Forgotten since, for want of room.
      if (member.slot < 0) continue
      let list = lists.get(member.class)
      if (list === undefined) {
        list = Array.from({ length: importances }, () => [])
        lists.set(member.class, list)
      }
      list[importanceOf(member)]?.push(member)
    }
    const byImportance = Array.from({ length: importances }, (_, i) =>
      [...lists]
        .map(([ofKind, list]) => groupOf(ofKind, list[i] as Member[]))
        .filter(({ members }) => members.length > 0),
    )
    const rows = this.#touched.length
    this.#touched.length = 0
    // The mark is emitted with each tick; what is missing for an hour is not known any more.
    const hourOfWeek = this.#tick - this.#hourTick < 360 ? this.#hourOfWeek : Number.NaN
    return { tick: this.#tick, hourOfWeek, byImportance, rows }
  }

  /** Gives the tick that is open to a successor: nothing is open here any more. */
  handOn(): OpenTick {
    const rows = this.#touched
      .filter(({ slot }) => slot >= 0)
      .map(({ key, class: { columns, values }, slot, completeness, versionAge }) => ({
        key,
        values: values.slice(slot * columns.length, (slot + 1) * columns.length),
        completeness,
        versionAge,
      }))
    const open = {
      tick: this.#tick,
      hourOfWeek: this.#hourOfWeek,
      hourTick: this.#hourTick,
      isClosed: this.#isClosed,
      rows,
    }
    this.#touched.length = 0
    this.#isClosed = true
    return open
  }

  takeOver({ tick, hourOfWeek, hourTick, isClosed, rows }: OpenTick): void {
    this.#tick = tick
    this.#hourOfWeek = hourOfWeek
    this.#hourTick = hourTick
    this.#isClosed = isClosed
    for (const { key, values, completeness, versionAge } of rows) {
      const member = this.#entities.find(key)
      if (member === undefined || values.length !== member.class.columns.length) continue
      member.class.values.set(values, member.slot * values.length)
      member.completeness.set(completeness)
      member.versionAge = versionAge
      this.#touched.push(member)
    }
  }

  #take(meaning: Meaning, value: number, batch: Metrics, originKey: string): void {
    if (meaning.role === 'hour_of_week') {
      const minutes = (this.#tick % 360) / 360
      // Whole hours get their minutes from the clock of the world.
      this.#hourOfWeek = Number.isInteger(value) ? value + minutes : value
      this.#hourTick = this.#tick
      return
    }
    const { entity, key } = meaning
    if (entity === undefined) return
    let { member } = meaning
    if (member === undefined || member.slot < 0 || member.originKey !== originKey) {
      member = this.#entities.of(entity, batch.origin, originKey, this.#tick)
      if (member === undefined) {
        this.homeless++
        return
      }
      meaning.member = member
      meaning.column =
        key === undefined
          ? -1
          : member.class.columns.findIndex(
              ({ key: one }) => one.name === key.name && one.window === key.window && one.quantile === key.quantile,
            )
    }
    const { columns, values } = member.class
    const width = columns.length
    const offset = member.slot * width
    if (member.tick !== this.#tick) {
      member.tick = this.#tick
      values.fill(Number.NaN, offset, offset + width)
      member.completeness.fill(Number.NaN)
      member.versionAge = Number.NaN
      this.#touched.push(member)
    }
    if (meaning.role === 'completeness') {
      if (key !== undefined) member.completeness[windowNames.indexOf(key.window)] = value
    } else if (meaning.role === 'version_age') member.versionAge = value
    else if (meaning.column >= 0) {
      values[offset + meaning.column] = value
      if (key?.window === '1m' && (key.name === 'vigil.request.rate' || key.name === 'vigil.log.rate'))
        member.busyness += busynessWeight * (value - member.busyness)
    }
  }
}

function importanceOf({ hasSlo, tier }: Member): number {
  return hasSlo || tier === 1 ? 0 : Math.min(importances - 1, tier - 1)
}

function groupOf(ofKind: EntityClass, members: readonly Member[]): Group {
  const width = ofKind.columns.length
  const entities = new Int32Array(members.length)
  const values = new Float64Array(members.length * width)
  for (const [i, { slot }] of members.entries()) {
    entities[i] = slot
    values.set(ofKind.values.subarray(slot * width, (slot + 1) * width), i * width)
  }
  return { class: ofKind, members, entities, values }
}
