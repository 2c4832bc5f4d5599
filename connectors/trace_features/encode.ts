/** Points as bytes, straight from what was counted: no object a point, and what an entity always says is encoded once. */
import { type AttributeSource, writeAttributes, zigzag } from '../../pipeline/data/items.ts'
import { type Writer, written } from '../../pipeline/data/writer.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'
import type { Sketch } from './sketch.ts'

/** Field numbers and wire types of OTLP's NumberDataPoint and ExponentialHistogramDataPoint. */
const point = 10
const startTime = 17
const time = 25
const number = { attributes: 58, double: 33, int: 49 } as const
const histogram = {
  attributes: 10,
  count: 33,
  sum: 41,
  scale: 48,
  zeroCount: 57,
  positive: 66,
  min: 97,
  max: 105,
} as const
/** Of Buckets. */
const [offset, counts] = [8, 18]
const paneNanos = paneSeconds * 1e9

export function numberAttributes(attributes: AttributeSource): Uint8Array {
  return written((to) => writeAttributes(to, number.attributes, attributes))
}

export function histogramAttributes(attributes: AttributeSource): Uint8Array {
  return written((to) => writeAttributes(to, histogram.attributes, attributes))
}

export function writeDouble(
  to: Writer,
  attributes: Uint8Array,
  pane: number,
  value: number,
  moreAttributes?: Uint8Array,
): void {
  const before = to.size
  if (moreAttributes !== undefined) to.bytes(moreAttributes)
  to.bytes(attributes)
  to.double(value)
  to.varint(number.double)
  writeTimes(to, pane)
  to.message(point, before)
}

export function writeInt(to: Writer, attributes: Uint8Array, pane: number, value: number): void {
  const before = to.size
  to.bytes(attributes)
  writeWhole(to, value)
  to.varint(number.int)
  writeTimes(to, pane)
  to.message(point, before)
}

/** Of values that are not negative, at least one. */
export function writeHistogram(to: Writer, attributes: Uint8Array, pane: number, of: Sketch): void {
  const before = to.size
  to.double(of.max)
  to.varint(histogram.max)
  to.double(of.min)
  to.varint(histogram.min)
  if (of.high >= of.low) {
    const beforeBuckets = to.size
    for (let i = of.high; i >= of.low; i--) {
      const count = of.countOf(i)
      to.varint64(count >>> 0, Math.floor(count / 0x1_0000_0000))
    }
    to.message(counts, beforeBuckets)
    zigzag(to, offset, of.low)
    to.message(histogram.positive, beforeBuckets)
  }
  writeWhole(to, of.zeros)
  to.varint(histogram.zeroCount)
  zigzag(to, histogram.scale, of.high < of.low ? 0 : of.scale)
  to.double(of.sum)
  to.varint(histogram.sum)
  writeWhole(to, of.count)
  to.varint(histogram.count)
  writeTimes(to, pane)
  to.bytes(attributes)
  to.message(point, before)
}

function writeTimes(to: Writer, pane: number): void {
  writeWhole(to, (pane + 1) * paneNanos)
  to.varint(time)
  writeWhole(to, pane * paneNanos)
  to.varint(startTime)
}

/** The begin of a pane is a multiple of 1,024 nanoseconds, so that a double holds it. */
function writeWhole(to: Writer, n: number): void {
  const high = Math.floor(n / 0x1_0000_0000)
  to.fixed32(high)
  to.fixed32(n - high * 0x1_0000_0000)
}
