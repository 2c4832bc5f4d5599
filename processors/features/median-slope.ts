/**
 * The median of the slopes between any two of the first `count` points (Theil 1950, Sen 1968): what becomes of less than a third of the points, as after a
 * garbage collection, does not turn it. NaN with fewer than two. O(count^2 log count).
 */
export function medianSlope(x: Float64Array, y: Float64Array, count: number): number {
  const most = (count * (count - 1)) / 2
  if (slopes.length < most) slopes = new Float64Array(most)
  let n = 0
  for (let i = 1; i < count; i++)
    for (let j = 0; j < i; j++) if (x[i] !== x[j]) slopes[n++] = (y[i]! - y[j]!) / (x[i]! - x[j]!)
  if (n === 0) return Number.NaN
  const sorted = slopes.subarray(0, n).sort()
  return (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2
}

let slopes = new Float64Array(435)
