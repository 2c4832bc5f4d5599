/**
 * CPU time of a tick by entities, and the memory that they keep: `node --expose-gc connectors/alarms/alarms.bench.ts`. A tick has, of each entity, what
 * `features` and `anomaly` send of a service: 20 points, 7 of which alarms read.
 */
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'
import { service } from './ticks.fixture.ts'

const read: readonly (readonly [string, string, Readonly<Record<string, string>>, number])[] = [
  ['vigil.request.count', '{request}', { window: '1m' }, 600],
  ['vigil.error.ratio', '1', { window: '1m' }, 0.01],
  ['vigil.cpu.utilization', '1', { window: '1m' }, 0.4],
  ['vigil.signal.age', 's', { signal: 'traces' }, 1],
  ['vigil.signal.age', 's', { signal: 'metrics' }, 5],
  ['vigil.anomaly.score', '1', { detector: 'fused' }, 0.3],
  ['vigil.anomaly.p_value', '1', { detector: 'fused' }, 0.4],
]
const unread = Array.from(
  { length: 13 },
  (_, i) => ['vigil.latency', 's', { window: '1m', quantile: `0.${i + 10}` }, 1] as const,
)

function ticksOf(entities: number): (at: number) => Metrics {
  const points = [...read, ...unread]
  const rows = entities * points.length
  const plan = { dictionary: new ByteDictionary(1), series: new ByteDictionary(rows * 2) }
  const [series, values] = [new Uint32Array(rows), new Float64Array(rows)]
  for (let i = 0, row = 0; i < entities; i++) {
    const entity = service(`service ${i}`)
    const resource = Object.entries(entityResource(entity))
    for (const [name, unit, attributes, value] of points) {
      const metric = [name, unit, 'gauge', 'none', false]
      const all = Object.entries({ ...entityPoint(entity), ...attributes })
      series[row] = plan.series.id(JSON.stringify({ resource, scope: ['vigil', '', []], metric, attributes: all }))
      values[row++] = value
    }
  }
  return (at) => gauges({ series, value: values, timeUnixNano: BigInt(at) * 1_000_000_000n, plan })
}

for (const entities of [1_000, 10_000, 100_000]) {
  const tick = ticksOf(entities)
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
  const { instance, handle } = build(factory, '{}', { kind: 'connector' })
  await instance.start?.()
  let at = 1_800_000_000
  for (let i = 0; i < 8; i++) await handle(tick((at += 10)))
  globalThis.gc?.()
  const bytes = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers - before
  const micros = await cpuMicros(() => handle(tick((at += 10))), { warmUpRounds: 4, windows: 4 })
  console.log(
    `${String(entities).padStart(7)} entities  ${(micros / 1_000).toFixed(2).padStart(7)} ms/tick  ${(micros / entities).toFixed(2).padStart(6)} us/entity  ${(bytes / entities / 1_000).toFixed(1).padStart(5)} kB/entity`,
  )
  await instance.shutdown?.(AbortSignal.timeout(1_000))
}
