/** CPU time an item of filters: `node processors/filter/filter.bench.ts [part of a name]`. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { logsPayload, metricsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const items = 1_000
const pools = {
  traces: Array.from({ length: 8 }, (_, seed) => tracesPayload(items, { seed })),
  metrics: Array.from({ length: 8 }, (_, seed) => metricsPayload(items, { seed })),
  logs: Array.from({ length: 8 }, (_, seed) => logsPayload(items, { seed })),
}

async function measure(signal: 'traces' | 'metrics' | 'logs', name: string, yaml: string): Promise<void> {
  if (!name.includes(process.argv[2] ?? '')) return
  const { instance } = build(factory, yaml, { signals: [signal] })
  const filter = instance[signal] as unknown as (batch: Batch) => Batch
  const pool = pools[signal]
  const micros = (await cpuMicros((round) => filter(pool[round % pool.length]!))) / items
  const kept = filter(pool[0]!).count
  console.log(`${micros.toFixed(3).padStart(7)} us  ${signal.padEnd(8)} ${name} (keeps ${kept} of ${items})`)
}

await measure('traces', 'span: attribute', `traces: {span: ['attributes["http.route"] == "/healthz"']}`)
await measure('traces', 'span: status', 'traces: {span: ["status.code != STATUS_CODE_ERROR"]}')
await measure(
  'traces',
  'three conditions',
  `
trace_conditions:
  - span.attributes["http.route"] == "/healthz"
  - IsMatch(span.name, "^(GET|POST) /login")
  - resource.attributes["service.name"] == "nobody" and span.kind == SPAN_KIND_INTERNAL
`,
)
await measure('traces', 'resource', `trace_conditions: ['resource.attributes["service.name"] == "checkout"']`)
await measure('traces', 'span events', `traces: {spanevent: ['name == "exception"']}`)
await measure(
  'traces',
  'include by service and name',
  'spans: {include: {match_type: strict, services: [checkout], span_names: [x]}}',
)
await measure('logs', 'severity', 'log_conditions: ["log.severity_number < SEVERITY_NUMBER_WARN"]')
await measure('logs', 'body', `log_conditions: ['IsMatch(log.body, "healthz")']`)
await measure('metrics', 'metric name', `metric_conditions: ['IsMatch(metric.name, "^process")']`)
await measure(
  'metrics',
  'data point attribute',
  `metric_conditions: ['datapoint.attributes["http.response.status_code"] == 500']`,
)
