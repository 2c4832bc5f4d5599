/** Metrics as OTLP has them, without an object or a bigint for each point. As with every `Writer`, what comes last is written first. */
import { text } from '../../../pipeline/data/items.ts'
import { type Writer, written } from '../../../pipeline/data/writer.ts'
import { writeUnixNano } from './envelope.ts'

/** When a point was taken and since when it counts, in milliseconds of the world that begins at `startMs`. */
export interface Moment {
  readonly startMs: number
  readonly fromMs: number
  readonly atMs: number
}

const tags = { gauge: 42, sum: 58, histogram: 74 } as const
const cumulative = 2
const none = new Uint8Array(0)

/** What a metric says of itself. */
export function metricHead(name: string, unit: string, description = ''): Uint8Array {
  return written((to) => {
    text(to, 26, unit)
    text(to, 18, description)
    text(to, 10, name)
  })
}

/** Call before its points are written; the answer is for `end`. */
export function begin(to: Writer, kind: keyof typeof tags, isMonotonic = false): number {
  const before = to.size
  if (isMonotonic) {
    to.varint(1)
    to.varint(24)
  }
  if (kind !== 'gauge') {
    to.varint(cumulative)
    to.varint(16)
  }
  return before
}

export function end(to: Writer, kind: keyof typeof tags, head: Uint8Array, before: number): void {
  to.message(tags[kind], before)
  to.bytes(head)
  to.message(18, before)
}

/** `attributes` are encoded with their tag, 58. */
export function writeInt(to: Writer, at: Moment, value: number, attributes: Uint8Array = none): void {
  const before = to.size
  to.bytes(attributes)
  writeWhole(to, value)
  to.varint(49)
  writeTimes(to, at)
  to.message(10, before)
}

export function writeDouble(to: Writer, at: Moment, value: number, attributes: Uint8Array = none): void {
  const before = to.size
  to.bytes(attributes)
  to.double(value)
  to.varint(33)
  writeTimes(to, at)
  to.message(10, before)
}

export function writeTimes(to: Writer, { startMs, fromMs, atMs }: Moment): void {
  writeUnixNano(to, startMs, atMs)
  to.varint(25)
  writeUnixNano(to, startMs, fromMs)
  to.varint(17)
}

/** As 64 bits, in halves; of safe integers. */
export function writeWhole(to: Writer, value: number): void {
  to.fixed32(Math.floor(value / 0x1_0000_0000) >>> 0)
  to.fixed32(value >>> 0)
}
