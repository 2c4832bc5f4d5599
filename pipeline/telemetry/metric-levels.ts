/** What `metrics::level` leaves out: upstream's default views (`service/internal/metricviews`), and its HTTP and gRPC histograms. */
import type { Labels } from './meter.ts'
import type { MetricSettings } from './settings.ts'

export type MetricLevel = MetricSettings['level']

const fromNormal = /^otelcol_processor_batch_/
const fromDetailed =
  /^(otelcol_processor_internal_duration|otelcol_processor_batch_batch_send_size_bytes|otelcol_exporter_(queue_batch_send_size|enqueue_size)(_bytes)?|(http|rpc)_(server|client)_.*)$/
const labelledFromDetailed = /^otelcol_exporter_send_failed_/

export function isCountedAt(level: MetricLevel, name: string): boolean {
  if (level === 'none') return false
  if (level === 'detailed') return true
  return !fromDetailed.test(name) && (level === 'normal' || !fromNormal.test(name))
}

/** The labels without those that only `detailed` tells apart; undefined = all are kept. */
export function labelsAt(level: MetricLevel, name: string): ((labels: Labels) => Labels) | undefined {
  if (level === 'detailed' || !labelledFromDetailed.test(name)) return undefined
  return (labels) =>
    Object.fromEntries(Object.entries(labels).filter(([label]) => !/^error[._](type|permanent)$/.test(label)))
}
