/** What stands around an incident, numbered: services and what they run on and use, who calls whom, and what of it is known. */

import type { NodeKind } from '../../models/root-cause/evidence.ts'
import type { FeatureStore, Graph, KnownEntity } from '../../pipeline/capability/feature-store.ts'
import { type Entity, type EntityKind, entityId, parseEntityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'

/** What a cause can sit in. Operations, versions and edges speak for the service that they are of. */
const nodeKinds: Readonly<Partial<Record<EntityKind, NodeKind>>> = {
  service: 'service',
  instance: 'instance',
  node: 'node',
  database: 'database',
  query: 'query',
  pool: 'pool',
  cache: 'cache',
  queue: 'queue',
  external: 'external',
}

export interface Times {
  /** Nanoseconds of event time. */
  readonly onset: bigint
  readonly until: bigint
}

export class Surroundings {
  readonly entities: Entity[] = []
  readonly ids: string[] = []
  readonly kinds: NodeKind[] = []
  readonly partOf: number[] = []
  readonly runsOn: number[] = []
  /** Everything that is known, operations and versions too, with the node that it speaks for. */
  readonly known: { readonly of: KnownEntity; readonly node: number }[] = []
  readonly sources: number[] = []
  readonly targets: number[] = []
  readonly calls: number[] = []
  /** Nodes where users feel it: those with an alarm that nobody calls. */
  felt: readonly number[] = []
  /** By node, once all are connected: what is a part of it. */
  readonly parts: number[][] = []
  readonly #numbers = new Map<string, number>()
  /** By name without what is added to it: a store that callers know by its address and that tells of itself as a service. */
  readonly #stores = new Map<string, number>()

  numberOf(id: string): number {
    return this.#numbers.get(id) ?? -1
  }

  /** The node that something speaks for; -1 where there is none. */
  nodeOf(entity: Entity): number {
    if (nodeKinds[entity.kind] !== undefined) return this.numberOf(entityId(entity))
    if (entity.kind === 'edge') return this.#calleeOf(entity)
    const service = serviceOf(entity)
    return service === undefined ? -1 : this.numberOf(entityId(service))
  }

  add(entity: Entity): number {
    const kind = nodeKinds[entity.kind]
    if (kind === undefined) return -1
    const id = entityId(entity)
    const existing = this.#numbers.get(id)
    if (existing !== undefined) return existing
    const number = this.entities.push(entity) - 1
    this.ids.push(id)
    this.kinds.push(kind)
    this.partOf.push(-1)
    this.runsOn.push(-1)
    this.#numbers.set(id, number)
    if (kind === 'database' || kind === 'cache' || kind === 'queue')
      for (const name of storeNames(entity.name)) this.#stores.set(name, number)
    return number
  }

  /** When all are there: what is a part of what. */
  connect(): void {
    for (const [number, entity] of this.entities.entries()) {
      const service = entity.kind === 'service' ? undefined : serviceOf(entity)
      if (service !== undefined) this.partOf[number] = this.numberOf(entityId(service))
      else if (entity.kind === 'query') this.partOf[number] = this.numberOf(entityId(databaseOf(entity)))
      else if (entity.kind === 'service') this.partOf[number] = this.#stores.get(entity.name) ?? -1
    }
    // A service that is called like a store and calls somebody is a service all the same.
    for (const source of this.sources) if (this.kinds[source] === 'service') this.partOf[source] = -1
    for (const number of this.entities.keys()) this.parts[number] = []
    for (const [number, whole] of this.partOf.entries()) this.parts[whole]?.push(number)
  }

  #calleeOf(edge: Entity): number {
    const [, label = ''] = edge.name.split(' -> ')
    const name = label.slice(label.lastIndexOf('/') + 1).replace(/^(?:database|cache|queue|external) /, '')
    return this.entities.findIndex((one) => one.name === name && one.kind !== 'instance' && one.kind !== 'query')
  }
}

/** `db.internal:5433/orders` is known as that, as `db.internal:5433`, `db.internal` and `orders`. */
function storeNames(name: string): readonly string[] {
  const [address = '', ...rest] = name.split('/')
  return [name, address, address.split(':')[0]!, ...rest]
}

/** A query's name begins with its database's. */
function databaseOf(query: Entity): Entity {
  const space = query.name.indexOf(' ')
  return { ...query, kind: 'database', name: space < 0 ? query.name : query.name.slice(0, space) }
}

export interface SurroundingsOptions {
  readonly baselineMs: number
  readonly maxEntities: number
}

export async function surroundingsOf(
  store: FeatureStore,
  incident: Incident,
  times: Times,
  { baselineMs, maxEntities }: SurroundingsOptions,
): Promise<Surroundings> {
  const since = times.onset - BigInt(Math.round(baselineMs)) * 1_000_000n
  const [graph, all] = await Promise.all([
    store.graph({ asOfUnixNano: times.until, windowSeconds: 900 }),
    store.entities({ seenSinceUnixNano: since, asOfUnixNano: times.until }),
  ])
  const members = incident.members.map(({ entity }) => entity)
  const relevant = all.filter(({ entity }) => entity.kind !== 'edge')
  const chosen = relevant.length <= maxEntities ? relevant : nearest(relevant, graph, members, maxEntities)
  const around = new Surroundings()
  for (const { entity } of chosen) around.add(entity)
  for (const entity of members) around.add(entity)
  const ends = graph.nodes.map((id) => {
    const entity = parseEntityId(id)
    if (entity === undefined) return -1
    return relevant.length <= maxEntities ? around.add(entity) : around.nodeOf(entity)
  })
  for (const [edge, source] of graph.source.entries()) {
    const from = ends[source]!
    const to = ends[graph.target[edge]!]!
    if (from < 0 || to < 0 || from === to) continue
    around.sources.push(from)
    around.targets.push(to)
    around.calls.push(graph.requestsPerSecond[edge]!)
  }
  around.connect()
  for (const one of chosen) {
    const node = around.nodeOf(one.entity)
    if (node >= 0) around.known.push({ of: one, node })
  }
  around.felt = feltAt(around, members)
  return around
}

/** Members that nobody else calls, or whose callers have no alarm: where it comes to the surface. */
function feltAt(around: Surroundings, members: readonly Entity[]): readonly number[] {
  const alarmed = new Set(members.map((entity) => wholeOf(around, around.nodeOf(entity))).filter((node) => node >= 0))
  const hasAlarmedCaller = new Set<number>()
  for (const [edge, target] of around.targets.entries()) {
    const source = wholeOf(around, around.sources[edge]!)
    if (alarmed.has(source)) hasAlarmedCaller.add(wholeOf(around, target))
  }
  const surface = [...alarmed].filter((node) => !hasAlarmedCaller.has(node) && around.kinds[node] !== 'node')
  return surface.length > 0 ? surface : [...alarmed]
}

export function wholeOf(around: Pick<Surroundings, 'partOf'>, node: number): number {
  let whole = node
  for (let depth = 0; whole >= 0 && depth < 4; depth++) {
    const next = around.partOf[whole]!
    if (next < 0) break
    whole = next
  }
  return whole
}

/** By calls from the members, whoever calls whom; ties by how lately something came. O(n log n). */
function nearest(
  known: readonly KnownEntity[],
  graph: Graph,
  members: readonly Entity[],
  most: number,
): readonly KnownEntity[] {
  const neighbours = new Map<string, string[]>()
  const join = (a: string, b: string) => {
    const known = neighbours.get(a)
    if (known === undefined) neighbours.set(a, [b])
    else known.push(b)
  }
  for (const [edge, source] of graph.source.entries()) {
    const [a, b] = [graph.nodes[source]!, graph.nodes[graph.target[edge]!]!]
    join(a, b)
    join(b, a)
  }
  const distance = new Map<string, number>()
  let front = members.flatMap((entity) => [entityId(entity), ...idOfWhole(entity)])
  for (let hops = 0; front.length > 0 && hops < 16; hops++) {
    const next: string[] = []
    for (const id of front) {
      if (distance.has(id)) continue
      distance.set(id, hops)
      next.push(...(neighbours.get(id) ?? []))
    }
    front = next
  }
  const far = (entity: Entity) =>
    Math.min(...[entityId(entity), ...idOfWhole(entity)].map((id) => distance.get(id) ?? Number.POSITIVE_INFINITY))
  return known
    .map((one) => ({ one, hops: far(one.entity) }))
    .sort((a, b) => a.hops - b.hops || Number(b.one.lastSeenUnixNano - a.one.lastSeenUnixNano))
    .slice(0, most)
    .map(({ one }) => one)
}

function idOfWhole(entity: Entity): readonly string[] {
  if (entity.kind === 'query') return [entityId(databaseOf(entity))]
  const service = serviceOf(entity)
  return service === undefined ? [] : [entityId(service)]
}
