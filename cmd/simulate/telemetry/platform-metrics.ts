/** What the receivers of a Collector would scrape around the services: kubelet, cluster, hosts, database, cache, queue. */
import { fromChunks } from '../../../pipeline/data/batch.ts'
import { newMetrics } from '../../../pipeline/data/builders.ts'
import type { Metrics } from '../../../pipeline/data/telemetry.ts'
import { double } from '../../../pipeline/data/value.ts'
import type { Writer } from '../../../pipeline/data/writer.ts'
import { tickMs } from '../world/cluster.ts'
import type { Instance } from '../world/instance.ts'
import type { Machine } from '../world/machine.ts'
import type { Service } from '../world/service.ts'
import type { World } from '../world/world.ts'
import { enveloped, scopeBytes } from './envelope.ts'
import { begin, end, type Moment, metricHead, writeDouble, writeInt } from './metric-writer.ts'
import { podResource } from './resource.ts'
import { unixNano } from './time.ts'

/** CPU time at the last look, so that a rate can be told. */
export type CpuBefore = Map<object, { readonly atMs: number; readonly cpuMs: number }>

const kubelet = scopeBytes({
  name: 'github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kubeletstatsreceiver',
  version: '',
})
const podHeads = {
  cpu: metricHead('k8s.pod.cpu.usage', '{cpu}'),
  cpuShare: metricHead('k8s.pod.cpu_limit_utilization', '1'),
  memory: metricHead('k8s.pod.memory.working_set', 'By'),
  memoryShare: metricHead('k8s.pod.memory_limit_utilization', '1'),
  restarts: metricHead('k8s.container.restarts', '{restart}'),
}

/** As the kubeletstats receiver has them. `resource` is that of the pod, encoded. */
export function podMetrics({ startMs, schedule }: World, instance: Instance, resource: Uint8Array): Metrics {
  const { cores, memory } = instance.service.spec
  const used = instance.noise.coresUsed(tickMs)
  const at: Moment = { startMs, fromMs: instance.createdMs, atMs: schedule.now }
  const chunk = enveloped(resource, kubelet, (to) => {
    writeGauge(to, at, podHeads.restarts, instance.restarts, false)
    writeGauge(to, at, podHeads.memoryShare, instance.memoryBytes / memory, true)
    writeGauge(to, at, podHeads.memory, Math.round(instance.memoryBytes), false)
    writeGauge(to, at, podHeads.cpuShare, used / cores, true)
    writeGauge(to, at, podHeads.cpu, used, true)
  })
  return fromChunks('metrics', [chunk], [5])
}

function writeGauge(to: Writer, at: Moment, head: Uint8Array, value: number, isDouble: boolean): void {
  const before = begin(to, 'gauge')
  if (isDouble) writeDouble(to, at, value)
  else writeInt(to, at, value)
  end(to, 'gauge', head, before)
}

export function hostMetrics(world: World, machine: Machine, before: CpuBefore): Metrics {
  const at = momentOf(world, 0)
  let cpuMs = machine.foreign * world.schedule.now
  for (const instance of machine.instances) cpuMs += instance.cpuMs
  const share = Math.min(1, Math.max(0, coresUsed(world, machine, cpuMs, before)) / machine.cores)
  return newMetrics()
    .resource({
      'host.name': machine.name,
      'k8s.node.name': machine.name,
      'k8s.cluster.name': world.topology.cluster,
      'os.type': 'linux',
    })
    .scope('github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver')
    .gauge('system.cpu.utilization', [{ ...at, value: double(share), attributes: { state: 'user' } }], { unit: '1' })
    .gauge('system.cpu.load_average.1m', [{ ...at, value: double(machine.active + machine.foreign) }], {
      unit: '{thread}',
    })
    .build()
}

/** As the k8s_cluster receiver has them. */
export function clusterMetrics(world: World): Metrics {
  const at = momentOf(world, 0)
  const builder = newMetrics()
  for (const service of world.services.values()) {
    if (service.spec.kind === 'external') continue
    builder
      .resource({
        'k8s.cluster.name': world.topology.cluster,
        'k8s.namespace.name': service.spec.namespace || world.topology.name,
        'k8s.deployment.name': service.name,
      })
      .scope('github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8sclusterreceiver')
      .gauge('k8s.deployment.desired', [{ ...at, value: world.cluster.replicas(service) }], { unit: '{pod}' })
      .gauge('k8s.deployment.available', [{ ...at, value: service.ready.length }], { unit: '{pod}' })
  }
  return builder.build()
}

/** As the postgresql, mysql, redis and kafkametrics receivers have them; undefined for a service that has no such receiver. */
export function storeMetrics(world: World, service: Service): Metrics | undefined {
  const at = momentOf(world, 0)
  const { spec } = service
  const [primary] = service.ready
  if (primary === undefined) return undefined
  const builder = newMetrics().resource({ ...podResource(world, primary), 'service.name': service.name })
  if (spec.kind === 'database') {
    const { system } = spec
    builder
      .scope(`github.com/open-telemetry/opentelemetry-collector-contrib/receiver/${system}receiver`)
      .sum(`${system}.backends`, [{ ...at, value: primary.frames.size }], { unit: '1' })
      .gauge(`${system}.connection.max`, [{ ...at, value: primary.workers.limit }], { unit: '{connection}' })
    const rows = [...primary.rows].map(([{ name }, value]) => ({ ...at, value, attributes: { 'db.query.name': name } }))
    if (rows.length > 0) builder.sum(`${system}.rows_read`, rows, { unit: '{row}', monotonic: true })
    const waiting = [...service.locks].map(([name, { waiting: value }]) => ({
      ...at,
      value,
      attributes: { lock: name },
    }))
    if (waiting.length > 0) builder.gauge(`${system}.locks.waiting`, waiting, { unit: '{session}' })
    return builder.build()
  }
  if (spec.kind === 'cache') {
    return builder
      .scope('github.com/open-telemetry/opentelemetry-collector-contrib/receiver/redisreceiver')
      .sum('redis.keyspace.hits', [{ ...at, value: service.hits }], { unit: '{hit}', monotonic: true })
      .sum('redis.keyspace.misses', [{ ...at, value: service.misses }], { unit: '{miss}', monotonic: true })
      .build()
  }
  if (spec.kind !== 'queue') return undefined
  const lag = [...service.topics.values()].map(({ name, messages }) => ({
    ...at,
    value: messages.size,
    attributes: { topic: name },
  }))
  return builder
    .scope('github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kafkametricsreceiver')
    .gauge('kafka.consumer_group.lag_sum', lag, { unit: '{message}' })
    .build()
}

function momentOf(world: World, createdMs: number) {
  return {
    startUnixNano: unixNano(world.startMs, createdMs),
    timeUnixNano: unixNano(world.startMs, world.schedule.now),
  }
}

function coresUsed(world: World, who: object, cpuMs: number, before: CpuBefore): number {
  const { now } = world.schedule
  const last = before.get(who)
  before.set(who, { atMs: now, cpuMs })
  if (last === undefined || now <= last.atMs) return 0
  return Math.max(0, cpuMs - last.cpuMs) / (now - last.atMs)
}
