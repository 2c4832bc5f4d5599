/** A metric with points from several: name, unit, description and kind are those of the first. */
import { messages, text, varint, writeAttributes } from '../../pipeline/data/items.ts'
import { dataTags, temporalities } from '../../pipeline/data/metric.ts'
import type { Metric } from '../../pipeline/data/telemetry.ts'
import type { Writer } from '../../pipeline/data/writer.ts'
import type { Composed, OnWire } from './groups.ts'

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
    to.message(dataTags[of.type], before)
    text(to, 26, of.unit)
    text(to, 18, of.description)
    text(to, 10, of.name)
  }
}
