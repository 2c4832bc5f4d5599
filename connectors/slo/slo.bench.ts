/** CPU time a data point that passes by, and of a tick over many objectives: `node connectors/slo/slo.bench.ts`. */
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { paneNanos } from '../../pipeline/vocabulary/panes.ts'
import factory from './index.ts'

const services = 1_000

/** Panes of requests, errors and latencies of so many services. */
function panes(end: bigint): Metrics {
  const builder = newMetrics()
  const options = { temporality: 'delta', monotonic: true } as const
  for (let i = 0; i < services; i++) {
    const name = `service-${i}`
    const entity = {
      kind: 'service',
      cluster: '',
      environment: 'production',
      namespace: '',
      service: '',
      name,
    } as const
    const at = { startUnixNano: end - paneNanos, timeUnixNano: end, attributes: entityPoint(entity) }
    builder
      .resource(entityResource(entity))
      .scope('vigil/trace_features')
      .sum('vigil.trace.requests', [{ ...at, value: double(1_000) }], options)
      .sum('vigil.trace.errors', [{ ...at, value: double(1) }], options)
      .exponentialHistogram(
        'vigil.trace.duration',
        [{ ...at, count: 1_000, scale: 5, positive: { offset: -100, counts: Array.from({ length: 100 }, () => 10) } }],
        { temporality: 'delta' },
      )
  }
  return builder.build()
}

for (const objectives of [0, 10, 1_000]) {
  const slos = Array.from(
    { length: objectives },
    (_, i) => `  - { service: service-${i}, availability: 99.9, latency: { threshold: 300ms, target: 99 } }`,
  )
  const yaml = `slos:${objectives === 0 ? ' [{ service: other, availability: 99 }]' : `\n${slos.join('\n')}`}`
  const { handle, instance, context } = build(factory, yaml, { kind: 'connector', outputs: ['logs'] })
  await instance.start?.()
  const first = (context.clock.nowUnixNano() / paneNanos) * paneNanos
  const pool = Array.from({ length: 16 }, (_, i) => panes(first - BigInt(i) * paneNanos))
  const run = async (round: number) => {
    // A batch keeps what was read of it: each must be read anew, as live ones are.
    await handle(pool[round % pool.length]!.withOrigin({ metadata: new Map() }))
  }
  const micros = await cpuMicros(run, { afterWindow: () => void (context.recorded.emitted.length = 0) })
  const points = services * 3
  console.log(
    `${`${objectives * 2} objectives, ${points} points a pane`.padEnd(44)} ${(micros / points).toFixed(3)} us/point, ${(micros / 1_000).toFixed(2)} ms a pane`,
  )
}
