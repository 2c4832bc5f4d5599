import { ExponentialHistogram, type SavedExponential } from '../../pipeline/data/exponential-histogram.ts'

/** A histogram with fixed bounds. */
export class ExplicitHistogram {
  readonly bounds: readonly number[]
  readonly counts: Float64Array
  count = 0
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  add(value: number, times: number): void {
    this.count += times
    this.sum += value * times
    let low = 0
    let high = this.bounds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.bounds[middle]! < value) low = middle + 1
      else high = middle
    }
    this.counts[low]! += times
  }
}
export type Latency = ExplicitHistogram | ExponentialHistogram

/** In seconds. */
const defaultBounds = [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1, 1.4, 2, 5, 10, 15]

export interface LatencyShape {
  /** Undefined for an exponential histogram. */
  readonly bounds: readonly number[] | undefined
  readonly maxSize: number
}

/** `buckets` are milliseconds. */
export function shapeOf(buckets: readonly number[] | undefined, maxSize: number): LatencyShape {
  if (maxSize !== 0 && buckets === undefined) return { bounds: undefined, maxSize }
  return { bounds: buckets?.map((ms) => Math.round(ms * 1e6) / 1e9) ?? defaultBounds, maxSize: 0 }
}

export function newLatency({ bounds, maxSize }: LatencyShape): Latency {
  return bounds === undefined ? new ExponentialHistogram(maxSize) : new ExplicitHistogram(bounds)
}

export interface SavedLatency {
  readonly explicit?: { readonly counts: Float64Array; readonly count: number; readonly sum: number }
  readonly exponential?: SavedExponential
}

export function saveLatency(latency: Latency): SavedLatency {
  if (latency instanceof ExponentialHistogram) return { exponential: latency.save() }
  const { counts, count, sum } = latency
  return { explicit: { counts, count, sum } }
}

export function restoreLatency({ explicit, exponential }: SavedLatency, shape: LatencyShape): Latency {
  if (exponential !== undefined) return ExponentialHistogram.restore(exponential)
  const latency = new ExplicitHistogram(shape.bounds ?? [])
  if (explicit !== undefined) {
    latency.counts.set(explicit.counts)
    latency.count = explicit.count
    latency.sum = explicit.sum
  }
  return latency
}
