/**
 * A world of services that answer requests. It runs by mechanism: who waits for what, how many cores there are, what fits into memory. Latency, errors and
 * saturation follow; nothing is scripted. The same topology and seed give the same events in the same order.
 */
import { split } from '../topology/read.ts'
import type { CallSpec, OperationSpec, Step as StepSpec, Topology } from '../topology/schema.ts'
import { Calls } from './calls.ts'
import { Cluster } from './cluster.ts'
import type { Arrival } from './frame.ts'
import type { Instance } from './instance.ts'
import { Knobs } from './knobs.ts'
import { Load } from './load.ts'
import { ServiceNoise, type Wander, weatherOf } from './noise.ts'
import type { ChangeEvent, Observer, SpanRecord, Trace } from './observer.ts'
import { Queues } from './queues.ts'
import { Random } from './random.ts'
import { Schedule } from './schedule.ts'
import { CacheContent, type Edge, type Operation, Service, type Step, Topic } from './service.ts'

export interface WorldOptions {
  readonly topology: Topology
  readonly seed: number
  /** When the world begins, in ms since 1970. */
  readonly startMs: number
  /** The share of traces that the head samples. */
  readonly sampling: number
  readonly observer: Observer
}

const defaultCall = { timeout: 2_000, retries: undefined, optional: false, hidden: false } as const

export class World {
  readonly topology: Topology
  readonly startMs: number
  readonly schedule = new Schedule()
  readonly services = new Map<string, Service>()
  readonly edges: Edge[] = []
  /** What the ground truth wants to know of: which requests needed one of these. */
  readonly watched = new Set<Operation>()
  readonly observer: Observer
  readonly calls = new Calls(this)
  readonly queues = new Queues(this)
  readonly cluster: Cluster
  readonly load: Load
  /** How slow disks and networks are, for everybody. */
  readonly weather: Wander
  private readonly seed: number
  private readonly sampling: number
  private readonly streams = new Map<string, Random>()
  private readonly ids: Random
  private readonly network: Random
  /** Where calls go, and what becomes of their packets. */
  readonly ways: Random

  constructor({ topology, seed, startMs, sampling, observer }: WorldOptions) {
    this.topology = topology
    this.seed = seed
    this.startMs = startMs
    this.sampling = sampling
    this.observer = observer
    this.ids = new Random(seed, 'ids')
    this.network = new Random(seed, 'latency')
    this.ways = this.randomOf('network')
    this.weather = weatherOf(topology.noise, this.randomOf('weather'))
    for (const [name, spec] of Object.entries(topology.services)) this.addService(name, spec)
    for (const service of this.services.values()) this.connect(service)
    this.cluster = new Cluster(this, topology.nodes)
    const entries = topology.users.operations.map(({ call }) =>
      this.edge(undefined, this.operation(call), { ...defaultCall, timeout: topology.users.patience }),
    )
    this.load = new Load(this, topology.users, entries, seed)
  }

  start(): void {
    this.cluster.start(this.services.values())
    this.load.start()
  }

  runUntil(ms: number): void {
    this.schedule.runUntil(ms)
  }

  randomOf(name: string): Random {
    let stream = this.streams.get(name)
    if (stream === undefined) this.streams.set(name, (stream = new Random(this.seed, name)))
    return stream
  }

  networkMs(): number {
    const { median, sigma } = this.topology.network
    return this.network.logNormal(median, sigma)
  }

  service(name: string): Service {
    const service = this.services.get(name)
    if (service === undefined)
      throw new RangeError(`there is no service ${name}; known are ${[...this.services.keys()].join(', ')}`)
    return service
  }

  operation(target: string): Operation {
    const [service, operation] = split(target)
    return this.service(service).operation(operation)
  }

  /** `origin`: the request that it belongs to, where an edge without an agent has lost its trace. */
  newTrace(origin?: Trace): Trace {
    const { ids } = this
    const id = [ids.bits(), ids.bits(), ids.bits(), ids.bits()] as const
    // The last 56 bits are the randomness of consistent sampling.
    const randomness = ((id[2] & 0xff_ffff) * 0x1_0000_0000 + id[3]) / 2 ** 56
    return { id, isSampled: randomness >= 1 - this.sampling, isTouched: false, refusedBy: undefined, origin }
  }

  spanOf({ trace, parent, kind, operation, topic, queuedMs }: Arrival, instance: Instance, attempt = 1): SpanRecord {
    const startMs = this.schedule.now
    return {
      trace,
      id: [this.ids.bits(), this.ids.bits()],
      parent,
      kind,
      instance,
      operation,
      startMs,
      endMs: startMs,
      outcome: 'ok',
      errorType: '',
      peer: undefined,
      attempt,
      rowsExamined: 0,
      poolWaitMs: 0,
      topic,
      queuedMs,
    }
  }

  change(kind: ChangeEvent['kind'], service: Service | undefined, text: string, node?: string): void {
    this.observer.change({ kind, service, node, text, atMs: this.schedule.now })
  }

  private addService(name: string, spec: Topology['services'][string]): void {
    const noise = new ServiceNoise(this.topology.noise, this.weather, this.randomOf(`noise of ${name}`))
    const service = new Service(name, spec, noise, this.randomOf(name))
    this.services.set(name, service)
    const add = (operation: string, self: OperationSpec['self'], rest: Partial<Operation> = {}) =>
      service.operations.set(operation, {
        service,
        name: operation,
        self,
        errors: 0,
        cost: 1,
        knobs: new Knobs(),
        spec: undefined,
        query: undefined,
        steps: [],
        ...rest,
      })
    if (spec.kind === 'cache') add('GET', spec.get)
    else if (spec.kind === 'queue') {
      for (const topic of spec.topics) {
        add(topic, spec.publish)
        service.topics.set(topic, new Topic(service, topic, service.operation(topic)))
      }
    } else if (spec.kind === 'database') {
      for (const [query, one] of Object.entries(spec.queries)) {
        add(query, one.self, { errors: one.errors, query: one })
        if (one.index !== undefined) service.indexes.add(one.index)
      }
    } else {
      for (const [operation, one] of Object.entries(spec.operations)) {
        add(operation, one.self, { errors: one.errors, cost: one.cost, spec: one })
      }
    }
  }

  private connect(service: Service): void {
    for (const operation of service.operations.values()) {
      operation.steps = (operation.spec?.steps ?? []).map((step) => this.step(operation, step))
    }
    if (service.spec.kind !== 'service') return
    for (const [target, operation] of Object.entries(service.spec.consumes)) {
      const [queue, topic] = split(target)
      this.service(queue).topics.get(topic)?.consumers.push(service.operation(operation))
    }
  }

  private step(from: Operation, spec: StepSpec): Step {
    const all = (steps: readonly StepSpec[]) => steps.map((one) => this.step(from, one))
    if ('call' in spec) return { kind: 'call', edge: this.edge(from, this.operation(spec.call), spec) }
    if ('send' in spec) {
      const edge = this.edge(from, this.operation(spec.send), defaultCall)
      return { kind: 'send', edge, topic: edge.to.service.topics.get(edge.to.name)! }
    }
    if ('parallel' in spec) return { kind: 'parallel', steps: all(spec.parallel) }
    if ('maybe' in spec) return { kind: 'maybe', share: spec.maybe, steps: all(spec.steps) }
    if ('repeat' in spec) return { kind: 'repeat', mean: spec.repeat, steps: all(spec.steps) }
    const content = new CacheContent(spec.hit, spec.keys)
    const edge = this.edge(from, this.operation(`${spec.cache}/GET`), { ...defaultCall, timeout: 250 })
    edge.to.service.contents.push(content)
    return { kind: 'cache', edge, content, miss: all(spec.miss) }
  }

  private edge(
    from: Operation | undefined,
    to: Operation,
    {
      timeout,
      retries,
      optional,
      hidden,
    }: Pick<CallSpec, 'timeout' | 'optional' | 'hidden'> & { retries?: CallSpec['retries'] },
  ): Edge {
    const edge = {
      from,
      to,
      call: { timeout, retries, optional, hidden },
      knobs: new Knobs(),
      brokenShare: 0,
      guard: undefined,
    }
    this.edges.push(edge)
    return edge
  }
}
