/**
 * Topologies by number of services, depth and seed: layers of services that call deeper ones, shared databases and caches, queues, outside partners without an
 * agent. Sizes follow what was observed on Online Boutique, Train Ticket and PetShop: about 50 spans a trace, 1.7 edges a service.
 */
import { Random } from '../world/random.ts'
import { type PlainOperation, type PlainService, type PlainStep, type PlainTopology, sized } from './size.ts'

export interface GeneratedSize {
  readonly services: number
  /** Layers of services below the entry. */
  readonly depth: number
  readonly seed: number
  /** Requests of users a second. */
  readonly rate: number
}

/** Spans that one request of a user may cost, on the average. */
const traceBudget = 46
const languages = ['java', 'java', 'nodejs', 'go', 'python', 'dotnet'] as const
const nouns = [
  'account',
  'address',
  'alert',
  'asset',
  'audit',
  'basket',
  'billing',
  'booking',
  'campaign',
  'catalog',
  'claim',
  'contract',
  'coupon',
  'credit',
  'customer',
  'delivery',
  'device',
  'discount',
  'document',
  'feed',
  'fraud',
  'geo',
  'identity',
  'inventory',
  'invoice',
  'ledger',
  'loyalty',
  'mail',
  'media',
  'menu',
  'message',
  'order',
  'partner',
  'passenger',
  'payment',
  'policy',
  'price',
  'product',
  'profile',
  'quote',
  'rating',
  'refund',
  'report',
  'reservation',
  'review',
  'reward',
  'risk',
  'route',
  'schedule',
  'search',
  'seat',
  'session',
  'shipping',
  'stock',
  'subscription',
  'support',
  'tax',
  'ticket',
  'token',
  'trip',
  'user',
  'voucher',
  'wallet',
  'warehouse',
  'wishlist',
] as const
const verbs = ['Get', 'List', 'Create', 'Update', 'Check', 'Find', 'Cancel'] as const

interface Draft {
  readonly name: string
  readonly layer: number
  readonly operations: Map<string, OperationDraft>
  readonly language: string
  readonly database: string | undefined
  readonly cache: string | undefined
}

interface OperationDraft {
  readonly name: string
  readonly median: number
  readonly sigma: number
  readonly cpu: number
  readonly steps: PlainStep[]
  /** Spans that one call of it makes, on the average. */
  spans: number
}

/** A topology as plain data, as its YAML file would say it. */
export function generateTopology({ services, depth, seed, rate }: GeneratedSize): PlainTopology {
  const random = new Random(seed, `topology of ${services}`)
  const drafts = draftServices(random, services, depth)
  const stores = new Map<string, PlainService>()
  const queries = new Map<string, Map<string, PlainOperation>>()
  const topics = new Map<string, string>()
  const partners = new Map<string, Map<string, PlainOperation>>()
  // The deepest first, so that what a call costs is known when it is drawn.
  for (const draft of drafts.toSorted((a, b) => b.layer - a.layer)) {
    const deeper = drafts.filter(({ layer, operations }) => layer > draft.layer && operations.size > 0)
    fill(random, draft, deeper, queries, partners)
  }
  const consumers = drafts.filter(({ layer }) => layer >= 2)
  for (let i = 0; i < Math.max(1, Math.round(services / 20)); i++) {
    const consumer = random.pick(consumers)
    const topic = `${consumer.name}-events`
    if (topics.has(topic)) continue
    topics.set(topic, consumer.name)
    const producers = drafts.filter(({ layer }) => layer > 0 && layer <= consumer.layer)
    const operation = random.pick([...random.pick(producers).operations.values()])
    operation.steps.push({ send: `kafka/${topic}` })
  }
  for (const [name, statements] of queries) stores.set(name, database(random, name, statements))
  for (const name of new Set(drafts.flatMap(({ cache }) => cache ?? [])))
    stores.set(name, { kind: 'cache', instances: 1, workers: 256, cores: 4 })
  if (topics.size > 0) stores.set('kafka', { kind: 'queue', instances: 3, workers: 128, topics: [...topics.keys()] })
  for (const [name, operations] of partners) stores.set(name, partner(name, operations))
  const entry = drafts[0]!
  return sized({
    name: `generated-${services}-${seed}`,
    nodes: { count: Math.max(6, Math.round(services / 3)), cores: 32 },
    users: {
      rate,
      operations: [...entry.operations.values()].map(({ name }) => ({
        call: `${entry.name}/${name}`,
        weight: Math.round(random.logNormal(10, 0.8)) + 1,
        slow: '1500ms',
      })),
    },
    services: {
      ...Object.fromEntries(drafts.map((draft) => [draft.name, service(random, draft, topics)])),
      ...Object.fromEntries(stores),
    },
  })
}

function draftServices(random: Random, services: number, depth: number): readonly Draft[] {
  const names = shuffled(random, nouns)
  const drafts: Draft[] = []
  let databases = 0
  for (let i = 0; i < services; i++) {
    const layer = i === 0 ? 0 : 1 + Math.min(depth - 1, Math.floor(((i - 1) / Math.max(1, services - 1)) * depth))
    const noun = names[i % names.length]!
    const suffix = i < names.length ? '' : `-${Math.floor(i / names.length) + 1}`
    const hasDatabase = layer > 0 && random.chance(0.3 + (0.4 * layer) / depth)
    // Every third of them shares the database of another: a dependency that nobody drew.
    if (hasDatabase && (databases === 0 || !random.chance(0.35))) databases++
    drafts.push({
      name: i === 0 ? 'gateway' : `${noun}${suffix}`,
      layer,
      operations: new Map(),
      language: i === 0 ? 'nodejs' : random.pick(languages),
      database: hasDatabase ? `db-${1 + random.below(databases)}` : undefined,
      cache:
        layer > 0 && random.chance(0.25)
          ? `redis-${1 + random.below(Math.max(1, Math.round(services / 15)))}`
          : undefined,
    })
  }
  return drafts
}

function fill(
  random: Random,
  draft: Draft,
  deeper: readonly Draft[],
  queries: Map<string, Map<string, PlainOperation>>,
  partners: Map<string, Map<string, PlainOperation>>,
): void {
  const isEntry = draft.layer === 0
  const count = isEntry ? 6 : 2 + random.below(3)
  const budget = traceBudget / (isEntry ? 1 : 2 ** draft.layer)
  for (let i = 0; i < count; i++) {
    const name = operationName(random, draft, isEntry)
    if (draft.operations.has(name)) continue
    const operation: OperationDraft = {
      name,
      median: round(random.logNormal(isEntry ? 3 : 4, 0.7)),
      sigma: round(random.between(0.3, 0.75)),
      cpu: round(random.between(0.3, 0.8)),
      steps: [],
      spans: 1,
    }
    draft.operations.set(name, operation)
    addStore(random, draft, operation, queries)
    if (random.chance(0.06)) addPartner(random, operation, partners)
    const calls = isEntry ? 4 + random.below(4) : random.below(5)
    const chosen: PlainStep[] = []
    for (let c = 0; c < calls && deeper.length > 0; c++) {
      const target = nearest(random, draft, deeper)
      const called = random.pick([...target.operations.values()])
      if (operation.spans + called.spans + 1 > Math.max(4, budget * 1.3)) continue
      operation.spans += called.spans + 1
      chosen.push(call(random, `${target.name}/${called.name}`))
    }
    // Some of them at once.
    if (chosen.length >= 3 && random.chance(0.5)) operation.steps.push({ parallel: chosen.splice(0, 2) })
    operation.steps.push(...chosen)
  }
}

function addStore(
  random: Random,
  { database: name, cache }: Draft,
  operation: OperationDraft,
  queries: Map<string, Map<string, PlainOperation>>,
): void {
  if (name === undefined || random.chance(0.25)) return
  const statements = queries.get(name) ?? new Map<string, PlainOperation>()
  queries.set(name, statements)
  const statement = `q${statements.size + 1}`
  const table = `${random.pick(nouns)}s`
  const isWrite = random.chance(0.3)
  statements.set(statement, {
    self: {
      median: `${round(random.logNormal(1.8, 0.5))}ms`,
      sigma: round(random.between(0.3, 0.6)),
      cpu: isWrite ? 0.3 : 0.6,
    },
    text: isWrite
      ? `UPDATE ${table} SET state = $2 WHERE id = $1`
      : `SELECT id, state, data FROM ${table} WHERE owner_id = $1 AND state = $2`,
    collection: table,
    rows: 1 + random.below(40),
    index: `${table}_${isWrite ? 'pkey' : 'owner_state'}`,
    ...(isWrite && random.chance(0.3) ? { lock: `${table}_hot` } : {}),
  })
  const step = { call: `${name}/${statement}`, timeout: '3s' }
  operation.spans += 1
  if (cache === undefined || isWrite || random.chance(0.3)) operation.steps.push(step)
  else
    operation.steps.push({
      cache,
      hit: round(random.between(0.8, 0.97)),
      keys: 1_000 + random.below(20_000),
      miss: [step],
    })
}

function addPartner(
  random: Random,
  operation: OperationDraft,
  partners: Map<string, Map<string, PlainOperation>>,
): void {
  const name = `outside-${1 + random.below(4)}`
  const operations = partners.get(name) ?? new Map<string, PlainOperation>()
  partners.set(name, operations)
  const called = `op${1 + random.below(3)}`
  if (!operations.has(called)) {
    operations.set(called, {
      self: { median: `${round(random.logNormal(45, 0.5))}ms`, sigma: round(random.between(0.3, 0.6)), cpu: 0.05 },
      errors: 0.001,
    })
  }
  operation.steps.push({ call: `${name}/${called}`, timeout: '2s', hidden: true, optional: random.chance(0.5) })
}

/** Mostly of the next layer; popular ones more often, as in life. */
function nearest(random: Random, { layer }: Draft, deeper: readonly Draft[]): Draft {
  const next = deeper.filter((one) => one.layer === layer + 1)
  const from = next.length > 0 && random.chance(0.75) ? next : deeper
  return from[Math.floor(from.length * random.next() ** 1.6)]!
}

function call(random: Random, target: string): PlainStep {
  return {
    call: target,
    timeout: random.pick(['500ms', '1s', '2s', '3s']),
    ...(random.chance(0.35)
      ? { retries: { max: 1 + random.below(2), backoff: random.chance(0.25) ? '0ms' : '50ms' } }
      : {}),
    ...(random.chance(0.2) ? { optional: true } : {}),
  }
}

function operationName(random: Random, { name }: Draft, isEntry: boolean): string {
  if (isEntry) return `${random.pick(['GET', 'GET', 'POST'])} /${random.pick(nouns)}`
  const noun = name.replace(/-\d+$/, '')
  return `${random.pick(verbs)}${noun.slice(0, 1).toUpperCase()}${noun.slice(1)}`
}

function service(random: Random, draft: Draft, topics: ReadonlyMap<string, string>): PlainService {
  const consumed = [...topics].filter(([, consumer]) => consumer === draft.name).map(([topic]) => topic)
  const [first] = draft.operations.keys()
  const isEntry = draft.layer === 0
  return {
    kind: 'service',
    language: draft.language,
    tier: Math.min(4, 1 + Math.floor(draft.layer / 2)),
    instances: 2,
    cores: 2,
    workers: isEntry ? 512 : 64,
    queue: 256,
    blocking: !isEntry && draft.language !== 'nodejs',
    pool: 10 + random.below(15),
    ...(random.chance(0.4) ? { autoscale: { min: 2, max: 10, cpu: 0.6 } } : {}),
    operations: Object.fromEntries(
      [...draft.operations.values()].map(({ name, median, sigma, cpu, steps }) => [
        name,
        { self: { median: `${median}ms`, sigma, cpu }, ...(steps.length > 0 ? { steps } : {}) },
      ]),
    ),
    ...(consumed.length > 0 && first !== undefined
      ? { consumes: Object.fromEntries(consumed.map((topic) => [`kafka/${topic}`, first])) }
      : {}),
  }
}

function database(random: Random, name: string, statements: ReadonlyMap<string, PlainOperation>): PlainService {
  const tables = new Set([...statements.values()].map((one) => String(one['collection'])))
  return {
    kind: 'database',
    system: name.endsWith('2') ? 'mysql' : 'postgresql',
    instances: 1,
    cores: 16,
    workers: 200,
    memory: '16GiB',
    tables: Object.fromEntries([...tables].map((table) => [table, Math.round(random.logNormal(600_000, 1)) + 1_000])),
    queries: Object.fromEntries(statements),
  }
}

function partner(name: string, operations: ReadonlyMap<string, PlainOperation>): PlainService {
  return {
    kind: 'external',
    host: `api.${name}.example`,
    instances: 4,
    workers: 400,
    operations: Object.fromEntries(operations),
  }
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const list = [...items]
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[list[i], list[j]] = [list[j]!, list[i]!]
  }
  return list
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
