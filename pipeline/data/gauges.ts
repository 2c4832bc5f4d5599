/** Metrics that begin as columns: what models make of columns goes on as columns, and becomes bytes only when somebody asks for bytes. */

import { asText, double } from './any-value.ts'
import { noOrigin } from './batch.ts'
import { MetricsBuilder } from './builders.ts'
import { absent } from './dictionary.ts'
import type { AttributeSource, NumberPointInit } from './items.ts'
import { MetricsBatch } from './metrics.ts'
import { decodeEntries, type SeriesText } from './series.ts'
import type { Dictionary, Key, Metrics, Origin, PointColumns, PointPlan } from './telemetry.ts'

export interface GaugeRows {
  /** Ids of `plan.series`; rows whose id is 0 (overflow) have no name and are left out, so count them before. */
  readonly series: Uint32Array
  readonly value: Float64Array
  readonly timeUnixNano: bigint
  readonly plan: PointPlan
  readonly origin?: Origin
}

/** One gauge point a row. The arrays belong to the batch from now on. */
export function gauges(rows: GaugeRows): Metrics {
  if (rows.series.length !== rows.value.length) throw new RangeError('gauges: as many series as values, please')
  const named = rows.series.includes(0) ? withoutOverflow(rows) : rows
  return new GaugesBatch(named)
}

/** The rows of a batch that `gauges` made and nobody changed since: a reader that maps the ids of `plan.series` to its own needs no bytes. */
export function gaugeRows(batch: Metrics): GaugeRows | undefined {
  return batch instanceof GaugesBatch ? batch.rows : undefined
}

function withoutOverflow(rows: GaugeRows): GaugeRows {
  const kept = [...rows.series.keys()].filter((row) => rows.series[row] !== 0)
  return {
    ...rows,
    series: Uint32Array.from(kept, (row) => rows.series[row]!),
    value: Float64Array.from(kept, (row) => rows.value[row]!),
  }
}

class GaugesBatch extends MetricsBatch {
  readonly rows: GaugeRows
  private translated: WeakMap<PointPlan, PointColumns> | undefined

  constructor(rows: GaugeRows) {
    super(() => [encode(rows)], [rows.series.length], rows.origin ?? noOrigin)
    this.rows = rows
  }

  override columns(plan: PointPlan): PointColumns {
    const { rows } = this
    if (plan === rows.plan && plan.attributes === undefined && plan.resource === undefined)
      return new GaugeColumns(rows, rows.series)
    this.translated ??= new WeakMap()
    let columns = this.translated.get(plan)
    if (columns === undefined)
      this.translated.set(plan, (columns = translationOf(rows.plan.series, plan).columns(rows)))
    return columns
  }
}

class GaugeColumns implements PointColumns {
  readonly length: number
  readonly timeLo: Uint32Array
  readonly timeHi: Uint32Array
  readonly series: Uint32Array
  readonly value: Float64Array
  readonly type: Uint8Array
  private readonly attributes: ReadonlyMap<string, Uint32Array>

  /** `series` and `attributes` by row. */
  constructor(
    { value, timeUnixNano }: GaugeRows,
    series: Uint32Array,
    attributes: ReadonlyMap<string, Uint32Array> = noAttributes,
  ) {
    this.length = series.length
    this.series = series
    this.value = value
    this.attributes = attributes
    this.timeLo = new Uint32Array(series.length).fill(Number(timeUnixNano & 0xffff_ffffn))
    this.timeHi = new Uint32Array(series.length).fill(Number(timeUnixNano >> 32n))
    this.type = new Uint8Array(series.length).fill(1)
  }

  attribute(key: Key): Uint32Array {
    const column = this.attributes.get(key.name)
    if (column === undefined) throw new TypeError(`the plan of these columns does not name the attribute ${key.name}`)
    return column
  }
}
const noAttributes: ReadonlyMap<string, Uint32Array> = new Map()

/** By the dictionary that a batch was made with, then by the plan that it is read with. */
const translations = new WeakMap<Dictionary, WeakMap<PointPlan, Translation>>()

function translationOf(from: Dictionary, to: PointPlan): Translation {
  let byPlan = translations.get(from)
  if (byPlan === undefined) translations.set(from, (byPlan = new WeakMap()))
  let translation = byPlan.get(to)
  if (translation === undefined) byPlan.set(to, (translation = new Translation(from, to)))
  return translation
}

/** What ids of one dictionary are in a plan of somebody else: a series is read once, when it is met first. */
class Translation {
  private readonly from: Dictionary
  private readonly to: PointPlan
  /** By id there; `absent` = not met. */
  private series = new Uint32Array(1024).fill(absent)
  private readonly attributes: {
    readonly name: string
    readonly ofItem: boolean
    readonly ofResource: boolean
    ids: Uint32Array
  }[]

  constructor(from: Dictionary, to: PointPlan) {
    this.from = from
    this.to = to
    const ofItems = new Set((to.attributes ?? []).map(({ name }) => name))
    const ofResources = new Set((to.resource ?? []).map(({ name }) => name))
    this.attributes = [...new Set([...ofItems, ...ofResources])].map((name) => ({
      name,
      ofItem: ofItems.has(name),
      ofResource: ofResources.has(name),
      ids: new Uint32Array(1024).fill(absent),
    }))
  }

  columns(rows: GaugeRows): PointColumns {
    const { length } = rows.series
    const series = new Uint32Array(length)
    for (let row = 0; row < length; row++) {
      const id = rows.series[row]!
      if (id >= this.series.length) this.grow(id)
      if (this.series[id] === absent) this.meet(id)
      series[row] = this.series[id]!
    }
    const attributes = new Map<string, Uint32Array>()
    for (const { name, ids } of this.attributes) {
      const column = new Uint32Array(length)
      for (let row = 0; row < length; row++) column[row] = ids[rows.series[row]!]!
      attributes.set(name, column)
    }
    return new GaugeColumns(rows, series, attributes)
  }

  private meet(id: number): void {
    const text = this.from.text(id)
    this.series[id] = this.to.series.id(text)
    if (this.attributes.length === 0) return
    const { resource, attributes } = JSON.parse(text) as SeriesText
    const item = decodeEntries(attributes)
    const holder = decodeEntries(resource)
    for (const { name, ofItem, ofResource, ids } of this.attributes) {
      const value =
        ofItem && Object.hasOwn(item, name)
          ? item[name]
          : ofResource && Object.hasOwn(holder, name)
            ? holder[name]
            : undefined
      if (value !== undefined) ids[id] = this.to.dictionary.id(asText(value))
    }
  }

  private grow(id: number): void {
    const larger = (before: Uint32Array) => {
      const after = new Uint32Array(Math.max(id + 1, before.length * 2)).fill(absent, before.length)
      after.set(before)
      return after
    }
    this.series = larger(this.series)
    for (const column of this.attributes) column.ids = larger(column.ids)
  }
}

/** Rows in their order; neighbours that share a resource, scope and metric share their headers. */
function encode({ series, value, timeUnixNano, plan }: GaugeRows): Uint8Array {
  const builder = new ChunkBuilder()
  const texts = new Map<number, SeriesText>()
  let resource = ''
  let scope = ''
  for (let row = 0; row < series.length; ) {
    const first = textOf(series[row]!, plan, texts)
    const header = JSON.stringify([first.resource, first.scope, first.metric])
    if (JSON.stringify(first.resource) !== resource) {
      resource = JSON.stringify(first.resource)
      scope = ''
      builder.resource(decodeEntries(first.resource))
    }
    if (JSON.stringify(first.scope) !== scope) {
      scope = JSON.stringify(first.scope)
      const [name, version, attributes] = first.scope
      builder.scope(name, { version, attributes: decodeEntries(attributes) })
    }
    const points: NumberPointInit[] = []
    for (; row < series.length; row++) {
      const text = textOf(series[row]!, plan, texts)
      if (text !== first && JSON.stringify([text.resource, text.scope, text.metric]) !== header) break
      const attributes: AttributeSource = decodeEntries(text.attributes)
      points.push({ value: double(value[row]!), timeUnixNano, attributes })
    }
    const [name, unit] = first.metric
    builder.gauge(name, points, { unit })
  }
  return builder.encoded()
}

class ChunkBuilder extends MetricsBuilder {
  encoded(): Uint8Array {
    return this.chunk()
  }
}

function textOf(id: number, plan: PointPlan, known: Map<number, SeriesText>): SeriesText {
  let text = known.get(id)
  if (text === undefined) {
    text = JSON.parse(plan.series.text(id)) as SeriesText
    known.set(id, text)
  }
  return text
}
