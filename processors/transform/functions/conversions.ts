/** Gauges and sums into one another: their points are the same. */

import { metricEditor } from '../../../pipeline/ottl/metric-rewriting.ts'
import { flagLiteral, temporalityLiteral } from './arguments.ts'

export const conversions = [
  metricEditor('convert_sum_to_gauge', {}, () => ({ metric }) => {
    if (metric.type === 'sum') metric.type = 'gauge'
  }),

  metricEditor(
    'convert_gauge_to_sum',
    { string_agg_temp: temporalityLiteral, monotonic: flagLiteral },
    ({ string_agg_temp: temporality, monotonic }) =>
      ({ metric }) => {
        if (metric.type !== 'gauge') return
        metric.type = 'sum'
        metric.temporality = temporality
        metric.monotonic = monotonic
      },
  ),
]
