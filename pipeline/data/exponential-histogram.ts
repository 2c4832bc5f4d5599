/**
 * An exponential histogram that is filled value by value: as lightstep's go-expohisto 1.0, which the Go Collector's connectors use. It begins at
 * scale 20 and gives up resolution only when the values do not fit into `maxSize` buckets. O(1) per value, O(buckets) per change of scale.
 */

const maxScale = 20
/** The default of `maxSize`, by OpenTelemetry's specification. */
const defaultMaxSize = 160
const smallestSize = 2
const largestSize = 16_384
/** The smallest normal double. */
const minValue = 2 ** -1022
const minNormalExponent = -1022
const maxNormalExponent = 1023

/** Plain data: what a component puts into the state it saves. */
export interface SavedExponential {
  readonly maxSize: number
  readonly count: number
  readonly zeroCount: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly scale: number
  readonly positive: SavedBuckets
  readonly negative: SavedBuckets
}
interface SavedBuckets {
  readonly offset: number
  readonly counts: Float64Array
}

export class ExponentialHistogram {
  readonly maxSize: number
  count = 0
  zeroCount = 0
  sum = 0
  min = 0
  max = 0
  readonly positive = new Buckets()
  readonly negative = new Buckets()
  private currentScale = maxScale

  /** A size out of range becomes the nearest one that is in range, and one that is not positive the default, as upstream does. */
  constructor(maxSize: number = defaultMaxSize) {
    this.maxSize = maxSize <= 0 ? defaultMaxSize : Math.min(Math.max(maxSize, smallestSize), largestSize)
  }

  /** 0 where only zeros were seen. */
  get scale(): number {
    return this.count === this.zeroCount ? 0 : this.currentScale
  }

  /** Takes a finite value `times` times; `times` is an integer. */
  add(value: number, times: number): void {
    if (this.count === 0) {
      this.min = value
      this.max = value
    } else {
      if (value < this.min) this.min = value
      if (value > this.max) this.max = value
    }
    this.count += times
    if (value === 0) {
      this.zeroCount += times
      return
    }
    this.sum += value * times
    if (times === 0) return
    if (value > 0) this.place(this.positive, value, times)
    else this.place(this.negative, -value, times)
  }

  save(): SavedExponential {
    const { maxSize, count, zeroCount, sum, min, max, currentScale: scale, positive, negative } = this
    return { maxSize, count, zeroCount, sum, min, max, scale, positive: positive.read(), negative: negative.read() }
  }

  static restore(of: SavedExponential): ExponentialHistogram {
    const histogram = new ExponentialHistogram(of.maxSize)
    histogram.count = of.count
    histogram.zeroCount = of.zeroCount
    histogram.sum = of.sum
    histogram.min = of.min
    histogram.max = of.max
    histogram.currentScale = of.scale
    histogram.positive.fill(of.positive)
    histogram.negative.fill(of.negative)
    return histogram
  }

  private place(buckets: Buckets, value: number, times: number): void {
    const index = bucketOf(value, this.currentScale)
    if (buckets.add(index, times, this.maxSize)) return
    let low = Math.min(index, buckets.low)
    let high = Math.max(index, buckets.high)
    let change = 0
    for (; high - low >= this.maxSize; change++) {
      high >>= 1
      low >>= 1
    }
    this.positive.downscale(change)
    this.negative.downscale(change)
    this.currentScale -= change
    if (!buckets.add(bucketOf(value, this.currentScale), times, this.maxSize)) throw new Error('downscaled too little')
  }
}

/** The counts of the buckets `low` to `high`; bucket i stands at i modulo the capacity, a power of two. */
class Buckets {
  low = 0
  high = -1
  private counts = new Float64Array(1)

  get length(): number {
    return this.high - this.low + 1
  }

  /** False when the buckets would then be more than `maxSize`. */
  add(index: number, times: number, maxSize: number): boolean {
    if (this.high < this.low) {
      this.low = index
      this.high = index
    } else if (index < this.low) {
      if (this.high - index >= maxSize) return false
      this.reserve(this.high - index + 1)
      this.low = index
    } else if (index > this.high) {
      if (index - this.low >= maxSize) return false
      this.reserve(index - this.low + 1)
      this.high = index
    }
    this.counts[index & (this.counts.length - 1)]! += times
    return true
  }

  downscale(by: number): void {
    if (by === 0 || this.high < this.low) return
    const { low, high, counts } = this
    const moved = new Float64Array(counts.length)
    for (let i = low; i <= high; i++) moved[(i >> by) & (moved.length - 1)]! += counts[i & (counts.length - 1)]!
    this.counts = moved
    this.low = low >> by
    this.high = high >> by
  }

  /** As OTLP has them: the counts from bucket `offset` on. */
  read(): { readonly offset: number; readonly counts: Float64Array } {
    const counts = new Float64Array(this.length)
    for (let i = 0; i < counts.length; i++) counts[i] = this.counts[(this.low + i) & (this.counts.length - 1)]!
    return { offset: this.high < this.low ? 0 : this.low, counts }
  }

  fill({ offset, counts }: SavedBuckets): void {
    for (let i = 0; i < counts.length; i++) this.add(offset + i, counts[i]!, Number.POSITIVE_INFINITY)
  }

  private reserve(buckets: number): void {
    const before = this.counts
    if (buckets <= before.length) return
    let capacity = before.length
    while (capacity < buckets) capacity *= 2
    const larger = new Float64Array(capacity)
    for (let i = this.low; i <= this.high; i++) larger[i & (capacity - 1)] = before[i & (before.length - 1)]!
    this.counts = larger
  }
}

const one = new Float64Array(1)
const halves = new Uint32Array(one.buffer)
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
const [lowHalf, highHalf] = isLittleEndian ? [0, 1] : [1, 0]

/** The bucket of a positive value at a scale from -10 to 20: upper bounds are inclusive, so that a power of two is the last value of its bucket. */
export function bucketOf(value: number, scale: number): number {
  one[0] = value
  const top = halves[highHalf!]!
  const exponent = ((top >>> 20) & 0x7ff) - 1023
  const isPowerOfTwo = (top & 0xf_ffff) === 0 && halves[lowHalf!] === 0
  if (scale <= 0) {
    if (value < minValue) return (minNormalExponent >> -scale) - (scale > -2 ? 1 : 0)
    return (exponent - (isPowerOfTwo ? 1 : 0)) >> -scale
  }
  if (value <= minValue) return minNormalExponent * 2 ** scale - 1
  if (isPowerOfTwo) return exponent * 2 ** scale - 1
  const index = Math.floor(log(value) * (Math.LOG2E * 2 ** scale))
  return Math.min(index, (maxNormalExponent + 1) * 2 ** scale - 1)
}

/** Of a normal value, as Go's `math.Log` (FreeBSD's e_log.c): `Math.log` may differ in the last bit, which would be another bucket. */
function log(value: number): number {
  one[0] = value
  const top = halves[highHalf!]!
  let exponent = ((top >>> 20) & 0x7ff) - 1022
  halves[highHalf!] = (top & 0x800f_ffff) | 0x3fe0_0000
  let fraction = one[0]!
  if (fraction < Math.SQRT2 / 2) {
    fraction *= 2
    exponent--
  }
  const f = fraction - 1
  const s = f / (2 + f)
  const s2 = s * s
  const s4 = s2 * s2
  const t1 =
    s2 * (0.6666666666666735 + s4 * (0.2857142874366239 + s4 * (0.1818357216161805 + s4 * 0.14798198605116586)))
  const t2 = s4 * (0.3999999999940942 + s4 * (0.22222198432149784 + s4 * 0.15313837699209373))
  const r = t1 + t2
  const half = 0.5 * f * f
  return exponent * 0.6931471803691238 - (half - (s * (half + r) + exponent * 1.9082149292705877e-10) - f)
}
