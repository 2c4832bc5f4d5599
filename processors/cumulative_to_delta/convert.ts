import { rewriteMetrics } from '../../pipeline/data/metric-rewrite.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import type { PointRewrite } from '../../pipeline/data/rewritten-point.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { textSet } from '../../pipeline/filterset/text-set.ts'
import { metricId, placeId } from '../../pipeline/streams/identity.ts'
import { type Config, type Match, typeNames } from './config.ts'
import type { Tally } from './tally.ts'
import type { Tracker } from './tracker.ts'

const noRecordedValue = 1

/** Cumulative monotonic sums and cumulative histograms become deltas; all else goes on as it is. */
export function convert(batch: Metrics, tracker: Tracker, isChosen: ChosenMetric, tally: Tally): Metrics {
  return rewriteMetrics(batch, (group) => {
    let place: string | undefined
    const emptied = new Set<MetricRewrite>()
    for (const metric of group.metrics) {
      if (!isConvertible(metric) || !isChosen(metric)) continue
      place ??= placeId(group)
      if (!convertMetric(metric, place, tracker, tally)) emptied.add(metric)
    }
    // As upstream, a metric whose points are all gone goes too.
    if (emptied.size > 0) group.metrics = group.metrics.filter((metric) => !emptied.has(metric))
  })
}

function isConvertible({ type, temporality, monotonic, pointCount }: MetricRewrite): boolean {
  if (temporality !== 'cumulative') return false
  return type === 'sum' ? monotonic : pointCount > 0
}

/** Whether a point is left. */
function convertMetric(metric: MetricRewrite, place: string, tracker: Tracker, tally: Tally): boolean {
  const id = place + metricId(metric)
  const { type, points } = metric
  let kept = 0
  for (const point of points) {
    const outcome = (point.flags & noRecordedValue) !== 0 ? 'no_recorded_value' : convertPoint(point, id, tracker)
    tally.count(type, outcome)
    if (outcome === 'converted' || outcome === 'stale') points[kept++] = point
  }
  points.length = kept
  metric.temporality = 'delta'
  return kept > 0
}

function convertPoint(point: PointRewrite, metric: string, tracker: Tracker) {
  const { kind, wireIdentity: identity, startUnixNano, timeUnixNano } = point
  if (kind === 'number') {
    const outcome = tracker.number(metric, identity, startUnixNano, timeUnixNano, point.value)
    if (outcome === 'converted') {
      point.startUnixNano = tracker.startUnixNano
      point.value = tracker.value
    }
    return outcome
  }
  const of = point.distribution!
  const outcome =
    kind === 'histogram'
      ? tracker.histogram(metric, identity, startUnixNano, timeUnixNano, of)
      : tracker.exponential(metric, identity, startUnixNano, timeUnixNano, of)
  if (outcome === 'converted') {
    point.startUnixNano = tracker.startUnixNano
    const { count, sum, counts, exponential } = tracker.delta
    of.count = count
    if (of.sum !== undefined && !Number.isNaN(of.sum)) of.sum = sum
    // New arrays: those that were read are the baseline of the next point.
    if (counts !== undefined) of.counts = counts
    if (exponential !== undefined) of.exponential = exponential
    // Of an interval nobody knows them.
    of.min = undefined
    of.max = undefined
  }
  return outcome
}

type ChosenMetric = (metric: MetricRewrite) => boolean

export function chosenBy({ include, exclude }: Config): ChosenMetric {
  const isIncluded = matcher(include)
  const isExcluded = matcher(exclude)
  // Of `include` all parts must match, of `exclude` one is enough.
  return (metric) =>
    (isIncluded.name?.(metric.name) ?? true) &&
    (isIncluded.types?.has(metric.type) ?? true) &&
    !(isExcluded.name?.(metric.name) ?? false) &&
    !(isExcluded.types?.has(metric.type) ?? false)
}

function matcher(match: Match) {
  return {
    name: match.metrics.length > 0 ? textSet(match.metrics, match) : undefined,
    types:
      match.metric_types.length > 0
        ? new Set(match.metric_types.map((type) => typeNames[type.toLowerCase()]!))
        : undefined,
  }
}
