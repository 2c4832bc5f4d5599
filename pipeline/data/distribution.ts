/** What a point of a histogram, an exponential histogram or a summary holds. Read as a whole: who asks wants most of it. */
import { doubleField, fixed64Field, messageEnd, messageField, messageRanges, zigzagField } from './field.ts'
import type { Distribution, Exponential, ExponentialBuckets } from './telemetry.ts'
import { cursor, fixed64, float64, high, skip, uvarint, uvarint64 } from './wire.ts'

const noBounds = new Float64Array(0)
const noCounts = new BigUint64Array(0)

export function readHistogram(b: Uint8Array, start: number, end: number): Distribution {
  return {
    ...shared(b, start, end, 89, 97),
    bounds: Float64Array.from(fixedList(b, start, end, 7, float64)),
    counts: BigUint64Array.from(fixedList(b, start, end, 6, fixed64)),
    exponential: undefined,
    quantiles: [],
  }
}

export function readExponential(b: Uint8Array, start: number, end: number): Distribution {
  const exponential: Exponential = {
    scale: zigzagField(b, start, end, 48),
    zeroCount: fixed64Field(b, start, end, 57),
    zeroThreshold: doubleField(b, start, end, 113) ?? 0,
    positive: readBuckets(b, start, end, 66),
    negative: readBuckets(b, start, end, 74),
  }
  return { ...shared(b, start, end, 97, 105), bounds: noBounds, counts: noCounts, exponential, quantiles: [] }
}

export function readSummary(b: Uint8Array, start: number, end: number): Distribution {
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
  const counts: bigint[] = []
  for (let p = from; p < to; ) {
    const t = uvarint(b, p)
    const at = cursor
    p = skip(b, at, t & 7)
    if (t === 18) {
      uvarint(b, at)
      for (let q = cursor; q < p; q = cursor) counts.push(varint64(b, q))
    } else if (t === 16) counts.push(varint64(b, at))
  }
  return { offset: zigzagField(b, from, to, 8), counts: BigUint64Array.from(counts) }
}

function varint64(b: Uint8Array, at: number): bigint {
  const lo = uvarint64(b, at)
  return (BigInt(high) << 32n) | BigInt(lo)
}

/** Repeated fixed64 values, packed or not. */
function fixedList<T>(
  b: Uint8Array,
  start: number,
  end: number,
  number: number,
  read: (b: Uint8Array, at: number) => T,
): T[] {
  const list: T[] = []
  for (let p = start; p < end; ) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag >>> 3 !== number) continue
    if ((tag & 7) === 1) list.push(read(b, at))
    else {
      uvarint(b, at)
      for (let q = cursor; q < p; q += 8) list.push(read(b, q))
    }
  }
  return list
}
