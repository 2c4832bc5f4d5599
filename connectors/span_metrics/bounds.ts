/** The bounds of histograms that have fixed ones. */

/** In milliseconds. */
const defaultBounds = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000]

/** In `unit`, as upstream computes them. `buckets` are milliseconds; undefined = the default ones. */
export function boundsIn(unit: 'ms' | 's', buckets: readonly number[] | undefined): readonly number[] {
  if (buckets === undefined) return unit === 'ms' ? defaultBounds : defaultBounds.map((ms) => ms / 1000)
  const nanosPerUnit = unit === 'ms' ? 1e6 : 1e9
  return buckets.map((ms) => Math.round(ms * 1e6) / nanosPerUnit)
}

/** The first bucket whose bound is not below the value; the last one has no bound. */
export function bucketOf(bounds: readonly number[], value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bounds[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
