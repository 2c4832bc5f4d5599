/** CPU time a data point of a transform: `node processors/metrics_transform/metrics_transform.bench.ts`. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { metricsPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const points = 1_000
const pool = Array.from({ length: 8 }, (_, seed) => metricsPayload(points, { seed }))

async function measure(name: string, transform: string): Promise<void> {
  const { instance } = build(factory, `transforms: [${transform}]`, { signals: ['metrics'] })
  const change = instance.metrics as unknown as (batch: Batch) => Batch
  const micros = (await cpuMicros((round) => change(pool[round % pool.length]!))) / points
  console.log(`${name.padEnd(48)} ${micros.toFixed(3).padStart(7)} us/point`)
}

const all = 'include: .*, match_type: regexp, action: update'
await measure('none is meant', '{include: nobody, action: update, new_name: x}')
await measure('all are renamed', `{${all}, new_name: 'x.$0'}`)
await measure('a label is added to all', `{${all}, operations: [{action: add_label, new_label: a, new_value: b}]}`)
await measure(
  'labels of all are aggregated',
  `{${all}, operations: [{action: aggregate_labels, label_set: [a], aggregation_type: sum}]}`,
)
