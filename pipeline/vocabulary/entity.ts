/**
 * What telemetry is about. An entity stands in OTLP as resource attributes, so that any backend groups it with its service, and two attributes of the
 * data point or log record, which say what of that service it is.
 */
import { z } from 'zod'
import type { Attributes, Value } from '../data/telemetry.ts'
import { asText } from '../data/value.ts'

export const entityKinds = [
  'service',
  'operation',
  'version',
  'instance',
  'node',
  'database',
  'query',
  'pool',
  'cache',
  'queue',
  'edge',
  'external',
] as const
export type EntityKind = (typeof entityKinds)[number]

export interface Entity {
  readonly kind: EntityKind
  /** `k8s.cluster.name`; empty = not said, as in all others. */
  readonly cluster: string
  /** `deployment.environment.name` */
  readonly environment: string
  /** `service.namespace` */
  readonly namespace: string
  /** `service.name` of the service that it is a part of: of an operation, version, instance or pool. Empty for what stands by itself. */
  readonly service: string
  /**
   * Its own name: `payment`, `POST /orders`, `2.15.0`, a pod's name; a database's as `pipeline/vocabulary/span-names.ts` says, and of a query that
   * name, a space, and its text without values. Of an edge what `edgeEntity` says. What stands by itself has no namespace (but edges do): callers of
   * several namespaces share it.
   */
  readonly name: string
}

export const entityAttributes = {
  kind: 'vigil.entity.kind',
  name: 'vigil.entity.name',
  /** On events only: `entityId`. */
  id: 'vigil.entity.id',
} as const

/** Unique, readable, stable: `operation:eu/production/shop/order/POST %2Forders`. Slashes within a part are escaped as in a URL. */
export function entityId({ kind, cluster, environment, namespace, service, name }: Entity): string {
  const parts = [cluster, environment, namespace, ...(service === '' ? [] : [service]), name]
  return `${kind}:${parts.map(escaped).join('/')}`
}

/** Undefined for a text that `entityId` does not write. */
export function parseEntityId(id: string): Entity | undefined {
  const colon = id.indexOf(':')
  const kind = entityKinds.find((one) => one === id.slice(0, colon))
  const parts = id
    .slice(colon + 1)
    .split('/')
    .map(unescaped)
  if (kind === undefined || parts.length < 4 || parts.length > 5) return undefined
  const [cluster = '', environment = '', namespace = ''] = parts
  return { kind, cluster, environment, namespace, service: parts.length === 5 ? parts[3]! : '', name: parts.at(-1)! }
}

/** For people: `payment`, `order POST /orders`, `edge order -> payment`. */
export function entityLabel({ kind, service, name }: Entity): string {
  if (service !== '') return `${service} ${name}`
  return kind === 'service' ? name : `${kind} ${name}`
}

/**
 * The edge between two, named by their labels: `order -> payment`. It has cluster, environment and namespace of its source; where the target's differ, they stand before
 * the target's name: `frontend -> sales/payment`.
 */
export function edgeEntity(source: Entity, target: Entity): Entity {
  const { cluster, environment, namespace } = source
  const elsewhere = [
    ...(target.cluster === cluster ? [] : [target.cluster]),
    ...(target.environment === environment ? [] : [target.environment]),
    ...(target.namespace === namespace ? [] : [target.namespace]),
  ].filter((part) => part !== '')
  const name = `${entityLabel(source)} -> ${[...elsewhere, entityLabel(target)].join('/')}`
  return { kind: 'edge', cluster, environment, namespace, service: '', name }
}

export function serviceOf(entity: Entity): Entity | undefined {
  if (entity.kind === 'service') return entity
  return entity.service === '' ? undefined : { ...entity, kind: 'service', service: '', name: entity.service }
}

export function entityResource({
  kind,
  cluster,
  environment,
  namespace,
  service,
  name,
}: Entity): Record<string, Value> {
  const serviceName = kind === 'service' ? name : service
  return {
    ...(cluster === '' ? {} : { 'k8s.cluster.name': cluster }),
    ...(environment === '' ? {} : { 'deployment.environment.name': environment }),
    ...(namespace === '' ? {} : { 'service.namespace': namespace }),
    ...(serviceName === '' ? {} : { 'service.name': serviceName }),
  }
}

export function entityPoint({ kind, name }: Entity): Record<string, Value> {
  return { [entityAttributes.kind]: kind, [entityAttributes.name]: name }
}

/** Attributes of an item, or of a series' text. */
type Named = Pick<Attributes, 'get'>

/** The service of a resource as an SDK sends it; undefined where it names none. */
export function resourceService(resource: Named): Entity | undefined {
  const name = read(resource, 'service.name')
  if (name === '') return undefined
  return {
    kind: 'service',
    cluster: read(resource, 'k8s.cluster.name'),
    environment: read(resource, 'deployment.environment.name') || read(resource, 'deployment.environment'),
    namespace: read(resource, 'service.namespace'),
    service: '',
    name,
  }
}

/** The name of the instance that a resource is: its pod, which is all that the kubelet knows of it, else `service.instance.id`, else its host. Empty where it says none. */
export function instanceName(resource: Named): string {
  return read(resource, 'k8s.pod.name') || read(resource, 'service.instance.id') || read(resource, 'host.name')
}

/** The name of the version that a resource is of. Empty where it says none. */
export function versionName(resource: Named): string {
  return read(resource, 'service.version')
}

/** The machine that a resource runs on, or is. */
export function resourceNode(resource: Named): Entity | undefined {
  const name = read(resource, 'k8s.node.name') || read(resource, 'host.name')
  if (name === '') return undefined
  const cluster = read(resource, 'k8s.cluster.name')
  return { kind: 'node', cluster, environment: '', namespace: '', service: '', name }
}

/** The entity of an item of ours; undefined where it names none. */
export function readEntity(resource: Named, item: Named): Entity | undefined {
  const kind = entityKinds.find((one) => one === item.get(entityAttributes.kind))
  if (kind === undefined) return undefined
  const service = resourceService(resource)
  return {
    kind,
    cluster: read(resource, 'k8s.cluster.name'),
    environment: read(resource, 'deployment.environment.name'),
    namespace: read(resource, 'service.namespace'),
    service: kind === 'service' ? '' : (service?.name ?? ''),
    name: read(item, entityAttributes.name),
  }
}

export const entitySchema = z
  .strictObject({
    kind: z.enum(entityKinds),
    cluster: z.string(),
    environment: z.string(),
    namespace: z.string(),
    service: z.string(),
    name: z.string().min(1),
  })
  .describe('What the event is about.')

function read(attributes: Named, key: string): string {
  const value = attributes.get(key)
  return value === undefined ? '' : asText(value)
}

function escaped(part: string): string {
  return part.replaceAll('%', '%25').replaceAll('/', '%2F')
}

function unescaped(part: string): string {
  return part.replaceAll('%2F', '/').replaceAll('%25', '%')
}
