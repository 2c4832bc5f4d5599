/** What there is of a service whatever its instances do: its operations, versions, limits, and the state that its instances share. */
import type { CallSpec, OperationSpec, QuerySpec, ServiceSpec } from '../topology/schema.ts'
import { Fifo } from './fifo.ts'
import type { Guard } from './guard.ts'
import type { Instance } from './instance.ts'
import { Knobs } from './knobs.ts'
import type { ServiceNoise } from './noise.ts'
import type { Trace } from './observer.ts'
import { Permits } from './permits.ts'
import type { Random } from './random.ts'

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
  | { readonly kind: 'repeat'; readonly mean: number; readonly steps: readonly Step[] }
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
  call: Pick<CallSpec, 'timeout' | 'retries' | 'optional' | 'hidden'>
  readonly knobs: Knobs
  /** Of a circuit breaker: this share of calls is not made. */
  brokenShare: number
  /** Who set the breaker. */
  guard: Guard | undefined
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
  readonly guard: Guard | undefined
  /** What an operation costs, where other than the topology says. */
  readonly costs: ReadonlyMap<string, number>
  /** Every instance has a bucket of its own. */
  readonly isLocal: boolean
  private tokens: number
  private at: number

  constructor(
    perSecond: number,
    nowMs: number,
    how: {
      readonly guard?: Guard | undefined
      readonly costs?: ReadonlyMap<string, number>
      readonly isLocal?: boolean
    } = {},
  ) {
    this.perSecond = perSecond
    this.guard = how.guard
    this.costs = how.costs ?? new Map()
    this.isLocal = how.isLocal ?? false
    this.tokens = perSecond
    this.at = nowMs
  }

  admits({ name, cost: usual, service }: Operation, nowMs: number): boolean {
    const cost = this.costs.get(name) ?? usual
    // Buckets of the instances are filled and emptied alike, so that one that holds them all does the same.
    const rate = this.isLocal ? this.perSecond * Math.max(1, service.ready.length) : this.perSecond
    this.tokens = Math.min(rate, this.tokens + ((nowMs - this.at) / 1_000) * rate)
    this.at = nowMs
    if (this.tokens < cost) return false
    this.tokens -= cost
    return true
  }
}

/** Of a sidecar: too many requests at once are refused, instances that fail are left out for a while. */
export interface Outlier {
  readonly consecutiveErrors: number
  readonly ejectionMs: number
  /** Of the instances, so many may be left out. */
  readonly maxShare: number
}

/** What Kubernetes runs of a service: a version, and how often it was restarted on purpose. */
export interface Revision {
  number: number
  readonly version: Version
  readonly restart: number
  readonly createdMs: number
}
const maxRevisions = 11

export interface Version {
  readonly name: string
  /** In order of release. */
  readonly index: number
  readonly knobs: Knobs
}

export class Service {
  readonly name: string
  readonly spec: ServiceSpec
  readonly knobs = new Knobs()
  readonly noise: ServiceNoise
  /** What its requests draw from. */
  readonly random: Random
  readonly operations = new Map<string, Operation>()
  readonly topics = new Map<string, Topic>()
  readonly contents: CacheContent[] = []
  readonly versions = new Map<string, Version>()
  instances: Instance[] = []
  private readyNow: readonly Instance[] = []
  /** The oldest first. */
  revisions: Revision[] = []
  /** What new instances run. */
  revision: Revision
  rateLimit: RateLimit | undefined
  /** Requests of all callers that are under way to it, and how many may be. */
  open = 0
  maxOpen: number | undefined
  maxOpenGuard: Guard | undefined
  outlier: Outlier | undefined
  autoscale: { readonly min: number; readonly max: number; readonly cpu: number } | undefined
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

  constructor(name: string, spec: ServiceSpec, noise: ServiceNoise, random: Random) {
    this.name = name
    this.random = random
    this.noise = noise
    this.spec = spec
    this.autoscale = spec.kind === 'service' ? spec.autoscale : undefined
    // There is always something to go back to.
    this.revise(this.versionOf(versionBefore(spec.version)), 0, 0)
    this.revision = this.revise(this.versionOf(spec.version), 0, 0)
  }

  get version(): Version {
    return this.revision.version
  }

  /** The revision of that template: a new one, or an old one that becomes the newest again. */
  revise(version: Version, restart: number, nowMs: number): Revision {
    const number = (this.revisions.at(-1)?.number ?? 0) + 1
    const known = this.revisions.find((one) => one.version === version && one.restart === restart)
    if (known !== undefined && known === this.revisions.at(-1)) return known
    const revision = known ?? { number, version, restart, createdMs: nowMs }
    revision.number = number
    const others = this.revisions.filter((one) => one !== revision)
    this.revisions = [...others.slice(-(maxRevisions - 1)), revision]
    return revision
  }

  versionOf(name: string): Version {
    let version = this.versions.get(name)
    if (version === undefined)
      this.versions.set(name, (version = { name, index: this.versions.size, knobs: new Knobs() }))
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

/** A name for what was released before: 2.14.1 after 2.14.0, 1.0.0 after 0.9.9. */
function versionBefore(name: string): string {
  const parts = name.split(/(\d+)/)
  const last = parts.findLastIndex((part) => /^\d+$/.test(part) && Number(part) > 0)
  if (last < 0) return `before-${name}`
  return parts
    .map((part, i) => (i < last || !/^\d+$/.test(part) ? part : i === last ? String(Number(part) - 1) : '9'))
    .join('')
}
