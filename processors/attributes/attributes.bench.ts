/** CPU time a span of an attribute edit, with and without a filter before it: `node processors/attributes/attributes.bench.ts`. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const spans = 1_000
const pool = Array.from({ length: 8 }, (_, seed) => tracesPayload(spans, { seed }))
const upsert = 'actions: [{key: team, value: a, action: upsert}]'

async function measure(name: string, yaml: string): Promise<void> {
  const { instance } = build(factory, yaml, { signals: ['traces'] })
  const change = instance.traces as unknown as (batch: Batch) => Batch
  const micros = (await cpuMicros((round) => change(pool[round % pool.length]!))) / spans
  console.log(`${name.padEnd(48)} ${micros.toFixed(3).padStart(7)} us/span`)
}

await measure('upsert', upsert)
await measure(
  'exclude by service and name, strict',
  `exclude: {match_type: strict, services: [checkout], span_names: [x]}\n${upsert}`,
)
await measure('include by service, none matches', `include: {match_type: strict, services: [nobody]}\n${upsert}`)
await measure(
  'include by name and attribute, regexp',
  `include: {match_type: regexp, span_names: ["^GET /api"], attributes: [{key: http.route, value: "^/api"}]}\n${upsert}`,
)
await measure('hash', 'actions: [{key: http.route, action: hash}]')
