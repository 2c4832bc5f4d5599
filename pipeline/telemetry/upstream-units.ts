/** The units that upstream's metrics have in OTLP (each component's metadata.yaml); Prometheus does not show them. */
const units: Readonly<Record<string, string>> = {
  otelcol_k8s_pod_association: '{resources}',
  otelcol_process_cpu_seconds: 's',
  otelcol_process_uptime: 's',
  otelcol_process_memory_rss: 'By',
  otelcol_processor_batch_batch_send_size: '{unit}',
  otelcol_processor_batch_batch_size_trigger_send: '{time}',
  otelcol_processor_batch_metadata_cardinality: '{combination}',
  otelcol_processor_batch_timeout_trigger_send: '{time}',
  otelcol_processor_internal_duration: 's',
  otelcol_exporter_enqueue_size: '{unit}',
  otelcol_exporter_queue_batch_partition_cache_capacity: '{partition}',
  otelcol_exporter_queue_batch_partition_cache_size: '{partition}',
  otelcol_exporter_queue_batch_send_size: '{unit}',
  otelcol_exporter_queue_capacity: '{batch}',
  otelcol_exporter_queue_size: '{batch}',
  otelcol_resourcedetection_attributes_detected: '{attribute}',
  otelcol_resourcedetection_detector_duration: 's',
  otelcol_resourcedetection_detector_results: '{detection}',
  vigil_log_lines_dropped: '{line}',
}
const byEnding: readonly (readonly [ending: RegExp, unit: string])[] = [
  [/^otelcol_(k8s_watcher|otelsvc_k8s)_/, '1'],
  [/_spans$/, '{span}'],
  [/_metric_points$/, '{datapoint}'],
  [/_log_records$/, '{record}'],
  [/_profile_samples$/, '{sample}'],
  [/_requests$/, '{request}'],
  [/[._]items$/, '{item}'],
  // Upstream says so of `otelcol.*.size`, which is bytes.
  [/^otelcol\..*\.size$/, '{item}'],
  [/_bytes$/, 'By'],
  [/_seconds$/, 's'],
  [/_ratio$/, '1'],
]

/** Empty where nobody knows. */
export function unitOf(name: string): string {
  return units[name] ?? byEnding.find(([ending]) => ending.test(name))?.[1] ?? ''
}
