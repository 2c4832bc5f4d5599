/** A running copy of a service: its workers, its share of a machine, its memory, and what it counts. */
import type { Frame } from './frame.ts'
import { Histogram } from './histogram.ts'
import { Knobs } from './knobs.ts'
import type { Machine } from './machine.ts'
import type { Noise } from './noise.ts'
import type { Outcome } from './outcome.ts'
import { Permits } from './permits.ts'
import type { Operation, Revision, Service, Topic, Version } from './service.ts'

const requestBytes = 256 * 1024
/** Of the memory limit, what an idle process takes. */
const idleShare = 0.2
/** From here on the garbage collector takes more and more of the CPU. */
const tightShare = 0.85

export interface DurationSeries {
  readonly operation: Operation
  /** Of messages that were processed. */
  readonly topic: Topic | undefined
  readonly outcome: Outcome
  readonly histogram: Histogram
}

/** Of one instance at one side of its calls. */
class Durations {
  /** In the order in which they were met; none is ever taken away. */
  readonly all: DurationSeries[] = []
  private readonly byOperation = new Map<Operation, DurationSeries[]>()

  record(operation: Operation, topic: Topic | undefined, outcome: Outcome, ms: number): void {
    let known = this.byOperation.get(operation)
    if (known === undefined) this.byOperation.set(operation, (known = []))
    for (const series of known) {
      if (series.outcome !== outcome || series.topic !== topic) continue
      series.histogram.record(ms / 1_000)
      return
    }
    const series = { operation, topic, outcome, histogram: new Histogram() }
    known.push(series)
    this.all.push(series)
    series.histogram.record(ms / 1_000)
  }
}

export class Instance {
  readonly service: Service
  readonly name: string
  readonly machine: Machine
  readonly revision: Revision
  readonly version: Version
  readonly knobs = new Knobs()
  readonly workers: Permits
  /** By name of the database. */
  readonly pools = new Map<string, Permits>()
  readonly frames = new Set<Frame>()
  readonly createdMs: number
  isReady = false
  isDead = false
  /** It ends what it has and takes nothing new. */
  isStopping = false
  stoppingSinceMs = 0
  /** As a sidecar sees it. */
  errorsInARow = 0
  /** How the process before it in the same place ended. */
  lastEnd: { readonly reason: 'out of memory' | 'killed'; readonly atMs: number } | undefined
  ejectedUntilMs = 0
  restarts: number
  /** Cores that a process of its own beside the requests takes: a runaway thread. */
  hog = 0
  leakedBytes = 0
  active = 0
  readonly noise: Noise

  // Counters since it was created.
  cpuMs = 0
  refused = 0
  limited = 0
  /** Of a database: rows that its statements read. */
  readonly rows = new Map<Operation, number>()
  readonly durations = new Durations()
  readonly calls = new Durations()

  constructor(service: Service, name: string, machine: Machine, revision: Revision, nowMs: number, restarts = 0) {
    this.service = service
    this.name = name
    this.machine = machine
    this.revision = revision
    this.version = revision.version
    this.createdMs = nowMs
    this.restarts = restarts
    this.workers = new Permits(service.spec.workers)
    this.noise = service.noise.of(service)
    machine.instances.add(this)
  }

  /** What is in use, and what nobody has collected yet. */
  get memoryBytes(): number {
    return Math.min(this.service.spec.memory, this.liveBytes + this.noise.garbageBytes)
  }
  get memoryShare(): number {
    return Math.min(1, this.liveBytes / this.service.spec.memory)
  }
  private get liveBytes(): number {
    return idleShare * this.service.spec.memory + this.frames.size * requestBytes + this.leakedBytes
  }

  pool(database: Service): Permits {
    let pool = this.pools.get(database.name)
    if (pool === undefined) {
      const { spec, poolSizes } = this.service
      pool = new Permits(poolSizes.get(database.name) ?? (spec.kind === 'service' ? spec.pool : spec.workers))
      this.pools.set(database.name, pool)
    }
    return pool
  }

  /** How much longer computing takes now that cores are shared. */
  slowdown(weight: number): number {
    const own = (this.active + this.hog + this.noise.backgroundCores + weight) / this.service.spec.cores
    const { machine } = this
    const shared = (machine.active + machine.foreign + weight) / machine.cores
    return Math.max(1, own, shared)
  }

  /** How much more there is to compute: a garbage collector that finds little memory works without end. */
  collecting(): number {
    const tight = this.memoryShare - tightShare
    return tight > 0 ? 1 + 20 * tight : 1
  }

  startComputing(weight: number): void {
    this.active += weight
    this.machine.active += weight
  }

  stopComputing(weight: number): void {
    this.active -= weight
    this.machine.active -= weight
  }

  served(operation: Operation, topic: Topic | undefined, outcome: Outcome, ms: number): void {
    this.durations.record(operation, topic, outcome, ms)
  }

  called(operation: Operation, outcome: Outcome, ms: number): void {
    this.calls.record(operation, undefined, outcome, ms)
  }
}
