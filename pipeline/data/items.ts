/** The plain forms of items, as builders and `edit` take them, and how they are written. Times in nanoseconds; ids in hexadecimal. */

import { isDouble, writeKeyValue, writeValue } from './any-value.ts'
import { WireAttributes } from './attributes.ts'
import type { Attributes, Double, Exemplar, SpanEvent, SpanLink, Value } from './telemetry.ts'
import { plain } from './wire.ts'
import type { Writer } from './writer.ts'

export type AttributeSource = Attributes | { readonly [key: string]: Value }

export interface EventInit {
  readonly name?: string
  readonly timeUnixNano?: bigint
  readonly attributes?: AttributeSource
  readonly droppedAttributesCount?: number
}
export interface LinkInit {
  readonly traceId?: string
  readonly spanId?: string
  readonly traceState?: string
  readonly attributes?: AttributeSource
  readonly droppedAttributesCount?: number
  readonly flags?: number
}
export interface SpanInit {
  readonly traceId?: string
  readonly spanId?: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name?: string
  readonly kind?: number
  readonly startUnixNano?: bigint
  readonly endUnixNano?: bigint
  readonly attributes?: AttributeSource
  readonly droppedAttributesCount?: number
  readonly events?: readonly (SpanEvent | EventInit)[]
  readonly droppedEventsCount?: number
  readonly links?: readonly (SpanLink | LinkInit)[]
  readonly droppedLinksCount?: number
  readonly status?: { readonly code?: number; readonly message?: string }
  readonly flags?: number
}
export interface LogRecordInit {
  readonly body?: Value
  readonly severityNumber?: number
  readonly severityText?: string
  readonly eventName?: string
  readonly timeUnixNano?: bigint
  readonly observedUnixNano?: bigint
  readonly traceId?: string
  readonly spanId?: string
  readonly attributes?: AttributeSource
  readonly droppedAttributesCount?: number
  readonly flags?: number
}
export interface ExemplarInit {
  readonly value?: number | bigint | Double
  readonly timeUnixNano?: bigint
  readonly traceId?: string
  readonly spanId?: string
  readonly filteredAttributes?: AttributeSource
}
interface PointInit {
  readonly timeUnixNano?: bigint
  readonly startUnixNano?: bigint
  readonly attributes?: AttributeSource
  readonly exemplars?: readonly (Exemplar | ExemplarInit)[]
  readonly flags?: number
}
/** An integral number or a bigint is written as an int, as everywhere. */
export interface NumberPointInit extends PointInit {
  readonly value: number | bigint | Double
}
interface DistributionInit extends PointInit {
  readonly count: number | bigint
  readonly sum?: number
  readonly min?: number
  readonly max?: number
}
export interface HistogramPointInit extends DistributionInit {
  readonly bounds?: ArrayLike<number>
  readonly counts?: ArrayLike<number | bigint>
}
export interface BucketsInit {
  readonly offset?: number
  readonly counts: ArrayLike<number | bigint>
}
export interface ExponentialPointInit extends DistributionInit {
  readonly scale?: number
  readonly zeroCount?: number | bigint
  readonly zeroThreshold?: number
  readonly positive?: BucketsInit
  readonly negative?: BucketsInit
}
export interface SummaryPointInit extends PointInit {
  readonly count: number | bigint
  readonly sum?: number
  readonly quantiles?: readonly { readonly quantile: number; readonly value: number }[]
}

/** A message that still stands on the wire somewhere: it is copied as it is, unknown fields included. */
interface OnWire {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
}
function isOnWire(item: object): item is OnWire {
  return 'b' in item && item.b instanceof Uint8Array
}

export function writeSpan(to: Writer, span: SpanInit): void {
  fixed32(to, 133, span.flags)
  if (span.status !== undefined) {
    const before = to.size
    writeStatus(to, span.status)
    to.message(122, before)
  }
  varint(to, 112, span.droppedLinksCount)
  messages(to, 106, span.links, writeLink)
  varint(to, 96, span.droppedEventsCount)
  messages(to, 90, span.events, writeEvent)
  varint(to, 80, span.droppedAttributesCount)
  writeAttributes(to, 74, span.attributes)
  fixed64(to, 65, span.endUnixNano)
  fixed64(to, 57, span.startUnixNano)
  varint(to, 48, span.kind)
  text(to, 42, span.name)
  id(to, 34, span.parentSpanId, 8)
  text(to, 26, span.traceState)
  id(to, 18, span.spanId, 8)
  id(to, 10, span.traceId, 16)
}

export function writeStatus(to: Writer, status: { readonly code?: number; readonly message?: string }): void {
  varint(to, 24, status.code)
  text(to, 18, status.message)
}

export function writeEvent(to: Writer, event: SpanEvent | EventInit): void {
  if (isOnWire(event)) {
    to.bytes(event.b, event.start, event.end)
    return
  }
  varint(to, 32, event.droppedAttributesCount)
  writeAttributes(to, 26, event.attributes)
  text(to, 18, event.name)
  fixed64(to, 9, event.timeUnixNano)
}

export function writeLink(to: Writer, link: SpanLink | LinkInit): void {
  if (isOnWire(link)) {
    to.bytes(link.b, link.start, link.end)
    return
  }
  fixed32(to, 53, link.flags)
  varint(to, 40, link.droppedAttributesCount)
  writeAttributes(to, 34, link.attributes)
  text(to, 26, link.traceState)
  id(to, 18, link.spanId, 8)
  id(to, 10, link.traceId, 16)
}

export function writeLogRecord(to: Writer, record: LogRecordInit): void {
  text(to, 98, record.eventName)
  fixed64(to, 89, record.observedUnixNano)
  id(to, 82, record.spanId, 8)
  id(to, 74, record.traceId, 16)
  fixed32(to, 69, record.flags)
  varint(to, 56, record.droppedAttributesCount)
  writeAttributes(to, 50, record.attributes)
  if (record.body !== undefined && record.body !== null) {
    const before = to.size
    writeValue(to, record.body)
    to.message(42, before)
  }
  text(to, 26, record.severityText)
  varint(to, 16, record.severityNumber)
  fixed64(to, 9, record.timeUnixNano)
}

export function writeNumberPoint(to: Writer, point: NumberPointInit): void {
  varint(to, 64, point.flags)
  writeAttributes(to, 58, point.attributes)
  messages(to, 42, point.exemplars, writeExemplar)
  writeNumber(to, 33, point.value)
  times(to, point)
}

export function writeHistogramPoint(to: Writer, point: HistogramPointInit): void {
  doubles(to, 97, point.max)
  doubles(to, 89, point.min)
  varint(to, 80, point.flags)
  writeAttributes(to, 74, point.attributes)
  messages(to, 66, point.exemplars, writeExemplar)
  packed(to, 58, point.bounds, (bound) => to.double(Number(bound)))
  packed(to, 50, point.counts, (count) => writeCount(to, count))
  doubles(to, 41, point.sum)
  count(to, point.count)
  times(to, point)
}

export function writeExponentialPoint(to: Writer, point: ExponentialPointInit): void {
  doublesUnlessZero(to, 113, point.zeroThreshold)
  doubles(to, 105, point.max)
  doubles(to, 97, point.min)
  messages(to, 90, point.exemplars, writeExemplar)
  varint(to, 80, point.flags)
  bucketsAt(to, 74, point.negative)
  bucketsAt(to, 66, point.positive)
  fixed64(to, 57, point.zeroCount === undefined ? undefined : BigInt(point.zeroCount))
  zigzag(to, 48, point.scale)
  doubles(to, 41, point.sum)
  count(to, point.count)
  times(to, point)
  writeAttributes(to, 10, point.attributes)
}

export function writeSummaryPoint(to: Writer, point: SummaryPointInit): void {
  varint(to, 64, point.flags)
  writeAttributes(to, 58, point.attributes)
  messages(to, 50, point.quantiles, (_to, { quantile, value }) => {
    doubles(to, 17, value)
    doubles(to, 9, quantile)
  })
  doublesUnlessZero(to, 41, point.sum)
  count(to, point.count)
  times(to, point)
}

export function writeExemplar(to: Writer, exemplar: Exemplar | ExemplarInit): void {
  if (isOnWire(exemplar)) {
    to.bytes(exemplar.b, exemplar.start, exemplar.end)
    return
  }
  writeAttributes(to, 58, exemplar.filteredAttributes)
  id(to, 42, exemplar.traceId, 16)
  id(to, 34, exemplar.spanId, 8)
  if (exemplar.value !== undefined) writeNumber(to, 25, exemplar.value)
  fixed64(to, 17, exemplar.timeUnixNano)
}

/** An int as sfixed64 with tag 49, wherever OTLP has one, or a double with the given tag. */
export function writeNumber(to: Writer, doubleTag: number, value: number | bigint | Double): void {
  if (isDouble(value)) doubles(to, doubleTag, value.double)
  else if (typeof value === 'bigint' || (Number.isInteger(value) && Math.abs(value) < 2 ** 63)) {
    const int = BigInt(value)
    if (BigInt.asIntN(64, int) !== int) throw new TypeError(`${int} does not fit in 64 bits`)
    to.fixed64(int)
    to.varint(49)
  } else if (typeof value === 'number') doubles(to, doubleTag, value)
  else throw new TypeError(`the value of a point is a number or a bigint, not ${typeof value}`)
}

export function writeAttributes(to: Writer, tag: number, attributes: AttributeSource | undefined): void {
  if (attributes === undefined) return
  if (isUnread(attributes)) {
    attributes.copy(to, tag)
    return
  }
  const entries = isAttributes(attributes) ? [...attributes.entries()] : Object.entries(attributes)
  for (let i = entries.length - 1; i >= 0; i--) {
    const [key, value] = entries[i]!
    const before = to.size
    writeKeyValue(to, key, value)
    to.message(tag, before)
  }
}

/** What `edit` has in hand is one too, but says more than its bytes. */
function isUnread(attributes: AttributeSource): attributes is WireAttributes {
  return attributes.constructor === WireAttributes
}

function isAttributes(attributes: AttributeSource): attributes is Attributes {
  return typeof attributes.entries === 'function'
}

function times(to: Writer, point: PointInit): void {
  fixed64(to, 25, point.timeUnixNano)
  fixed64(to, 17, point.startUnixNano)
}

function count(to: Writer, n: number | bigint): void {
  if (n === 0 || n === 0n) return
  writeCount(to, n)
  to.varint(33)
}

/** A histogram has dozens of these, which as bigints would be the larger part of its cost. */
function writeCount(to: Writer, n: number | bigint): void {
  if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) {
    to.fixed64(BigInt(n))
    return
  }
  to.fixed32(Math.floor(n / 0x1_0000_0000))
  to.fixed32(n >>> 0)
}

export function text(to: Writer, tag: number, value: string | undefined): void {
  if (value === undefined || value === '') return
  if (typeof value !== 'string') throw new TypeError(`expected a string, got ${typeof value}`)
  const before = to.size
  to.text(value)
  to.message(tag, before)
}

export function id(to: Writer, tag: number, value: string | undefined, bytes: 8 | 16): void {
  if (value === undefined || value === '') return
  if (typeof value !== 'string' || value.length !== bytes * 2 || !/^[0-9a-fA-F]*$/.test(value)) {
    throw new TypeError(`an id has ${bytes * 2} hexadecimal digits or none; got ${JSON.stringify(value)}`)
  }
  const before = to.size
  to.bytes(plain(Buffer.from(value, 'hex')))
  to.message(tag, before)
}

/** An unsigned 32-bit number or an enum; negative enum values take ten bytes, as protobuf wants them. */
export function varint(to: Writer, tag: number, value: number | undefined): void {
  if (value === undefined || value === 0) return
  if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0xffff_ffff) {
    throw new TypeError(`expected an integer of 32 bits, got ${String(value)}`)
  }
  to.varint64(value >>> 0, value < 0 ? 0xffff_ffff : 0)
  to.varint(tag)
}

export function zigzag(to: Writer, tag: number, value: number | undefined): void {
  if (value) varint(to, tag, ((value << 1) ^ (value >> 31)) >>> 0)
}

export function fixed32(to: Writer, tag: number, value: number | undefined): void {
  if (value === undefined || value === 0) return
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new TypeError(`expected an unsigned integer of 32 bits, got ${String(value)}`)
  }
  to.fixed32(value)
  to.varint(tag)
}

export function fixed64(to: Writer, tag: number, value: bigint | undefined): void {
  if (value === undefined || value === 0n) return
  if (typeof value !== 'bigint') {
    throw new TypeError(
      `nanoseconds and counts are bigints (1n), not ${typeof value}: a number cannot hold them exactly`,
    )
  }
  if (BigInt.asUintN(64, value) !== value) throw new TypeError(`${value} is not an unsigned integer of 64 bits`)
  to.fixed64(value)
  to.varint(tag)
}

/** Written even when zero: the fields that use it know presence. */
export function doubles(to: Writer, tag: number, value: number | undefined): void {
  if (value === undefined) return
  to.double(value)
  to.varint(tag)
}

/** Of a field that does not know presence: zero is not written, NaN is. */
export function doublesUnlessZero(to: Writer, tag: number, value: number | undefined): void {
  if (!Object.is(value, 0)) doubles(to, tag, value)
}

export function packed<T>(to: Writer, tag: number, values: ArrayLike<T> | undefined, write: (value: T) => void): void {
  if (values === undefined || values.length === 0) return
  const before = to.size
  for (let i = values.length - 1; i >= 0; i--) write(values[i]!)
  to.message(tag, before)
}

function bucketsAt(to: Writer, tag: number, of: BucketsInit | undefined): void {
  if (of === undefined) return
  const before = to.size
  buckets(to, of)
  to.message(tag, before)
}

/** The fields of Buckets. */
export function buckets(to: Writer, of: BucketsInit): void {
  packed(to, 18, of.counts, (n) => {
    if (typeof n === 'number' && Number.isSafeInteger(n) && n >= 0) {
      to.varint64(n >>> 0, Math.floor(n / 0x1_0000_0000))
      return
    }
    const wide = BigInt(n)
    to.varint64(Number(wide & 0xffff_ffffn), Number((wide >> 32n) & 0xffff_ffffn))
  })
  zigzag(to, 8, of.offset)
}

export function messages<T>(
  to: Writer,
  tag: number,
  list: readonly T[] | undefined,
  write: (to: Writer, item: T) => void,
): void {
  if (list === undefined) return
  for (let i = list.length - 1; i >= 0; i--) {
    const before = to.size
    write(to, list[i]!)
    to.message(tag, before)
  }
}
