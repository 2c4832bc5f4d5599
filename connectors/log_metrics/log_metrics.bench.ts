/** CPU time a log record of counting, flushes included: `node connectors/log_metrics/log_metrics.bench.ts`. */
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { logsPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const records = 1_000

function withTemplates(templates: number, seed: number): Logs {
  let n = seed * 7
  return logsPayload(records, { seed }).edit(({ attributes }) => {
    const id = `${(n = (n * 31 + 17) % 1_000_003) % templates}`.padStart(16, '0')
    attributes.set('log.template.id', id)
    attributes.set('log.template', `request <*> of kind ${id} took <*> ms`)
  })
}

async function measure(name: string, pool: readonly Logs[]): Promise<void> {
  const { instance, handle, context } = build(factory, '{}', { signals: ['logs'] })
  await instance.start?.()
  const run = async (round: number) => {
    // A batch keeps its columns: each must be read anew, as live ones are.
    await handle(pool[round % pool.length]!.withOrigin({ metadata: new Map() }))
    if (round % 100 === 99) await context.clock.advance(5_000)
  }
  const micros = (await cpuMicros(run, { afterWindow: () => void (context.recorded.emitted.length = 0) })) / records
  console.log(`${name.padEnd(40)} ${micros.toFixed(3).padStart(7)} us/record`)
}

const pool = (templates: number) => Array.from({ length: 8 }, (_, seed) => withTemplates(templates, seed))
await measure('50 templates', pool(50))
await measure('2,000 templates', pool(2_000))
