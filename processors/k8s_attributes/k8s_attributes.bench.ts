/** CPU time a resource of finding its pod and saying it, with one span a resource: `node processors/k8s_attributes/k8s_attributes.bench.ts`. */
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import { FakeClock } from '../../pipeline/testing/fake-clock.ts'
import { trimPod } from './api-pod.ts'
import { Association } from './association.ts'
import { servedPod } from './cluster.fixture.ts'
import { ClusterCache } from './cluster-cache.ts'
import { enrich } from './enrich.ts'
import { rulesOf } from './rules.fixture.ts'

const pods = 10_000
const resources = 500

const rules = rulesOf({ labels: [{ key: 'app' }] })
const association = new Association([
  { sources: [{ from: 'resource_attribute', name: 'k8s.pod.uid' }] },
  { sources: [{ from: 'connection', name: '' }] },
])
const cache = new ClusterCache({ rules, association, isExcluded: () => false, clock: new FakeClock(), graceMs: 0 })
const before = process.memoryUsage().heapUsed
for (let i = 0; i < pods; i++) {
  const ip = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
  cache.putPod(trimPod(servedPod({ name: `pod-${i}`, ip, labels: { app: `app-${i % 50}` } }), rules))
}
globalThis.gc?.()
console.log(
  `${pods} pods: about ${((process.memoryUsage().heapUsed - before) / pods / 1024).toFixed(1)} KiB of heap each`,
)

const enrichment = { rules, association, cache, count: () => {}, missed: () => {} }

async function measure(name: string, uidOf: (i: number) => string): Promise<void> {
  const builder = newTraces()
  for (let i = 0; i < resources; i++) {
    builder.resource({ 'service.name': 'shop', 'telemetry.sdk.language': 'go', 'k8s.pod.uid': uidOf(i) })
    builder.span({ name: `span ${i}` })
  }
  const batch: Traces = builder.build()
  const change = () => batch.editResources(({ attributes }) => enrich(attributes, '10.0.0.1', enrichment))
  const micros = (await cpuMicros(change, { warmUpRounds: 20 })) / resources
  console.log(`${name.padEnd(32)} ${micros.toFixed(2).padStart(7)} us/resource`)
}

await measure('by uid, found', (i) => `uid-pod-${(i * 7) % pods}`)
await measure('by uid, unknown', (i) => `nobody-${i}`)
