/** What is taken of a batch: points by series, with the buckets of those that are histograms. What a journal keeps. */
import { filled, filledCount, readBuckets } from './buckets.ts'

export class Taken {
  count = 0
  /** The clock, when the batch came. */
  readonly nowUnixMs: number
  /** By row: the series' id, event time as taken in ms, the value (of a histogram its count), and where its buckets end. */
  series: Uint32Array
  times: Float64Array
  values: Float64Array
  /** Buckets of row i stand in [ends[i - 1], ends[i]). */
  ends: Uint32Array
  buckets: Uint8Array = new Uint8Array(0)
  counts: Float64Array = new Float64Array(0)

  constructor(nowUnixMs: number, rows: number) {
    this.nowUnixMs = nowUnixMs
    this.series = new Uint32Array(rows)
    this.times = new Float64Array(rows)
    this.values = new Float64Array(rows)
    this.ends = new Uint32Array(rows)
  }

  add(series: number, ms: number, value: number): void {
    const row = this.count++
    this.series[row] = series
    this.times[row] = ms
    this.values[row] = value
    this.ends[row] = row === 0 ? 0 : this.ends[row - 1]!
  }

  /** To the row that was added last. */
  addBucketsOf(buckets: Uint8Array, counts: Float64Array): void {
    const first = this.makeRoom(buckets.length)
    this.buckets.set(buckets, first)
    this.counts.set(counts, first)
  }

  /** To the row that was added last: what `buckets.ts` has read. */
  addBuckets(): void {
    const first = this.makeRoom(filledCount)
    for (let i = 0; i < filledCount; i++) {
      const bucket = filled[i]!
      this.buckets[first + i] = bucket
      this.counts[first + i] = readBuckets[bucket]!
    }
  }

  firstOf(row: number): number {
    return row === 0 ? 0 : this.ends[row - 1]!
  }

  /** Of so many buckets: the first one's place. */
  private makeRoom(buckets: number): number {
    const row = this.count - 1
    const first = this.ends[row]!
    const end = first + buckets
    if (end > this.buckets.length) this.grow(end)
    this.ends[row] = end
    return first
  }

  private grow(end: number): void {
    const size = Math.max(1_024, end, this.buckets.length * 2)
    const buckets = new Uint8Array(size)
    buckets.set(this.buckets)
    this.buckets = buckets
    const counts = new Float64Array(size)
    counts.set(this.counts)
    this.counts = counts
  }
}
