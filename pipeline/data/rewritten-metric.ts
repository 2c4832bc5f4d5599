/** A metric inside `rewriteMetrics`: its points are opened when asked for, and what nobody touched is copied as it stands. */
import { AttributeEdits } from './attribute-edits.ts'
import { Session } from './edit.ts'
import { textField } from './field.ts'
import { type AttributeSource, text, writeAttributes } from './items.ts'
import { writeKept } from './kept-fields.ts'
import { typeOf } from './metric.ts'
import { dataFields, MetricData } from './metric-data.ts'
import { PointRewrite, pointKind } from './rewritten-point.ts'
import type { EditableAttributes, MetricType, Temporality } from './telemetry.ts'
import { cursor, skip, uvarint } from './wire.ts'
import { type Writer, written } from './writer.ts'

const nameBit = 1 << 1
const descriptionBit = 1 << 2
const unitBit = 1 << 3
const dataBits = dataFields.reduce((bits, field) => bits | (1 << field), 0)
const nothing = new Uint8Array(0)

export interface MetricFields {
  readonly name: string
  readonly type: MetricType
  readonly unit?: string
  readonly description?: string
  /** Cumulative unless given, where the type has one. */
  readonly temporality?: Temporality
  readonly monotonic?: boolean
  readonly metadata?: AttributeSource
  readonly points?: readonly PointRewrite[]
}

export class MetricRewrite {
  private readonly b: Uint8Array
  private readonly start: number
  private readonly end: number
  private readonly session: Session
  private data: MetricData
  private changed = 0
  private newName = ''
  private newDescription = ''
  private newUnit = ''
  private edits: AttributeEdits | undefined = undefined
  private opened: PointRewrite[] | undefined = undefined

  /** The metric in [start, end); `newMetricDraft` makes new ones. */
  constructor(b: Uint8Array, start: number, end: number, session: Session) {
    this.b = b
    this.start = start
    this.end = end
    this.session = session
    this.data = new MetricData(b, start, end)
  }

  get name(): string {
    return this.has(nameBit) ? this.newName : textField(this.b, this.start, this.end, 10)
  }
  set name(name: string) {
    if (this.checkedText(name, 'metric.name') === this.name) return
    this.newName = name
    this.changed |= nameBit
  }
  get description(): string {
    return this.has(descriptionBit) ? this.newDescription : textField(this.b, this.start, this.end, 18)
  }
  set description(description: string) {
    if (this.checkedText(description, 'metric.description') === this.description) return
    this.newDescription = description
    this.changed |= descriptionBit
  }
  get unit(): string {
    return this.has(unitBit) ? this.newUnit : textField(this.b, this.start, this.end, 26)
  }
  set unit(unit: string) {
    if (this.checkedText(unit, 'metric.unit') === this.unit) return
    this.newUnit = unit
    this.changed |= unitBit
  }
  get metadata(): EditableAttributes {
    return (this.edits ??= new AttributeEdits(this.b, this.start, this.end, 98, this.session))
  }

  get type(): MetricType {
    return this.data.type
  }
  /** Gauges and sums keep their points; for any other change the points must be replaced too, by those of the new kind. */
  set type(type: MetricType) {
    this.session.check('metric.type')
    this.data.type = type
  }
  get temporality(): Temporality {
    return this.data.temporality
  }
  set temporality(temporality: Temporality) {
    this.session.check('metric.temporality')
    this.data.temporality = temporality
  }
  get monotonic(): boolean {
    return this.data.monotonic
  }
  set monotonic(monotonic: boolean) {
    this.session.check('metric.monotonic')
    this.data.monotonic = monotonic
  }

  /** To be changed in place, or replaced. */
  get points(): PointRewrite[] {
    return (this.opened ??= this.open())
  }
  set points(points: readonly PointRewrite[]) {
    this.session.check('metric.points')
    if (!Array.isArray(points)) throw new TypeError('cannot set metric.points: assign an array of point drafts')
    this.opened = [...points]
  }
  /** Without opening them. */
  get pointCount(): number {
    if (this.opened !== undefined) return this.opened.length
    let count = 0
    for (let p = this.data.start; p < this.data.end; ) {
      const tag = uvarint(this.b, p)
      p = skip(this.b, cursor, tag & 7)
      if (tag === 10) count++
    }
    return count
  }

  /** Another metric with the same contents, points included. */
  clone(): MetricRewrite {
    const copy = new MetricRewrite(this.b, this.start, this.end, this.session)
    copy.data = this.data.clone()
    copy.changed = this.changed
    copy.newName = this.newName
    copy.newDescription = this.newDescription
    copy.newUnit = this.newUnit
    copy.edits = this.edits?.clone(this.session)
    copy.opened = this.opened?.map((point) => point.clone())
    return copy
  }

  /** Whether it is the metric that stands there, as it stands there. */
  isUntouchedAt(b: Uint8Array, start: number): boolean {
    return this.b === b && this.start === start && this.isUntouched
  }

  /** Writes the fields of the metric. */
  write(to: Writer): void {
    const { b, start, end } = this
    if (this.isUntouched) {
      to.bytes(b, start, end)
      return
    }
    const { opened } = this
    if (this.type === 'empty' && this.pointCount > 0) throw new TypeError('it has points, but no type: set its type')
    if (opened !== undefined) this.data.write(to, () => this.writePoints(to, opened))
    else {
      this.checkUnopened()
      this.data.write(to, undefined)
    }
    writeKept(to, b, start, end, this.changed | dataBits, this.edits)
    if (this.has(unitBit)) text(to, 26, this.newUnit)
    if (this.has(descriptionBit)) text(to, 18, this.newDescription)
    if (this.has(nameBit)) text(to, 10, this.newName)
  }

  private writePoints(to: Writer, points: readonly PointRewrite[]): void {
    const { type } = this
    const kind = pointKind(type)
    for (let i = points.length - 1; i >= 0; i--) {
      const point = points[i]!
      if (point.kind !== kind) {
        throw new TypeError(
          `the type is ${type}, but point ${i} is one of kind ${point.kind}: replace the points when you set the type`,
        )
      }
      const before = to.size
      point.write(to)
      to.message(10, before)
    }
  }

  private checkUnopened(): void {
    const was = typeOf[this.data.wireField] ?? 'empty'
    if (pointKind(was) === pointKind(this.type) || this.pointCount === 0) return
    throw new TypeError(
      `the type became ${this.type}, but the points are those of a ${was}: replace the points when you set the type`,
    )
  }

  private get isUntouched(): boolean {
    return this.changed === 0 && this.edits?.isChanged !== true && this.isDataUntouched
  }

  private get isDataUntouched(): boolean {
    if (this.data.isChanged) return false
    const { opened, b } = this
    if (opened === undefined) return true
    let n = 0
    for (let p = this.data.start; p < this.data.end; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== 10) continue
      const point = opened[n++]
      if (point === undefined) return false
      uvarint(b, at)
      if (!point.standsAt(b, cursor) || point.settle()) return false
    }
    return n === opened.length
  }

  private open(): PointRewrite[] {
    const { b, data, session } = this
    const points: PointRewrite[] = []
    for (let p = this.data.start; p < this.data.end; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== 10) continue
      uvarint(b, at)
      points.push(new PointRewrite(b, cursor, p, data.wireField, session))
    }
    return points
  }

  private has(bit: number): boolean {
    return (this.changed & bit) !== 0
  }

  private checkedText(value: string, name: string): string {
    this.session.check(name)
    if (typeof value !== 'string') throw new TypeError(`cannot set ${name}: expected a string, got ${typeof value}`)
    return value
  }
}

/** A new metric, for a group's `metrics`. */
export function newMetricDraft(fields: MetricFields): MetricRewrite {
  const { metadata } = fields
  const bytes = metadata === undefined ? nothing : written((to) => writeAttributes(to, 98, metadata))
  const metric = new MetricRewrite(bytes, 0, bytes.length, new Session())
  metric.name = fields.name
  if (fields.type !== 'empty') metric.type = fields.type
  if (fields.unit !== undefined) metric.unit = fields.unit
  if (fields.description !== undefined) metric.description = fields.description
  if (fields.temporality !== undefined) metric.temporality = fields.temporality
  if (fields.monotonic !== undefined) metric.monotonic = fields.monotonic
  if (fields.points !== undefined) metric.points = fields.points
  return metric
}
