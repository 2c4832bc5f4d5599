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

/** Attributes of callers by which databases, queues, caches and externals get their names. */
const nameAttributes = [
  'server.address',
  'net.peer.name',
  'db.namespace',
  'db.name',
  'peer.service',
  'messaging.destination.template',
  'messaging.destination.name',
  'messaging.destination',
]

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
  const isNamed = (value: string) =>
    value !== '' &&
    (value === entity.name ||
      entity.name.startsWith(`${value}:`) ||
      (entity.kind === 'query' && entity.name.startsWith(`${value} `)))
  return {
    service: undefined,
    matches: ({ attributes }) =>
      nameAttributes.some((name) => {
        const value = attributes.get(name)
        return value !== undefined && isNamed(asText(value))
      }),
  }
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
