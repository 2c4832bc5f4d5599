/** CPU time a span, and what a flush and a series cost: `node --expose-gc connectors/span_metrics/span_metrics.bench.ts`. */
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Batch, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import factory from './index.ts'

const spans = 1_000
const batches = 40

/** `series` series over 20 services, in random order; 10 attributes a span. */
function payloads(series: number): readonly Traces[] {
  let state = 7
  const draw = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 8
  return Array.from({ length: batches }, () => {
    const builder = newTraces()
    for (let service = 0; service < 20; service++) {
      builder
        .resource({
          'service.name': `service-${service}`,
          'host.name': `host-${service}`,
          'deployment.environment': 'prod',
        })
        .scope('io.opentelemetry.http', { version: '1.2.3' })
      for (let i = 0; i < spans / 20; i++) {
        const n = draw() % (series / 20)
        builder.span({
          traceId: (draw() + 1).toString(16).padStart(32, 'a'),
          spanId: (draw() + 1).toString(16).padStart(16, 'b'),
          name: `GET /api/v1/resource/${n >> 2}`,
          kind: 2,
          startUnixNano: 1_700_000_000_000_000_000n,
          endUnixNano: 1_700_000_000_000_000_000n + BigInt(draw() % 900_000_000),
          attributes: {
            'http.request.method': ['GET', 'POST'][n & 1]!,
            'http.response.status_code': [200, 500][(n >> 1) & 1]!,
            'http.route': `/api/v1/resource/${n >> 2}`,
            'url.scheme': 'https',
            'url.path': '/api/v1/resource/123456',
            'server.address': 'shop.example.org',
            'server.port': 443,
            'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
            'network.protocol.version': '1.1',
            'client.address': '192.0.2.7',
          },
        })
      }
    }
    return builder.build()
  })
}

async function measure(name: string, yaml: string, series: number): Promise<void> {
  const pool = payloads(series)
  const heapBefore = heap()
  const { instance, context } = build(factory, yaml, { signals: ['traces'] })
  const take = instance.traces as unknown as (batch: Batch) => Promise<void>
  await instance.start?.()
  for (let i = 0; i < 120; i++) await take(pool[i % batches]!)
  const bytes = heap() - heapBefore
  const micros = (await cpuMicros((round) => take(pool[round % batches]!), { warmUpRounds: 0 })) / spans
  const kept = context.recorded.gauges.get('otelcol_connector_spanmetrics_series')!()
  let flushMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage()
    await context.clock.advance(60_000)
    const { user, system } = process.cpuUsage(before)
    flushMs = Math.min(flushMs, (user + system) / 1_000)
  }
  const memory = bytes > 0 ? `${Math.round(bytes / kept)} B/series` : ''
  console.log(
    `${name.padEnd(44)} ${micros.toFixed(3).padStart(7)} us/span ${String(kept).padStart(7)} series, flush ${flushMs.toFixed(0).padStart(4)} ms ${memory}`,
  )
}

function heap(): number {
  if (globalThis.gc === undefined) return 0
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const dimensions = 'dimensions: [{name: http.request.method}, {name: http.response.status_code}]'
await measure('no dimensions', '', 10_000)
await measure('two dimensions', dimensions, 10_000)
await measure('two dimensions, exponential', `${dimensions}\nhistogram: {exponential: {}}`, 10_000)
await measure('two dimensions, exemplars', `${dimensions}\nexemplars: {enabled: true}`, 10_000)
await measure('a dimension of calls only', `${dimensions}\ncalls_dimensions: [{name: http.route}]`, 10_000)
await measure('a glob', 'dimensions: [{glob: "http.re*.*"}]', 10_000)
await measure('two dimensions, 100,000 series', dimensions, 100_000)
