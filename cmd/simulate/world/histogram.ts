/** Counts by bucket, cumulative since the start of its owner: the buckets of OpenTelemetry's `http.server.request.duration`. */
export const durationBounds: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

export class Histogram {
  readonly counts = new Float64Array(durationBounds.length + 1)
  count = 0
  sum = 0
  min = Number.POSITIVE_INFINITY
  max = 0

  clear(): void {
    this.counts.fill(0)
    this.count = 0
    this.sum = 0
    this.min = Number.POSITIVE_INFINITY
    this.max = 0
  }

  add(other: Histogram): void {
    const { counts } = this
    for (let i = 0; i < counts.length; i++) counts[i]! += other.counts[i]!
    this.count += other.count
    this.sum += other.sum
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
  }

  record(seconds: number): void {
    let i = 0
    while (i < durationBounds.length && seconds > durationBounds[i]!) i++
    this.counts[i]!++
    this.count++
    this.sum += seconds
    if (seconds < this.min) this.min = seconds
    if (seconds > this.max) this.max = seconds
  }
}
