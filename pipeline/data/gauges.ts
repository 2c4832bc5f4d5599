/** Metrics that begin as columns: what models make of columns goes on as columns, and becomes bytes only when somebody asks for bytes. */

import { double } from './any-value.ts'
import { noOrigin } from './batch.ts'
import { MetricsBuilder } from './builders.ts'
import type { AttributeSource, NumberPointInit } from './items.ts'
import { MetricsBatch } from './metrics.ts'
import { decodeEntries, type SeriesText } from './series.ts'
import type { Key, Metrics, Origin, PointColumns, PointPlan } from './telemetry.ts'

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

function withoutOverflow(rows: GaugeRows): GaugeRows {
  const kept = [...rows.series.keys()].filter((row) => rows.series[row] !== 0)
  return {
    ...rows,
    series: Uint32Array.from(kept, (row) => rows.series[row]!),
    value: Float64Array.from(kept, (row) => rows.value[row]!),
  }
}

class GaugesBatch extends MetricsBatch {
  private readonly rows: GaugeRows

  constructor(rows: GaugeRows) {
    super(() => [encode(rows)], [rows.series.length], rows.origin ?? noOrigin)
    this.rows = rows
  }

  override columns(plan: PointPlan): PointColumns {
    const { rows } = this
    const isOwn = plan === rows.plan && plan.attributes === undefined && plan.resource === undefined
    return isOwn ? new GaugeColumns(rows) : super.columns(plan)
  }
}

class GaugeColumns implements PointColumns {
  readonly length: number
  readonly timeLo: Uint32Array
  readonly timeHi: Uint32Array
  readonly series: Uint32Array
  readonly value: Float64Array
  readonly type: Uint8Array

  constructor({ series, value, timeUnixNano }: GaugeRows) {
    this.length = series.length
    this.series = series
    this.value = value
    this.timeLo = new Uint32Array(series.length).fill(Number(timeUnixNano & 0xffff_ffffn))
    this.timeHi = new Uint32Array(series.length).fill(Number(timeUnixNano >> 32n))
    this.type = new Uint8Array(series.length).fill(1)
  }

  attribute(key: Key): Uint32Array {
    throw new TypeError(`the plan of these columns does not name the attribute ${key.name}`)
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
