/** CPU time an item of counting: `node connectors/count/count.bench.ts`. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { logsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const items = 1_000
const traces = Array.from({ length: 8 }, (_, seed) => tracesPayload(items, { seed }))
const logs = Array.from({ length: 8 }, (_, seed) => logsPayload(items, { seed }))

async function measure(name: string, yaml: string, pool: readonly Batch[]): Promise<void> {
  const { handle, context } = build(factory, yaml)
  const afterWindow = () => void (context.recorded.emitted.length = 0)
  const micros = (await cpuMicros((round) => handle(pool[round % pool.length]!), { afterWindow })) / items
  console.log(`${name.padEnd(48)} ${micros.toFixed(3).padStart(7)} us/item`)
}

await measure('log records, by default', '{}', logs)
await measure(
  'log records by two attributes',
  'logs: {n: {attributes: [{key: http.route}, {key: service.name}]}}',
  logs,
)
await measure('log records, one condition', `logs: {n: {conditions: ['log.severity_number >= 13']}}`, logs)
await measure('spans and their events, by default', '{}', traces)
