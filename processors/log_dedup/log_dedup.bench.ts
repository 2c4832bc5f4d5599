/** CPU time a log record of collecting: records that repeat, and records that never do: `node processors/log_dedup/log_dedup.bench.ts`. */
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { logsPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const records = 1_000
const different = Array.from({ length: 8 }, (_, seed) => logsPayload(records, { seed }))

function repeating(): Logs {
  const builder = newLogs().resource({ 'service.name': 'checkout' }).scope('com.shop.Access')
  for (let i = 0; i < records; i++)
    builder.record({
      timeUnixNano: BigInt(i),
      observedUnixNano: BigInt(i + 1),
      severityNumber: 9,
      severityText: 'INFO',
      body: `connection to shard ${i % 20} was lost, trying again`,
      attributes: { 'thread.name': `worker-${i % 5}`, 'http.route': '/api/v1/orders', 'log.logger': 'com.shop.Access' },
    })
  return builder.build()
}

async function measure(name: string, yaml: string, pool: readonly Logs[]): Promise<void> {
  const { instance, context } = build(factory, yaml, { signals: ['logs'] })
  const take = instance.logs as unknown as (batch: Logs) => Promise<unknown>
  const afterWindow = () => {
    context.recorded.drops.length = 0
    context.recorded.emitted.length = 0
  }
  const micros = (await cpuMicros((round) => take(pool[round % pool.length]!), { afterWindow })) / records
  console.log(`${name.padEnd(48)} ${micros.toFixed(3).padStart(7)} us/record`)
}

await measure('records that repeat', '{}', [repeating()])
await measure('records that repeat, one field excluded', 'exclude_fields: [attributes.thread\\.name]', [repeating()])
await measure('records that repeat, one condition', `conditions: ['log.severity_number < 13']`, [repeating()])
await measure('records that differ, sent every 4,000', 'max_records: 4000', different)
