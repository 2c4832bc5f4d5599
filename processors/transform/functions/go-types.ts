/** The names that Go has for the types of metrics, in messages that people compare with upstream's. */
import type { MetricType } from '../../../pipeline/data/telemetry.ts'

const names: Readonly<Record<MetricType, string>> = {
  empty: 'Empty',
  gauge: 'Gauge',
  sum: 'Sum',
  histogram: 'Histogram',
  exponential_histogram: 'ExponentialHistogram',
  summary: 'Summary',
}

export function goNameOf({ type }: { readonly type: MetricType }): string {
  return names[type]
}
