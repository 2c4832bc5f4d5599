/** Parts of a summary as metrics of their own. */

import type { PointRewrite } from '../../../pipeline/data/rewritten-point.ts'
import { double } from '../../../pipeline/data/value.ts'
import { optional } from '../../../pipeline/ottl/functions/signature.ts'
import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { flagLiteral, temporalityLiteral, textLiteral } from './arguments.ts'
import { countOf, derived, numberAt } from './new-metrics.ts'

/** In the datapoint context, as upstream: once for each point where its condition holds, and then of all points. */
function summaryToSum(name: string, defaultSuffix: string, numberOf: (point: PointRewrite) => PointRewrite) {
  return metricEditor(
    name,
    { string_agg_temp: temporalityLiteral, monotonic: flagLiteral, suffix: optional(textLiteral) },
    ({ string_agg_temp: temporality, monotonic, suffix = defaultSuffix }) =>
      (at) => {
        if (at.metric.type !== 'summary') return
        const points = at.metric.points.map(numberOf)
        at.add(derived(at.metric, suffix, { type: 'sum', temporality, monotonic, points }))
      },
  )
}

export const summaryPointFunctions = [
  summaryToSum('convert_summary_sum_val_to_sum', '_sum', (point) =>
    numberAt(point, double(point.distribution?.sum ?? 0)),
  ),
  summaryToSum('convert_summary_count_val_to_sum', '_count', (point) => numberAt(point, countOf(point))),
]

export const summaryMetricFunctions = [
  metricEditor(
    'convert_summary_quantile_val_to_gauge',
    { attribute_key: optional(textLiteral), suffix: optional(textLiteral) },
    ({ attribute_key: key = 'quantile', suffix = '.quantiles' }) =>
      (at) => {
        if (at.metric.type !== 'summary') return
        const points = at.metric.points.flatMap((point) =>
          (point.distribution?.quantiles ?? []).map(({ quantile, value }) => {
            const gauge = numberAt(point, double(value))
            gauge.attributes.set(key, double(quantile))
            return gauge
          }),
        )
        at.add(derived(at.metric, suffix, { type: 'gauge', points }))
      },
  ),
]
