/**
 * What comes out of the pipeline, brought together in windows: the features that a baseline sees. By the time of arrival, for that is when anybody could
 * have known. Who has metrics of its own is seen by them; databases, caches and partners are seen by those who call them.
 */
import { newDictionary } from '../../pipeline/data/dictionary.ts'
import type { Batch, Dictionary, In, Logs, Metrics, Point } from '../../pipeline/data/telemetry.ts'
import { type Event, features, type Window, width } from './subject.ts'
import { vigilSays } from './vigil-events.ts'

/** Series of one run; what comes beyond is not looked at, and counted. */
const maxSeries = 100_000
/** With fewer requests in a window a share or a quantile says nothing. */
const leastRequests = 20
const warn = 13

type Reading = 'server' | 'client' | 'cpu' | 'memory' | 'pool' | 'lag' | 'none'

const readings: Readonly<Record<string, Reading>> = {
  'http.server.request.duration': 'server',
  'rpc.server.call.duration': 'server',
  'messaging.process.duration': 'server',
  'http.client.request.duration': 'client',
  'db.client.operation.duration': 'client',
  'messaging.client.operation.duration': 'client',
  'k8s.pod.cpu_limit_utilization': 'cpu',
  'k8s.pod.memory_limit_utilization': 'memory',
  'system.cpu.utilization': 'cpu',
  'db.client.connection.pending_requests': 'pool',
  'postgresql.backends': 'pool',
  'mysql.backends': 'pool',
  'kafka.consumer_group.lag_sum': 'lag',
}

interface Series {
  readonly reading: Reading
  readonly entity: number
  readonly isError: boolean
  /** Cumulative counts by bucket when it was last seen. */
  last: Float64Array
}

/** Of one entity, while a window is open. */
class Tally {
  requests = 0
  errors = 0
  buckets = new Float64Array(0)
  bounds: Float64Array<ArrayBufferLike> = new Float64Array(0)
  cpu = Number.NaN
  memory = Number.NaN
  pool = Number.NaN
  logs = 0
  /** By series: the last value counts, and they are added up. */
  readonly lag = new Map<number, number>()
}

export class Windows {
  /** Points of series that were one too many. */
  notLookedAt = 0
  private readonly series: Dictionary = newDictionary(maxSeries)
  private readonly known: (Series | undefined)[] = []
  private readonly entities: string[] = []
  private readonly places = new Map<string, number>()
  private tallies: (Tally | undefined)[] = []
  private events: Event[] = []
  /** What users and call graphs call by another name, as a partner by its host. */
  private readonly aliases: ReadonlyMap<string, string>
  /** Whose own metrics say more than those of its callers. */
  private readonly ownMetrics = new Set<number>()

  constructor(aliases: ReadonlyMap<string, string>) {
    this.aliases = aliases
  }

  take(batch: Batch, atMs: number): void {
    if (batch.signal === 'metrics') this.metrics(batch)
    else if (batch.signal === 'logs') this.logs(batch, atMs)
  }

  close(startMs: number, endMs: number, isWarmUp: boolean): Window {
    const values = new Float64Array(this.entities.length * width).fill(Number.NaN)
    const seconds = (endMs - startMs) / 1_000
    for (const [i, tally] of this.tallies.entries())
      if (tally !== undefined) values.set(valuesOf(tally, seconds), i * width)
    const window = { startMs, endMs, entities: [...this.entities], values, events: this.events, isWarmUp }
    this.tallies = []
    this.events = []
    return window
  }

  private metrics(batch: Metrics): void {
    const { series } = batch.columns({ dictionary: this.series, series: this.series })
    let row = 0
    for (const point of batch) {
      const id = series[row++]!
      if (id === 0) {
        this.notLookedAt++
        continue
      }
      const known = (this.known[id] ??= this.meet(point))
      if (known.reading !== 'none') this.read(point, id, known)
    }
  }

  private meet({ metric, resource, attributes }: Point & In): Series {
    const reading = readings[metric.name] ?? 'none'
    const text = (of: { get(key: string): unknown }, ...keys: readonly string[]) => {
      for (const key of keys) {
        const value = of.get(key)
        if (typeof value === 'string' && value !== '') return value
      }
      return ''
    }
    const name =
      reading === 'client'
        ? text(attributes, 'server.address')
        : text(resource.attributes, 'service.name', 'k8s.deployment.name', 'k8s.node.name', 'host.name')
    const entity = reading === 'none' || name === '' ? -1 : this.place(name)
    if (reading === 'server') this.ownMetrics.add(entity)
    return {
      reading: entity < 0 ? 'none' : reading,
      entity,
      isError: text(attributes, 'error.type') !== '',
      last: new Float64Array(0),
    }
  }

  private read(point: Point & In, id: number, known: Series): void {
    const { reading, entity } = known
    if (reading === 'client' && this.ownMetrics.has(entity)) return
    const tally = this.tally(entity)
    if (reading === 'server' || reading === 'client') {
      const { distribution } = point
      if (distribution !== undefined) countRequests(tally, known, distribution.counts, distribution.bounds)
      return
    }
    const value = numberOf(point.value)
    if (reading === 'lag') tally.lag.set(id, value)
    else if (reading !== 'none') tally[reading] = Number.isNaN(tally[reading]) ? value : Math.max(tally[reading], value)
  }

  private logs(batch: Logs, atMs: number): void {
    for (const record of batch) {
      const { attributes, resource, eventName, severityNumber } = record
      const reason = eventName === '' ? attributes.get('k8s.event.reason') : eventName
      if (typeof reason === 'string') {
        const said = vigilSays(record, this.aliases)
        const about =
          said?.entity ??
          attributes.get('k8s.deployment.name') ??
          attributes.get('service.name') ??
          resource.attributes.get('service.name')
        const entity = typeof about === 'string' ? about : ''
        this.events.push({
          atMs,
          name: reason,
          body: typeof record.body === 'string' ? record.body : '',
          attributes: new Map(attributes.entries()),
          ...said,
          entity: this.aliases.get(entity) ?? entity,
        })
        // What Vigil says of a service is no line of its log.
        if (said !== undefined) continue
      }
      if (severityNumber < warn) continue
      const service = resource.attributes.get('service.name')
      if (typeof service === 'string') this.tally(this.place(service)).logs++
    }
  }

  private place(said: string): number {
    const name = this.aliases.get(said) ?? said
    let place = this.places.get(name)
    if (place === undefined) {
      place = this.entities.length
      this.places.set(name, place)
      this.entities.push(name)
    }
    return place
  }

  private tally(entity: number): Tally {
    return (this.tallies[entity] ??= new Tally())
  }
}

function countRequests(tally: Tally, known: Series, counts: BigUint64Array, bounds: Float64Array): void {
  const now = Float64Array.from(counts, Number)
  const { last } = known
  const before = sum(last)
  const total = sum(now)
  // A process that was started again in its place counts from zero.
  const isSame = last.length === now.length && total >= before
  known.last = now
  if (tally.buckets.length !== now.length) {
    tally.buckets = new Float64Array(now.length)
    tally.bounds = bounds
  }
  for (let i = 0; i < now.length; i++) tally.buckets[i]! += now[i]! - (isSame ? last[i]! : 0)
  const delta = total - (isSame ? before : 0)
  tally.requests += delta
  if (known.isError) tally.errors += delta
}

function valuesOf(tally: Tally, seconds: number): readonly number[] {
  const { requests, errors, cpu, memory, pool, lag, logs } = tally
  const isEnough = requests >= leastRequests
  const of: Readonly<Record<(typeof features)[number], number>> = {
    rate: requests / seconds,
    errors: isEnough ? errors / requests : Number.NaN,
    p50: isEnough ? bucketQuantile(tally, 0.5) : Number.NaN,
    p99: isEnough ? bucketQuantile(tally, 0.99) : Number.NaN,
    cpu,
    memory,
    pool,
    lag: lag.size === 0 ? Number.NaN : sum([...lag.values()]),
    logs: logs / seconds,
  }
  return features.map((feature) => of[feature])
}

/** As Prometheus' `histogram_quantile`: linear within the bucket; in the last one its lower bound. */
function bucketQuantile({ buckets, bounds, requests }: Tally, q: number): number {
  const wanted = q * requests
  let below = 0
  for (let i = 0; i < bounds.length; i++) {
    const inside = buckets[i]!
    if (below + inside >= wanted && inside > 0) {
      const low = i === 0 ? 0 : bounds[i - 1]!
      return low + (bounds[i]! - low) * ((wanted - below) / inside)
    }
    below += inside
  }
  return bounds.at(-1) ?? Number.NaN
}

function numberOf(value: Point['value']): number {
  if (value === undefined) return Number.NaN
  return typeof value === 'object' ? value.double : Number(value)
}

function sum(values: Iterable<number>): number {
  let all = 0
  for (const value of values) all += value
  return all
}
