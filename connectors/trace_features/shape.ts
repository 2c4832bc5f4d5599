/**
 * What a span is: where it comes from, what it does, and which entities it counts for. Few are needed, since most spans are like many others: a span
 * costs one look-up by the dictionary's ids of what it says.
 */
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { edgeEntity } from '../../pipeline/vocabulary/entity.ts'
import { addressName, databaseName, isCache, operationName, queryName } from '../../pipeline/vocabulary/span-names.ts'
import type { SpanText } from '../../pipeline/vocabulary/span-texts.ts'
import type { Kind } from './config.ts'
import type { EdgeType, Entities, EntitySeries, Sender } from './entities.ts'
import { PeerCalls, type Peers } from './peers.ts'

/** What a span does for its service. */
export const roles = {
  /** Work of its own. */
  internal: 0,
  /** A request that it was asked for: a server span, or a root that calls nobody. */
  entry: 1,
  /** A message that it processes: nobody waits for it. */
  consumer: 2,
  /** A call to whoever answers. */
  call: 3,
  /** A call to a database, a cache or a queue, which send no spans. */
  use: 4,
} as const
export type Role = (typeof roles)[keyof typeof roles]

/** A resource that sends spans. */
export interface Place {
  readonly sender: Sender
  /** In the order of `resourceKeys`; empty where it does not say. */
  readonly texts: readonly string[]
  /** Equal for the same resource: there may be several of these of one. */
  readonly key: string
  readonly index: number
  /** Undefined where it has no name. */
  readonly service: EntitySeries | undefined
  readonly of: Entity
  readonly version: EntitySeries | undefined
  readonly instance: EntitySeries | undefined
}

export type SpanTexts = { readonly [T in SpanText]?: string } & { readonly name: string }

export class Shape {
  readonly place: Place
  readonly role: Role
  /** For which entities it counts as a request. */
  readonly counted: readonly EntitySeries[]
  /** Which entities a request crosses that comes here. */
  readonly crossed: readonly EntitySeries[]
  readonly operation: EntitySeries | undefined
  /** Of a call. */
  readonly calls: PeerCalls | undefined
  /** To say it again after a reload. */
  readonly kind: number
  readonly isRoot: boolean
  readonly texts: SpanTexts
  /** By the service that answered. */
  private edges: Map<EntitySeries, EntitySeries> | undefined = undefined

  constructor(place: Place, kind: number, isRoot: boolean, texts: SpanTexts, does: Does) {
    this.place = place
    this.kind = kind
    this.isRoot = isRoot
    this.texts = texts
    this.role = does.role
    this.counted = does.counted ?? []
    this.crossed = does.crossed ?? []
    this.operation = does.operation
    this.calls = does.calls
  }

  /** From its service to the one that answered. */
  edgeTo(service: EntitySeries, entities: Entities, nowMs: number): EntitySeries {
    let edge = this.edges?.get(service)
    if (edge === undefined) {
      edge = edgeBetween(entities, this.place.service!, service, 'call', nowMs)
      this.edges ??= new Map()
      this.edges.set(service, edge)
    }
    return edge
  }
}

interface Does {
  readonly role: Role
  readonly counted?: readonly EntitySeries[]
  readonly crossed?: readonly EntitySeries[]
  readonly operation?: EntitySeries
  readonly calls?: PeerCalls
}

export function edgeBetween(
  entities: Entities,
  source: EntitySeries,
  target: EntitySeries,
  type: EdgeType,
  nowMs: number,
): EntitySeries {
  const edge =
    source.entity === undefined || target.entity === undefined ? noEdge : edgeEntity(source.entity, target.entity)
  return entities.findEdge(source, target, { ...edge, kind: 'edge' }, type, nowMs)
}
const noEdge: Entity = { kind: 'edge', cluster: '', environment: '', namespace: '', service: '', name: '' }

export function placeOf(
  sender: Sender,
  texts: readonly string[],
  index: number,
  entities: Entities,
  nowMs: number,
): Place {
  const [name = '', namespace = '', version = '', id, pod, host, cluster = '', environment, oldEnvironment] = texts
  const where = { cluster, environment: environment || oldEnvironment || '', namespace }
  const of = { ...where, kind: 'service', service: '', name } as const
  const place = { sender, texts, key: JSON.stringify(texts), index, of }
  if (name === '') return { ...place, service: undefined, version: undefined, instance: undefined }
  const service = entities.find(sender, of, nowMs)
  const part = (kind: Kind, partName: string) =>
    partName === ''
      ? undefined
      : entities.find(sender, { ...where, kind, service: name, name: partName }, nowMs, service)
  return { ...place, service, version: part('version', version), instance: part('instance', pod || id || host || '') }
}

const [serverKind, clientKind, producerKind, consumerKind] = [2, 3, 4, 5]
/** A consumer's look into a queue, and its thanks: not the work on a message. */
const polls = new Set(['receive', 'settle'])

export class Shapes {
  private readonly entities: Entities
  private readonly peers: Peers

  constructor(entities: Entities, peers: Peers) {
    this.entities = entities
    this.peers = peers
  }

  /** `kind` as on the wire. */
  of(place: Place, kind: number, isRoot: boolean, texts: SpanTexts, nowMs: number): Shape {
    return new Shape(place, kind, isRoot, texts, this.does(place, kind, isRoot, texts, nowMs))
  }

  private does(place: Place, kind: number, isRoot: boolean, texts: SpanTexts, nowMs: number): Does {
    if (place.service === undefined) return { role: roles.internal }
    if (kind === consumerKind) {
      if (polls.has(texts.messagingOperation ?? '')) return { role: roles.internal }
      return this.entry(place, place.service, roles.consumer, texts, nowMs)
    }
    if (kind === clientKind || kind === producerKind) return this.call(place, place.service, kind, texts, nowMs)
    if (kind === serverKind || isRoot) return this.entry(place, place.service, roles.entry, texts, nowMs)
    return { role: roles.internal }
  }

  private entry(place: Place, service: EntitySeries, role: Role, texts: SpanTexts, nowMs: number): Does {
    const { sender, of, version, instance } = place
    const name = operationName(texts.name, texts.method ?? '', texts.route ?? '') || 'unnamed'
    const operation = this.entities.find(sender, { ...of, kind: 'operation', service: of.name, name }, nowMs, service)
    const crossed = [operation, service, version, instance].filter((series) => series !== undefined)
    const queue = role === roles.consumer ? this.queue(place, texts, nowMs) : undefined
    const edge = queue && edgeBetween(this.entities, queue, service, 'messaging', nowMs)
    return { role, operation, crossed, counted: edge === undefined ? crossed : [...crossed, edge] }
  }

  private call(place: Place, service: EntitySeries, kind: number, texts: SpanTexts, nowMs: number): Does {
    const { sender, of } = place
    const system = texts.system ?? ''
    if (system !== '') return this.useOfDatabase(place, service, system, texts, nowMs)
    if (kind === producerKind || (texts.messagingSystem ?? '') !== '') {
      if (polls.has(texts.messagingOperation ?? '')) return { role: roles.use }
      const queue = this.queue(place, texts, nowMs)
      if (queue === undefined) return { role: roles.use }
      const edge = edgeBetween(this.entities, service, queue, 'messaging', nowMs)
      return { role: roles.use, crossed: [queue], counted: [queue, edge] }
    }
    const name = texts.peerService || (texts.address ? addressName(texts.address, texts.port ?? '', '') : '')
    if (name === '') return { role: roles.call }
    const external = { ...of, kind: 'external', namespace: '', name } as const
    const peer = this.peers.find(sender, external, nowMs)
    return peer === undefined ? { role: roles.call } : { role: roles.call, calls: new PeerCalls(service, peer) }
  }

  private useOfDatabase(place: Place, service: EntitySeries, system: string, texts: SpanTexts, nowMs: number): Does {
    const { sender, of } = place
    const address = texts.address ? addressName(texts.address, texts.port ?? '', system) : ''
    const isOfCache = isCache(system)
    const kind = isOfCache ? 'cache' : 'database'
    // The namespace of a cache is the number of a database within it.
    const name = databaseName(address, isOfCache ? '' : (texts.namespace ?? ''), texts.peerService ?? '', system)
    const database = this.entities.find(sender, { ...of, kind, namespace: '', name }, nowMs)
    const edge = edgeBetween(this.entities, service, database, kind, nowMs)
    const query = isOfCache
      ? ''
      : queryName(texts.summary ?? '', texts.statement ?? '', texts.dbOperation ?? '', texts.collection ?? '', system)
    if (query === '') return { role: roles.use, crossed: [database], counted: [database, edge] }
    const one = this.entities.find(
      sender,
      { ...of, kind: 'query', namespace: '', name: `${name} ${query}` },
      nowMs,
      database,
    )
    return { role: roles.use, crossed: [database, one], counted: [database, one, edge] }
  }

  private queue({ sender, of }: Place, texts: SpanTexts, nowMs: number): EntitySeries | undefined {
    const name = texts.destination ?? ''
    return name === '' ? undefined : this.entities.find(sender, { ...of, kind: 'queue', namespace: '', name }, nowMs)
  }
}
