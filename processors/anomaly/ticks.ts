/** Gathers the points of a tick of each sender: a row of numbers for each entity. */
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import type { Entities, EntityClass, Member } from './entities.ts'
import { type Meaning, Meanings } from './meanings.ts'
import type { Sender, Senders } from './senders.ts'

/** Rows of one class and one importance. */
export interface Group {
  readonly class: EntityClass
  readonly members: readonly Member[]
  readonly entities: Int32Array
  readonly values: Float64Array
  /** By row and window: of this tick, while the next one may come already. */
  readonly completeness: Float32Array
  /**
   * By row: of the last hour's requests, how many were seen; less than 1 where sampling left some out. Counts of requests are judged as what was seen, since
   * one that stands for fifty comes and goes as one.
   */
  readonly seenShares: Float64Array
}

export interface Tick {
  readonly sender: Sender
  /** Unix time in units of ten seconds, at the end of its windows. */
  readonly tick: number
  /** In the calendar's time zone; NaN where nobody said. */
  readonly hourOfWeek: number
  /** By importance: entities that are never left out, then tiers 2 to 4, then those of no tier. */
  readonly byImportance: readonly (readonly Group[])[]
  readonly rows: number
}

/** What a successor has to know of a sender, its open tick included, as plain data. */
export interface SenderState {
  readonly key: string
  readonly origin: Pick<Origin, 'metadata'>
  readonly tick: number
  readonly isOpen: boolean
  readonly hourOfWeek: number
  readonly hourTick: number
  readonly rows: readonly OpenRow[]
}
export interface OpenRow {
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
  readonly #senders: Senders
  readonly #meanings = new Meanings()
  /** Points of a tick that was judged already. */
  late = 0
  /** Points of entities, or of senders, that there is no room for. */
  homeless = 0

  constructor(entities: Entities, senders: Senders) {
    this.#entities = entities
    this.#senders = senders
  }

  get isOpen(): boolean {
    for (const { isOpen } of this.#senders.all()) if (isOpen) return true
    return false
  }

  /** Takes what is a feature or a mark; `closed` gets a tick as soon as a later one of its sender begins. True where there was something of a tick that is open now. */
  add(batch: Metrics, closed: (tick: Tick) => void): boolean {
    const points = this.#meanings.points(batch)
    const { length, series, value, meanings } = points
    let sender: Sender | undefined
    let isRoom = true
    let isAny = false
    for (let row = 0; row < length; row++) {
      const id = series[row] as number
      let meaning = meanings[id]
      if (meaning === undefined) meaning = this.#meanings.read(points, id)
      if (meaning === null) continue
      const tick = points.tick(row)
      if (!Number.isInteger(tick)) continue
      // Only who has something to judge takes up room.
      if (sender === undefined && isRoom) {
        sender = this.#senders.of(batch.origin)
        isRoom = sender !== undefined
      }
      if (sender === undefined) {
        this.homeless++
        continue
      }
      if (tick < sender.tick || (tick === sender.tick && !sender.isOpen)) {
        this.late++
        continue
      }
      if (tick > sender.tick) {
        if (sender.isOpen) closed(this.#close(sender))
        sender.tick = tick
        sender.isOpen = true
      }
      isAny = true
      this.#take(meaning, value[row] as number, sender)
    }
    if (sender !== undefined && isAny) this.#senders.heard(sender)
    return isAny
  }

  /** Ends the ticks whose last point came `settleMs` ago or longer. Milliseconds until there is the next one to end; undefined where none is open. */
  settle(settleMs: number, closed: (tick: Tick) => void): number | undefined {
    let next: number | undefined
    for (const sender of this.#senders.all()) {
      if (!sender.isOpen) continue
      const left = settleMs - this.#senders.ageMs(sender)
      if (left <= 0) closed(this.#close(sender))
      else next = Math.min(left, next ?? left)
    }
    return next
  }

  /** Ends the tick that is open. */
  #close(sender: Sender): Tick {
    sender.isOpen = false
    const lists = new Map<EntityClass, Member[][]>()
    for (const member of sender.touched) {
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
    const rows = sender.touched.length
    sender.touched = []
    // The mark is emitted with each tick; what is missing for an hour is not known any more.
    const hourOfWeek = sender.tick - sender.hourTick < 360 ? sender.hourOfWeek : Number.NaN
    return { sender, tick: sender.tick, hourOfWeek, byImportance, rows }
  }

  /** Gives what is open to a successor: nothing is open here any more. */
  handOn(): readonly SenderState[] {
    return [...this.#senders.all()].map((sender) => {
      const { key, origin, tick, isOpen, hourOfWeek, hourTick, touched } = sender
      sender.touched = []
      sender.isOpen = false
      return {
        key,
        origin: { metadata: origin.metadata },
        tick,
        isOpen,
        hourOfWeek,
        hourTick,
        rows: touched.filter(({ slot }) => slot >= 0).map(openRow),
      }
    })
  }

  /** After entities are known. */
  takeOver({ key, origin, tick, isOpen, hourOfWeek, hourTick, rows }: SenderState): void {
    const sender = this.#senders.named(key, origin)
    if (sender === undefined) return
    sender.tick = tick
    sender.isOpen = isOpen
    sender.hourOfWeek = hourOfWeek
    sender.hourTick = hourTick
    for (const row of rows) {
      const member = this.#entities.find(row.key)
      if (member === undefined || row.values.length !== member.class.columns.length) continue
      member.class.values.set(row.values, member.slot * row.values.length)
      member.completeness.set(row.completeness)
      member.versionAge = row.versionAge
      sender.touched.push(member)
    }
  }

  #take(meaning: Meaning, value: number, sender: Sender): void {
    if (meaning.role === 'hour_of_week') {
      const minutes = (sender.tick % 360) / 360
      // Whole hours get their minutes from the clock of the world.
      sender.hourOfWeek = Number.isInteger(value) ? value + minutes : value
      sender.hourTick = sender.tick
      return
    }
    const { entity, key } = meaning
    if (entity === undefined) return
    let { member } = meaning
    if (member === undefined || member.slot < 0 || member.sender !== sender) {
      member = this.#entities.of(entity, sender)
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
    if (member.tick !== sender.tick) {
      member.tick = sender.tick
      values.fill(Number.NaN, offset, offset + width)
      member.completeness.fill(Number.NaN)
      member.versionAge = Number.NaN
      member.hourRequests = Number.NaN
      member.hourSeen = Number.NaN
      sender.touched.push(member)
    }
    if (meaning.role === 'completeness') {
      if (key !== undefined) member.completeness[windowNames.indexOf(key.window)] = value
    } else if (meaning.role === 'version_age') member.versionAge = value
    else if (key?.name === 'vigil.request.count' && key.window === '1h') {
      if (meaning.role === 'sampled') member.hourSeen = value
      else member.hourRequests = value
    } else if (meaning.column >= 0) {
      // How many requests were seen follows how many there were, and stands in its place: a span that stands for a hundred scatters as one.
      values[offset + meaning.column] = value
      if (key?.window === '1m' && (key.name === 'vigil.request.rate' || key.name === 'vigil.log.rate'))
        member.busyness += busynessWeight * (value - member.busyness)
    }
  }
}

function openRow({ key, class: { columns, values }, slot, completeness, versionAge }: Member): OpenRow {
  return { key, values: values.slice(slot * columns.length, (slot + 1) * columns.length), completeness, versionAge }
}

function importanceOf({ hasSlo, tier }: Member): number {
  return hasSlo || tier === 1 ? 0 : Math.min(importances - 1, tier - 1)
}

function groupOf(ofKind: EntityClass, members: readonly Member[]): Group {
  const width = ofKind.columns.length
  const rate = ofKind.columns.findIndex(({ key }) => key.name === 'vigil.request.rate')
  const entities = new Int32Array(members.length)
  const values = new Float64Array(members.length * width)
  const completeness = new Float32Array(members.length * windowNames.length)
  const seenShares = new Float64Array(members.length)
  for (const [i, { slot, completeness: own, hourSeen, hourRequests }] of members.entries()) {
    entities[i] = slot
    completeness.set(own, i * windowNames.length)
    values.set(ofKind.values.subarray(slot * width, (slot + 1) * width), i * width)
    const share = hourSeen < hourRequests ? hourSeen / hourRequests : 1
    seenShares[i] = share
    if (share < 1 && rate >= 0) values[i * width + rate]! *= share
  }
  return { class: ofKind, members, entities, values, completeness, seenShares }
}
