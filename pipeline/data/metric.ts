/** A metric on the wire. A metric that carries no data has no points and is seen by `editMetrics` only. */
import { WireAttributes } from './attributes.ts'
import { messageEnd, messageField, textField, varintField } from './field.ts'
import { Places } from './place.ts'
import { readOnly } from './read-only.ts'
import type { Attributes, In, Metric, MetricType, Resource, Scope, Temporality } from './telemetry.ts'
import { dataLevel, metricLevel, type Tree } from './tree.ts'
import { cursor, skip, uvarint } from './wire.ts'

/** By field number of the member of the oneof. */
export const typeOf: Readonly<Record<number, MetricType>> = {
  5: 'gauge',
  7: 'sum',
  9: 'histogram',
  10: 'exponential_histogram',
  11: 'summary',
}
/** Of the member, as it stands on the wire. */
export const dataTags: Readonly<Record<MetricType, number>> = {
  empty: 0,
  gauge: 42,
  sum: 58,
  histogram: 74,
  exponential_histogram: 82,
  summary: 90,
}
export const temporalities: readonly Temporality[] = ['none', 'delta', 'cumulative']

export class MetricView implements Metric, In {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
  protected readonly place: In
  /** The number of the field that holds the data; 0 for none. */
  readonly data: number

  constructor(b: Uint8Array, start: number, end: number, place: In) {
    this.b = b
    this.start = start
    this.end = end
    this.place = place
    this.data = dataField(b, start, end)
  }

  get resource(): Resource {
    return this.place.resource
  }
  get scope(): Scope {
    return this.place.scope
  }
  get name(): string {
    return textField(this.b, this.start, this.end, 10)
  }
  get description(): string {
    return textField(this.b, this.start, this.end, 18)
  }
  get unit(): string {
    return textField(this.b, this.start, this.end, 26)
  }
  get type(): MetricType {
    return typeOf[this.data] ?? 'empty'
  }
  get temporality(): Temporality {
    return readTemporality(this.b, this.start, this.end, this.data)
  }
  get monotonic(): boolean {
    return readMonotonic(this.b, this.start, this.end, this.data)
  }
  get metadata(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 98)
  }
}
readOnly(MetricView, 'metric', 'batch.editMetrics((metric) => ...)')

export function readTemporality(b: Uint8Array, metricStart: number, metricEnd: number, data: number): Temporality {
  if (!hasTemporality(data)) return 'none'
  const start = messageField(b, metricStart, metricEnd, (data << 3) | 2)
  return temporalities[varintField(b, start, messageEnd, 16)] ?? 'none'
}

export function readMonotonic(b: Uint8Array, metricStart: number, metricEnd: number, data: number): boolean {
  if (data !== 7) return false
  const start = messageField(b, metricStart, metricEnd, 58)
  return varintField(b, start, messageEnd, 24) !== 0
}

/** By the number of the field that holds the data. */
export function hasTemporality(data: number): boolean {
  return data === 7 || data === 9 || data === 10
}

/** The number of the field that holds a metric's data; 0 for none. */
export function dataField(b: Uint8Array, start: number, end: number): number {
  for (let p = start; p < end; ) {
    const tag = uvarint(b, p)
    const number = tag >>> 3
    if (number in typeOf) return number
    p = skip(b, cursor, tag & 7)
  }
  return 0
}

/** The metric of each point; neighbours share one view. */
export function metricOf(tree: Tree): (item: number) => MetricView {
  const data = tree.levels[dataLevel]!
  const metrics = tree.levels[metricLevel]!
  const places = new Places(tree)
  let last = -1
  let view: MetricView
  return (item) => {
    const node = data.parent[tree.items.parent[item]!]!
    if (node !== last) {
      last = node
      view = new MetricView(tree.bytes, metrics.start[node]!, metrics.end[node]!, places.at(metrics.parent[node]!))
    }
    return view
  }
}
