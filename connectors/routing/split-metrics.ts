/** Metrics are parted by metric rather than by data point, so that those without points have their way too. */
import { rewriteMetrics } from '../../pipeline/data/metric-rewrite.ts'
import type { MetricRewrite } from '../../pipeline/data/rewritten-metric.ts'
import type { PointRewrite } from '../../pipeline/data/rewritten-point.ts'
import type { In, Metric, Metrics, Point } from '../../pipeline/data/telemetry.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import type { Halves, Test } from './split.ts'

export function splitMetrics(
  batch: Metrics,
  level: 'resource' | 'metric' | 'datapoint',
  frame: Frame,
  test: Test,
): Halves<Metrics> {
  // Asked once: a condition may depend on the clock, or on chance.
  const verdicts: boolean[] = []
  const ask = (at: Frame): boolean => {
    const isTaken = test(at)
    verdicts.push(isTaken)
    return isTaken
  }
  const taken = sift(batch, level, frame, ask)
  if (taken.byteLength === 0) return { taken: undefined, left: batch }
  if (!verdicts.includes(false) && taken === batch) return { taken: batch, left: undefined }
  let next = 0
  const left = sift(batch, level, frame, () => verdicts[next++] !== true, true)
  return { taken, left: left.byteLength === 0 ? undefined : left }
}

/** `keepsEmpty`: whether metrics without points stay where points are asked. */
function sift(
  batch: Metrics,
  level: 'resource' | 'metric' | 'datapoint',
  frame: Frame,
  keeps: Test,
  keepsEmpty = false,
): Metrics {
  return rewriteMetrics(batch, (group) => {
    frame.ownResource = group.resource as Frame['ownResource']
    frame.ownScope = group.scope as Frame['ownScope']
    if (level === 'resource') {
      if (!keeps(frame.enterResource(group.resource))) group.metrics = []
    } else if (level === 'metric') group.metrics = group.metrics.filter((metric) => keeps(at(frame, metric)))
    else group.metrics = group.metrics.filter((metric) => siftPoints(frame, metric, keeps, keepsEmpty))
  })
}

function siftPoints(frame: Frame, metric: MetricRewrite, keeps: Test, keepsEmpty: boolean): boolean {
  const { points } = metric
  if (points.length === 0) return keepsEmpty
  const kept = points.filter((point) => keeps(atPoint(frame, metric, point)))
  if (kept.length < points.length) metric.points = kept
  return kept.length > 0
}

function at(frame: Frame, metric: MetricRewrite): Frame {
  return frame.enterMetric(metric as unknown as Metric & In)
}

function atPoint(frame: Frame, metric: MetricRewrite, point: PointRewrite): Frame {
  return at(frame, metric).enterPoint(point as unknown as Point & In)
}
