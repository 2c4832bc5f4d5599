/** Steps over metrics: whole metrics first, then data points. */
import { rewriteMetrics } from '../../pipeline/data/metric-rewrite.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import type { Frame, Host } from '../../pipeline/ottl/frame.ts'
import { MetricRewriting } from '../../pipeline/ottl/metric-rewriting.ts'
import { anyOf, newFrame, placeTest } from './items.ts'
import type { Step, Test } from './steps.ts'

export function filterMetrics(batch: Metrics, step: Step, host: Host): Metrics {
  const isPlaceGone = placeTest(step, host, batch.origin)
  const isGone = anyOf(step.item)
  const isPointGone = anyOf(step.part)
  const frame = newFrame(host, batch.origin)
  // By metric, so that one without points is asked about too.
  return rewriteMetrics(batch, (group) => {
    if (isPlaceGone?.(group) === true) {
      group.metrics = []
      return
    }
    if (isGone === undefined && isPointGone === undefined) return
    group.metrics = group.metrics.filter((metric) => {
      const at = new MetricRewriting(group, metric)
      if (isGone?.(frame.enterRewriting(at)) === true) return false
      return isPointGone === undefined || keepsPoints(at, frame, isPointGone)
    })
  })
}

/** Whether the metric stays: with some of its points, or without a type. */
function keepsPoints(at: MetricRewriting, frame: Frame, isGone: Test): boolean {
  const { metric } = at
  const { points } = metric
  const kept = points.filter((point) => {
    at.point = point
    return !isGone(frame.enterRewriting(at))
  })
  if (kept.length < points.length) metric.points = kept
  return kept.length > 0 || metric.type === 'empty'
}
