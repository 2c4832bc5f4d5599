/** A data point on the wire, of any metric type, and its exemplars. Each property is found when asked for. */

import { readDouble } from './any-value.ts'
import { WireAttributes } from './attributes.ts'
import { readDistribution } from './distribution.ts'
import { fixed64Field, hexField, messageRanges, varintField } from './field.ts'
import type { MetricView } from './metric.ts'
import { readOnly } from './read-only.ts'
import { views } from './span.ts'
import type { Attributes, Distribution, Double, Exemplar, In, Metric, Point, Resource, Scope } from './telemetry.ts'
import { find, float64, signed64, u32 } from './wire.ts'

/** The tags that differ between the kinds of points, by the field number of the metric's data. */
export interface PointTags {
  readonly attributes: number
  readonly exemplars: number
  readonly flags: number
}
const numberTags: PointTags = { attributes: 58, exemplars: 42, flags: 64 }
export const tagsOf: Readonly<Record<number, PointTags>> = {
  5: numberTags,
  7: numberTags,
  9: { attributes: 74, exemplars: 66, flags: 80 },
  10: { attributes: 10, exemplars: 90, flags: 80 },
  // A summary has no exemplars.
  11: { attributes: 58, exemplars: 0, flags: 64 },
}

export function pointTags(metric: MetricView): PointTags {
  return tagsOf[metric.data]!
}

export class PointView implements Point, In {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
  protected readonly of: MetricView
  protected readonly tags: PointTags

  constructor(b: Uint8Array, start: number, end: number, metric: MetricView) {
    this.b = b
    this.start = start
    this.end = end
    this.of = metric
    this.tags = pointTags(metric)
  }

  get resource(): Resource {
    return this.of.resource
  }
  get scope(): Scope {
    return this.of.scope
  }
  get metric(): Metric {
    return this.of
  }
  get attributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, this.tags.attributes)
  }
  /** Points count no dropped attributes. */
  get droppedAttributesCount(): number {
    return 0
  }
  get flags(): number {
    return varintField(this.b, this.start, this.end, this.tags.flags)
  }
  get startUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 17)
  }
  get timeUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 25)
  }
  get value(): number | bigint | Double | undefined {
    return this.tags === numberTags ? readNumber(this.b, this.start, this.end, 33) : undefined
  }
  get distribution(): Distribution | undefined {
    return readDistribution(this.of.data, this.b, this.start, this.end)
  }
  get exemplars(): readonly Exemplar[] {
    if (this.tags.exemplars === 0) return []
    return views(this.b, messageRanges(this.b, this.start, this.end, this.tags.exemplars), ExemplarView)
  }
}
readOnly(PointView, 'point', 'batch.edit((point) => ...)')

export class ExemplarView implements Exemplar {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number

  constructor(b: Uint8Array, start: number, end: number) {
    this.b = b
    this.start = start
    this.end = end
  }

  get timeUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 17)
  }
  get value(): number | bigint | Double | undefined {
    return readNumber(this.b, this.start, this.end, 25)
  }
  get spanId(): string {
    return hexField(this.b, this.start, this.end, 34)
  }
  get traceId(): string {
    return hexField(this.b, this.start, this.end, 42)
  }
  get filteredAttributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 58)
  }
}
readOnly(ExemplarView, 'exemplar', 'no callback: exemplars are replaced as a whole list')

/** as_double with the given tag, or as_int, which is 49 wherever it stands. */
export function readNumber(
  b: Uint8Array,
  start: number,
  end: number,
  doubleTag: number,
): number | bigint | Double | undefined {
  const asInt = find(b, start, end, 49)
  if (asInt >= 0) return signed64(u32(b, asInt), u32(b, asInt + 4))
  const asDouble = find(b, start, end, doubleTag)
  return asDouble < 0 ? undefined : readDouble(float64(b, asDouble))
}
