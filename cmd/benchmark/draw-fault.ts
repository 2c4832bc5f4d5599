/** Faults of every type with random targets and severities, from barely visible to fatal; and days' ordinary events. */
import type { BenignSpec, FaultSpec } from '../simulate/scenario/schema.ts'
import { split } from '../simulate/topology/read.ts'
import type { ServiceSpec, Step, Topology } from '../simulate/topology/schema.ts'
import type { Random } from '../simulate/world/random.ts'
import { trafficOf } from './traffic.ts'

type FaultType = FaultSpec['type']
type Drawn = FaultSpec | undefined

/** Operations that less than this share of users' requests needs are no targets. */
const leastShare = 0.1
/** What callers can do without is rarely missed. */
const optionalWeight = 0.2
/** Of the versions that are deployed; each is new. */
const versionName = (random: Random) => `2.${random.below(90)}.${random.below(1_000)}`

/** What of a topology can be broken. */
export class Targets {
  readonly topology: Topology
  private readonly traffic: ReadonlyMap<string, number>
  private readonly used: readonly string[]

  constructor(topology: Topology) {
    this.topology = topology
    this.traffic = trafficOf(topology)
    const least = leastShare * topology.users.rate
    this.used = [...trafficOf(topology, optionalWeight)].filter(([, rate]) => rate >= least).map(([name]) => name)
  }

  spec(name: string): ServiceSpec {
    const spec = this.topology.services[name]
    if (spec === undefined) throw new RangeError(`there is no service ${name}`)
    return spec
  }

  /** Requests a second that come to one instance. */
  instanceRate(name: string): number {
    let rate = 0
    for (const [target, one] of this.traffic) if (split(target)[0] === name) rate += one
    return rate / this.spec(name).instances
  }

  services(...kinds: readonly ServiceSpec['kind'][]): readonly string[] {
    return [...new Set(this.used.map((target) => split(target)[0]))].filter((name) =>
      kinds.includes(this.spec(name).kind),
    )
  }

  /** Operations of our own services. */
  operations(): readonly string[] {
    return this.used.filter((target) => this.spec(split(target)[0]).kind === 'service')
  }

  queries(needs: 'index' | 'lock'): readonly string[] {
    return this.used.filter((target) => {
      const [name, query] = split(target)
      const spec = this.spec(name)
      return spec.kind === 'database' && spec.queries[query]?.[needs] !== undefined
    })
  }

  /** `service/operation` that takes messages. */
  consumers(): readonly string[] {
    return this.services('service').flatMap((name) => {
      const spec = this.spec(name)
      return spec.kind === 'service' ? Object.values(spec.consumes).map((operation) => `${name}/${operation}`) : []
    })
  }

  /** Who calls which database. */
  pools(): readonly (readonly [service: string, database: string])[] {
    return this.services('service').flatMap((name) => {
      const spec = this.spec(name)
      if (spec.kind !== 'service') return []
      const called = Object.values(spec.operations).flatMap(({ steps }) => steps.flatMap(calledBy))
      const databases = new Set(called.map((target) => split(target)[0]))
      return [...databases].filter((one) => this.spec(one).kind === 'database').map((one) => [name, one] as const)
    })
  }
}

function calledBy(step: Step): readonly string[] {
  if ('call' in step) return [step.call]
  if ('send' in step) return []
  return ('parallel' in step ? step.parallel : 'cache' in step ? step.miss : step.steps).flatMap(calledBy)
}

type Maker = (random: Random, targets: Targets) => Drawn

const anywhere = ['service', 'database', 'cache'] as const
const makers: { readonly [T in FaultType]: Maker } = {
  cpu_hog: (random, targets) => {
    const service = some(random, targets.services('service', 'database'))
    if (service === undefined) return undefined
    const { cores } = targets.spec(service)
    return { type: 'cpu_hog', service, cores: cores * spread(random, 1, 20), share: random.chance(0.3) ? 0.34 : 1 }
  },
  memory_leak: (random, targets) => {
    const service = some(random, targets.services('service'))
    if (service === undefined) return undefined
    // Full in so many seconds at the usual rate.
    const seconds = spread(random, 60, 900)
    const perRequest = targets.spec(service).memory / (Math.max(0.05, targets.instanceRate(service)) * seconds)
    return { type: 'memory_leak', service, perRequest: Math.max(1_000, Math.round(perRequest)) }
  },
  latency: (random, targets) =>
    onService(random, targets.services(...anywhere, 'external'), (service) => ({
      type: 'latency',
      service,
      delay: spread(random, 20, 1_500),
    })),
  packet_loss: (random, targets) =>
    onService(random, targets.services(...anywhere, 'external'), (service) => ({
      type: 'packet_loss',
      service,
      loss: spread(random, 0.02, 0.4),
    })),
  errors: (random, targets) =>
    onService(random, targets.operations(), (operation) => ({
      type: 'errors',
      operation,
      share: spread(random, 0.007, 1),
      early: random.chance(0.4),
      errorType: random.pick(['IllegalStateException', 'TypeError', 'KeyError', 'panic']),
    })),
  wrong_result: (random, targets) =>
    onService(random, targets.operations(), (operation) => ({
      type: 'wrong_result',
      operation,
      share: spread(random, 0.1, 1),
    })),
  slow_operation: (random, targets) =>
    onService(random, targets.operations(), (operation) => {
      const isCpu = random.chance(0.5)
      const factor = spread(random, 1.5, 60)
      return { type: 'slow_operation', operation, cpu: isCpu ? factor : 1, wait: isCpu ? 1 : factor }
    }),
  lost_index: (random, targets) =>
    onService(random, targets.queries('index'), (query) => ({ type: 'lost_index', query })),
  lock_contention: (random, targets) =>
    onService(random, targets.queries('lock'), (query) => ({
      type: 'lock_contention',
      service: split(query)[0],
      hold: spread(random, 100, 4_000),
    })),
  small_pool: (random, targets) => {
    const pools = targets.pools()
    if (pools.length === 0) return undefined
    const [service, database] = random.pick(pools)
    return { type: 'small_pool', service, database, size: 1 + random.below(2) }
  },
  bad_deploy: (random, targets) =>
    onService(random, targets.services('service'), (service) => {
      const kind = random.below(3)
      const leak = targets.spec(service).memory / (Math.max(0.05, targets.instanceRate(service)) * 400)
      return {
        type: 'bad_deploy',
        service,
        version: versionName(random),
        share: random.pick([0.1, 0.34, 1, 1]),
        cpu: kind === 0 ? spread(random, 3, 60) : 1,
        errors: kind === 1 ? spread(random, 0.01, 0.8) : 0,
        leak: kind === 2 ? leak : 0,
        delay: random.chance(0.5) ? 0 : random.between(10_000, 120_000),
      }
    }),
  cache_flush: (random, targets) =>
    onService(random, targets.services('cache'), (service) => ({ type: 'cache_flush', service })),
  slow_consumer: (random, targets) =>
    onService(random, targets.consumers(), (operation) => ({
      type: 'slow_consumer',
      operation,
      wait: spread(random, 10, 1_000),
    })),
  certificate_expiry: (random, targets) =>
    onService(random, targets.services('service', 'external'), (service) => ({ type: 'certificate_expiry', service })),
  dns: (random, targets) =>
    onService(random, targets.services(...anywhere, 'external'), (service) => ({
      type: 'dns',
      service,
      share: spread(random, 0.02, 0.8),
    })),
  clock_skew: (random, targets) => ({
    type: 'clock_skew',
    node: aNode(random, targets),
    skew: (random.chance(0.5) ? 1 : -1) * spread(random, 5_000, 120_000),
  }),
  noisy_neighbour: (random, targets) => ({
    type: 'noisy_neighbour',
    node: aNode(random, targets),
    cores: targets.topology.nodes.cores * spread(random, 2, 20),
  }),
  node_loss: (random, targets) => ({ type: 'node_loss', node: aNode(random, targets) }),
  telemetry_loss: (random, targets) =>
    onService(random, targets.services('service'), (service) => ({ type: 'telemetry_loss', service })),
  traffic_surge: (random) => ({ type: 'traffic_surge', factor: spread(random, 2, 8) }),
  worker_leak: (random, targets) =>
    onService(random, targets.services('service'), (service) => ({
      type: 'worker_leak',
      service,
      // All workers of an instance hang after one to four minutes.
      every: Math.round(spread(random, 60_000, 240_000) / targets.spec(service).workers),
    })),
}

/** Never seen while detectors are made: only the benchmark plays it. */
export const unknownType: FaultType = 'worker_leak'
export const knownTypes: readonly FaultType[] = (Object.keys(makers) as FaultType[]).filter(
  (type) => type !== unknownType,
)

/** Undefined where the topology has nothing that could break so. */
export function drawFault(type: FaultType, random: Random, targets: Targets): FaultSpec | undefined {
  return makers[type](random, targets)
}

export function drawInnocentDeploy(random: Random, targets: Targets, not: string | undefined): BenignSpec {
  const others = targets.services('service').filter((name) => name !== not)
  return { type: 'deploy', service: random.pick(others), version: versionName(random) }
}

/** An ordinary event and how long it lasts; undefined = it is over at once. */
export function drawBenign(random: Random, targets: Targets): { readonly benign: BenignSpec; readonly ms?: number } {
  const services = targets.services('service')
  const minutes = (least: number, most: number) => Math.round(random.between(least, most) * 60_000)
  switch (random.below(8)) {
    case 0:
      return { benign: { type: 'campaign', factor: random.between(0.7, 1.6) }, ms: minutes(5, 60) }
    case 1: {
      const service = random.pick(services)
      // A third of its cores: what else it has is enough for the requests.
      return { benign: { type: 'cron', service, cores: targets.spec(service).cores * 0.3 }, ms: minutes(1, 10) }
    }
    case 2: {
      const service = random.pick(services)
      return { benign: { type: 'scale', service, replicas: targets.spec(service).instances + 1 }, ms: minutes(5, 60) }
    }
    case 3:
      return { benign: { type: 'restart', service: random.pick(services) } }
    case 4:
      return { benign: { type: 'drain', node: aNode(random, targets) }, ms: minutes(5, 30) }
    case 5:
      return { benign: { type: 'missed_scrapes', share: random.between(0.1, 0.6) }, ms: minutes(2, 10) }
    case 6:
      return { benign: { type: 'log_level' }, ms: minutes(2, 15) }
    default:
      return { benign: drawInnocentDeploy(random, targets, undefined) }
  }
}

function onService(random: Random, names: readonly string[], make: (name: string) => FaultSpec): Drawn {
  const name = some(random, names)
  return name === undefined ? undefined : make(name)
}

function some(random: Random, names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : random.pick(names)
}

function aNode(random: Random, { topology }: Targets): number {
  return 1 + random.below(topology.nodes.count)
}

/** Log-uniform: as many mild ones as severe ones. */
function spread(random: Random, least: number, most: number): number {
  return least * (most / least) ** random.next()
}
