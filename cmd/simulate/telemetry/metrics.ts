/** Metrics of an instance's own SDK: what its HTTP, RPC, database and messaging instrumentation count, and its process. */
import { type MetricsBuilder, newMetrics } from '../../../pipeline/data/builders.ts'
import type { HistogramPointInit, NumberPointInit } from '../../../pipeline/data/items.ts'
import type { Metrics } from '../../../pipeline/data/telemetry.ts'
import { double } from '../../../pipeline/data/value.ts'
import { durationBounds, Histogram } from '../world/histogram.ts'
import type { DurationSeries, Instance } from '../world/instance.ts'
import type { Outcome } from '../world/outcome.ts'
import type { Operation } from '../world/service.ts'
import type { World } from '../world/world.ts'
import { grpcStatus, httpStatus, operationAttributes, protocolOf, serverAddress, serverPort } from './protocol.ts'
import { type Attributes, sdkResource } from './resource.ts'
import { unixNano } from './time.ts'

const names = {
  server: {
    http: 'http.server.request.duration',
    grpc: 'rpc.server.call.duration',
    messaging: 'messaging.process.duration',
    database: 'db.server.operation.duration',
    cache: 'db.server.operation.duration',
  },
  client: {
    http: 'http.client.request.duration',
    grpc: 'rpc.client.call.duration',
    messaging: 'messaging.client.operation.duration',
    database: 'db.client.operation.duration',
    cache: 'db.client.operation.duration',
  },
} as const
const descriptions: Readonly<Record<string, string>> = {
  'http.server.request.duration': 'Duration of HTTP server requests.',
  'rpc.server.call.duration': 'Duration of inbound remote procedure calls.',
  'messaging.process.duration': 'Duration of processing operation.',
  'http.client.request.duration': 'Duration of HTTP client requests.',
  'rpc.client.call.duration': 'Duration of outbound remote procedure calls.',
  'db.client.operation.duration': 'Duration of database client operations.',
  'messaging.client.operation.duration': 'Duration of messaging operation initiated by a producer or consumer client.',
}

export interface Moment {
  readonly startUnixNano: bigint
  readonly timeUnixNano: bigint
}

export function instanceMetrics(world: World, instance: Instance): Metrics {
  const { machine, createdMs } = instance
  const at: Moment = {
    startUnixNano: unixNano(world.startMs, createdMs, machine),
    timeUnixNano: unixNano(world.startMs, world.schedule.now, machine),
  }
  const to = newMetrics()
    .resource(sdkResource(world, instance))
    .scope('vigil.simulated.instrumentation', { version: '1.0.0' })
  writeDurations(to, instance.durations.values(), 'server', at)
  writeDurations(to, instance.calls.values(), 'client', at)
  writePools(to, instance, at)
  to.sum('http.server.active_requests', [{ ...at, value: instance.frames.size }], {
    unit: '{request}',
    description: 'Number of active HTTP server requests.',
  })
  to.sum('process.cpu.time', [{ ...at, value: double(instance.cpuMs / 1_000) }], {
    unit: 's',
    monotonic: true,
    description: 'Total CPU seconds.',
  })
  to.sum('process.memory.usage', [{ ...at, value: Math.round(instance.memoryBytes) }], {
    unit: 'By',
    description: 'The amount of physical memory in use.',
  })
  return to.build()
}

function writeDurations(
  to: MetricsBuilder,
  all: Iterable<DurationSeries>,
  side: 'server' | 'client',
  at: Moment,
): void {
  const metrics = new Map<string, Map<string, { readonly attributes: Attributes; readonly histogram: Histogram }>>()
  for (const { operation, topic, outcome, histogram } of all) {
    const protocol = topic === undefined ? protocolOf(operation) : 'messaging'
    const name = names[side][protocol]
    const attributes = durationAttributes(topic?.operation ?? operation, outcome, side)
    const key = JSON.stringify(attributes)
    const points = metrics.get(name) ?? new Map<string, { attributes: Attributes; histogram: Histogram }>()
    metrics.set(name, points)
    // Two statements on one table look alike: they are one series.
    const known = points.get(key) ?? { attributes, histogram: new Histogram() }
    known.histogram.add(histogram)
    points.set(key, known)
  }
  for (const [name, points] of metrics) {
    const written = [...points.values()].map(({ attributes, histogram }) => durationPoint(attributes, histogram, at))
    to.histogram(name, written, { unit: 's', description: descriptions[name] ?? '' })
  }
}

function durationPoint(attributes: Attributes, histogram: Histogram, at: Moment): HistogramPointInit {
  const { count, sum, min, max, counts } = histogram
  return { ...at, attributes, count, sum, min, max, bounds: durationBounds, counts }
}

function durationAttributes(operation: Operation, outcome: Outcome, side: 'server' | 'client'): Attributes {
  const attributes: Record<string, string | number | boolean> = { ...operationAttributes(operation) }
  const protocol = protocolOf(operation)
  if (side === 'client') {
    delete attributes['http.route']
    delete attributes['url.scheme']
    attributes['server.address'] = serverAddress(operation)
    attributes['server.port'] = serverPort(operation)
  }
  if (protocol === 'messaging') attributes['messaging.operation.name'] = side === 'client' ? 'send' : 'process'
  if (protocol === 'http') {
    const status = httpStatus(outcome)
    if (status !== undefined) attributes['http.response.status_code'] = status
    if (outcome !== 'ok' && outcome !== 'limited')
      attributes['error.type'] = status === undefined ? outcome : String(status)
    return attributes
  }
  if (protocol === 'grpc') attributes['rpc.response.status_code'] = grpcStatus(outcome)
  if (outcome !== 'ok') attributes['error.type'] = outcome
  return attributes
}

function writePools(to: MetricsBuilder, { pools }: Instance, at: Moment): void {
  if (pools.size === 0) return
  const [counts, most, pending]: [NumberPointInit[], NumberPointInit[], NumberPointInit[]] = [[], [], []]
  for (const [name, pool] of pools) {
    const attributes = { 'db.client.connection.pool.name': name }
    counts.push({ ...at, value: pool.taken, attributes: { ...attributes, 'db.client.connection.state': 'used' } })
    counts.push({
      ...at,
      value: pool.limit - pool.taken,
      attributes: { ...attributes, 'db.client.connection.state': 'idle' },
    })
    most.push({ ...at, value: pool.limit, attributes })
    pending.push({ ...at, value: pool.waiting, attributes })
  }
  to.sum('db.client.connection.count', counts, { unit: '{connection}' })
  to.sum('db.client.connection.max', most, { unit: '{connection}' })
  to.sum('db.client.connection.pending_requests', pending, { unit: '{request}' })
}
