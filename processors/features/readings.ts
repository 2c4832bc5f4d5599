/** A point into the columns of what it feeds. */
import type { Feed } from './binding.ts'
import { aheadPanes, paneAt, paneMs, ringOf } from './columns.ts'
import { addCount, addReading, ensureColumn, type FeatureEntity, raiseCount, sketchOf } from './entity.ts'
import { columnOf } from './rules.ts'
import { growth, insertPoint } from './series-state.ts'
import { addToSketch, bucketCount } from './sketch.ts'
import type { Taken } from './taken.ts'

/** A better source of a column has it as long as it comes at least so often, in panes. */
const precedencePanes = 30
/** What a counter grew by in a longer time says nothing of its rate now. */
const longestGapMs = 600_000

/** The oldest pane that can still take something, and the newest that was emitted. */
export interface Bounds {
  readonly oldest: number
  readonly newest: number
}

/** Adds a number. `ms` is event time as taken. False where the feed has nothing of it. */
export function feedNumber(feed: Feed, ms: number, value: number, isDelta: boolean, bounds: Bounds): boolean {
  const { rule, of, state, scale } = feed
  const pane = paneAt(ms)
  if (!hasPrecedence(feed, pane)) return false
  countSeries(feed)
  const scaled = value * scale
  switch (rule.take) {
    case 'count':
      if (!(scaled >= 0)) return false
      addCount(of, rule.column, pane, scaled)
      return true
    case 'max':
      raiseCount(of, rule.column, pane, scaled)
      return true
    case 'reading':
      if (insertPoint(state, ms, scaled) < 0) return false
      addReading(of, rule.column, pane, scaled, feed.weight)
      return true
    case 'events':
    case 'rate':
      return feedCounter(feed, ms, scaled, isDelta, bounds)
    default:
      return false
  }
}

function feedCounter(feed: Feed, ms: number, value: number, isDelta: boolean, bounds: Bounds): boolean {
  const { rule, of, state } = feed
  if (!(value >= 0)) return false
  const at = insertPoint(state, ms, value)
  if (at < 0) return false
  // Its features are there at once, at 0.
  ensureColumn(of, columnOf(rule)!)
  const { times, values } = state
  const [before, after] = [at - 1, at + 1]
  const grown = (from: number, to: number) => (isDelta ? values[to]! : growth(values[from]!, values[to]!))
  const hasBefore = before >= 0
  const hasAfter = after < times.length
  // What was counted from the neighbour before to the one after is taken back, and both parts are counted.
  if (hasBefore && hasAfter) put(feed, times[before]!, times[after]!, grown(before, after), -1, bounds)
  if (hasBefore) put(feed, times[before]!, times[at]!, grown(before, at), 1, bounds)
  if (hasAfter) put(feed, times[at]!, times[after]!, grown(at, after), 1, bounds)
  return true
}

/** What came up in (from, to] counts at its end: features of a window never change by what is told of a later one. */
function put({ rule, of, weight }: Feed, from: number, to: number, amount: number, sign: 1 | -1, bounds: Bounds): void {
  const pane = paneAt(to)
  if (pane < bounds.oldest) return
  if (rule.take === 'events') addCount(of, rule.column, pane, sign * amount)
  else if (rule.take === 'rate' && to - from <= longestGapMs)
    addReading(of, rule.column, pane, (sign * amount * 1_000) / (to - from), sign * weight)
}

export function feedSketch(feed: Feed, taken: Taken, row: number, pane: number, { newest }: Bounds): boolean {
  const { rule, of } = feed
  if (rule.take !== 'sketch') return false
  const sketch = sketchOf(of, rule.sketch)
  const { buckets, counts, ends } = taken
  for (let i = taken.firstOf(row); i < ends[row]!; i++) addToSketch(sketch, pane, buckets[i]!, counts[i]!, newest)
  return true
}

/** Requests of a server that sends no traces. */
export function feedRequests(
  feed: Feed,
  taken: Taken,
  row: number,
  ms: number,
  isDelta: boolean,
  bounds: Bounds,
): boolean {
  const { state, of } = feed
  const now = new Float64Array(bucketCount)
  for (let i = taken.firstOf(row); i < taken.ends[row]!; i++) now[taken.buckets[i]!] = taken.counts[i]!
  const count = taken.values[row]!
  const at = insertPoint(state, ms, count, now)
  if (at < 0) return false
  ensureColumn(of, 'httpRequests')
  const hasBefore = at > 0
  const hasAfter = at + 1 < state.times.length
  if (isDelta) {
    addRequests(feed, paneAt(ms), undefined, now, count, hasBefore ? ms - state.times[at - 1]! : 0, bounds)
    return true
  }
  // What comes between two that were counted as one is told by them: its part of the stretch is in it already.
  if (hasAfter || !hasBefore) return hasBefore
  const isReset = count < state.values[at - 1]!
  const before = isReset ? undefined : state.buckets[at - 1]
  const grown = isReset ? count : count - state.values[at - 1]!
  addRequests(feed, paneAt(ms), before, now, grown, ms - state.times[at - 1]!, bounds)
  return true
}

function addRequests(
  { of, isError }: Feed,
  pane: number,
  before: Float64Array | undefined,
  now: Float64Array,
  count: number,
  gapMs: number,
  { newest }: Bounds,
): void {
  // Scrapes are further apart than panes: as evenly as they came, one scrape later.
  const panes = Math.max(1, Math.min(aheadPanes / 2, Math.round(gapMs / paneMs)))
  for (let i = 0; i < panes; i++) {
    addCount(of, 'httpRequests', pane + i, count / panes)
    if (isError) addCount(of, 'httpErrors', pane + i, count / panes)
  }
  const sketch = sketchOf(of, 'httpDuration')
  for (let bucket = 0; bucket < now.length; bucket++)
    addToSketch(sketch, pane, bucket, Math.round(now[bucket]! - (before?.[bucket] ?? 0)), newest)
}

function hasPrecedence({ rule, place, of }: Feed, pane: number): boolean {
  const column = columnOf(rule)
  if (column === undefined || rule.take === 'count' || rule.take === 'max') return true
  const at = ringOf[column]
  const { fedBy, fedUntil } = of
  while (fedBy.length <= at) {
    fedBy.push(-1)
    fedUntil.push(Number.NEGATIVE_INFINITY)
  }
  const by = fedBy[at]!
  if (by >= 0 && by < place && fedUntil[at]! + precedencePanes > pane) return false
  fedBy[at] = place
  if (pane > fedUntil[at]!) fedUntil[at] = pane
  return true
}

function countSeries({ rule, of, state, weight }: Feed): void {
  if (state.isCounted || (rule.take !== 'reading' && rule.take !== 'rate')) return
  state.isCounted = true
  const at = ringOf[rule.column]
  while (of.seriesOf.length <= at) of.seriesOf.push(0)
  of.seriesOf[at] = of.seriesOf[at]! + weight
}

export function seriesCount(of: FeatureEntity, at: number): number {
  return Math.max(1, of.seriesOf[at] ?? 1)
}
