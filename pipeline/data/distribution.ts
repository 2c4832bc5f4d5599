/** What a point of a histogram, an exponential histogram or a summary holds. Read as a whole: who asks wants most of it. */
import { doubleField, fixed64Field, messageEnd, messageField, messageRanges, zigzagField } from './field.ts'
import type { Distribution, Exponential, ExponentialBuckets } from './telemetry.ts'
import { cursor, high, putRange, skip, uvarint, uvarint64 } from './wire.ts'

const noBounds = new Float64Array(0)
const noCounts = new BigUint64Array(0)

/** By the number of the field that holds the metric's data; undefined for the number points of gauges and sums. */
export function readDistribution(data: number, b: Uint8Array, start: number, end: number): Distribution | undefined {
  switch (data) {
    case 9:
      return readHistogram(b, start, end)
    case 10:
      return readExponential(b, start, end)
    case 11:
      return readSummary(b, start, end)
    default:
      return undefined
  }
}

function readHistogram(b: Uint8Array, start: number, end: number): Distribution {
  return {
    ...shared(b, start, end, 89, 97),
    bounds: new Float64Array(fixedWords(b, start, end, 7)),
    counts: new BigUint64Array(fixedWords(b, start, end, 6)),
    exponential: undefined,
    quantiles: [],
  }
}

function readExponential(b: Uint8Array, start: number, end: number): Distribution {
  const exponential: Exponential = {
    scale: zigzagField(b, start, end, 48),
    zeroCount: fixed64Field(b, start, end, 57),
    zeroThreshold: doubleField(b, start, end, 113) ?? 0,
    positive: readBuckets(b, start, end, 66),
    negative: readBuckets(b, start, end, 74),
  }
  return { ...shared(b, start, end, 97, 105), bounds: noBounds, counts: noCounts, exponential, quantiles: [] }
}

function readSummary(b: Uint8Array, start: number, end: number): Distribution {
  const ranges = messageRanges(b, start, end, 50)
  const quantiles: { quantile: number; value: number }[] = []
  for (let i = 0; i < ranges.length; i += 2) {
    const [from, to] = [ranges[i]!, ranges[i + 1]!]
    quantiles.push({ quantile: doubleField(b, from, to, 9) ?? 0, value: doubleField(b, from, to, 17) ?? 0 })
  }
  // A summary always has a sum: the field has no presence there.
  return {
    count: fixed64Field(b, start, end, 33),
    sum: doubleField(b, start, end, 41) ?? 0,
    min: undefined,
    max: undefined,
    bounds: noBounds,
    counts: noCounts,
    exponential: undefined,
    quantiles,
  }
}

function shared(b: Uint8Array, start: number, end: number, min: number, max: number) {
  return {
    count: fixed64Field(b, start, end, 33),
    sum: doubleField(b, start, end, 41),
    min: doubleField(b, start, end, min),
    max: doubleField(b, start, end, max),
  }
}

function readBuckets(b: Uint8Array, start: number, end: number, tag: number): ExponentialBuckets {
  const from = messageField(b, start, end, tag)
  const to = messageEnd
  used = 0
  for (let p = from; p < to; ) {
    const t = uvarint(b, p)
    const at = cursor
    p = skip(b, at, t & 7)
    if (t === 18) {
      uvarint(b, at)
      for (let q = cursor; q < p; q = cursor) takeVarint64(b, q)
    } else if (t === 16) takeVarint64(b, at)
  }
  return { offset: zigzagField(b, from, to, 8), counts: new BigUint64Array(halves.slice(0, used).buffer) }
}

/** The halves of 64-bit numbers as they lie in memory: a bigint of each would cost more than all the rest. */
let halves = new Uint32Array(512)
let used = 0

function takeVarint64(b: Uint8Array, at: number): void {
  if (used === halves.length) {
    const larger = new Uint32Array(used * 2)
    larger.set(halves)
    halves = larger
  }
  const lo = uvarint64(b, at)
  halves[used++] = isLittleEndian ? lo : high
  halves[used++] = isLittleEndian ? high : lo
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** Repeated fixed64 values, packed or not, one after another as a machine keeps them: the bytes are copied, no value is made of each. */
function fixedWords(b: Uint8Array, start: number, end: number, number: number): ArrayBuffer {
  let size = 0
  for (let p = start; p < end; ) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag >>> 3 === number) size += wholeValues(valuesAt(b, at, tag), p)
  }
  const words = new Uint8Array(size)
  let copied = 0
  for (let p = start; copied < size; ) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag >>> 3 !== number) continue
    const from = valuesAt(b, at, tag)
    const length = wholeValues(from, p)
    putRange(words, copied, b, from, from + length)
    copied += length
  }
  if (!isLittleEndian) for (let i = 0; i < size; i += 8) words.subarray(i, i + 8).reverse()
  return words.buffer
}

/** How many bytes of [from, to) are values of eight. */
function wholeValues(from: number, to: number): number {
  return Math.max(0, (to - from) & ~7)
}

/** Behind the length, where there is one. */
function valuesAt(b: Uint8Array, at: number, tag: number): number {
  if ((tag & 7) === 1) return at
  uvarint(b, at)
  return cursor
}
