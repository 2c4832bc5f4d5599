/** Histograms on the wire to the buckets of `sketch.ts`, without an object or a bigint a bucket. */
import type { PointView } from '../../pipeline/data/point.ts'
import { cursor, high, skip, u32, uvarint, uvarint64 } from '../../pipeline/data/wire.ts'
import { bucketAt, bucketCount, bucketOf } from './sketch.ts'

/** Counts by bucket of the histogram that was read last; valid until the next one is read. */
export const readBuckets = new Float64Array(bucketCount)
/** The buckets that are not 0, in no order. */
export const filled = new Uint16Array(bucketCount)
export let filledCount = 0

function add(bucket: number, count: number): void {
  if (!(count > 0)) return
  if (readBuckets[bucket] === 0) filled[filledCount++] = bucket
  readBuckets[bucket] = readBuckets[bucket]! + count
}

function clear(): void {
  for (let i = 0; i < filledCount; i++) readBuckets[filled[i]!] = 0
  filledCount = 0
}

/** Of an exponential histogram. `shift` is in buckets of ours, for one that is not in seconds. */
export function readExponential({ b, start, end }: PointView, shift = 0): void {
  clear()
  let scale = 0
  let positive = -1
  let positiveEnd = -1
  for (let p = start; p < end; ) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag === 48) {
      const zigzag = uvarint(b, at)
      scale = (zigzag >>> 1) ^ -(zigzag & 1)
    } else if (tag === 57) add(0, u32(b, at + 4) * 0x1_0000_0000 + u32(b, at))
    else if (tag === 66) {
      const length = uvarint(b, at)
      positive = cursor
      positiveEnd = positive + length
    }
  }
  // As far as the specification goes; beyond it nothing could be told from it.
  if (positive < 0 || scale < -10 || scale > 20) return
  let offset = 0
  let counts = -1
  let countsEnd = -1
  for (let p = positive; p < positiveEnd; ) {
    const tag = uvarint(b, p)
    const at = cursor
    p = skip(b, at, tag & 7)
    if (tag === 8) {
      const zigzag = uvarint(b, at)
      offset = (zigzag >>> 1) ^ -(zigzag & 1)
    } else if (tag === 18) {
      const length = uvarint(b, at)
      counts = cursor
      countsEnd = counts + length
    }
  }
  for (let p = counts, i = offset; p >= 0 && p < countsEnd; i++) {
    const low = uvarint64(b, p)
    const count = high === 0 ? low : high * 0x1_0000_0000 + low
    p = cursor
    if (count > 0) add(Math.max(0, bucketAt(i, scale) + shift), count)
  }
}

/** Of explicit bounds in seconds times `factor`: a bucket's count stands where its middle is, by the logarithm. */
export function readExplicit(bounds: Float64Array, counts: Float64Array, factor: number): void {
  clear()
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!
    if (!(count > 0)) continue
    const upper = (i < bounds.length ? bounds[i]! : (bounds.at(-1) ?? 0) * 2) * factor
    const lower = (i === 0 ? upper / 2 : bounds[i - 1]! * factor) || upper / 2
    spread(lower, upper, count)
  }
}

/** A bucket that is wider than ours is taken for evenly filled: in whole counts, what is left over goes on to the next. */
function spread(lower: number, upper: number, count: number): void {
  const first = bucketOf(lower * 1.0001)
  const last = bucketOf(upper)
  if (!(upper > lower) || last <= first) {
    add(last, count)
    return
  }
  const each = count / (last - first + 1)
  let told = 0
  for (let b = first, sum = each; b <= last; b++, sum += each) {
    const upTo = b === last ? count : Math.floor(sum + 1e-9)
    add(b, upTo - told)
    told = upTo
  }
}
