/** Where a request goes, and the refusals that name it. */
import type { Asked } from '../json-server.ts'
import { at, type KubeObject, StatusError } from './object.ts'
import { type Resource, resources, type Verb } from './resources.ts'

export interface Place {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

export function placeOf(path: string): Place {
  const [, core, group, version, rest = ''] = /^\/(?:(api)|apis\/([^/]+))\/([^/]+)\/(.+?)\/?$/.exec(path) ?? []
  const parts = rest.split('/')
  const isScoped = parts[0] === 'namespaces' && parts.length > 2
  const namespace = isScoped ? parts[1] : undefined
  const [plural, name, subresource, ...more] = isScoped ? parts.slice(2) : parts
  const resource = resources.find(
    (one) => one.group === (core === undefined ? group : '') && one.version === version && one.plural === plural,
  )
  if (resource === undefined || more.length > 0 || (namespace !== undefined && !resource.isNamespaced)) {
    throw new StatusError('NotFound', 'the server could not find the requested resource')
  }
  if (resource.isNamespaced && name !== undefined && namespace === undefined) {
    throw new StatusError('NotFound', `${resource.plural} have a namespace: ask under /namespaces/<namespace>/`)
  }
  return { resource, namespace, name, subresource }
}

export function allow(place: Place, verb: Verb): Place {
  if (place.resource.verbs.includes(verb)) return place
  const { plural, verbs } = place.resource
  throw new StatusError('MethodNotAllowed', `${plural} do not take ${verb} here; they take ${verbs.join(', ')}`)
}

export function notAllowed({ method }: Asked, { plural }: Resource): StatusError {
  return new StatusError('MethodNotAllowed', `the server does not allow ${method} of ${plural}`)
}

export function nameOf({ resource, name }: Place): string {
  return `${resource.plural}${resource.group === '' ? '' : `.${resource.group}`} "${name}"`
}

export function notFound(place: Place): StatusError {
  const { name, resource } = place
  return new StatusError('NotFound', `${nameOf(place)} not found`, {
    name,
    group: resource.group,
    kind: resource.plural,
  })
}

function conflict(place: Place, why: string): StatusError {
  const { name, resource } = place
  return new StatusError('Conflict', `Operation cannot be fulfilled on ${nameOf(place)}: ${why}`, {
    name,
    group: resource.group,
    kind: resource.plural,
  })
}

function stale(place: Place): StatusError {
  return conflict(place, 'the object has been modified; please apply your changes to the latest version and try again')
}

/** The preconditions of a deletion. */
export function refuseOther(place: Place, before: KubeObject, options: unknown): void {
  const { uid, resourceVersion } = before.metadata
  if ((at(options, 'preconditions', 'uid') ?? uid) !== uid) throw conflict(place, 'its uid is another one')
  if ((at(options, 'preconditions', 'resourceVersion') ?? resourceVersion) !== resourceVersion) throw stale(place)
}

/** Who changes what he has not seen changes something else. */
export function refuseStale(place: Place, before: KubeObject, after: KubeObject): void {
  const { resourceVersion, uid } = after.metadata
  if (uid !== undefined && uid !== before.metadata.uid) throw conflict(place, 'its uid is another one')
  if (resourceVersion === undefined || resourceVersion === '') {
    if (!place.resource.needsVersion) return
    throw new StatusError(
      'Invalid',
      `${nameOf(place)} is invalid: metadata.resourceVersion: must be specified for an update`,
    )
  }
  if (resourceVersion !== before.metadata.resourceVersion) throw stale(place)
}
