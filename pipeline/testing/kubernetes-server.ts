/**
 * Speaks the Kubernetes API as an API server does, over HTTPS with a service account: objects, lists in pages, watches that resume at a version,
 * bookmarks, versions that are forgotten (410), and refusals as `Status` objects.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PodWorld } from '../kubernetes/access.ts'
import type { KubernetesObject, ObjectMeta } from '../kubernetes/object.ts'
import { caCert, serverCert, serverKey } from './certificates.ts'

export interface ServedObject extends KubernetesObject {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}
interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly collection: string
  readonly object: ServedObject
}
interface Watcher {
  readonly collection: string
  readonly send: (change: Change) => void
  readonly response: http.ServerResponse
  readonly isPartial: boolean
}
export interface AskedOfKubernetes {
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
}

const token = 'service-account-token'

export class KubernetesServer {
  readonly asked: AskedOfKubernetes[] = []
  readonly #server: https.Server
  readonly #world: PodWorld
  readonly #collections = new Map<string, Map<string, ServedObject>>()
  readonly #changes: Change[] = []
  readonly #forbidden = new Set<string>()
  readonly #plain = new Map<string, unknown>()
  #watchers: Watcher[] = []
  #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = []
  #version = 100
  #oldest = 0

  private constructor(server: https.Server, world: PodWorld) {
    this.#server = server
    this.#world = world
    server.on('request', (request, response) => this.#answer(request, response))
  }

  static async start(): Promise<KubernetesServer> {
    const server = https.createServer({ cert: serverCert, key: serverKey })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const serviceAccount = await mkdtemp(join(tmpdir(), 'service-account-'))
    await writeFile(join(serviceAccount, 'token'), `${token}\n`)
    await writeFile(join(serviceAccount, 'ca.crt'), caCert)
    const port = String((server.address() as AddressInfo).port)
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port }
    return new KubernetesServer(server, { env, serviceAccount })
  }

  /** What a pod of this cluster would find around it. */
  get world(): PodWorld {
    return this.#world
  }
  /** For `KUBECONFIG`. */
  async kubeConfig(): Promise<string> {
    const path = join(this.#world.serviceAccount, 'kubeconfig')
    const server = `https://127.0.0.1:${this.#world.env['KUBERNETES_SERVICE_PORT']}`
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'test', cluster: { server, 'certificate-authority': join(this.#world.serviceAccount, 'ca.crt') } },
      ],
      users: [
        { name: 'me', user: { token } },
        { name: 'stranger', user: { token: 'wrong' } },
      ],
      contexts: [
        { name: 'test', context: { cluster: 'test', user: 'me' } },
        { name: 'stranger', context: { cluster: 'test', user: 'stranger' } },
      ],
      'current-context': 'test',
    }
    await writeFile(path, JSON.stringify(config))
    return path
  }

  /** `collection` is the path without a namespace: `/api/v1/pods`. Watchers hear of it. */
  put(collection: string, object: ServedObject): void {
    const objects = this.#collection(collection)
    const key = keyOf(object.metadata)
    const type = objects.has(key) ? 'MODIFIED' : 'ADDED'
    this.#change({ type, version: ++this.#version, collection, object: this.#stamped(object) })
  }
  remove(collection: string, metadata: ObjectMeta): void {
    const object = this.#collection(collection).get(keyOf(metadata))
    if (object === undefined) throw new Error(`there is no ${keyOf(metadata)} in ${collection}`)
    this.#change({ type: 'DELETED', version: ++this.#version, collection, object: this.#stamped(object) })
  }
  /** Any other path, with what it answers. */
  answer(path: string, body: unknown): void {
    this.#plain.set(path, body)
  }
  forbid(collection: string): void {
    this.#forbidden.add(collection)
  }
  allow(collection: string): void {
    this.#forbidden.delete(collection)
  }

  /** Breaks every watch, as a network does. */
  cut(): void {
    for (const { response } of this.#watchers) response.destroy()
    this.#watchers = []
  }
  /** Forgets everything before now: who resumes there hears 410. */
  compact(): void {
    this.#oldest = this.#version + 1
  }
  bookmark(): void {
    this.#version++
    for (const { response, collection } of this.#watchers) {
      const object = {
        kind: kindOf(collection),
        apiVersion: 'v1',
        metadata: { resourceVersion: String(this.#version) },
      }
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
    }
  }
  watches(collection: string): number {
    return this.#watchers.filter((watcher) => watcher.collection === collection).length
  }
  /** Resolves when somebody watches this. */
  async watched(collection: string): Promise<void> {
    await this.#until(() => this.watches(collection) > 0)
  }
  /** Resolves after so many requests to this path. */
  async askedFor(path: string, times = 1): Promise<void> {
    await this.#until(() => this.asked.filter((one) => one.path === path).length >= times)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await rm(this.#world.serviceAccount, { recursive: true, force: true })
  }

  #until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }))
  }
  #wake(): void {
    for (const { isMet, resolve } of this.#waiting) if (isMet()) resolve()
    this.#waiting = this.#waiting.filter(({ isMet }) => !isMet())
  }

  #collection(path: string): Map<string, ServedObject> {
    let objects = this.#collections.get(path)
    if (objects === undefined) {
      objects = new Map()
      this.#collections.set(path, objects)
    }
    return objects
  }
  #stamped(object: ServedObject): ServedObject {
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } }
  }
  #change(change: Change): void {
    const { collection, object, type } = change
    if (type === 'DELETED') this.#collection(collection).delete(keyOf(object.metadata))
    else this.#collection(collection).set(keyOf(object.metadata), object)
    this.#changes.push(change)
    for (const watcher of this.#watchers) if (watcher.collection === collection) watcher.send(change)
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? '/', 'https://localhost')
    const accept = request.headers.accept ?? ''
    this.asked.push({ path: url.pathname, query: url.searchParams, accept })
    setImmediate(() => this.#wake())
    if (request.headers.authorization !== `Bearer ${token}`) {
      refuse(response, 401, 'Unauthorized', 'Unauthorized')
      return
    }
    if (this.#plain.has(url.pathname)) {
      send(response, 200, this.#plain.get(url.pathname))
      return
    }
    const { collection, namespace, name } = placeOf(url.pathname)
    if (this.#forbidden.has(collection)) {
      const resource = collection.slice(collection.lastIndexOf('/') + 1)
      const message = `${resource} is forbidden: User "system:serviceaccount:default:default" cannot list resource "${resource}" in API group "" at the cluster scope`
      refuse(response, 403, 'Forbidden', message)
      return
    }
    if (name !== '') {
      const object = this.#collection(collection).get(`${namespace}/${name}`)
      if (object === undefined) refuse(response, 404, 'NotFound', `"${name}" not found`)
      else send(response, 200, object)
      return
    }
    const isPartial = accept.includes('as=PartialObjectMetadata')
    const isChosen = chooser(namespace, url.searchParams)
    if (url.searchParams.get('watch') === '1') this.#watch(url, response, { collection, isPartial, isChosen })
    else this.#list(url, response, { collection, isPartial, isChosen })
  }

  #list(url: URL, response: http.ServerResponse, { collection, isPartial, isChosen }: Asked): void {
    const limit = Number(url.searchParams.get('limit') ?? '0') || Number.POSITIVE_INFINITY
    const start = Number(url.searchParams.get('continue') ?? '0')
    const all = [...this.#collection(collection).values()].filter(isChosen)
    const items = all.slice(start, start + limit).map((object) => (isPartial ? partial(object) : object))
    const rest = start + limit < all.length ? { continue: String(start + limit) } : {}
    const metadata = { resourceVersion: String(this.#version), ...rest }
    const kind = isPartial ? 'PartialObjectMetadataList' : `${kindOf(collection)}List`
    send(response, 200, { kind, apiVersion: isPartial ? 'meta.k8s.io/v1' : 'v1', metadata, items })
  }

  #watch(url: URL, response: http.ServerResponse, { collection, isPartial, isChosen }: Asked): void {
    const since = Number(url.searchParams.get('resourceVersion') ?? '0')
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
    if (since < this.#oldest) {
      const message = `too old resource version: ${since} (${this.#oldest})`
      const object = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason: 'Expired', code: 410 }
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
      return
    }
    const sendChange = ({ type, object }: Change) => {
      if (!isChosen(object)) return
      const line = Buffer.from(`${JSON.stringify({ type, object: isPartial ? partial(object) : object })}\n`)
      // In two parts, as a network may deliver it.
      response.write(line.subarray(0, 10))
      response.write(line.subarray(10))
    }
    response.flushHeaders()
    for (const change of this.#changes)
      if (change.version > since && change.collection === collection) sendChange(change)
    const watcher = { collection, send: sendChange, response, isPartial }
    this.#watchers.push(watcher)
    response.on('close', () => {
      this.#watchers = this.#watchers.filter((one) => one !== watcher)
    })
    setImmediate(() => this.#wake())
  }
}

interface Asked {
  readonly collection: string
  readonly isPartial: boolean
  readonly isChosen: (object: ServedObject) => boolean
}

function keyOf({ namespace = '', name = '' }: ObjectMeta): string {
  return `${namespace}/${name}`
}

/** `/api/v1/namespaces/<ns>/pods/<name>` belongs to `/api/v1/pods`. */
function placeOf(path: string): { collection: string; namespace: string; name: string } {
  const match = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(path)
  const [, group = '', namespace = '', resource = '', name = ''] = match ?? []
  return { collection: `${group}/${resource}`, namespace, name }
}

function kindOf(collection: string): string {
  const resource = collection.slice(collection.lastIndexOf('/') + 1, -1)
  return resource.slice(0, 1).toUpperCase() + resource.slice(1)
}

function partial({ metadata }: ServedObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
}

function chooser(namespace: string, query: URLSearchParams): (object: ServedObject) => boolean {
  const fields = termsOf(query.get('fieldSelector'))
  const labels = termsOf(query.get('labelSelector'))
  return (object) => {
    const spec = object['spec'] as { nodeName?: string } | undefined
    const values: Readonly<Record<string, string | undefined>> = {
      'metadata.name': object.metadata.name,
      'spec.nodeName': spec?.nodeName,
    }
    return (
      (namespace === '' || object.metadata.namespace === namespace) &&
      fields.every(([key, value]) => values[key] === value) &&
      labels.every(([key, value]) => object.metadata.labels?.[key] === value)
    )
  }
}
function termsOf(selector: string | null): (readonly [string, string])[] {
  return (selector ?? '')
    .split(',')
    .filter((term) => term !== '')
    .map((term) => [term.split('=', 1)[0] ?? '', term.slice(term.indexOf('=') + 1)] as const)
}

function send(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
function refuse(response: http.ServerResponse, code: number, reason: string, message: string): void {
  send(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code })
}
