/** CPU time a data point of a transform: `node processors/metrics_transform/metrics_transform.bench.ts`. */
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { metricsPayload } from '../../pipeline/testing/payloads.ts'
import factory from './index.ts'

const points = 1_000
const windowMs = 150
const pool = Array.from({ length: 8 }, (_, seed) => metricsPayload(points, { seed }))

function measure(name: string, transform: string): void {
  const { instance } = build(factory, `transforms: [${transform}]`, { signals: ['metrics'] })
  const change = instance.metrics as unknown as (batch: Batch) => Batch
  for (let i = 0; i < 60; i++) change(pool[i % pool.length]!)
  let micros = Number.POSITIVE_INFINITY
  for (let window = 0; window < 8; window++) {
    const before = process.cpuUsage()
    const start = performance.now()
    let rounds = 0
    do change(pool[rounds++ % pool.length]!)
    while (performance.now() - start < windowMs)
    const { user, system } = process.cpuUsage(before)
    micros = Math.min(micros, (user + system) / (rounds * points))
  }
  console.log(`${name.padEnd(48)} ${micros.toFixed(3).padStart(7)} us/point`)
}

const all = 'include: .*, match_type: regexp, action: update'
measure('none is meant', '{include: nobody, action: update, new_name: x}')
measure('all are renamed', `{${all}, new_name: 'x.$0'}`)
measure('a label is added to all', `{${all}, operations: [{action: add_label, new_label: a, new_value: b}]}`)
measure(
  'labels of all are aggregated',
  `{${all}, operations: [{action: aggregate_labels, label_set: [a], aggregation_type: sum}]}`,
)
