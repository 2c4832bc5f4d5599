/**
 * When telemetry leaves: each instance's SDK sends its spans and logs every few seconds and its metrics every scrape interval, each at a moment of its own.
 * What a process has not sent when it dies is lost with it.
 */
import { newLogs } from '../../../pipeline/data/builders.ts'
import type { Batch } from '../../../pipeline/data/telemetry.ts'
import type { Instance } from '../world/instance.ts'
import type { ChangeEvent, LogEvent, Observer, SpanRecord, UserRequest } from '../world/observer.ts'
import type { Random } from '../world/random.ts'
import type { Operation } from '../world/service.ts'
import type { World } from '../world/world.ts'
import { instrumentation } from './envelope.ts'
import { traceStateOf } from './ids.ts'
import { type LoggedEvent, logRecordInit } from './logs.ts'
import { InstanceMetrics } from './metrics.ts'
import { type CpuBefore, clusterMetrics, hostMetrics, podMetrics, storeMetrics } from './platform-metrics.ts'
import { isInstrumented } from './resource.ts'
import { ResourceBytes } from './resource-bytes.ts'
import { unixNano } from './time.ts'
import { writeLogs } from './write-logs.ts'
import { SpanWriter } from './write-spans.ts'

/** How observation falls short, as in life. All shares in [0, 1]. */
export interface Observation {
  /** Share of traces that the head samples. */
  readonly sampling: number
  /** Share of spans that are lost on their way. */
  readonly lostSpans: number
  /** Share of span batches that come late, and by how much at most, in ms. */
  readonly lateShare: number
  readonly lateMs: number
  readonly scrapeMs: number
  /** Share of scrapes that fail. */
  readonly missedScrapes: number
  /** One of so many requests writes a log line; failures always do. */
  readonly requestLogEvery: number
}

const flushMs = 5_000

interface Writers {
  readonly resources: ResourceBytes
  readonly spans: SpanWriter
  readonly metrics: InstanceMetrics
  readonly logText: Random
}

interface Buffer {
  spans: SpanRecord[]
  logs: LoggedEvent[]
}

export class Exports implements Observer {
  /** Services whose telemetry does not arrive at all, though they work. */
  readonly silent = new Set<string>()
  /** By service, how many batches were not sent for that. */
  readonly unsent = new Map<string, number>()
  /** For a while, other than the observation says. */
  missedScrapes: number | undefined
  logsEveryRequest = false
  onChange: (event: ChangeEvent) => void = () => {}
  /** Instances that start, stop and crash. */
  onLife: (instance: Instance, event: Extract<LogEvent, { kind: 'life' }>) => void = () => {}
  onRequest: (request: UserRequest) => void = () => {}
  private readonly observation: Observation
  private readonly send: (batch: Batch) => void
  private readonly buffers = new Map<Instance, Buffer>()
  private readonly cpuBefore: CpuBefore = new Map()
  private readonly traceState: string
  private world: World | undefined
  private writers: Writers | undefined
  private requests = 0

  constructor(observation: Observation, send: (batch: Batch) => void) {
    this.observation = observation
    this.send = send
    this.traceState = traceStateOf(observation.sampling)
  }

  /** Call before the world starts. */
  attach(world: World): void {
    this.world = world
    const { schedule, startMs } = world
    const resources = new ResourceBytes(world)
    this.writers = {
      resources,
      spans: new SpanWriter(startMs, this.traceState, instrumentation),
      metrics: new InstanceMetrics(world, resources),
      logText: world.randomOf('log text'),
    }
    const { scrapeMs } = this.observation
    const { writers } = this
    schedule.every(scrapeMs, () => this.scrapePlatform(world, writers))
  }

  span(span: SpanRecord): void {
    if (this.chance(this.observation.lostSpans)) return
    this.bufferOf(span.instance).spans.push(span)
  }

  log(instance: Instance, operation: Operation | undefined, event: LogEvent): void {
    const { kind } = instance.service.spec
    if (kind === 'external' || this.world === undefined) return
    if (event.kind === 'life') this.onLife(instance, event)
    const every = this.logsEveryRequest ? 1 : this.observation.requestLogEvery
    if (event.kind === 'request' && this.requests++ % every !== 0) return
    this.bufferOf(instance).logs.push({ instance, operation, event, atMs: this.world.schedule.now })
  }

  request(request: UserRequest): void {
    this.onRequest(request)
  }

  change(event: ChangeEvent): void {
    this.onChange(event)
    const { world } = this
    if (world === undefined) return
    // As the k8s_events receiver tells it.
    const time = unixNano(world.startMs, event.atMs)
    this.send(
      newLogs()
        .resource({
          'k8s.cluster.name': world.topology.cluster,
          'k8s.namespace.name': event.service?.spec.namespace || world.topology.name,
        })
        .scope('github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8seventsreceiver')
        .record({
          timeUnixNano: time,
          observedUnixNano: time,
          severityNumber: 9,
          severityText: 'Normal',
          body: event.text,
          attributes: {
            'k8s.event.reason': event.kind,
            ...(event.service === undefined ? {} : { 'k8s.deployment.name': event.service.name }),
          },
        })
        .build(),
    )
  }

  ended(instance: Instance): void {
    this.flush(instance)
  }

  /** At the end of the simulation nothing is left unsaid. */
  flushAll(): void {
    for (const instance of this.buffers.keys()) this.flush(instance)
  }

  private bufferOf(instance: Instance): Buffer {
    let buffer = this.buffers.get(instance)
    if (buffer === undefined) {
      buffer = { spans: [], logs: [] }
      this.buffers.set(instance, buffer)
      this.begin(instance)
    }
    return buffer
  }

  private begin(instance: Instance): void {
    const { world, observation } = this
    if (world === undefined) return
    const random = this.random
    const every = (ms: number, run: () => void) => {
      world.schedule.after(random.between(0, ms), () => {
        const timer = world.schedule.every(ms, () => {
          if (!instance.isDead) run()
          else timer.run = undefined
        })
        run()
      })
    }
    every(flushMs, () => this.flush(instance))
    if (isInstrumented(instance)) every(observation.scrapeMs, () => this.scrape(instance))
  }

  private flush(instance: Instance): void {
    const { world, writers } = this
    const buffer = this.buffers.get(instance)
    if (world === undefined || writers === undefined || buffer === undefined) return
    if (instance.isDead) this.buffers.delete(instance)
    const { spans, logs } = buffer
    if (spans.length > 0) {
      buffer.spans = []
      this.deliver(instance, () => writers.spans.write(writers.resources.of(instance).own, spans))
    }
    if (logs.length === 0) return
    buffer.logs = []
    const records = logs.map((logged) => logRecordInit(logged, world.startMs, writers.logText))
    this.deliver(instance, () => writeLogs(writers.resources.of(instance).own, records))
  }

  private scrape(instance: Instance): void {
    const { writers } = this
    if (writers === undefined || this.chance(this.missedScrapes ?? this.observation.missedScrapes)) return
    this.deliver(instance, () => writers.metrics.of(instance))
  }

  private scrapePlatform(world: World, writers: Writers): void {
    for (const instance of this.buffers.keys()) {
      if (instance.isDead) {
        this.buffers.delete(instance)
      }
    }
    for (const service of world.services.values()) {
      if (service.spec.kind === 'external') continue
      for (const instance of service.instances) {
        if (!this.chance(this.missedScrapes ?? this.observation.missedScrapes))
          this.deliver(instance, () => podMetrics(world, instance, writers.resources.of(instance).pod))
      }
      const store = storeMetrics(world, service)
      if (store !== undefined && !this.isUnsent(service.name)) this.send(store)
    }
    for (const machine of world.cluster.machines)
      if (machine.isUp) this.send(hostMetrics(world, machine, this.cpuBefore))
    this.send(clusterMetrics(world))
  }

  private deliver(instance: Instance, make: () => Batch): void {
    if (this.isUnsent(instance.service.name)) return
    const batch = make()
    const { lateShare, lateMs } = this.observation
    if (batch.signal !== 'metrics' && this.chance(lateShare)) {
      this.world?.schedule.after(this.random.between(0, lateMs), () => this.send(batch))
    } else this.send(batch)
  }

  private isUnsent(service: string): boolean {
    if (!this.silent.has(service)) return false
    this.unsent.set(service, (this.unsent.get(service) ?? 0) + 1)
    return true
  }

  private chance(share: number): boolean {
    return share > 0 && this.random.chance(share)
  }

  private get random(): Random {
    if (this.world === undefined) throw new Error('attach a world first')
    return this.world.randomOf('observation')
  }
}
