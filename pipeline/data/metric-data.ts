/** What of a metric depends on its type: which member of the oneof holds the points, and the temporality and monotonicity that stand beside them. */
import { varint } from './items.ts'
import { writeKept } from './kept-fields.ts'
import { dataField, hasTemporality, readMonotonic, readTemporality, temporalities, typeOf } from './metric.ts'
import type { MetricType, Temporality } from './telemetry.ts'
import { cursor, skip, uvarint } from './wire.ts'
import type { Writer } from './writer.ts'

const dataOf: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(typeOf).map(([data, type]) => [type, Number(data)]),
)
const sumData = 7
const pointsBit = 1 << 1
const temporalityBit = 1 << 2
const monotonicBit = 1 << 3
/** In the metric. */
export const dataFields = [5, 7, 9, 10, 11] as const

export class MetricData {
  readonly b: Uint8Array
  /** The field number under which it stands on the wire; 0 for none. */
  readonly wireField: number
  /** Where its field begins, and where its message begins and ends. */
  readonly tagAt: number
  readonly start: number
  readonly end: number
  field: number
  private readonly metricStart: number
  private readonly metricEnd: number
  private newTemporality: Temporality | undefined = undefined
  private newMonotonic: boolean | undefined = undefined

  constructor(b: Uint8Array, metricStart: number, metricEnd: number) {
    this.b = b
    this.metricStart = metricStart
    this.metricEnd = metricEnd
    this.wireField = dataField(b, metricStart, metricEnd)
    this.field = this.wireField
    let [tagAt, start, end] = [metricEnd, metricEnd, metricEnd]
    for (let p = metricStart; p < metricEnd && this.wireField !== 0; ) {
      const at = p
      const tag = uvarint(b, p)
      const after = cursor
      p = skip(b, after, tag & 7)
      if (tag >>> 3 !== this.wireField) continue
      uvarint(b, after)
      tagAt = at
      start = cursor
      end = p
      break
    }
    this.tagAt = tagAt
    this.start = start
    this.end = end
  }

  get type(): MetricType {
    return typeOf[this.field] ?? 'empty'
  }
  set type(type: MetricType) {
    const field = dataOf[type]
    if (field === undefined) throw new TypeError(`cannot set metric.type to ${JSON.stringify(type)}`)
    if (field === this.field) return
    const { temporality } = this
    const had = hasTemporality(this.field)
    this.field = field
    this.newTemporality = hasTemporality(field) ? (had ? temporality : 'cumulative') : undefined
    this.newMonotonic = field === sumData ? false : undefined
  }

  get temporality(): Temporality {
    return this.newTemporality ?? readTemporality(this.b, this.metricStart, this.metricEnd, this.field)
  }
  set temporality(temporality: Temporality) {
    if (!temporalities.includes(temporality)) {
      throw new TypeError(
        `cannot set metric.temporality to ${JSON.stringify(temporality)}: use ${temporalities.join(', ')}`,
      )
    }
    if (!hasTemporality(this.field)) {
      if (temporality === 'none') return
      throw new TypeError(
        `cannot set metric.temporality: the metric has the type ${this.type}, which has no temporality`,
      )
    }
    if (temporality !== this.temporality) this.newTemporality = temporality
  }

  get monotonic(): boolean {
    return this.newMonotonic ?? readMonotonic(this.b, this.metricStart, this.metricEnd, this.field)
  }
  set monotonic(monotonic: boolean) {
    if (this.field !== sumData) {
      if (!monotonic) return
      throw new TypeError(
        `cannot set metric.monotonic: the metric has the type ${this.type}, and only a sum is monotonic`,
      )
    }
    if (monotonic !== this.monotonic) this.newMonotonic = monotonic
  }

  get isChanged(): boolean {
    return this.field !== this.wireField || this.newTemporality !== undefined || this.newMonotonic !== undefined
  }

  clone(): MetricData {
    const copy = new MetricData(this.b, this.metricStart, this.metricEnd)
    copy.field = this.field
    copy.newTemporality = this.newTemporality
    copy.newMonotonic = this.newMonotonic
    return copy
  }

  /** Writes the field, with the points that `writePoints` writes or else those that stand there. */
  write(to: Writer, writePoints: ((to: Writer) => void) | undefined): void {
    if (this.field === 0) return
    const before = to.size
    writePoints?.(to)
    const converted = this.field !== this.wireField
    let cut = writePoints === undefined ? 0 : pointsBit
    if (converted || this.newTemporality !== undefined) cut |= temporalityBit
    if (converted || this.newMonotonic !== undefined) cut |= monotonicBit
    writeKept(to, this.b, this.start, this.end, cut, undefined)
    if (this.newMonotonic === true) varint(to, 24, 1)
    if (this.newTemporality !== undefined) varint(to, 16, temporalities.indexOf(this.newTemporality))
    to.message((this.field << 3) | 2, before)
  }
}
