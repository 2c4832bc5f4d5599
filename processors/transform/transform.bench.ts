/** CPU time an item of transforms: `node processors/transform/transform.bench.ts [part of a name]`. */
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

async function measure(
  signal: 'traces' | 'metrics' | 'logs',
  name: string,
  statements: readonly string[],
): Promise<void> {
  if (!`${signal} ${name}`.includes(process.argv[2] ?? '')) return
  const list = statements.map((statement) => `  - ${JSON.stringify(statement)}\n`).join('')
  const key = { traces: 'trace_statements', metrics: 'metric_statements', logs: 'log_statements' }[signal]
  const { instance } = build(factory, `error_mode: propagate\n${key}:\n${list}`, { signals: [signal] })
  const transform = instance[signal] as unknown as (batch: Batch) => Batch
  const pool = pools[signal]
  const run = (round: number) => transform(pool[round % pool.length]!)
  const micros = (await cpuMicros(run, { warmUpRounds: 200, windowMs: 200 })) / items
  console.log(`${micros.toFixed(3).padStart(7)} us  ${signal.padEnd(8)} ${name}`)
}

await measure('traces', 'one attribute', ['set(span.attributes["env"], "production")'])
await measure('traces', 'full', [
  'set(span.status.code, STATUS_CODE_ERROR) where span.attributes["http.response.status_code"] >= 500',
  'set(span.name, Concat([span.attributes["http.request.method"], span.attributes["http.route"]], " ")) where span.attributes["http.route"] != nil',
  'replace_pattern(span.attributes["url.path"], "/[0-9]+", "/{id}")',
  'set(span.attributes["tier"], "gold") where resource.attributes["service.name"] == "checkout"',
  'delete_key(span.attributes, "client.address")',
  'truncate_all(span.attributes, 256)',
  'set(span.attributes["is_server"], true) where span.kind == SPAN_KIND_SERVER',
  'set(span.attributes["slow"], true) where span.end_time_unix_nano - span.start_time_unix_nano > 500000000',
])
await measure('traces', 'keep_keys', [
  'keep_keys(span.attributes, ["http.request.method", "http.route", "http.response.status_code", "db.system.name"])',
])
await measure('traces', 'limit and truncate', [
  'limit(span.attributes, 100, [])',
  'truncate_all(span.attributes, 4096)',
])
await measure('traces', 'resource', [
  'set(resource.attributes["env"], "production")',
  'delete_key(resource.attributes, "process.pid")',
])
await measure('logs', 'full', [
  'set(log.severity_text, "FAIL") where log.severity_number >= SEVERITY_NUMBER_ERROR',
  'merge_maps(log.attributes, ParseKeyValue(log.body), "upsert") where IsMatch(log.body, "^[a-z]+=")',
  'replace_pattern(log.body, "token=[^ ]+", "token=***")',
  'set(log.attributes["body.length"], Len(log.body))',
  'delete_matching_keys(log.attributes, "^internal\\\\.")',
  'set(log.time, log.observed_time) where log.time_unix_nano == 0',
])
await measure('metrics', 'data points', [
  'set(datapoint.attributes["env"], "production")',
  'delete_key(datapoint.attributes, "server.port")',
  'set(datapoint.attributes["host"], resource.attributes["host.name"]) where metric.type == METRIC_DATA_TYPE_SUM',
])
await measure('metrics', 'metrics', [
  'set(metric.unit, "s") where metric.unit == "seconds"',
  'set(metric.name, Concat(["shop", metric.name], "."))',
])
