/**
 * What is remembered of a series, so that a point counts once and in its place whatever order they come in: its latest points, sorted by time.
 * Inserting between two takes back what was counted from one to the other and counts both parts.
 */

const rememberedPoints = 8

export interface SeriesState {
  /** Latest last; event time in ms as taken, and the counter's value. */
  readonly times: number[]
  readonly values: number[]
  /** Bucket counts of a cumulative histogram at those times. */
  readonly buckets: (Float64Array | undefined)[]
  /** The column counts it among its series. */
  isCounted: boolean
}

export function newSeriesState(): SeriesState {
  return { times: [], values: [], buckets: [], isCounted: false }
}

/** Where the point now stands, or -1 for one that is known or older than all that is remembered while that is full. */
export function insertPoint(state: SeriesState, ms: number, value: number, buckets?: Float64Array): number {
  const { times, values } = state
  let at = times.length
  while (at > 0 && times[at - 1]! >= ms) {
    if (times[at - 1] === ms) return -1
    at--
  }
  if (at === 0 && times.length === rememberedPoints) return -1
  times.splice(at, 0, ms)
  values.splice(at, 0, value)
  if (buckets !== undefined || state.buckets.length > 0) state.buckets.splice(at, 0, buckets)
  if (times.length > rememberedPoints) {
    times.shift()
    values.shift()
    state.buckets.shift()
    at--
  }
  return at
}

/** How much a counter grew: it began at 0 again when it is lower. */
export function growth(before: number, after: number): number {
  return after >= before ? after - before : after
}
