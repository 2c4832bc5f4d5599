/** Multiplies the values of a metric. The counts of histograms stay; their bounds and buckets move. */
import { isInt, toInt64 } from '../../pipeline/data/aggregate-points.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import type { PointRewrite } from '../../pipeline/data/rewritten-point.ts'
import type { Double, ExponentialBuckets } from '../../pipeline/data/telemetry.ts'
import { double, isDouble } from '../../pipeline/data/value.ts'
import type { Selection } from './selection.ts'

/** Summaries stay as they are. */
export function scaleMetric({ type, points }: MetricRewrite, by: number, takes: Selection['takes']): void {
  if (type === 'summary') return
  for (const point of points) {
    if (!takes(point.attributes)) continue
    if (point.value !== undefined) point.value = scaled(point.value, by)
    else scaleDistribution(point, by)
  }
}

/** An int stays one: cut off, as upstream does. */
function scaled(value: number | bigint | Double, by: number): bigint | Double {
  if (isInt(value)) return toInt64(Number(value) * by)
  return double((isDouble(value) ? value.double : value) * by)
}

function scaleDistribution(point: PointRewrite, by: number): void {
  const { distribution, exemplars } = point
  if (distribution === undefined) return
  if (distribution.sum !== undefined) distribution.sum *= by
  if (distribution.min !== undefined) distribution.min *= by
  if (distribution.max !== undefined) distribution.max *= by
  const { exponential } = distribution
  if (exponential === undefined) distribution.bounds = distribution.bounds.map((bound) => bound * by)
  else {
    exponential.zeroThreshold *= by
    exponential.positive = moved(exponential.positive, exponential.scale, by)
    exponential.negative = moved(exponential.negative, exponential.scale, by)
  }
  if (exemplars.length === 0) return
  point.exemplars = exemplars.map(({ value, timeUnixNano, traceId, spanId, filteredAttributes }) => ({
    timeUnixNano,
    traceId,
    spanId,
    filteredAttributes,
    ...(value === undefined ? {} : { value: scaled(value, by) }),
  }))
}

function moved(buckets: ExponentialBuckets, scale: number, by: number): ExponentialBuckets {
  if (buckets.counts.length === 0) return buckets
  // The middle of the first bucket, and the bucket in which it lies when it is multiplied.
  const base = 2 ** (2 ** -scale)
  const middle = (base ** buckets.offset + base ** (buckets.offset + 1)) / 2
  const offset = Math.ceil(Math.log(middle * by) * Math.LOG2E * 2 ** scale) - 1
  // Where there is no such bucket (a negative factor, an overflow), it stays.
  return Number.isFinite(offset) ? { offset, counts: buckets.counts } : buckets
}
