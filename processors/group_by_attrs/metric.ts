/** A metric with points from several: name, unit, description and kind are those of the first. */
import { messages, text, varint, writeAttributes } from '../../pipeline/data/items.ts'
import type { Metric, MetricType, Temporality } from '../../pipeline/data/telemetry.ts'
import type { Writer } from '../../pipeline/data/writer.ts'
import type { Composed, OnWire } from './groups.ts'

const temporalities: readonly Temporality[] = ['none', 'delta', 'cumulative']
const tags: Readonly<Record<MetricType, number>> = {
  empty: 0,
  gauge: 42,
  sum: 58,
  histogram: 74,
  exponential_histogram: 82,
  summary: 90,
}

export class ComposedMetric implements Composed {
  readonly points: OnWire[] = []
  private readonly of: Metric

  constructor(of: Metric) {
    this.of = of
  }

  write(to: Writer): void {
    const { of } = this
    writeAttributes(to, 98, of.metadata)
    const before = to.size
    if (of.type === 'sum') varint(to, 24, of.monotonic ? 1 : 0)
    if (of.type !== 'gauge' && of.type !== 'summary') varint(to, 16, temporalities.indexOf(of.temporality))
    messages(to, 10, this.points, (_to, point) => to.bytes(point.b, point.start, point.end))
    to.message(tags[of.type], before)
    text(to, 26, of.unit)
    text(to, 18, of.description)
    text(to, 10, of.name)
  }
}
