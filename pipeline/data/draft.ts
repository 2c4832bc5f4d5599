/** The editable forms of items and of what holds them: views (see `span.ts` and its kin) whose properties may be set. */

import { writeValue } from './any-value.ts'
import { AttributeEdits } from './attribute-edits.ts'
import { changedBits, distributionFields, writeDistribution } from './distribution-edits.ts'
import { type Draft, type Property, record, type Session, writable } from './edit.ts'
import {
  fixed32,
  fixed64,
  id,
  messages,
  text,
  varint,
  writeEvent,
  writeExemplar,
  writeLink,
  writeNumber,
  writeStatus,
} from './items.ts'
import { LogRecordView } from './log-record.ts'
import { MetricView } from './metric.ts'
import { dataFields, MetricData } from './metric-data.ts'
import { ResourceView, ScopeView } from './place.ts'
import { PointView } from './point.ts'
import { SpanView } from './span.ts'
import type {
  Distribution,
  Double,
  Editable,
  EditableAttributes,
  Exemplar,
  In,
  MetricType,
  Resource,
  SpanEvent,
  SpanLink,
  SpanStatus,
  Temporality,
  Value,
} from './telemetry.ts'
import type { Writer } from './writer.ts'

const textAt = (field: number): Property => ({
  fields: [field],
  write: (to: Writer, value: string) => text(to, (field << 3) | 2, value),
})
const idAt = (field: number, bytes: 8 | 16): Property => ({
  fields: [field],
  write: (to: Writer, value: string) => id(to, (field << 3) | 2, value, bytes),
})
const varintAt = (field: number): Property => ({
  fields: [field],
  write: (to: Writer, value: number) => varint(to, field << 3, value),
})
const fixed32At = (field: number): Property => ({
  fields: [field],
  write: (to: Writer, value: number) => fixed32(to, (field << 3) | 5, value),
})
const fixed64At = (field: number): Property => ({
  fields: [field],
  write: (to: Writer, value: bigint) => fixed64(to, (field << 3) | 1, value),
})
const schemaUrl: Property = { ...textAt(3), inHolder: true }

function listOf<T>(field: number, write: (to: Writer, item: T) => void): Property {
  return {
    fields: [field],
    write(to: Writer, list: readonly T[]) {
      if (!Array.isArray(list)) throw new TypeError('assign a whole array')
      messages(to, (field << 3) | 2, list, write)
    },
  }
}

export class SpanDraft extends SpanView implements Draft {
  readonly session: Session
  changes: Draft['changes'] = undefined
  edits: AttributeEdits | undefined = undefined

  constructor(b: Uint8Array, start: number, end: number, place: In, session: Session) {
    super(b, start, end, place)
    this.session = session
  }
  override get attributes(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, 74, this.session))
  }
}
writable(SpanDraft, 'span', {
  traceId: idAt(1, 16),
  spanId: idAt(2, 8),
  traceState: textAt(3),
  parentSpanId: idAt(4, 8),
  name: textAt(5),
  kind: varintAt(6),
  startUnixNano: fixed64At(7),
  endUnixNano: fixed64At(8),
  droppedAttributesCount: varintAt(10),
  events: listOf<SpanEvent>(11, writeEvent),
  droppedEventsCount: varintAt(12),
  links: listOf<SpanLink>(13, writeLink),
  droppedLinksCount: varintAt(14),
  status: {
    fields: [15],
    write(to: Writer, status: SpanStatus) {
      const before = to.size
      writeStatus(to, status)
      if (to.size > before) to.message(122, before)
    },
  },
  flags: fixed32At(16),
})

export class LogRecordDraft extends LogRecordView implements Draft {
  readonly session: Session
  changes: Draft['changes'] = undefined
  edits: AttributeEdits | undefined = undefined

  constructor(b: Uint8Array, start: number, end: number, place: In, session: Session) {
    super(b, start, end, place)
    this.session = session
  }
  override get attributes(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, 50, this.session))
  }
}
writable(LogRecordDraft, 'record', {
  timeUnixNano: fixed64At(1),
  severityNumber: varintAt(2),
  severityText: textAt(3),
  body: {
    fields: [5],
    write(to: Writer, value: Value) {
      if (value === null) return
      const before = to.size
      writeValue(to, value)
      to.message(42, before)
    },
  },
  droppedAttributesCount: varintAt(7),
  flags: fixed32At(8),
  traceId: idAt(9, 16),
  spanId: idAt(10, 8),
  observedUnixNano: fixed64At(11),
  eventName: textAt(12),
})

class PointDraft extends PointView implements Draft {
  readonly session: Session
  changes: Draft['changes'] = undefined
  edits: AttributeEdits | undefined = undefined

  constructor(b: Uint8Array, start: number, end: number, metric: MetricView, session: Session) {
    super(b, start, end, metric)
    this.session = session
  }
  override get attributes(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, this.tags.attributes, this.session))
  }
}
/** The kinds of points number their fields differently. */
class NumberPointDraft extends PointDraft {}

/** A distribution is set as a whole; only the fields in which it differs are written. */
class DistributionPointDraft extends PointDraft {
  private whole: Distribution | undefined = undefined
  private onWire: Distribution | undefined = undefined

  override get distribution(): Distribution | undefined {
    return this.whole ?? (this.onWire ??= super.distribution)
  }
  override set distribution(now: Distribution | undefined) {
    this.session.check('point.distribution')
    if (now === undefined) throw new TypeError('cannot set point.distribution to undefined')
    const { data } = this.of
    const bits = changedBits(data, (this.onWire ??= super.distribution)!, now)
    for (const [field, property] of distributionProperties[data]!) {
      const isSetAgain = this.changes?.some((change) => change.property === property) ?? false
      if ((bits & (1 << field)) !== 0 || isSetAgain) record(this, property, { now, of: this }, 'point.distribution')
    }
    this.whole = now
  }
}
class HistogramPointDraft extends DistributionPointDraft {}
class ExponentialPointDraft extends DistributionPointDraft {}
class SummaryPointDraft extends DistributionPointDraft {}

interface DistributionChange {
  readonly now: Distribution
  readonly of: PointView
}
const distributionProperties: Readonly<Record<number, ReadonlyMap<number, Property>>> = Object.fromEntries(
  [9, 10, 11].map((data) => [
    data,
    new Map(
      distributionFields(data).map((field): [number, Property] => [
        field,
        {
          fields: [field],
          write: (to: Writer, { now, of }: DistributionChange) =>
            writeDistribution(to, data, now, 1 << field, of.b, of.start, of.end),
        },
      ]),
    ),
  ]),
)

const pointTimes = { startUnixNano: fixed64At(2), timeUnixNano: fixed64At(3) }
writable(NumberPointDraft, 'point', {
  ...pointTimes,
  value: {
    fields: [4, 6],
    write: (to: Writer, value: number | bigint | Double) => writeNumber(to, 33, value),
  },
  exemplars: listOf<Exemplar>(5, writeExemplar),
  flags: varintAt(8),
})
writable(HistogramPointDraft, 'point', {
  ...pointTimes,
  exemplars: listOf<Exemplar>(8, writeExemplar),
  flags: varintAt(10),
})
writable(ExponentialPointDraft, 'point', {
  ...pointTimes,
  exemplars: listOf<Exemplar>(11, writeExemplar),
  flags: varintAt(10),
})
writable(SummaryPointDraft, 'point', { ...pointTimes, flags: varintAt(8) })

export function pointDraft(
  b: Uint8Array,
  start: number,
  end: number,
  metric: MetricView,
  session: Session,
): PointDraft {
  switch (metric.data) {
    case 9:
      return new HistogramPointDraft(b, start, end, metric, session)
    case 10:
      return new ExponentialPointDraft(b, start, end, metric, session)
    case 11:
      return new SummaryPointDraft(b, start, end, metric, session)
    default:
      return new NumberPointDraft(b, start, end, metric, session)
  }
}

export class MetricDraft extends MetricView implements Draft {
  readonly session: Session
  private container: MetricData | undefined = undefined
  changes: Draft['changes'] = undefined
  edits: AttributeEdits | undefined = undefined

  constructor(b: Uint8Array, start: number, end: number, place: In, session: Session) {
    super(b, start, end, place)
    this.session = session
  }
  override get metadata(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, 98, this.session))
  }

  override get type(): MetricType {
    return this.container?.type ?? super.type
  }
  /** Only between gauge and sum, which have the same points. */
  override set type(type: MetricType) {
    this.session.check('metric.type')
    const was = this.type
    if (type !== was && !(isNumber(type) && isNumber(was))) {
      throw new TypeError(
        `a metric of type ${was} cannot become a ${type} here, because its points would not fit: use rewriteMetrics and replace them`,
      )
    }
    this.opened.type = type
  }
  override get temporality(): Temporality {
    return this.container?.temporality ?? super.temporality
  }
  override set temporality(temporality: Temporality) {
    this.session.check('metric.temporality')
    this.opened.temporality = temporality
  }
  override get monotonic(): boolean {
    return this.container?.monotonic ?? super.monotonic
  }
  override set monotonic(monotonic: boolean) {
    this.session.check('metric.monotonic')
    this.opened.monotonic = monotonic
  }

  /** Before it is sealed: type, temporality and monotonicity are one field together. */
  settle(): void {
    if (this.container?.isChanged) record(this, metricData, this.container, 'metric')
  }

  private get opened(): MetricData {
    return (this.container ??= new MetricData(this.b, this.start, this.end))
  }
}
const metricData: Property = {
  fields: dataFields,
  write: (to: Writer, data: MetricData) => data.write(to, undefined),
}

function isNumber(type: MetricType): boolean {
  return type === 'gauge' || type === 'sum'
}
writable(MetricDraft, 'metric', { name: textAt(1), description: textAt(2), unit: textAt(3) })

export class ResourceDraft extends ResourceView implements Draft {
  readonly session: Session
  changes: Draft['changes'] = undefined
  edits: AttributeEdits | undefined = undefined

  constructor(b: Uint8Array, holderStart: number, holderEnd: number, session: Session) {
    super(b, holderStart, holderEnd)
    this.session = session
  }
  override get attributes(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, 10, this.session))
  }
}
writable(ResourceDraft, 'resource', { droppedAttributesCount: varintAt(2), schemaUrl })

export class ScopeDraft extends ScopeView implements Draft {
  readonly session: Session
  readonly resource: Resource
  changes: Draft['changes'] = undefined
  edits: AttributeEdits | undefined = undefined

  constructor(b: Uint8Array, holderStart: number, holderEnd: number, resource: Resource, session: Session) {
    super(b, holderStart, holderEnd)
    this.resource = resource
    this.session = session
  }
  override get attributes(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, 26, this.session))
  }
}
writable(ScopeDraft, 'scope', { name: textAt(1), version: textAt(2), droppedAttributesCount: varintAt(4), schemaUrl })

/** TypeScript cannot see the setters that `writable` defines. */
export function editable<T>(draft: object): Editable<T> & In {
  return draft as Editable<T> & In
}
