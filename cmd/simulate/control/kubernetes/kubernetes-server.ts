/**
 * The cluster of a world as an API server would show it. Reads are drawn from the world, writes become actions on it: what an object cannot do here is
 * refused and never just stored.
 */

import type { Control } from '../control.ts'
import { type Answer, type Asked, BadRequest, JsonServer, type Stream } from '../json-server.ts'
import { ClusterEvents } from './cluster-events.ts'
import { discovered } from './discovery.ts'
import { deleteOptionsOf, evictionOf } from './eviction.ts'
import { meshKinds } from './mesh.ts'
import { at, type Fields, isFields, type KubeObject, StatusError, statusOf, success } from './object.ts'
import { patched } from './patch.ts'
import { allow, nameOf, notAllowed, notFound, type Place, placeOf, refuseOther, refuseStale } from './place.ts'
import { apiVersionOf, collectionOf, resources } from './resources.ts'
import { selectorOf } from './select.ts'
import { keyOf, Store, uidOf } from './store.ts'
import { Watches } from './watch.ts'
import { Workloads } from './workloads.ts'
import { carryOut, type Planned, plans } from './writes.ts'

const protobuf = 'application/vnd.kubernetes.protobuf'

export function kubernetesServer(control: Control): JsonServer {
  const api = new KubernetesApi(control)
  const handler = {
    answer: (asked: Asked) => api.answer(asked),
    fail(error: unknown): Answer {
      const known = error instanceof BadRequest ? badRequest(error) : error
      const { code, body } = statusOf(known)
      return { status: code, body }
    },
  }
  return new JsonServer(handler, [protobuf])
}

class KubernetesApi {
  private readonly control: Control
  private readonly store = new Store()
  private readonly workloads: Workloads
  private readonly watches: Watches
  /** Which actions an object of a mesh has caused, by collection and key. */
  private readonly inForce = new Map<string, readonly number[]>()
  private lookedAt = ''
  private readonly looked = new Set<string>()

  constructor(control: Control) {
    this.control = control
    const { world, exports } = control.playing
    this.workloads = new Workloads(world)
    // It writes into the store by itself.
    new ClusterEvents(this.store, this.workloads, exports)
    this.watches = new Watches(this.store, (collection) => this.look(collection))
  }

  answer(request: Asked): Answer | Stream {
    const { body } = request
    const asked = Buffer.isBuffer(body) ? { ...request, body: decoded(request, body) } : request
    const found = discovered(asked.path)
    if (found !== undefined) {
      if (asked.method !== 'GET') throw new StatusError('MethodNotAllowed', `${asked.path} can only be read`)
      return { status: 200, body: found }
    }
    const place = placeOf(asked.path)
    const { resource, name, subresource } = place
    this.look(collectionOf(resource))
    if (subresource !== undefined) return this.answerSubresource(asked, place, subresource)
    const { query } = asked
    if (name === undefined) {
      if (asked.method === 'POST') return this.create(asked, allow(place, 'create'))
      if (asked.method !== 'GET') throw notAllowed(asked, resource)
      if (query.get('watch') === 'true' || query.get('watch') === '1') return this.watch(asked, allow(place, 'watch'))
      return { status: 200, body: this.list(asked, allow(place, 'list')) }
    }
    switch (asked.method) {
      case 'GET':
        return { status: 200, body: this.get(place) }
      case 'PUT':
        return { status: 200, body: this.update(place, this.replacement(asked, allow(place, 'update')), isDry(asked)) }
      case 'PATCH': {
        const before = this.get(allow(place, 'patch'))
        const after = patched(before, asked.body, asked.contentType) as KubeObject
        return { status: 200, body: this.update(place, after, isDry(asked)) }
      }
      case 'DELETE':
        return { status: 200, body: this.remove(asked, allow(place, 'delete')) }
      default:
        throw notAllowed(asked, resource)
    }
  }

  /** Brings a collection up to date, unless nothing can have happened since. */
  private look(collection: string): void {
    const moment = `${this.workloads.world.schedule.now} ${this.control.count}`
    if (moment !== this.lookedAt) this.looked.clear()
    this.lookedAt = moment
    if (this.looked.has(collection)) return
    this.looked.add(collection)
    const resource = resources.find((one) => collectionOf(one) === collection)
    if (resource?.project !== undefined) this.store.project(collection, resource.project(this.workloads))
  }

  /** After a change of the world. */
  private lookAgain(collection: string): void {
    this.looked.clear()
    this.look(collection)
  }

  private get(place: Place): KubeObject {
    const object = this.store.get(collectionOf(place.resource), `${place.namespace ?? ''}/${place.name}`)
    if (object === undefined) throw notFound(place)
    return object
  }

  private list({ query }: Asked, { resource, namespace }: Place): Fields {
    const isMine = selectorOf(query.get('labelSelector'), query.get('fieldSelector'))
    const all = this.store
      .list(collectionOf(resource))
      .filter((one) => (namespace === undefined || one.metadata.namespace === namespace) && isMine(one))
    const from = numberOf(query, 'continue') ?? 0
    const limit = numberOf(query, 'limit') || all.length
    const items = all.slice(from, from + limit)
    const left = all.length - from - items.length
    return {
      apiVersion: apiVersionOf(resource),
      kind: `${resource.kind}List`,
      metadata: {
        resourceVersion: String(this.store.version),
        ...(left > 0 ? { continue: String(from + limit), remainingItemCount: left } : {}),
      },
      items,
    }
  }

  private watch({ query }: Asked, { resource, namespace, name }: Place): Stream {
    const selected = selectorOf(query.get('labelSelector'), query.get('fieldSelector'))
    const version = query.get('resourceVersion')
    const sendsInitial = query.get('sendInitialEvents') === 'true'
    const fromStart = version === null || version === '' || version === '0' || sendsInitial
    if (!fromStart && !/^\d+$/.test(version)) {
      throw new StatusError('BadRequest', `resourceVersion ${version} is none: take that of a list`)
    }
    return this.watches.begin({
      collection: collectionOf(resource),
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      isMine: (object) =>
        (namespace === undefined || object.metadata.namespace === namespace) &&
        (name === undefined || object.metadata.name === name) &&
        selected(object),
      since: fromStart ? undefined : Number(version),
      wantsBookmarks: query.get('allowWatchBookmarks') === 'true',
      marksInitialEnd: sendsInitial,
      timeoutSeconds: numberOf(query, 'timeoutSeconds'),
    })
  }

  private create(asked: Asked, place: Place): Answer {
    const { resource, namespace } = place
    const object = this.objectOf(asked.body, place)
    const { metadata } = object
    if (metadata.name === undefined && typeof metadata.generateName === 'string') {
      metadata.name = `${metadata.generateName}${uidOf(`${metadata.generateName} ${this.store.version}`).slice(0, 5)}`
    }
    if (typeof metadata.name !== 'string' || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(metadata.name)) {
      throw new StatusError(
        'Invalid',
        `${resource.kind} "${metadata.name}" is invalid: metadata.name: use a-z, 0-9, - and .`,
      )
    }
    if (resource.isNamespaced && namespace === undefined) {
      throw new StatusError(
        'BadRequest',
        'an object of a namespace is created in one: POST to /namespaces/<namespace>/',
      )
    }
    if (metadata.resourceVersion !== undefined) {
      throw new StatusError('BadRequest', 'resourceVersion should not be set on objects to be created')
    }
    if (this.store.get(collectionOf(resource), keyOf(object)) !== undefined) {
      const what = nameOf({ ...place, name: metadata.name })
      throw new StatusError('AlreadyExists', `${what} already exists`, { name: metadata.name, kind: resource.plural })
    }
    return { status: 201, body: this.save(place, object, isDry(asked)) }
  }

  private replacement(asked: Asked, place: Place): KubeObject {
    const after = this.objectOf(asked.body, place)
    if (after.metadata.name !== place.name) {
      const { name } = after.metadata
      throw new StatusError(
        'BadRequest',
        `the name of the object (${name}) does not match the name on the URL (${place.name})`,
      )
    }
    return after
  }

  private update(place: Place, after: KubeObject, isDryRun: boolean): KubeObject {
    const { resource } = place
    const before = this.get(place)
    refuseStale(place, before, after)
    if (after.metadata.name !== before.metadata.name || after.metadata.namespace !== before.metadata.namespace) {
      throw new StatusError('Invalid', `${nameOf(place)}: metadata.name and metadata.namespace cannot be changed`)
    }
    if (resource.project === undefined) return this.save(place, after, isDryRun)
    const plan = plans[resource.kind]
    if (plan === undefined) throw new StatusError('MethodNotAllowed', `${resource.plural} cannot be changed here`)
    const collection = collectionOf(resource)
    const { labels = {}, annotations = {} } = after.metadata
    const texts = [checked(labels), checked(annotations)] as const
    const planned: readonly Planned[] = plan(before, after, this.workloads)
    this.store.refuseExcess(collection, after)
    carryOut(this.control, planned, isDryRun, after)
    if (isDryRun) return { ...after, status: before.status ?? {} }
    this.store.overlay(collection, keyOf(after), ...texts)
    this.lookAgain(collection)
    return this.get(place)
  }

  /** What clients make: kept, and in force where it means something to the mechanism. */
  private save({ resource }: Place, object: KubeObject, isDryRun: boolean): KubeObject {
    const collection = collectionOf(resource)
    const made = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
    if (resource.kind === 'Lease') checkLease(made)
    this.store.refuseExcess(collection, made)
    const compile = meshKinds[resource.kind]
    if (compile !== undefined) {
      const calls = compile(made, this.workloads)
      const key = `${collection} ${keyOf(made)}`
      const before = this.store.get(collection, keyOf(made))
      const isSame = before !== undefined && JSON.stringify(before.spec) === JSON.stringify(made.spec)
      if (isDryRun || isSame) carryOut(this.control, calls, true, made)
      else {
        for (const { action, args } of calls) this.checkMesh(action, args, made)
        this.putBack(key)
        this.inForce.set(
          key,
          carryOut(this.control, calls, false, made).map(({ id }) => id),
        )
      }
    }
    if (isDryRun) return made
    return this.store.put(collection, made, this.workloads.at(this.workloads.world.schedule.now))
  }

  private checkMesh(action: string, args: Fields, object: KubeObject): void {
    carryOut(this.control, [{ action, args }], true, object)
  }

  private putBack(key: string): void {
    for (const id of this.inForce.get(key)?.toReversed() ?? []) {
      // Somebody else has changed it since: then it is theirs.
      if (this.control.mayReverse(id)) this.control.reverse(id, 'kubernetes')
    }
    this.inForce.delete(key)
  }

  private remove(asked: Asked, place: Place): Fields {
    const { resource } = place
    const before = this.get(place)
    refuseOther(place, before, asked.body)
    if (resource.kind === 'Pod') return this.deletePod(asked, place, before, 'delete_instance')
    if (isDry(asked)) return before
    const collection = collectionOf(resource)
    this.putBack(`${collection} ${keyOf(before)}`)
    this.store.drop(collection, keyOf(before))
    return success({ name: before.metadata.name, kind: resource.plural, uid: before.metadata.uid })
  }

  private deletePod(asked: Asked, place: Place, before: KubeObject, action: string): KubeObject {
    const grace = at(asked.body, 'gracePeriodSeconds') ?? asked.query.get('gracePeriodSeconds')
    const isForced = grace === 0 || grace === '0'
    // Deleting again what is going already is no mistake.
    if (before.metadata.deletionTimestamp !== undefined && !isForced) return before
    const args = { instance: before.metadata.name, ...(isForced ? { force: true } : {}) }
    carryOut(this.control, [{ action, args }], isDry(asked), before)
    if (isDry(asked)) return before
    this.lookAgain(collectionOf(place.resource))
    return this.store.get(collectionOf(place.resource), keyOf(before)) ?? before
  }

  private answerSubresource(asked: Asked, place: Place, subresource: string): Answer {
    const { resource } = place
    const known = resource.subresources[subresource]
    if (known === undefined) throw new StatusError('NotFound', 'the server could not find the requested resource')
    if (subresource === 'eviction') {
      if (asked.method !== 'POST') throw notAllowed(asked, resource)
      return { status: 201, body: this.evict(asked, place) }
    }
    const owner = this.get(place)
    const before = scaleOf(owner)
    if (asked.method === 'GET') return { status: 200, body: before }
    if (asked.method !== 'PUT' && asked.method !== 'PATCH') throw notAllowed(asked, resource)
    const after = (
      asked.method === 'PUT' ? this.objectOf(asked.body, place) : patched(before, asked.body, asked.contentType)
    ) as KubeObject
    refuseStale(place, before, after)
    const changed: KubeObject = {
      ...structuredClone(owner),
      spec: { ...structuredClone(owner.spec), replicas: at(after, 'spec', 'replicas') ?? 0 },
    }
    const updated = this.update(place, changed, isDry(asked))
    return { status: 200, body: scaleOf(updated) }
  }

  private evict(asked: Asked, place: Place): Fields {
    const before = this.get(place)
    refuseOther(place, before, at(asked.body, 'deleteOptions'))
    if (before.metadata.deletionTimestamp !== undefined) return success()
    const found = this.workloads.instance(place.namespace ?? '', before.metadata.name)
    if (found !== undefined && !this.workloads.world.cluster.mayEvict(found)) {
      throw new StatusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
        causes: [{ reason: 'DisruptionBudget', message: `another pod of ${found.service.name} is missing` }],
      })
    }
    this.deletePod({ ...asked, body: at(asked.body, 'deleteOptions') }, place, before, 'delete_instance')
    return success()
  }

  private objectOf(body: unknown, { resource, namespace }: Place): KubeObject {
    if (!isFields(body) || !isFields(body.metadata)) {
      throw new StatusError('BadRequest', `send a ${resource.kind} as JSON, with its metadata`)
    }
    const metadata = { ...body.metadata } as KubeObject['metadata']
    if (namespace !== undefined) {
      if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
        throw new StatusError(
          'BadRequest',
          `the namespace of the object (${metadata.namespace}) is not that of the URL`,
        )
      }
      metadata.namespace = namespace
    }
    return { ...body, metadata } as KubeObject
  }
}

/** Go's clients send these two so, whatever they are told. */
function decoded({ method, path }: Asked, body: Buffer): Fields {
  if (path.endsWith('/eviction')) return evictionOf(body)
  if (method === 'DELETE') return deleteOptionsOf(body)
  throw new StatusError('UnsupportedMediaType', 'send the body as Content-Type: application/json')
}

function scaleOf(deployment: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = deployment.metadata
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as KubeObject['metadata'],
    spec: { replicas: at(deployment.spec, 'replicas') },
    status: { replicas: at(deployment.status, 'replicas'), selector: `app=${name}` },
  }
}

function checkLease({ metadata, spec }: KubeObject): void {
  const bad = (field: string, message: string) =>
    new StatusError('Invalid', `Lease "${metadata.name}" is invalid: spec.${field}: ${message}`, {
      name: metadata.name,
      kind: 'Lease',
      causes: [{ reason: 'FieldValueInvalid', message, field: `spec.${field}` }],
    })
  for (const field of ['leaseDurationSeconds', 'leaseTransitions'] as const) {
    const value = at(spec, field)
    if (value === undefined || value === null) continue
    if (typeof value !== 'number' || !Number.isInteger(value) || value < (field === 'leaseTransitions' ? 0 : 1)) {
      throw bad(field, 'it is a whole number, and positive')
    }
  }
  const holder = at(spec, 'holderIdentity')
  if (holder !== undefined && holder !== null && typeof holder !== 'string') throw bad('holderIdentity', 'it is a text')
}

function checked(texts: unknown): Record<string, string> {
  if (!isFields(texts) || !Object.values(texts).every((value) => typeof value === 'string')) {
    throw new StatusError('BadRequest', 'labels and annotations are texts by name')
  }
  return texts as Record<string, string>
}

function isDry({ query, body }: Asked): boolean {
  const wanted = query.getAll('dryRun').concat((at(body, 'dryRun') as string[] | undefined) ?? [])
  if (wanted.some((one) => one !== 'All')) throw new StatusError('BadRequest', 'dryRun is All or absent')
  return wanted.length > 0
}

function numberOf(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key)
  if (text === null || text === '') return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new StatusError('BadRequest', `${key}=${text} is no whole number`)
  return value
}

function badRequest({ status, message }: BadRequest): StatusError {
  const reason = status === 403 ? 'Forbidden' : status === 415 ? 'UnsupportedMediaType' : 'BadRequest'
  return new StatusError(reason, message)
}
