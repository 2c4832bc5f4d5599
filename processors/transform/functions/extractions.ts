/** The sum or the count of distributions as metrics of their own. */
import type { MetricRewrite } from '../../../pipeline/data/rewritten-metric.ts'
import type { PointRewrite } from '../../../pipeline/data/rewritten-point.ts'
import type { Temporality } from '../../../pipeline/data/telemetry.ts'
import { double } from '../../../pipeline/data/value.ts'
import { optional } from '../../../pipeline/ottl/functions/signature.ts'
import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'
import { flagLiteral, textLiteral } from './arguments.ts'
import { goNameOf } from './go-types.ts'
import { countOf, derived, numberAt } from './new-metrics.ts'

function extraction(
  name: string,
  defaultSuffix: string,
  unit: string | undefined,
  extract: (point: PointRewrite) => PointRewrite | undefined,
) {
  return metricEditor(
    name,
    { monotonic: flagLiteral, suffix: optional(textLiteral) },
    ({ monotonic, suffix = defaultSuffix }) =>
      (at) => {
        const { metric } = at
        const temporality = temporalityOf(metric)
        if (temporality === 'none') {
          fail(
            `${name} requires an input metric of type Histogram, ExponentialHistogram or Summary, got ${goNameOf(metric)}`,
          )
        }
        const points = metric.points.map(extract).filter((point) => point !== undefined)
        if (points.length === 0) return
        at.add(derived(metric, suffix, { type: 'sum', temporality, monotonic, points, unit: unit ?? metric.unit }))
      },
  )
}

function temporalityOf({ type, temporality }: MetricRewrite): Temporality {
  if (type === 'summary') return 'cumulative'
  return type === 'sum' ? 'none' : temporality
}

export const extractions = [
  extraction('extract_sum_metric', '_sum', undefined, (point) => {
    const sum = point.distribution?.sum
    return sum === undefined ? undefined : numberAt(point, double(sum))
  }),
  // The unit of what was measured is not that of how often it was.
  extraction('extract_count_metric', '_count', '1', (point) => numberAt(point, countOf(point))),
]
