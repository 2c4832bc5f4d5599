/** The OTLP messages as protobufjs sees them: what tests compare our own readers and writers with. */
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import type { Signal } from '../telemetry.ts'

const services: Record<Signal, { readonly file: string; readonly message: string }> = {
  traces: { file: 'trace/v1/trace_service', message: 'trace.v1.ExportTraceServiceRequest' },
  metrics: { file: 'metrics/v1/metrics_service', message: 'metrics.v1.ExportMetricsServiceRequest' },
  logs: { file: 'logs/v1/logs_service', message: 'logs.v1.ExportLogsServiceRequest' },
  profiles: {
    file: 'profiles/v1development/profiles_service',
    message: 'profiles.v1development.ExportProfilesServiceRequest',
  },
}

let root: protobuf.Root | undefined

/** Every message of OTLP; loaded once, from disk, when first asked for. */
export function referenceRoot(): protobuf.Root {
  if (root) return root
  const loading = new protobuf.Root()
  loading.resolvePath = (_origin, target) => fileURLToPath(new URL(target, import.meta.url))
  for (const { file } of Object.values(services)) loading.loadSync(`opentelemetry/proto/collector/${file}.proto`)
  loading.resolveAll()
  root = loading
  return loading
}

/** `Export{Trace,Metrics,Logs,Profiles}ServiceRequest` */
export function referenceType(signal: Signal): protobuf.Type {
  return referenceRoot().lookupType(`opentelemetry.proto.collector.${services[signal].message}`)
}
