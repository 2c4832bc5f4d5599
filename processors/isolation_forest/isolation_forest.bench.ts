/** CPU time a span of scoring and marking: `node processors/isolation_forest/isolation_forest.bench.ts`. */
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { tracesPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const spans = 1_000
const pool = Array.from({ length: 8 }, (_, seed) => tracesPayload(spans, { seed }))

for (const [name, yaml] of [
  ['100 trees of 256', ''],
  ['20 trees of 256', 'forest_size: 20'],
] as const) {
  const { handle, context } = build(factory, yaml, { signals: ['traces'] })
  const run = async (round: number) => {
    await handle(pool[round % pool.length]!)
  }
  const micros = (await cpuMicros(run, { afterWindow: () => void (context.recorded.emitted.length = 0) })) / spans
  console.log(`${name.padEnd(40)} ${micros.toFixed(3).padStart(7)} us/span`)
}
