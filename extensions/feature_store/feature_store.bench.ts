/**
 * CPU a value, memory an entity and the longest turn of the event loop, with a tick for every entity each 10 s of event time, kept in a state store:
 * `node --expose-gc extensions/feature_store/feature_store.bench.ts [entities] [ticks]`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import {
  type FeatureSink,
  type FeatureStore,
  featureSink,
  featureStore,
} from '../../pipeline/capability/feature-store.ts'
import { stateStore } from '../../pipeline/capability/state-store.ts'
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { gauges } from '../../pipeline/data/gauges.ts'
import { build } from '../../pipeline/testing/build.ts'
import { type Entity, entityId, entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import stateStoreFactory from '../state_store/index.ts'
import factory from './index.ts'

const [entities = 1_000, ticks = 360] = process.argv.slice(2).map(Number)
/** Of a service as spans and logs show it. */
const names = [
  'vigil.request.rate',
  'vigil.request.count',
  'vigil.error.count',
  'vigil.error.ratio',
  'vigil.latency 0.5',
  'vigil.latency 0.9',
  'vigil.latency 0.99',
  'vigil.self_time 0.9',
  'vigil.network_gap 0.9',
  'vigil.dependency.count',
  'vigil.log.rate',
  'vigil.log.error_rate',
]

const folder = mkdtempSync(join(tmpdir(), 'vigil-feature-bench-'))
const path = join(folder, 'state.db')
const state = build(stateStoreFactory, `path: ${path}`, { kind: 'extension' })
await state.instance.start!()
const capabilities = new Map([[stateStore as never, state.instance.provides!.get(stateStore)]])
const { instance, context } = build(factory, 'store: state_store\nmemory_limit: 4GiB', {
  kind: 'extension',
  capabilities,
})
await instance.start!()
// Work is cut into slices by the time it takes.
context.clock.nowMs = () => performance.now()
const sink = instance.provides!.get(featureSink) as FeatureSink
const store = instance.provides!.get(featureStore) as FeatureStore

const sorted = (of: object) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
const series = new ByteDictionary(2_000_000)
const ids: number[] = []
const entity = (n: number): Entity => ({
  kind: 'service',
  cluster: 'eu-1',
  environment: 'production',
  namespace: 'shop',
  service: '',
  name: `service-${n}`,
})
for (let e = 0; e < entities; e++) {
  const resource = sorted(entityResource(entity(e)))
  const add = (metric: string, more: Record<string, string>) =>
    ids.push(
      series.id(
        JSON.stringify({
          resource,
          scope: ['', '', []],
          metric: [metric, '1', 'gauge', 'none', false],
          attributes: sorted({ ...entityPoint(entity(e)), ...more }),
        }),
      ),
    )
  for (const window of Object.keys(windows)) {
    for (const name of names) {
      const [metric = '', quantile] = name.split(' ')
      add(metric, { window, ...(quantile === undefined ? {} : { quantile }) })
    }
  }
  add('vigil.anomaly.p_value', { detector: 'fused' })
  add('vigil.anomaly.score', { detector: 'fused' })
}
const all = Uint32Array.from(ids)
const plan = { dictionary: new ByteDictionary(1), series }
const level = Float64Array.from(all, () => 10 + Math.random() * 100)

function memory(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
const before = memory()
const delay = monitorEventLoopDelay({ resolution: 1 })
let cpu = 0
let longest = 0
let open = 0
const startSeconds = 1_700_000_100
for (let i = 1; i <= ticks; i++) {
  const value = level.map((of) => of * (1 + (Math.random() - 0.5) / 10))
  const batch = gauges({ series: all, value, timeUnixNano: BigInt(startSeconds + i * 10) * 1_000_000_000n, plan })
  if (i === 2) delay.enable()
  const from = process.cpuUsage()
  const start = performance.now()
  const taken = sink.metrics(batch)
  longest = Math.max(longest, i === 1 ? 0 : performance.now() - start)
  await taken
  await context.clock.advance(10_000)
  // The commit ends in another thread.
  do await setImmediate()
  while (context.recorded.gauges.get('otelcol_extension_feature_store_journal_values')!() > 0)
  const { user, system } = process.cpuUsage(from)
  if (i > 1) cpu += user + system
  if (i === 60) open = context.recorded.gauges.get('otelcol_extension_feature_store_bytes')!()
}
delay.disable()
const bytes = context.recorded.gauges.get('otelcol_extension_feature_store_bytes')!()
const values = all.length * (ticks - 1)
console.log(`${entities} entities of ${all.length / entities} series, ${ticks} ticks of 10 s`)
console.log(
  `CPU, storing included          ${(cpu / values).toFixed(3)} us/value, ${(cpu / 1e3 / (ticks - 1)).toFixed(1)} ms/tick`,
)
console.log(`longest turn of a batch         ${longest.toFixed(1)} ms of ${all.length} values`)
console.log(
  `event loop delay               p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms`,
)
console.log(
  `counted memory                 ${(open / entities / 1024).toFixed(1)} KiB/entity after 10 minutes, ${(bytes / entities / 1024).toFixed(1)} KiB at the end`,
)
if (globalThis.gc !== undefined)
  console.log(
    `memory really                  ${((memory() - before) / entities / 1024).toFixed(1)} KiB/entity at the end`,
  )
const query = {
  entities: [entityId(entity(1))],
  columns: ['vigil.request.rate{window=1m}', 'vigil.latency{quantile=0.99,window=1m}'],
  fromUnixNano: BigInt(startSeconds) * 1_000_000_000n,
  untilUnixNano: BigInt(startSeconds + ticks * 10) * 1_000_000_000n,
}
const asked = performance.now()
for (let i = 0; i < 100; i++) await store.history(query)
console.log(
  `history of 2 columns           ${((performance.now() - asked) / 100).toFixed(2)} ms a query of ${ticks} rows`,
)
await instance.shutdown!(AbortSignal.timeout(60_000))
await state.instance.shutdown!(AbortSignal.timeout(5_000))
console.log(`file                           ${(statSync(path).size / entities / 1024).toFixed(1)} KiB/entity`)
const again = build(stateStoreFactory, `path: ${path}`, { kind: 'extension' })
await again.instance.start!()
const second = build(factory, 'store: state_store', {
  kind: 'extension',
  capabilities: new Map([[stateStore as never, again.instance.provides!.get(stateStore)]]),
})
const restarted = performance.now()
await second.instance.start!()
console.log(`start with it                  ${(performance.now() - restarted).toFixed(0)} ms`)
await second.instance.shutdown!(AbortSignal.timeout(60_000))
await again.instance.shutdown!(AbortSignal.timeout(5_000))
rmSync(folder, { recursive: true })
