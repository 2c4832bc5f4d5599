/** CPU time a log record of templates: `node processors/log_template/log_template.bench.ts`. */
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { logsPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const records = 1_000
const pool = Array.from({ length: 8 }, (_, seed) => logsPayload(records, { seed }))

async function measure(name: string, yaml: string): Promise<void> {
  const { instance } = build(factory, yaml, { signals: ['logs'] })
  await instance.start?.()
  const take = instance.logs as unknown as (batch: Logs) => Logs
  const micros = (await cpuMicros((round) => take(pool[round % pool.length]!))) / records
  console.log(`${name.padEnd(40)} ${micros.toFixed(3).padStart(7)} us/record`)
}

await measure('template and id', '{}')
await measure('template alone', 'id_attribute: ""')
await measure('with parameters', 'emit_wildcards: true')
await measure('a masking rule', String.raw`masking_rules: [{name: user, pattern: 'user-\d+'}]`)
