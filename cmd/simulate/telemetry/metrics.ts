/**
 * Metrics of an instance's own SDK: what its HTTP, RPC, database and messaging instrumentation count, and its process. What a series always says of itself
 * is encoded once, when it is met; a scrape writes numbers and times. The bytes are those that the builders would write.
 */
import { fromChunks } from '../../../pipeline/data/batch.ts'
import { packed, writeAttributes } from '../../../pipeline/data/items.ts'
import type { Metrics } from '../../../pipeline/data/telemetry.ts'
import { type Writer, written } from '../../../pipeline/data/writer.ts'
import { durationBounds, Histogram } from '../world/histogram.ts'
import type { DurationSeries, Instance } from '../world/instance.ts'
import type { Outcome } from '../world/outcome.ts'
import type { Permits } from '../world/permits.ts'
import type { Operation } from '../world/service.ts'
import type { World } from '../world/world.ts'
import { enveloped, instrumentation, scopeBytes } from './envelope.ts'
import { begin, end, type Moment, metricHead, writeDouble, writeInt, writeTimes, writeWhole } from './metric-writer.ts'
import { grpcStatus, httpStatus, operationAttributes, protocolOf, serverAddress, serverPort } from './protocol.ts'
import type { Attributes } from './resource.ts'
import type { ResourceBytes } from './resource-bytes.ts'

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

const scope = scopeBytes(instrumentation)
const bounds = written((to) => packed(to, 58, durationBounds, (bound) => to.double(bound)))
const activeRequests = metricHead('http.server.active_requests', '{request}', 'Number of active HTTP server requests.')
const cpuTime = metricHead('process.cpu.time', 's', 'Total CPU seconds.')
const memoryUsage = metricHead('process.memory.usage', 'By', 'The amount of physical memory in use.')
const poolCount = metricHead('db.client.connection.count', '{connection}')
const poolMax = metricHead('db.client.connection.max', '{connection}')
const poolPending = metricHead('db.client.connection.pending_requests', '{request}')

/** One series; statements on one table look alike and are counted together. */
interface DurationPoint {
  readonly attributes: Uint8Array
  readonly histograms: Histogram[]
}

interface DurationMetric {
  readonly head: Uint8Array
  readonly points: DurationPoint[]
}

/** The series of an instance at one side, met so far. */
class Durations {
  readonly metrics: DurationMetric[] = []
  private readonly side: 'server' | 'client'
  private readonly byName = new Map<string, DurationMetric>()
  private readonly byKey = new Map<string, DurationPoint>()
  private met = 0

  constructor(side: 'server' | 'client') {
    this.side = side
  }

  get count(): number {
    return this.byKey.size
  }

  /** Series are never taken away, and new ones come at the end. */
  meet(all: readonly DurationSeries[]): void {
    while (this.met < all.length) this.add(all[this.met++]!)
  }

  private add({ operation, topic, outcome, histogram }: DurationSeries): void {
    const { side } = this
    const name = names[side][topic === undefined ? protocolOf(operation) : 'messaging']
    const attributes = durationAttributes(topic?.operation ?? operation, outcome, side)
    const key = JSON.stringify([name, attributes])
    const known = this.byKey.get(key)
    if (known !== undefined) {
      known.histograms.push(histogram)
      return
    }
    const point = { attributes: written((to) => writeAttributes(to, 74, attributes)), histograms: [histogram] }
    this.byKey.set(key, point)
    let metric = this.byName.get(name)
    if (metric === undefined) {
      metric = { head: metricHead(name, 's', descriptions[name]), points: [] }
      this.byName.set(name, metric)
      this.metrics.push(metric)
    }
    metric.points.push(point)
  }
}

interface Known {
  readonly server: Durations
  readonly client: Durations
  readonly pools: Map<string, PoolAttributes>
}

interface PoolAttributes {
  readonly name: Uint8Array
  readonly used: Uint8Array
  readonly idle: Uint8Array
}

export class InstanceMetrics {
  private readonly world: World
  private readonly resources: ResourceBytes
  private readonly known = new WeakMap<Instance, Known>()
  private readonly sum = new Histogram()

  constructor(world: World, resources: ResourceBytes) {
    this.world = world
    this.resources = resources
  }

  of(instance: Instance): Metrics {
    const { world } = this
    const { createdMs, pools } = instance
    const known = this.knownOf(instance)
    const { server, client } = known
    server.meet(instance.durations.all)
    client.meet(instance.calls.all)
    for (const name of pools.keys()) if (!known.pools.has(name)) known.pools.set(name, poolAttributes(name))
    const { skewMs } = instance.machine
    const at: Moment = { startMs: world.startMs, fromMs: createdMs + skewMs, atMs: world.schedule.now + skewMs }
    const chunk = enveloped(this.resources.of(instance).own, scope, (to) => {
      writeOne(to, memoryUsage, at, Math.round(instance.memoryBytes))
      const before = begin(to, 'sum', true)
      writeDouble(to, at, instance.cpuMs / 1_000)
      end(to, 'sum', cpuTime, before)
      writeOne(to, activeRequests, at, instance.frames.size)
      if (pools.size > 0) writePools(to, at, pools, known.pools)
      this.writeDurations(to, at, client)
      this.writeDurations(to, at, server)
    })
    return fromChunks('metrics', [chunk], [server.count + client.count + 4 * pools.size + 3])
  }

  private knownOf(instance: Instance): Known {
    let known = this.known.get(instance)
    if (known === undefined) {
      known = { server: new Durations('server'), client: new Durations('client'), pools: new Map() }
      this.known.set(instance, known)
    }
    return known
  }

  private writeDurations(to: Writer, at: Moment, { metrics }: Durations): void {
    for (let i = metrics.length - 1; i >= 0; i--) {
      const { head, points } = metrics[i]!
      const before = begin(to, 'histogram')
      for (let j = points.length - 1; j >= 0; j--) {
        const { attributes, histograms } = points[j]!
        writeHistogram(to, at, histograms.length === 1 ? histograms[0]! : this.sumOf(histograms), attributes)
      }
      end(to, 'histogram', head, before)
    }
  }

  private sumOf(histograms: readonly Histogram[]): Histogram {
    const { sum } = this
    sum.clear()
    for (const histogram of histograms) sum.add(histogram)
    return sum
  }
}

function writeHistogram(to: Writer, at: Moment, histogram: Histogram, attributes: Uint8Array): void {
  const { count, sum, min, max, counts } = histogram
  const before = to.size
  to.double(max)
  to.varint(97)
  to.double(min)
  to.varint(89)
  to.bytes(attributes)
  to.bytes(bounds)
  const buckets = to.size
  for (let i = counts.length - 1; i >= 0; i--) writeWhole(to, counts[i]!)
  to.message(50, buckets)
  to.double(sum)
  to.varint(41)
  writeWhole(to, count)
  to.varint(33)
  writeTimes(to, at)
  to.message(10, before)
}

function writeOne(to: Writer, head: Uint8Array, at: Moment, value: number): void {
  const before = begin(to, 'sum')
  writeInt(to, at, value)
  end(to, 'sum', head, before)
}

function writePools(
  to: Writer,
  at: Moment,
  pools: ReadonlyMap<string, Permits>,
  attributes: ReadonlyMap<string, PoolAttributes>,
): void {
  const all = [...pools].toReversed()
  let before = begin(to, 'sum')
  for (const [name, pool] of all) writeInt(to, at, pool.waiting, attributes.get(name)!.name)
  end(to, 'sum', poolPending, before)
  before = begin(to, 'sum')
  for (const [name, pool] of all) writeInt(to, at, pool.limit, attributes.get(name)!.name)
  end(to, 'sum', poolMax, before)
  before = begin(to, 'sum')
  for (const [name, { limit, taken }] of all) {
    const { idle, used } = attributes.get(name)!
    writeInt(to, at, limit - taken, idle)
    writeInt(to, at, taken, used)
  }
  end(to, 'sum', poolCount, before)
}

function poolAttributes(pool: string): PoolAttributes {
  const of = (state?: string) =>
    written((to) =>
      writeAttributes(to, 58, {
        'db.client.connection.pool.name': pool,
        ...(state === undefined ? {} : { 'db.client.connection.state': state }),
      }),
    )
  return { name: of(), used: of('used'), idle: of('idle') }
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
