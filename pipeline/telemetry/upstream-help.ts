/** What upstream (0.165.0, each component's metadata.yaml) says of its metrics: the same words here, whoever counts them. */
export const upstreamHelp: Readonly<Record<string, string>> = {
  otelcol_exporter_enqueue_failed_log_records: 'Number of log records failed to be added to the sending queue. [Alpha]',
  otelcol_exporter_enqueue_failed_metric_points:
    'Number of metric points failed to be added to the sending queue. [Alpha]',
  otelcol_exporter_enqueue_failed_profile_samples:
    'Number of profile samples failed to be added to the sending queue. [Development]',
  otelcol_exporter_enqueue_failed_spans: 'Number of spans failed to be added to the sending queue. [Alpha]',
  otelcol_exporter_enqueue_size:
    'Number of units in the request added to the sending queue. Only available on detailed level. [Development]',
  otelcol_exporter_enqueue_size_bytes:
    'Number of bytes in the request added to the sending queue. Only available on detailed level. [Development]',
  otelcol_exporter_in_flight_requests:
    'Number of export requests currently in-flight (including retry backoff). [Development]',
  otelcol_exporter_queue_batch_partition_cache_capacity:
    'Maximum number of active partition batchers in the LRU cache. Only recorded when batch partitioning is enabled. [Development]',
  otelcol_exporter_queue_batch_partition_cache_size:
    'Current number of active partition batchers in the LRU cache. Only recorded when batch partitioning is enabled. [Development]',
  otelcol_exporter_queue_batch_send_size:
    'Number of units in the batch. Only recorded when batching is enabled. Only available on detailed level. [Development]',
  otelcol_exporter_queue_batch_send_size_bytes:
    'Number of bytes in batch that was sent. Only recorded when batching is enabled. Only available on detailed level. [Development]',
  otelcol_exporter_queue_capacity: 'Fixed capacity of the retry queue (in batches). [Alpha]',
  otelcol_exporter_queue_size: 'Current size of the retry queue (in batches). [Alpha]',
  otelcol_exporter_send_failed_log_records:
    'Number of log records in failed attempts to send to destination. At detailed telemetry level, includes attributes: error.type (semantic convention), error.permanent. [Alpha]',
  otelcol_exporter_send_failed_metric_points:
    'Number of metric points in failed attempts to send to destination. At detailed telemetry level, includes attributes: error.type (semantic convention), error.permanent. [Alpha]',
  otelcol_exporter_send_failed_profile_samples:
    'Number of profile samples in failed attempts to send to destination. At detailed telemetry level, includes attributes: error.type (semantic convention), error.permanent. [Development]',
  otelcol_exporter_send_failed_spans:
    'Number of spans in failed attempts to send to destination. At detailed telemetry level, includes attributes: error.type (semantic convention), error.permanent. [Alpha]',
  otelcol_exporter_sent_log_records: 'Number of log record successfully sent to destination. [Alpha]',
  otelcol_exporter_sent_metric_points: 'Number of metric points successfully sent to destination. [Alpha]',
  otelcol_exporter_sent_profile_samples: 'Number of profile samples successfully sent to destination. [Development]',
  otelcol_exporter_sent_spans: 'Number of spans successfully sent to destination. [Alpha]',
  otelcol_process_cpu_seconds: 'Total CPU user and system time in seconds [Alpha]',
  otelcol_process_memory_rss: 'Total physical memory (resident set size) [Alpha]',
  otelcol_process_uptime: 'Uptime of the process [Alpha]',
  otelcol_processor_batch_batch_send_size: 'Number of units in the batch [Development]',
  otelcol_processor_batch_batch_send_size_bytes:
    'Number of bytes in batch that was sent. Only available on detailed level. [Development]',
  otelcol_processor_batch_batch_size_trigger_send:
    'Number of times the batch was sent due to a size trigger [Development]',
  otelcol_processor_batch_metadata_cardinality:
    'Number of distinct metadata value combinations being processed [Development]',
  otelcol_processor_batch_timeout_trigger_send:
    'Number of times the batch was sent due to a timeout trigger [Development]',
  otelcol_processor_incoming_items: 'Number of items passed to the processor. [Alpha]',
  otelcol_processor_internal_duration:
    'Duration of time taken to process a batch of telemetry data through the processor. [Alpha]',
  otelcol_processor_memory_limiter_accepted_log_records:
    'Number of log records successfully pushed into the next component in the pipeline. [Alpha]',
  otelcol_processor_memory_limiter_accepted_metric_points:
    'Number of metric points successfully pushed into the next component in the pipeline. [Alpha]',
  otelcol_processor_memory_limiter_accepted_spans:
    'Number of spans successfully pushed into the next component in the pipeline. [Alpha]',
  otelcol_processor_memory_limiter_refused_log_records:
    'Number of log records that were rejected by the next component in the pipeline. [Alpha]',
  otelcol_processor_memory_limiter_refused_metric_points:
    'Number of metric points that were rejected by the next component in the pipeline. [Alpha]',
  otelcol_processor_memory_limiter_refused_spans:
    'Number of spans that were rejected by the next component in the pipeline. [Alpha]',
  otelcol_processor_outgoing_items: 'Number of items emitted from the processor. [Alpha]',
  otelcol_receiver_accepted_log_records: 'Number of log records successfully pushed into the pipeline. [Alpha]',
  otelcol_receiver_accepted_metric_points: 'Number of metric points successfully pushed into the pipeline. [Alpha]',
  otelcol_receiver_accepted_profile_samples: 'Number of profile samples successfully pushed into the pipeline. [Alpha]',
  otelcol_receiver_accepted_spans: 'Number of spans successfully pushed into the pipeline. [Alpha]',
  otelcol_receiver_failed_log_records:
    'The number of log records that failed to be processed by the receiver due to internal errors. [Alpha]',
  otelcol_receiver_failed_metric_points:
    'The number of metric points that failed to be processed by the receiver due to internal errors. [Alpha]',
  otelcol_receiver_failed_profile_samples:
    'The number of profile samples that failed to be processed by the receiver due to internal errors. [Alpha]',
  otelcol_receiver_failed_spans:
    'The number of spans that failed to be processed by the receiver due to internal errors. [Alpha]',
  otelcol_receiver_refused_log_records: 'Number of log records that could not be pushed into the pipeline. [Alpha]',
  otelcol_receiver_refused_metric_points: 'Number of metric points that could not be pushed into the pipeline. [Alpha]',
  otelcol_receiver_refused_profile_samples:
    'Number of profile samples that could not be pushed into the pipeline. [Alpha]',
  otelcol_receiver_refused_spans: 'Number of spans that could not be pushed into the pipeline. [Alpha]',
  otelcol_receiver_requests: 'The number of requests performed. [Alpha]',
}
