/** CPU of statements per span or data point: `node pipeline/ottl/ottl.bench.ts`. Includes reading and writing the batch, as a processor pays it. */
import { cpuMicros } from '../testing/cpu-bench.ts'
import { metricsPayload, tracesPayload } from '../testing/payloads.ts'
import { compileConditions, compileStatements } from './compile.ts'
import { Frame, type Host } from './frame.ts'
import { Runner } from './run.ts'

const spans = 1000
const host: Host = { nowUnixNano: () => 1_700_000_000_000_000_000n, random: Math.random }
const payloads = Array.from({ length: 8 }, (_, seed) => tracesPayload(spans, { seed: seed + 1 }))

const transform = [
  'set(span.attributes["env"], "production")',
  'set(span.attributes["tier"], "gold") where resource.attributes["service.name"] == "checkout"',
  'delete_key(span.attributes, "client.address")',
  'set(span.attributes["http.target"], span.attributes["url.path"]) where span.attributes["url.path"] != nil',
  'replace_pattern(span.name, "/orders/[0-9]+", "/orders/{id}")',
  'set(span.status.message, "failed") where span.status.code == STATUS_CODE_ERROR',
  'set(span.attributes["route"], Concat([span.attributes["http.request.method"], span.attributes["http.route"]], " ")) where span.attributes["http.route"] != nil',
  'set(span.attributes["is_server"], true) where span.kind == SPAN_KIND_SERVER',
  'delete_key(span.attributes, "enduser.id") where IsMatch(span.name, "^GET ")',
  'set(span.attributes["slow"], true) where span.end_time - span.start_time > Duration("500ms")',
]

function statements(texts: readonly string[]): () => void {
  const runner = new Runner(compileStatements(texts, 'infer'), { host, errorMode: 'propagate' })
  let i = 0
  return () => void runner.run(payloads[i++ % payloads.length]!)
}

const metrics = Array.from({ length: 8 }, (_, seed) => metricsPayload(spans, { seed: seed + 1 }))
function ofMetrics(...texts: readonly string[]): () => void {
  const runner = new Runner(compileStatements(texts, 'infer'), { host, errorMode: 'propagate' })
  let i = 0
  return () => void runner.run(metrics[i++ % metrics.length]!)
}

function condition(text: string): () => void {
  const { test } = compileConditions([text], 'infer').items[0]!
  const frame = new Frame(host)
  let i = 0
  return () => void payloads[i++ % payloads.length]!.filter((span) => !test(frame.enterSpan(span)))
}

const cases: Readonly<Record<string, () => void>> = {
  'an empty edit': () => void payloads[0]!.edit(() => undefined),
  'set(span.attributes["a"], "b")': statements(['set(span.attributes["a"], "b")']),
  'delete_key(span.attributes, "server.port")': statements(['delete_key(span.attributes, "server.port")']),
  'filter: status.code == STATUS_CODE_ERROR': condition('span.status.code == STATUS_CODE_ERROR'),
  'filter: attributes["http.route"] == "/healthz"': condition('span.attributes["http.route"] == "/healthz"'),
  'ten statements': statements(transform),
  'points: set(datapoint.value_int, 5) of sums': ofMetrics(
    'set(datapoint.value_int, 5) where metric.type == METRIC_DATA_TYPE_SUM',
  ),
  'points: set(datapoint.sum, 1.5) of histograms': ofMetrics(
    'set(datapoint.sum, 1.5) where metric.type == METRIC_DATA_TYPE_HISTOGRAM',
  ),
  'points, on drafts: set(metric.unit, "s")': ofMetrics('set(metric.unit, "s") where datapoint.flags == 0'),
  'metrics: set(metric.aggregation_temporality, 1)': ofMetrics('set(metric.aggregation_temporality, 1)'),
}

const only = process.argv[2]
for (const [name, run] of Object.entries(cases)) {
  if (only !== undefined && !name.includes(only)) continue
  const micros = (await cpuMicros(run, { warmUpRounds: 300 })) / spans
  console.log(`${micros.toFixed(3).padStart(8)} us/item  ${name}`)
}
