/** Whether an item of telemetry is of an entity, or calls it. */
import type { Attributes, Resource } from '../data/telemetry.ts'
import { asText } from '../data/value.ts'
import { type Entity, entityId, resourceService, serviceOf } from './entity.ts'

interface Item {
  readonly resource: Resource
  readonly attributes: Attributes
}
export interface Crossing {
  /** `entityId` of the service whose items they are; undefined for what is called and sends nothing itself. */
  readonly service: string | undefined
  matches(item: Item): boolean
}

/** Attributes of callers by which databases, queues, caches and externals get their names, the newest spelling first. */
const addresses = [
  'server.address',
  'net.peer.name',
  'peer.service',
  'messaging.destination.template',
  'messaging.destination.name',
  'messaging.destination',
]
const namespaces = ['db.namespace', 'db.name']

/**
 * A service is crossed by its own items, and a part of a service (an operation, an instance) by those of the service. An edge is crossed by its source's. What
 * sends nothing itself is crossed by the spans that name it; a query by those that name its database.
 */
export function crosses(entity: Entity): Crossing {
  const service = entity.kind === 'edge' ? edgeSource(entity) : serviceOf(entity)
  if (service !== undefined) {
    const id = entityId(service)
    return { service: id, matches: ({ resource }) => serviceId(resource) === id }
  }
  return { service: undefined, matches: ({ attributes }) => names(entity, attributes) }
}

/** A database is `address:port/namespace`, or what of it is known; a query is that, a space and its text. */
function names({ kind, name }: Entity, attributes: Attributes): boolean {
  const known = addresses.map((key) => textOf(attributes, key)).filter((value) => value !== '')
  const namespace = namespaces.map((key) => textOf(attributes, key)).find((value) => value !== '')
  const ends = kind === 'query' ? [' '] : []
  const begins = (value: string, then: readonly string[]) =>
    name === value || then.some((next) => name.startsWith(value + next))
  const isThere = known.some((value) => begins(value, [':', '/', ...ends]))
  if (namespace === undefined) return isThere
  if (begins(namespace, ends)) return true
  const isOfNamespace = name.endsWith(`/${namespace}`) || ends.some((end) => name.includes(`/${namespace}${end}`))
  // The name says which of the server's databases it is, where it says one.
  if (isThere) return isOfNamespace || !name.split(' ', 1)[0]!.includes('/')
  return known.length === 0 && isOfNamespace
}

function textOf(attributes: Attributes, key: string): string {
  const value = attributes.get(key)
  return value === undefined ? '' : asText(value)
}

/** `entityId` of the service of a resource; empty where it names none. */
export function serviceId({ attributes }: Resource): string {
  const service = resourceService(attributes)
  return service === undefined ? '' : entityId(service)
}

function edgeSource(edge: Entity): Entity | undefined {
  const [source = ''] = edge.name.split(' -> ', 1)
  return source === '' ? undefined : { ...edge, kind: 'service', service: '', name: source }
}
