/** Component types that people bring from upstream and that a standard one replaces. */
import type { Kind } from '../component.ts'

const replacements: Readonly<Record<string, string>> = {
  'exporter jaeger': 'jaeger takes OTLP itself: use otlp_grpc with the address of Jaeger (port 4317)',
  'exporter jaeger_thrift': 'jaeger takes OTLP itself: use otlp_grpc with the address of Jaeger (port 4317)',
  'exporter loki': 'Loki takes OTLP itself: use otlp_http with endpoint http://<loki>:3100/otlp',
  'exporter opencensus': 'OpenCensus has ended: use otlp_grpc',
  'receiver opencensus': 'OpenCensus has ended: use otlp',
  'exporter sapm': 'Splunk takes OTLP itself: use otlp_http',
  'processor spanmetrics': 'it is a connector now: write span_metrics under connectors',
  'processor servicegraph': 'it is a connector now: write service_graph under connectors',
  'processor queuedretry': 'every exporter has it now: use its sending_queue and retry_on_failure',
  'processor routing': 'it is a connector now: write routing under connectors',
  'processor memoryballast': 'remove it: memory_limiter is enough',
  'extension memoryballast': 'remove it: memory_limiter is enough',
  'extension ballast': 'remove it: memory_limiter is enough',
  'extension pprof': 'use zpages, or start Node with --inspect or --cpu-prof',
  'extension healthcheckv2': 'use health_check',
  'receiver sapm': 'use otlp',
}
const plain: ReadonlyMap<string, string> = new Map(
  Object.entries(replacements).map(([key, hint]) => [key.replaceAll('_', ''), hint]),
)

/** What to use instead of a type that this build lacks. */
export function replacementFor(kind: Kind, type: string): string | undefined {
  return plain.get(`${kind} ${type.replaceAll('_', '')}`)
}
