/** What there is of a service whatever its instances do: its operations, versions, limits, and the state that its instances share. */
import type { CallSpec, OperationSpec, QuerySpec, ServiceSpec } from '../topology/schema.ts'
import { Fifo } from './fifo.ts'
import type { Instance } from './instance.ts'
import { Knobs } from './knobs.ts'
import type { Trace } from './observer.ts'
import { Permits } from './permits.ts'

type Self = OperationSpec['self']

export interface Operation {
  readonly service: Service
  readonly name: string
  readonly self: Self
  readonly errors: number
  readonly cost: number
  readonly knobs: Knobs
  readonly spec: OperationSpec | undefined
  readonly query: QuerySpec | undefined
  steps: readonly Step[]
}

/** A step whose names are resolved. */
export type Step =
  | { readonly kind: 'call'; readonly edge: Edge }
  | { readonly kind: 'send'; readonly edge: Edge; readonly topic: Topic }
  | { readonly kind: 'parallel'; readonly steps: readonly Step[] }
  | { readonly kind: 'maybe'; readonly share: number; readonly steps: readonly Step[] }
  | {
      readonly kind: 'cache'
      readonly edge: Edge
      readonly content: CacheContent
      readonly miss: readonly Step[]
    }

/** One operation that calls another. */
export interface Edge {
  readonly from: Operation | undefined
  readonly to: Operation
  readonly call: Pick<CallSpec, 'timeout' | 'retries' | 'optional' | 'hidden'>
  readonly knobs: Knobs
  /** Of a circuit breaker: this share of calls is not made. */
  brokenShare: number
}

/** What lies in a cache for one step: warm when all its keys are in. */
export class CacheContent {
  readonly hit: number
  readonly keys: number
  filled: number

  constructor(hit: number, keys: number) {
    this.hit = hit
    this.keys = keys
    this.filled = 1
  }

  get hitShare(): number {
    return this.hit * this.filled
  }

  /** A miss has put one key in. */
  fill(): void {
    this.filled += (1 - this.filled) / this.keys
  }
}

export interface Message {
  readonly trace: Trace
  readonly producer: readonly [number, number] | undefined
  readonly sentMs: number
  readonly delivery: number
}

export class Topic {
  readonly queue: Service
  readonly name: string
  readonly operation: Operation
  readonly messages = new Fifo<Message>()
  readonly consumers: Operation[] = []
  published = 0
  consumed = 0
  deadLetters = 0

  constructor(queue: Service, name: string, operation: Operation) {
    this.queue = queue
    this.name = name
    this.operation = operation
  }
}

/** A token bucket, refilled by time. */
export class RateLimit {
  readonly perSecond: number
  private tokens: number
  private at: number

  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond
    this.tokens = perSecond
    this.at = nowMs
  }

  admits(cost: number, nowMs: number): boolean {
    this.tokens = Math.min(this.perSecond, this.tokens + ((nowMs - this.at) / 1_000) * this.perSecond)
    this.at = nowMs
    if (this.tokens < cost) return false
    this.tokens -= cost
    return true
  }
}

export interface Version {
  readonly name: string
  readonly knobs: Knobs
}

export class Service {
  readonly name: string
  readonly spec: ServiceSpec
  readonly knobs = new Knobs()
  readonly operations = new Map<string, Operation>()
  readonly topics = new Map<string, Topic>()
  readonly contents: CacheContent[] = []
  readonly versions = new Map<string, Version>()
  instances: Instance[] = []
  private readyNow: readonly Instance[] = []
  version: Version
  rateLimit: RateLimit | undefined
  /** Of a database: its indexes, and what they are missing of. */
  readonly indexes = new Set<string>()
  readonly locks = new Map<string, Permits>()
  /** Of a database: a statement in an open transaction keeps its lock this much longer, in ms. */
  lockHoldMs = 0
  /** Connections of an instance to a database, where a configuration says other than the topology. */
  readonly poolSizes = new Map<string, number>()
  /** Share of name lookups of this service that fail. */
  dnsFailures = 0
  /** When its certificate ran out, in ms; new connections fail from then on. */
  certificateExpiredMs: number | undefined
  /** Of a cache, over all its instances. */
  hits = 0
  misses = 0

  constructor(name: string, spec: ServiceSpec) {
    this.name = name
    this.spec = spec
    this.version = this.versionOf(spec.version)
  }

  versionOf(name: string): Version {
    let version = this.versions.get(name)
    if (version === undefined) this.versions.set(name, (version = { name, knobs: new Knobs() }))
    return version
  }

  operation(name: string): Operation {
    const operation = this.operations.get(name)
    if (operation === undefined) throw new RangeError(`${this.name} has no operation ${name}`)
    return operation
  }

  lock(name: string): Permits {
    let lock = this.locks.get(name)
    if (lock === undefined) this.locks.set(name, (lock = new Permits(1)))
    return lock
  }

  /** Those that take requests. */
  get ready(): readonly Instance[] {
    return this.readyNow
  }

  /** After an instance came, went or changed its mind. */
  refresh(): void {
    this.readyNow = this.instances.filter(({ isReady }) => isReady)
  }
}
