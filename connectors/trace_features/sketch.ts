/**
 * An exponential histogram of durations, as `ExponentialHistogram` but for what makes it cheap here: it begins at the scale that is wanted, takes a value
 * whose bucket was found once for several of them, has all its numbers in one piece of memory, and is used again.
 */

/** Values within 1.1 % of a value share its bucket, as long as the largest is at most 4,096 times the smallest; 2.2 % beyond that, and so on. */
export const highestScale = 5
export const maxBuckets = 384

const [countAt, zerosAt, sumAt, minAt, maxAt, bucketsAt] = [0, 1, 2, 3, 4, 5]
const firstCapacity = 16
/** Of the largest number of buckets, the next power of two. */
const scratch = new Float64Array(512)

export class Sketch {
  scale = highestScale
  /** The first and last bucket with a value; bucket i stands at i modulo the capacity, a power of two. */
  low = 0
  high = -1
  private capacity = firstCapacity
  private numbers = new Float64Array(bucketsAt + firstCapacity)

  get count(): number {
    return this.numbers[countAt]!
  }
  get zeros(): number {
    return this.numbers[zerosAt]!
  }
  get sum(): number {
    return this.numbers[sumAt]!
  }
  get min(): number {
    return this.numbers[minAt]!
  }
  get max(): number {
    return this.numbers[maxAt]!
  }
  /** Of bucket i, from `low` to `high`. */
  countOf(i: number): number {
    return this.numbers[bucketsAt + (i & (this.capacity - 1))]!
  }

  /** A value `times` times, at least once; `index` = its bucket at `highestScale`, where it is not 0. */
  add(value: number, index: number, times: number): void {
    const { numbers } = this
    if (numbers[countAt] === 0) numbers[minAt] = numbers[maxAt] = value
    else if (value < numbers[minAt]!) numbers[minAt] = value
    else if (value > numbers[maxAt]!) numbers[maxAt] = value
    numbers[countAt]! += times
    if (value === 0) {
      numbers[zerosAt]! += times
      return
    }
    numbers[sumAt]! += value * times
    const i = index >> (highestScale - this.scale)
    if (i < this.low || i > this.high) this.widen(index, times)
    else numbers[bucketsAt + (i & (this.capacity - 1))]! += times
  }

  /** Forgets all values, keeps the memory. */
  clear(): void {
    this.numbers.fill(0)
    this.scale = highestScale
    this.low = 0
    this.high = -1
  }

  private widen(index: number, times: number): void {
    let i = index >> (highestScale - this.scale)
    if (this.high < this.low) this.low = this.high = i
    let low = Math.min(i, this.low)
    let high = Math.max(i, this.high)
    let change = 0
    for (; high - low >= maxBuckets; change++) {
      low >>= 1
      high >>= 1
    }
    if (change > 0) this.downscale(change)
    if (high - low >= this.capacity) this.grow(high - low + 1)
    i >>= change
    this.low = low
    this.high = high
    this.numbers[bucketsAt + (i & (this.capacity - 1))]! += times
  }

  private downscale(by: number): void {
    const { numbers, capacity } = this
    const moved = scratch.fill(0, 0, capacity)
    for (let i = this.low; i <= this.high; i++) moved[(i >> by) & (capacity - 1)]! += this.countOf(i)
    for (let i = 0; i < capacity; i++) numbers[bucketsAt + i] = moved[i]!
    this.low >>= by
    this.high >>= by
    this.scale -= by
  }

  private grow(buckets: number): void {
    const { numbers: before, capacity } = this
    let larger = capacity
    while (larger < buckets) larger *= 2
    const numbers = new Float64Array(bucketsAt + larger)
    numbers.set(before.subarray(0, bucketsAt))
    for (let i = this.low; i <= this.high; i++) numbers[bucketsAt + (i & (larger - 1))] = this.countOf(i)
    this.numbers = numbers
    this.capacity = larger
  }
}
