/** CPU time a span of a routing table: `node connectors/routing/routing.bench.ts`. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const spans = 1_000
const pool = Array.from({ length: 8 }, (_, seed) => tracesPayload(spans, { seed }))

async function measure(name: string, items: readonly string[]): Promise<void> {
  const yaml = `default_pipelines: [traces/rest]\ntable: [${items.join(', ')}]`
  const { instance, context } = build(factory, yaml, {
    signals: ['traces'],
    outputs: ['traces'],
    routes: ['traces/a', 'traces/b', 'traces/rest'],
  })
  const route = instance.traces as unknown as (batch: Batch) => Promise<void>
  const micros = await cpuMicros(async (round) => {
    await route(pool[round % pool.length]!)
    context.recorded.emitted.length = 0
  })
  console.log(`${name.padEnd(48)} ${(micros / spans).toFixed(3).padStart(7)} us/span`)
}

const onResource = `{condition: 'resource.attributes["service.name"] == "checkout"', pipelines: [traces/a]}`
const onSpan = `{condition: 'span.kind == SPAN_KIND_SERVER', pipelines: [traces/b]}`
const onAttribute = `{condition: 'span.attributes["http.route"] == "/api"', pipelines: [traces/b]}`
await measure('the whole request', [`{condition: 'otelcol.client.metadata["a"] != nil', pipelines: [traces/a]}`])
await measure('by resource', [onResource])
await measure('by a field of spans', [onSpan])
await measure('by an attribute of spans', [onAttribute])
await measure('three routes', [onResource, onAttribute, onSpan])
