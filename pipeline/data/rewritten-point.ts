/** A data point inside `rewriteMetrics`: read from the wire when asked, written with what was set. One class for all kinds, so that loops stay monomorphic. */
import { isDouble } from './any-value.ts'
import { AttributeEdits } from './attribute-edits.ts'
import { readDistribution } from './distribution.ts'
import {
  changedBits,
  copyDistribution,
  distributionBits,
  type EditableDistribution,
  exponentialData,
  histogramData,
  summaryData,
  writeDistribution,
} from './distribution-edits.ts'
import { Session } from './edit.ts'
import { fixed64Field, messageRanges, varintField } from './field.ts'
import { identityOf, identityOnWire } from './identity.ts'
import {
  type AttributeSource,
  type ExemplarInit,
  fixed64,
  messages,
  varint,
  writeAttributes,
  writeExemplar,
  writeNumber,
} from './items.ts'
import { writeKept } from './kept-fields.ts'
import { ExemplarView, type PointTags, readNumber, tagsOf } from './point.ts'
import { views } from './span.ts'
import type { Attributes, Distribution, Double, EditableAttributes, Exemplar, MetricType, Value } from './telemetry.ts'
import { wireIdentity } from './wire-identity.ts'
import { type Writer, written } from './writer.ts'

/** Gauges and sums have number points. */
export type PointKind = 'number' | 'histogram' | 'exponential_histogram' | 'summary'

/** By what may stand as the data of a metric; see `Metric` in metrics.proto. */
const numberData = 5
const dataOf: Readonly<Record<PointKind, number>> = {
  number: numberData,
  histogram: histogramData,
  exponential_histogram: exponentialData,
  summary: summaryData,
}
const kindOf: Readonly<Record<number, PointKind>> = {
  5: 'number',
  7: 'number',
  [histogramData]: 'histogram',
  [exponentialData]: 'exponential_histogram',
  [summaryData]: 'summary',
}
const startBit = 1 << 2
const timeBit = 1 << 3
/** as_double and as_int. */
const valueBits = (1 << 4) | (1 << 6)
const nothing = new Uint8Array(0)

export interface PointFields {
  readonly attributes?: AttributeSource
  readonly startUnixNano?: bigint
  readonly timeUnixNano?: bigint
  readonly flags?: number
  readonly exemplars?: readonly (Exemplar | ExemplarInit)[]
  /** Of a number point. */
  readonly value?: number | bigint | Double
  /** Of every other kind. */
  readonly distribution?: Distribution
}

export class PointRewrite {
  readonly kind: PointKind
  private readonly b: Uint8Array
  private readonly start: number
  private readonly end: number
  private readonly data: number
  private readonly tags: PointTags
  private readonly session: Session
  /** The bits of the field numbers that are written anew. */
  private changed = 0
  private newStart = 0n
  private newTime = 0n
  private newFlags = 0
  private newValue: number | bigint | Double | undefined = undefined
  private newExemplars: readonly (Exemplar | ExemplarInit)[] | undefined = undefined
  /** What `distribution` handed out; compared with the wire when the point is written. */
  private opened: EditableDistribution | undefined = undefined
  private edits: AttributeEdits | undefined = undefined

  /** The point in [start, end) of a metric whose data stands in field `data`; `newPointDraft` makes new ones. */
  constructor(b: Uint8Array, start: number, end: number, data: number, session: Session) {
    this.b = b
    this.start = start
    this.end = end
    this.data = data === 7 ? numberData : data
    this.kind = kindOf[data]!
    this.tags = tagsOf[data]!
    this.session = session
  }

  get attributes(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, this.tags.attributes, this.session))
  }
  /** Replaces all of them. */
  set attributes(source: AttributeSource) {
    const entries = Array.from(entriesOf(source))
    const { attributes } = this
    const stays = new Set(entries.map(([key]) => key))
    for (const [key] of Array.from(attributes.entries())) if (!stays.has(key)) attributes.delete(key)
    for (const [key, value] of entries) attributes.set(key, value)
  }
  /** Equal for points of equal attributes, whatever their order. */
  get identity(): string {
    if (this.edits?.changes !== undefined) return identityOf(this.edits)
    return identityOnWire(this.b, this.start, this.end, this.tags.attributes)
  }
  /** The same without decoding anything, for state by stream; equal only to others of its kind. */
  get wireIdentity(): string {
    if (this.edits?.changes !== undefined) return `*${identityOf(this.edits)}`
    return wireIdentity(this.b, this.start, this.end, this.tags.attributes)
  }

  get startUnixNano(): bigint {
    return this.has(startBit) ? this.newStart : fixed64Field(this.b, this.start, this.end, 17)
  }
  set startUnixNano(nanos: bigint) {
    this.session.check('point.startUnixNano')
    if (uint64(nanos, 'point.startUnixNano') === this.startUnixNano) return
    this.newStart = nanos
    this.changed |= startBit
  }

  get timeUnixNano(): bigint {
    return this.has(timeBit) ? this.newTime : fixed64Field(this.b, this.start, this.end, 25)
  }
  set timeUnixNano(nanos: bigint) {
    this.session.check('point.timeUnixNano')
    if (uint64(nanos, 'point.timeUnixNano') === this.timeUnixNano) return
    this.newTime = nanos
    this.changed |= timeBit
  }

  get flags(): number {
    return this.has(this.flagsBit) ? this.newFlags : varintField(this.b, this.start, this.end, this.tags.flags)
  }
  set flags(flags: number) {
    this.session.check('point.flags')
    if (!Number.isInteger(flags) || flags < 0 || flags > 0xffff_ffff) {
      throw new TypeError(`cannot set point.flags to ${flags}: an unsigned integer of 32 bits, please`)
    }
    if (flags === this.flags) return
    this.newFlags = flags
    this.changed |= this.flagsBit
  }

  /** Of a number point; undefined for the others. */
  get value(): number | bigint | Double | undefined {
    if (this.data !== numberData) return undefined
    return this.has(valueBits) ? this.newValue : readNumber(this.b, this.start, this.end, 33)
  }
  set value(value: number | bigint | Double | undefined) {
    this.session.check('point.value')
    if (this.data !== numberData) {
      throw new TypeError(`a ${this.kind} point has no value: what it holds is its distribution`)
    }
    if (isSameNumber(checkedNumber(value), this.value)) return
    this.newValue = value
    this.changed |= valueBits
  }

  /** May be changed in place; undefined for number points. */
  get distribution(): EditableDistribution | undefined {
    if (this.data === numberData) return undefined
    return (this.opened ??= this.onWire() as EditableDistribution)
  }
  /** A copy is kept. */
  set distribution(distribution: Distribution | undefined) {
    this.session.check('point.distribution')
    if (this.data === numberData) throw new TypeError('a number point has no distribution: set its value')
    if (distribution === undefined) throw new TypeError(`cannot set the distribution of a ${this.kind} to undefined`)
    if (this.data === exponentialData && distribution.exponential === undefined) {
      throw new TypeError('the distribution of an exponential histogram needs its `exponential`')
    }
    this.opened = copyDistribution(distribution)
  }

  get exemplars(): readonly Exemplar[] {
    if (this.tags.exemplars === 0) return []
    // What is set is read back as views, whatever it was set as.
    if (this.has(this.exemplarsBit)) return (this.newExemplars ?? []).map(exemplarView)
    return views(this.b, messageRanges(this.b, this.start, this.end, this.tags.exemplars), ExemplarView)
  }
  set exemplars(exemplars: readonly (Exemplar | ExemplarInit)[]) {
    this.session.check('point.exemplars')
    if (this.tags.exemplars === 0) {
      if (exemplars.length > 0) throw new TypeError('a summary has no exemplars')
      return
    }
    if (!Array.isArray(exemplars)) throw new TypeError('cannot set point.exemplars: assign a whole array')
    this.newExemplars = exemplars
    this.changed |= this.exemplarsBit
  }

  /** Another point with the same contents, which may stand anywhere. */
  clone(): PointRewrite {
    const copy = new PointRewrite(this.b, this.start, this.end, this.data, this.session)
    copy.changed = this.changed
    copy.newStart = this.newStart
    copy.newTime = this.newTime
    copy.newFlags = this.newFlags
    copy.newValue = this.newValue
    copy.newExemplars = this.newExemplars
    copy.opened = this.opened && copyDistribution(this.opened)
    copy.edits = this.edits?.clone(this.session)
    return copy
  }

  /** Whether it differs from what stands on the wire; asked before `write`. */
  settle(): boolean {
    if (this.opened !== undefined) {
      const bits = changedBits(this.data, this.onWire(), this.opened)
      this.changed = (this.changed & ~distributionBits(this.data)) | bits
    }
    return this.changed !== 0 || this.edits?.isChanged === true
  }

  /** Whether it is the point that stands there. */
  standsAt(b: Uint8Array, start: number): boolean {
    return this.start === start && this.b === b
  }

  /** Writes the fields of the point. */
  write(to: Writer): void {
    const { b, start, end, data, changed, edits } = this
    if (!this.settle()) {
      to.bytes(b, start, end)
      return
    }
    if (data === numberData) {
      if (this.has(valueBits) && this.newValue !== undefined) writeNumber(to, 33, this.newValue)
    } else if (this.opened !== undefined) writeDistribution(to, data, this.opened, this.changed, b, start, end)
    if (this.has(this.exemplarsBit)) messages(to, this.tags.exemplars, this.newExemplars, writeExemplar)
    if (this.has(this.flagsBit)) varint(to, this.tags.flags, this.newFlags)
    if ((changed & timeBit) !== 0) fixed64(to, 25, this.newTime)
    if ((changed & startBit) !== 0) fixed64(to, 17, this.newStart)
    writeKept(to, b, start, end, this.changed, edits)
  }

  private has(bits: number): boolean {
    return (this.changed & bits) !== 0
  }
  private get flagsBit(): number {
    return 1 << (this.tags.flags >>> 3)
  }
  private get exemplarsBit(): number {
    return this.tags.exemplars === 0 ? 0 : 1 << (this.tags.exemplars >>> 3)
  }
  private onWire(): Distribution {
    return readDistribution(this.data, this.b, this.start, this.end)!
  }
}

/** A new point, for a metric's `points`. */
export function newPointDraft(kind: PointKind, fields: PointFields = {}): PointRewrite {
  const data = dataOf[kind]
  if (data === undefined) throw new TypeError(`${JSON.stringify(kind)} is no kind of point`)
  const { attributes } = fields
  const bytes =
    attributes === undefined ? nothing : written((to) => writeAttributes(to, tagsOf[data]!.attributes, attributes))
  const point = new PointRewrite(bytes, 0, bytes.length, data, new Session())
  if (fields.startUnixNano !== undefined) point.startUnixNano = fields.startUnixNano
  if (fields.timeUnixNano !== undefined) point.timeUnixNano = fields.timeUnixNano
  if (fields.flags !== undefined) point.flags = fields.flags
  if (fields.exemplars !== undefined) point.exemplars = fields.exemplars
  if (fields.value !== undefined) point.value = fields.value
  if (fields.distribution !== undefined) point.distribution = fields.distribution
  return point
}

/** The kind of the points of a metric; undefined for a metric without data. */
export function pointKind(type: MetricType): PointKind | undefined {
  return type === 'empty' ? undefined : type === 'gauge' || type === 'sum' ? 'number' : type
}

function exemplarView(exemplar: Exemplar | ExemplarInit): Exemplar {
  if (exemplar instanceof ExemplarView) return exemplar
  const bytes = written((to) => writeExemplar(to, exemplar))
  return new ExemplarView(bytes, 0, bytes.length)
}

function entriesOf(source: AttributeSource): Iterable<[string, Value]> {
  return typeof source.entries === 'function' ? (source as Attributes).entries() : Object.entries(source)
}

function uint64(nanos: bigint, name: string): bigint {
  if (typeof nanos !== 'bigint') {
    throw new TypeError(
      `cannot set ${name}: nanoseconds are bigints (1n), not ${typeof nanos}: a number cannot hold them exactly`,
    )
  }
  if (nanos < 0n || nanos > 0xffff_ffff_ffff_ffffn) {
    throw new TypeError(`cannot set ${name}: ${nanos} is not an unsigned integer of 64 bits`)
  }
  return nanos
}

function checkedNumber(value: number | bigint | Double | undefined): number | bigint | Double | undefined {
  if (value === undefined || typeof value === 'number' || isDouble(value)) return value
  if (typeof value !== 'bigint')
    throw new TypeError(`the value of a point is a number or a bigint, not ${typeof value}`)
  if (BigInt.asIntN(64, value) !== value) throw new TypeError(`${value} does not fit in 64 bits`)
  return value
}

function isSameNumber(x: number | bigint | Double | undefined, y: number | bigint | Double | undefined): boolean {
  return isDouble(x) ? isDouble(y) && Object.is(x.double, y.double) : Object.is(x, y)
}
