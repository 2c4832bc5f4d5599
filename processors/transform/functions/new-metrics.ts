/** What the functions that add metrics have in common. */
import { type MetricFields, type MetricRewrite, newMetricDraft } from '../../../pipeline/data/rewritten-metric.ts'
import { newPointDraft, type PointRewrite } from '../../../pipeline/data/rewritten-point.ts'
import type { Double } from '../../../pipeline/data/telemetry.ts'

/** A metric named after another. */
export function derived(from: MetricRewrite, suffix: string, fields: Partial<MetricFields>): MetricRewrite {
  return newMetricDraft({
    name: from.name + suffix,
    description: from.description,
    unit: from.unit,
    type: 'gauge',
    ...fields,
  })
}

/** A number at the same time and with the same attributes as another point. */
export function numberAt(point: PointRewrite, value: number | bigint | Double): PointRewrite {
  const { attributes, startUnixNano, timeUnixNano } = point
  return newPointDraft('number', { attributes, startUnixNano, timeUnixNano, value })
}

/** A count as the int64 that it becomes in Go. */
export function countOf(point: PointRewrite): bigint {
  return BigInt.asIntN(64, point.distribution?.count ?? 0n)
}
