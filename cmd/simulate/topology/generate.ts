/**
 * Topologies by number of services, depth and seed: layers of services that call deeper ones, shared databases and caches, queues, partners without an agent.
 * Sizes follow what was observed on Online Boutique, Train Ticket and PetShop (`realism/observed.ts` has the ranges, `vigil simulate realism` compares).
 */
import { Random } from '../world/random.ts'
import { msOf, type OperationDraft, type ServiceDraft, type StepDraft, spansOf, spansOfStep, visit } from './draft.ts'
import { type PlainOperation, type PlainService, type PlainStep, type PlainTopology, sized } from './size.ts'
import { nouns, outsiders, verbs } from './words.ts'

export interface GeneratedSize {
  readonly services: number
  /** Layers of services below those where users come in. */
  readonly depth: number
  readonly seed: number
  /** Requests of users a second. */
  readonly rate: number
}

/** Calls between services, per service. */
const edgesPerService = 1.65
/** Spans of the requests of users: the usual one, and how they spread. */
const usualSpans = 52
const spansSigma = 0.4
/** The usual request of a user takes so long. */
const usualMs = 162
/** Calls of partners per request of a user; they are most of what takes long. */
const partnerShare = 0.5
/** A service that fewer of the requests of users reach is not worth having. */
const leastShare = 0.02
/** Of a service where users come in. */
const leastCallees = 5
const languages = ['java', 'java', 'nodejs', 'go', 'python', 'dotnet'] as const
const entryNames = ['gateway', 'mobile-gateway', 'partner-api'] as const
const niceMs = [250, 500, 800, 1_000, 1_500, 2_000, 3_000, 5_000, 8_000, 10_000, 15_000, 20_000]

interface Users {
  readonly operation: OperationDraft
  readonly weight: number
}

/** A topology as plain data, as its YAML file would say it. */
export function generateTopology(size: GeneratedSize): PlainTopology {
  let target = usualSpans
  for (let i = 0; ; i++) {
    const making = new Making(size, target)
    const made = making.topology()
    // What everybody calls in the end was not known when the requests of users were drawn.
    if (i === 4) return made
    target *= usualSpans / making.spans
  }
}

class Making {
  private readonly size: GeneratedSize
  private readonly target: number
  private readonly random: Random
  /** Of the usual request of a user, as it has become. */
  spans = 0
  private readonly services: readonly ServiceDraft[]
  private readonly callees = new Map<ServiceDraft, Set<ServiceDraft>>()
  private readonly databases: ServiceDraft[] = []
  private readonly partners = new Map<string, ServiceDraft>()
  private readonly caches: readonly string[]
  private readonly topics = new Map<string, OperationDraft>()

  /** `target`: spans that the usual request of a user is drawn with. */
  constructor(size: GeneratedSize, target: number) {
    this.size = size
    this.target = target
    this.random = new Random(size.seed, `topology of ${size.services}`)
    this.services = draftServices(this.random, size)
    this.caches = Array.from({ length: Math.max(1, Math.round(size.services / 20)) }, (_, i) =>
      i === 0 ? 'redis' : `redis-${this.services.at(-i * 3)?.name ?? i}`,
    )
  }

  topology(): PlainTopology {
    this.connect()
    // The deepest first, so that what a call costs is known when it is drawn.
    const inner = this.services.filter(({ layer }) => layer > 0).toSorted((a, b) => b.layer - a.layer)
    for (const service of inner) this.fill(service)
    this.addTopics()
    const users = this.enter()
    this.callEverything(users)
    this.addPartners(users)
    this.takeTime(users)
    this.spans = weightedMedian(users.map(({ operation, weight }) => [spansOf(operation), weight]))
    return this.written(users)
  }

  /** Who calls whom: everybody has somebody above, and the popular ones have several. */
  private connect(): void {
    const { random, services } = this
    for (const service of services) this.callees.set(service, new Set())
    const above = (layer: number) => services.filter((one) => one.layer === layer)
    for (const service of services) {
      if (service.layer > 0) this.callees.get(random.pick(above(service.layer - 1)))!.add(service)
    }
    const wanted = Math.round(services.length * edgesPerService) - Math.max(1, Math.round(services.length / 20))
    const popular = services.filter(({ layer }) => layer > 0)
    let edges = popular.length
    const near = services.filter(({ layer }) => layer === 1 || layer === 2)
    for (const entry of above(0)) {
      const known = this.callees.get(entry)!
      for (const one of shuffled(random, near)) {
        if (known.size >= leastCallees) break
        if (!known.has(one)) edges++
        known.add(one)
      }
    }
    for (let i = 0; i < 50 * services.length && edges < wanted; i++) {
      // Few have most of the callers.
      const to = popular[Math.floor(popular.length * random.next() ** 1.7)]!
      const from = random.pick(services)
      const known = this.callees.get(from)!
      if (from.layer >= to.layer || known.has(to) || known.size >= 7) continue
      known.add(to)
      edges++
    }
  }

  private fill(service: ServiceDraft): void {
    const { random } = this
    const callees = [...this.callees.get(service)!]
    const callers = this.services.filter((one) => this.callees.get(one)!.has(service)).length
    const count = Math.min(4, 1 + random.below(3) + Math.floor(callers / 3))
    const most = 4 + 26 * 0.74 ** (service.layer - 1)
    const noun = pascal(service.name)
    for (const verb of shuffled(random, verbs).slice(0, count))
      service.operations.push(this.operation(service, verb + noun))
    const database = this.databaseOf(service)
    const cache = random.chance(0.35) ? random.pick(this.caches) : undefined
    for (const operation of service.operations) {
      if (database !== undefined && random.chance(0.8)) operation.steps.push(this.store(database, service, cache))
    }
    for (const callee of callees) {
      const carriers = service.operations.filter(() => random.chance(0.4))
      for (const from of carriers.length > 0 ? carriers : [random.pick(service.operations)]) {
        const step = this.call(random.pick(callee.operations))
        const spans = spansOfStep(step)
        const room = most - spansOf(from)
        // Only some of the requests need what would be too much for all.
        if (spans <= room)
          from.steps.push(random.chance(0.25) ? { maybe: round(random.between(0.3, 0.8)), steps: [step] } : step)
        else from.steps.push({ maybe: round(Math.min(0.9, Math.max(0.08, room / spans))), steps: [step] })
      }
    }
    for (const operation of service.operations) this.atOnce(operation)
  }

  /** Two calls in a row may be made at once. */
  private atOnce({ steps }: OperationDraft): void {
    const calls = steps.flatMap((step, i) => ('call' in step && step.call.service.kind === 'service' ? [i] : []))
    const [first, second] = calls
    if (first === undefined || second === undefined || !this.random.chance(0.4)) return
    const [one, other] = [steps[first]!, steps[second]!]
    steps.splice(second, 1)
    steps[first] = { parallel: [one, other] }
  }

  private operation(service: ServiceDraft, name: string): OperationDraft {
    const { random } = this
    return {
      service,
      name,
      // A few are slow and uneven: reports, searches, what nobody has looked at for years.
      median: random.logNormal(4, 0.6),
      sigma: round(Math.min(1.5, Math.max(0.25, random.logNormal(0.53, 0.6)))),
      cpu: round(random.between(0.3, 0.7)),
      steps: [],
      more: random.chance(0.1) ? { errors: round(random.logNormal(0.0006, 0.5), 5) } : {},
    }
  }

  /** Some have their own, some share that of another: a dependency that nobody drew. */
  private databaseOf(service: ServiceDraft): ServiceDraft | undefined {
    const { random, databases } = this
    if (!random.chance(0.35 + (0.35 * service.layer) / this.size.depth)) return undefined
    if (databases.length > 0 && random.chance(0.3)) return random.pick(databases)
    const made: ServiceDraft = { name: `${service.name}-db`, kind: 'database', layer: 99, operations: [] }
    databases.push(made)
    return made
  }

  private store(database: ServiceDraft, service: ServiceDraft, cache: string | undefined): StepDraft {
    const { random } = this
    const isWrite = random.chance(0.3)
    const table = `${service.name.replaceAll('-', '_')}_${random.pick(['items', 'log', 'state', 'entries'])}`
    const columns = random.pick(['owner_id', 'account_id', 'reference', 'day'])
    const statement: OperationDraft = {
      service: database,
      name: `${isWrite ? 'update' : 'find'}_${table}_${database.operations.length + 1}`,
      median: random.logNormal(1.6, 0.5),
      sigma: round(random.between(0.35, 0.8)),
      cpu: isWrite ? 0.3 : 0.6,
      steps: [],
      more: {
        text: isWrite
          ? `UPDATE ${table} SET state = $2 WHERE id = $1`
          : `SELECT id, state, data FROM ${table} WHERE ${columns} = $1 AND state = $2`,
        collection: table,
        rows: isWrite ? 1 : 1 + random.below(40),
        index: isWrite ? `${table}_pkey` : `${table}_${columns}_state`,
        ...(isWrite && random.chance(0.2) ? { lock: `${table}_hot` } : {}),
      },
    }
    database.operations.push(statement)
    const call: StepDraft = { call: statement, more: {} }
    if (cache === undefined || isWrite) return call
    return { cache, hit: round(random.between(0.8, 0.97)), keys: 1_000 + random.below(20_000), miss: [call] }
  }

  /** Not where every request passes: there they would be most of its time. */
  private addPartners(users: readonly Users[]): void {
    const visits = visitsOf(users)
    const rare = this.services
      .flatMap(({ operations }) => operations)
      .filter((one) => one.service.layer > 0 && (visits.get(one) ?? 0) < 0.2)
    let share = 0
    for (const operation of shuffled(this.random, rare)) {
      if (share > partnerShare) break
      operation.steps.push(this.outside())
      share += visits.get(operation) ?? 0
    }
  }

  private outside(): StepDraft {
    const { random, partners } = this
    const name = random.pick(outsiders.slice(0, Math.max(2, Math.round(this.size.services / 12))))
    const partner: ServiceDraft = partners.get(name) ?? { name, kind: 'external', layer: 99, operations: [] }
    partners.set(name, partner)
    let operation = partner.operations.length < 2 ? undefined : random.pick(partner.operations)
    if (operation === undefined) {
      operation = {
        service: partner,
        name: partner.operations.length === 0 ? 'query' : 'submit',
        median: random.logNormal(140, 0.4),
        sigma: round(random.between(0.6, 1)),
        cpu: 0.05,
        steps: [],
        more: { errors: 0.001 },
      }
      partner.operations.push(operation)
    }
    const step: StepDraft = {
      call: operation,
      more: { hidden: true, ...(random.chance(0.5) ? { optional: true } : {}) },
    }
    return random.chance(0.4) ? { maybe: round(random.between(0.3, 0.8)), steps: [step] } : step
  }

  private call(to: OperationDraft): StepDraft {
    const { random } = this
    return {
      call: to,
      more: {
        ...(random.chance(0.35)
          ? { retries: { max: 1 + random.below(2), backoff: random.chance(0.25) ? '0ms' : '50ms' } }
          : {}),
        ...(random.chance(0.15) ? { optional: true } : {}),
      },
    }
  }

  private addTopics(): void {
    const { random, services } = this
    const consumers = services.filter(({ layer }) => layer >= 2)
    for (let i = 0; i < Math.max(1, Math.round(services.length / 20)) && consumers.length > 0; i++) {
      const consumer = random.pick(consumers)
      const topic = `${consumer.name}-events`
      const producers = services.filter(({ layer }) => layer > 0 && layer < consumer.layer)
      if (this.topics.has(topic) || producers.length === 0) continue
      const takes = random.pick(consumer.operations)
      this.topics.set(topic, takes)
      random.pick(random.pick(producers).operations).steps.push({ send: topic, consumer: takes })
    }
  }

  /** What users do: requests small and large. */
  private enter(): readonly Users[] {
    const { random } = this
    const all: Users[] = []
    const entries = this.services.filter(({ layer }) => layer === 0)
    const count = entries.length === 1 ? 9 : 6
    const ranks = shuffled(
      random,
      Array.from({ length: count * entries.length }, (_, i) => (i + 0.5) / (count * entries.length)),
    )
    for (const entry of entries) {
      const endpoints = shuffled(random, nouns).slice(0, count)
      const callees = shuffled(random, [...this.callees.get(entry)!])
      for (const [i, noun] of endpoints.entries()) {
        const target = this.target * Math.exp(spansSigma * quantile(ranks.pop()!))
        const operation: OperationDraft = {
          ...this.operation(entry, `${random.pick(['GET', 'GET', 'POST'])} /${noun}`),
          median: random.logNormal(3, 0.4),
          more: {},
        }
        entry.operations.push(operation)
        all.push({ operation, weight: 2 + Math.round(random.logNormal(8, 0.5)) })
        // Every one below is called by one at least.
        for (let c = i; c < callees.length; c += count)
          operation.steps.push(this.call(random.pick(callees[c]!.operations)))
        this.grow(operation, callees, target)
        this.atOnce(operation)
      }
    }
    return all
  }

  /** Calls more, or some of it not always, until it has about so many spans. */
  private grow(operation: OperationDraft, callees: readonly ServiceDraft[], target: number): void {
    const { random } = this
    const { steps } = operation
    for (let i = 0; i < 40 && callees.length > 0; i++) {
      const room = target - spansOf(operation)
      if (room < 0.1 * target) break
      const step = this.call(random.pick(random.pick(callees).operations))
      const spans = spansOfStep(step)
      // For each of a list, one after the other: what everybody says not to do.
      const often = Math.min(8, Math.floor(room / spans))
      if (often >= 3 && random.chance(0.4)) steps.push({ repeat: often, steps: [step] })
      else if (spans <= room * 1.3) steps.push(step)
      else if (random.chance(0.3)) steps.push({ maybe: round(Math.max(0.1, room / spans)), steps: [step] })
    }
    const excess = spansOf(operation) / target
    if (excess <= 1.2) return
    for (const [i, step] of steps.entries()) {
      if ('call' in step) steps[i] = { maybe: round(Math.max(0.15, 1 / excess)), steps: [step] }
    }
  }

  /** An operation that nobody calls, or hardly anybody, is called by one that is. */
  private callEverything(users: readonly Users[]): void {
    const { random, services } = this
    for (const service of services.filter(({ layer }) => layer > 0).toSorted((a, b) => a.layer - b.layer)) {
      for (const operation of service.operations) {
        const visits = visitsOf(users)
        if ((visits.get(operation) ?? 0) >= leastShare) continue
        const callers = services.filter((one) => this.callees.get(one)!.has(service))
        const busy = (from: readonly ServiceDraft[]) =>
          from.flatMap(({ operations }) => operations).filter((one) => (visits.get(one) ?? 0) >= 2 * leastShare)
        const known = busy(callers)
        const from = random.pick(known.length > 0 ? known : busy(services.filter(({ layer }) => layer < service.layer)))
        const share = Math.min(0.7, Math.max(0.08, (2 * leastShare) / (visits.get(from) ?? 1)))
        from.steps.push({ maybe: round(share), steps: [this.call(operation)] })
        this.callees.get(from.service)!.add(service)
      }
    }
  }

  /** Makes everybody slower or faster by one factor, so that the usual request takes the usual time. */
  private takeTime(users: readonly Users[]): void {
    const all = this.services.flatMap(({ operations }) => operations)
    for (let i = 0; i < 20; i++) {
      const factor = usualMs / weightedMedian(users.map(({ operation, weight }) => [msOf(operation), weight]))
      for (const operation of all) operation.median = Math.max(0.3, operation.median * factor)
    }
  }

  private written(users: readonly Users[]): PlainTopology {
    const { random, size } = this
    const services: Record<string, PlainService> = {}
    for (const service of this.services) services[service.name] = this.service(service)
    for (const database of this.databases) {
      if (database.operations.length > 0) services[database.name] = this.database(database)
    }
    const used = JSON.stringify(services)
    for (const cache of this.caches) {
      if (used.includes(`"cache":"${cache}"`)) services[cache] = { kind: 'cache', instances: 1, workers: 256, cores: 4 }
    }
    if (this.topics.size > 0)
      services['kafka'] = { kind: 'queue', instances: 3, workers: 128, topics: [...this.topics.keys()] }
    for (const { name, operations } of this.partners.values()) services[name] = partner(name, operations)
    const utilizations = new Map(Object.keys(services).map((name) => [name, random.between(0.2, 0.38)]))
    return sized(
      {
        name: `services-${size.services}`,
        nodes: { count: 6, cores: 32 },
        users: {
          rate: size.rate,
          operations: users.map(({ operation, weight }) => ({
            call: `${operation.service.name}/${operation.name}`,
            weight,
            slow: `${nice(Math.max(1_000, 4 * msOf(operation)))}ms`,
          })),
        },
        services,
      },
      (name) => utilizations.get(name) ?? 0.2,
    )
  }

  private service(draft: ServiceDraft): PlainService {
    const { random } = this
    const language = draft.layer === 0 ? 'nodejs' : random.pick(languages)
    const consumed = [...this.topics].filter(([, { service }]) => service === draft)
    return {
      kind: 'service',
      language,
      tier: Math.min(4, 1 + Math.floor(draft.layer / 2)),
      instances: 2,
      cores: 2,
      workers: draft.layer === 0 ? 512 : 64,
      queue: 256,
      ...(draft.layer === 0 || language === 'nodejs' ? { blocking: false } : {}),
      pool: 10 + random.below(15),
      ...(random.chance(0.3) ? { autoscale: { min: 2, max: 10, cpu: 0.6 } } : {}),
      operations: operationsOf(draft.operations),
      ...(consumed.length > 0
        ? { consumes: Object.fromEntries(consumed.map(([topic, { name }]) => [`kafka/${topic}`, name])) }
        : {}),
    }
  }

  private database({ operations }: ServiceDraft): PlainService {
    const { random } = this
    const tables = new Set(operations.map(({ more }) => String(more['collection'])))
    return {
      kind: 'database',
      system: random.chance(0.25) ? 'mysql' : 'postgresql',
      instances: 1,
      cores: 4,
      workers: 200,
      memory: '8GiB',
      tables: Object.fromEntries([...tables].map((table) => [table, Math.round(random.logNormal(600_000, 1)) + 1_000])),
      queries: operationsOf(operations),
    }
  }
}

function draftServices(random: Random, { services, depth }: GeneratedSize): readonly ServiceDraft[] {
  const names = shuffled(random, nouns)
  const entries = Math.min(entryNames.length, 1 + Math.floor(services / 50))
  const below = services - entries
  // More in the middle than at the top and at the bottom.
  const widths = Array.from({ length: depth }, (_, i) => 0.6 + Math.sin((Math.PI * (i + 0.8)) / (depth + 0.6)))
  const all = widths.reduce((sum, width) => sum + width, 0)
  const layers: number[] = widths.map((_, i) => i + 1)
  for (let i = layers.length, at = 0, filled = 0; i < below; i++) {
    while (at < depth - 1 && filled >= ((below - depth) * widths[at]!) / all) {
      filled = 0
      at++
    }
    layers.push(at + 1)
    filled++
  }
  const drafts: ServiceDraft[] = entryNames
    .slice(0, entries)
    .map((name) => ({ name, kind: 'service', layer: 0, operations: [] }))
  for (const [i, layer] of layers.slice(0, below).entries()) {
    const suffix = i < names.length ? '' : `-${Math.floor(i / names.length) + 1}`
    drafts.push({ name: `${names[i % names.length]!}${suffix}`, kind: 'service', layer, operations: [] })
  }
  return drafts
}

function operationsOf(operations: readonly OperationDraft[]): Record<string, PlainOperation> {
  return Object.fromEntries(
    operations.map(({ name, median, sigma, cpu, steps, more }) => [
      name,
      {
        self: { median: `${round(median)}ms`, sigma, cpu },
        ...more,
        ...(steps.length > 0 ? { steps: steps.map(stepOf) } : {}),
      },
    ]),
  )
}

function stepOf(step: StepDraft): PlainStep {
  if ('call' in step) {
    const { call, more } = step
    // Many times the usual: somebody has chosen a round number and never looked again.
    const timeout = nice(Math.max(call.service.kind === 'database' ? 2_000 : 500, 8 * msOf(call)))
    return { call: `${call.service.name}/${call.name}`, timeout: `${timeout}ms`, ...more }
  }
  if ('send' in step) return { send: `kafka/${step.send}` }
  if ('cache' in step) return { ...step, miss: step.miss.map(stepOf) }
  if ('parallel' in step) return { parallel: step.parallel.map(stepOf) }
  return { ...step, steps: step.steps.map(stepOf) }
}

function partner(name: string, operations: readonly OperationDraft[]): PlainService {
  const isOwn = name === 'mainframe' || name.startsWith('legacy')
  return {
    kind: 'external',
    host: isOwn ? `${name}.corp.example` : `api.${name}.example`,
    instances: 4,
    workers: 400,
    operations: operationsOf(operations),
  }
}

/** How often each operation is called per request of a user. */
function visitsOf(users: readonly Users[]): ReadonlyMap<OperationDraft, number> {
  const visits = new Map<OperationDraft, number>()
  const total = users.reduce((sum, { weight }) => sum + weight, 0)
  for (const { operation, weight } of users) visit(operation, weight / total, visits)
  return visits
}

function weightedMedian(items: readonly (readonly [value: number, weight: number])[]): number {
  const half = items.reduce((sum, [, weight]) => sum + weight, 0) / 2
  let sum = 0
  for (const [value, weight] of items.toSorted(([a], [b]) => a - b)) {
    sum += weight
    if (sum >= half) return value
  }
  throw new RangeError('no items')
}

/** Of the standard normal, near enough (Tukey's lambda). */
function quantile(p: number): number {
  return (p ** 0.135 - (1 - p) ** 0.135) / 0.1975
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const list = [...items]
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[list[i], list[j]] = [list[j]!, list[i]!]
  }
  return list
}

function pascal(name: string): string {
  const noun = name.replace(/-\d+$/, '')
  return `${noun.slice(0, 1).toUpperCase()}${noun.slice(1)}`
}

function nice(ms: number): number {
  return niceMs.find((one) => one >= ms) ?? 30_000
}

function round(value: number, digits = 2): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
