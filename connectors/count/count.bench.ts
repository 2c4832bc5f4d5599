/** CPU time an item of counting: `node connectors/count/count.bench.ts`. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { logsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const items = 1_000
const windowMs = 150
const traces = Array.from({ length: 8 }, (_, seed) => tracesPayload(items, { seed }))
const logs = Array.from({ length: 8 }, (_, seed) => logsPayload(items, { seed }))

async function measure(name: string, yaml: string, pool: readonly Batch[]): Promise<void> {
  const { handle, context } = build(factory, yaml)
  for (let i = 0; i < 60; i++) await handle(pool[i % pool.length]!)
  let micros = Number.POSITIVE_INFINITY
  for (let window = 0; window < 8; window++) {
    const before = process.cpuUsage()
    const start = performance.now()
    let rounds = 0
    do await handle(pool[rounds++ % pool.length]!)
    while (performance.now() - start < windowMs)
    const { user, system } = process.cpuUsage(before)
    micros = Math.min(micros, (user + system) / (rounds * items))
    context.recorded.emitted.length = 0
  }
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
