/** What a series of feature points says of which entity. Each is read once; after that its id finds it. */
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gaugeRows } from '../../pipeline/data/gauges.ts'
import { decodeEntries, type SeriesText } from '../../pipeline/data/series.ts'
import type { Attributes, Dictionary, Metrics, PointPlan, Value, ValueType } from '../../pipeline/data/telemetry.ts'
import { type Entity, readEntity } from '../../pipeline/vocabulary/entity.ts'
import { type FeatureKey, features, marks, readFeature } from '../../pipeline/vocabulary/features.ts'
import type { Member } from './entities.ts'

export interface Meaning {
  readonly role: 'feature' | 'completeness' | 'sampled' | 'version_age' | 'hour_of_week'
  /** Undefined for what is of no entity. */
  readonly entity: Entity | undefined
  /** Of a feature; of a completeness its window; of what was sampled the count of requests that it is the seen part of. */
  readonly key: FeatureKey | undefined
  /** Place of a feature among the columns of its class; -1 = not judged. Known once there is a member. */
  column: number
  member: Member | undefined
}

export interface Points {
  readonly length: number
  readonly series: Uint32Array
  readonly value: Float64Array
  /** Of a row, in units of ten seconds since 1970; NaN where it is no multiple. */
  tick(row: number): number
  /** By series id; null = nothing that is read here. */
  readonly meanings: (Meaning | null | undefined)[]
  readonly dictionary: Dictionary
}

/** Series of batches that came as bytes, kept in memory. */
const maxSeries = 1_000_000
const tickNanos = 10_000_000_000

export class Meanings {
  #plan = newPlan()
  #known = new WeakMap<Dictionary, (Meaning | null | undefined)[]>()

  points(batch: Metrics): Points {
    const rows = gaugeRows(batch)
    if (rows !== undefined) {
      const tick = Number(rows.timeUnixNano / 1_000_000n) / 10_000
      return {
        length: rows.series.length,
        series: rows.series,
        value: rows.value,
        tick: () => tick,
        meanings: this.#of(rows.plan.series),
        dictionary: rows.plan.series,
      }
    }
    if (this.#plan.series.size > 0.9 * maxSeries) this.#plan = newPlan()
    const { length, series, value, timeLo, timeHi, type } = batch.columns(this.#plan)
    return {
      length,
      series,
      value,
      tick: (row) =>
        type[row] === 1 ? ((timeHi[row] as number) * 0x1_0000_0000 + (timeLo[row] as number)) / tickNanos : Number.NaN,
      meanings: this.#of(this.#plan.series),
      dictionary: this.#plan.series,
    }
  }

  /** Of a series id that stands in no list yet. */
  read({ meanings, dictionary }: Points, id: number): Meaning | null {
    const meaning = meaningOf(dictionary.text(id))
    while (meanings.length <= id) meanings.push(undefined)
    // 0 stands for every series that found no room.
    if (id !== 0) meanings[id] = meaning
    return meaning
  }

  #of(dictionary: Dictionary): (Meaning | null | undefined)[] {
    let list = this.#known.get(dictionary)
    if (list === undefined) {
      list = []
      this.#known.set(dictionary, list)
    }
    return list
  }
}

function newPlan(): PointPlan {
  return { dictionary: new ByteDictionary(1_024), series: new ByteDictionary(maxSeries) }
}

/** Texts without any of these are not parsed. */
const entityRoles = new Map<string, Meaning['role']>([
  [marks.completeness, 'completeness'],
  [marks.sampled, 'sampled'],
  [marks.versionAge, 'version_age'],
])

function meaningOf(text: string): Meaning | null {
  if (!text.includes('"vigil.')) return null
  const { resource, metric, attributes } = JSON.parse(text) as SeriesText
  const [name, , type] = metric
  if (type !== 'gauge') return null
  if (name === marks.hourOfWeek)
    return { role: 'hour_of_week', entity: undefined, key: undefined, column: -1, member: undefined }
  const role = entityRoles.get(name)
  if (role === undefined && !Object.hasOwn(features, name)) return null
  const item = new Plain(decodeEntries(attributes))
  const entity = readEntity(new Plain(decodeEntries(resource)), item)
  if (entity === undefined || entity.name === '') return null
  const key = readFeature(role === undefined ? name : 'vigil.request.count', item)
  if (role === undefined && key === undefined) return null
  return { role: role ?? 'feature', entity, key, column: -1, member: undefined }
}

/** Attributes of a series text. */
class Plain implements Attributes {
  readonly #values: Readonly<Record<string, Value>>
  constructor(values: Readonly<Record<string, Value>>) {
    this.#values = values
  }
  get size(): number {
    return Object.keys(this.#values).length
  }
  get(key: string | { readonly name: string }): Value | undefined {
    const name = typeof key === 'string' ? key : key.name
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }
  has(key: string | { readonly name: string }): boolean {
    return this.get(key) !== undefined
  }
  type(key: string | { readonly name: string }): ValueType | undefined {
    return this.has(key) ? 'string' : undefined
  }
  entries(): Iterable<[string, Value]> {
    return Object.entries(this.#values)
  }
}
