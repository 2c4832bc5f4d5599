/** CPU time a span of a sum and of histograms: `node connectors/signal_to_metrics/signal_to_metrics.bench.ts`. */
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const spans = 1_000
const pool = Array.from({ length: 8 }, (_, seed) => tracesPayload(spans, { seed }))

async function measure(name: string, metric: string): Promise<void> {
  const { handle, context } = build(factory, `spans: [{name: n, ${metric}}]`)
  const afterWindow = () => void (context.recorded.emitted.length = 0)
  const micros = (await cpuMicros((round) => handle(pool[round % pool.length]!), { afterWindow })) / spans
  console.log(`${name.padEnd(48)} ${micros.toFixed(3).padStart(7)} us/span`)
}

const duration = 'value: Milliseconds(span.end_time - span.start_time)'
await measure('a sum', 'sum: {value: "1"}')
await measure('a sum by one attribute', 'attributes: [{key: http.route, optional: true}], sum: {value: "1"}')
await measure('a histogram of durations', `histogram: {${duration}}`)
await measure('an exponential histogram of durations', `exponential_histogram: {${duration}}`)
