import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TestContext, testContext } from '../testing/context.ts'
import { KubernetesServer, type ServedObject } from '../testing/kubernetes-server.ts'
import { findAccess } from './access.ts'
import { ApiError, KubernetesApi } from './kubernetes-api.ts'
import { Reflector } from './reflector.ts'

const pods = '/api/v1/pods'
const pod = (name: string, uid = `uid-${name}`, labels: Record<string, string> = {}): ServedObject => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name, namespace: 'default', uid, labels },
})
const serviceAccount = { auth_type: 'serviceAccount', context: '', kube_api_qps: 0, kube_api_burst: 0 }

interface Rig extends AsyncDisposable {
  readonly events: string[]
  readonly reflector: Reflector<string>
  readonly context: TestContext
  /** Resolves when so many events were told. */
  heard(count: number): Promise<void>
  readonly leftOut: () => number
}

async function rig(server: KubernetesServer, limit = 100, resyncMs = 0): Promise<Rig> {
  const context = testContext({ random: () => 0 })
  const api = new KubernetesApi(await findAccess(serviceAccount, server.world), { clock: context.clock, burst: 1_000 })
  const events: string[] = []
  let left = 0
  let waiting: { count: number; resolve: () => void } | undefined
  const tell = (what: string) => (name: string) => {
    events.push(`${what} ${name}`)
    if (waiting !== undefined && events.length >= waiting.count) waiting.resolve()
  }
  const reflector = new Reflector<string>(
    {
      name: 'pods',
      path: pods,
      isMetadataOnly: true,
      trim: ({ metadata }) => {
        if (metadata?.name === 'odd') throw new TypeError('a field is not what it should be')
        return `${metadata?.name} ${metadata?.uid}`
      },
      listener: { added: tell('added'), updated: tell('updated'), deleted: tell('deleted') },
      resyncMs,
      limit,
      leftOut: () => void left++,
    },
    { api, clock: context.clock, logger: context.logger, random: context.random },
  )
  const stop = new AbortController()
  const running = reflector.run(stop.signal)
  return {
    events,
    reflector,
    context,
    heard: (count) =>
      events.length >= count
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            waiting = { count, resolve }
          }),
    leftOut: () => left,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      api.close()
    },
  }
}

/** Lets the back-off pass as soon as somebody waits for it. */
async function passBackoff({ clock }: TestContext): Promise<void> {
  for (let i = 0; i < 500 && clock.pendingTimers === 0; i++) await new Promise((resolve) => setTimeout(resolve, 2))
  await clock.advance(60_000)
}

test('an object that cannot be read is left out, and harms no other', async () => {
  await using server = await KubernetesServer.start()
  server.put(pods, pod('odd'))
  server.put(pods, pod('one'))
  await using rigged = await rig(server)
  await rigged.reflector.synced
  server.put(pods, pod('odd', 'uid-odd', { changed: 'yes' }))
  server.put(pods, pod('two'))
  await rigged.heard(2)
  assert.deepEqual(rigged.events, ['added one uid-one', 'added two uid-two'])
  assert.equal(rigged.leftOut(), 2)
})

test('a list in pages, then what changes', async () => {
  await using server = await KubernetesServer.start()
  for (let i = 0; i < 501; i++) server.put(pods, pod(`p${i}`))
  await using one = await rig(server, 1_000)
  await one.reflector.synced
  assert.equal(one.events.length, 501)
  assert.equal(server.asked.filter(({ query }) => query.get('limit') === '500').length, 2)
  assert.match(server.asked[0]?.accept ?? '', /as=PartialObjectMetadataList;g=meta.k8s.io;v=v1/)
  await server.watched(pods)
  server.put(pods, pod('new'))
  server.put(pods, pod('p0', 'uid-p0', { a: 'b' }))
  server.remove(pods, { name: 'p1', namespace: 'default' })
  await one.heard(504)
  assert.deepEqual(one.events.slice(501), ['added new uid-new', 'updated p0 uid-p0', 'deleted p1 uid-p1'])
})

test('a connection that breaks is resumed where it was, at the last bookmark', async () => {
  await using server = await KubernetesServer.start()
  server.put(pods, pod('a'))
  await using one = await rig(server)
  await server.watched(pods)
  server.put(pods, pod('b'))
  await one.heard(2)
  server.bookmark()
  server.put(pods, pod('c'))
  await one.heard(3)
  server.cut()
  server.put(pods, pod('d'))
  await passBackoff(one.context)
  await one.heard(4)
  assert.deepEqual(one.events, ['added a uid-a', 'added b uid-b', 'added c uid-c', 'added d uid-d'])
  const lists = server.asked.filter(({ query }) => query.get('watch') === null)
  assert.equal(lists.length, 1)
  assert.equal(server.asked.at(-1)?.query.get('allowWatchBookmarks'), 'true')
})

test('a version that is forgotten means a new list, and its difference', async () => {
  await using server = await KubernetesServer.start()
  for (const name of ['stays', 'goes', 'returns']) server.put(pods, pod(name))
  await using one = await rig(server)
  await server.watched(pods)
  server.cut()
  server.remove(pods, { name: 'goes', namespace: 'default' })
  server.remove(pods, { name: 'returns', namespace: 'default' })
  server.put(pods, pod('returns', 'uid-2'))
  server.put(pods, pod('comes'))
  server.compact()
  await passBackoff(one.context)
  await server.askedFor(pods, 3)
  await passBackoff(one.context)
  await one.heard(7)
  assert.deepEqual(one.events.slice(3).sort(), [
    'added comes uid-comes',
    'added returns uid-2',
    'deleted goes uid-goes',
    'deleted returns uid-returns',
  ])
})

test('what may not be watched is said once, with the cure, and is watched when it may', async () => {
  await using server = await KubernetesServer.start()
  server.put(pods, pod('a'))
  server.forbid(pods)
  await using one = await rig(server)
  await server.askedFor(pods)
  await passBackoff(one.context)
  await server.askedFor(pods, 2)
  server.allow(pods)
  await passBackoff(one.context)
  await one.reflector.synced
  const lines = one.context.recorded.lines.filter(({ level }) => level !== 'debug')
  assert.deepEqual(
    lines.map(({ level, message }) => [level, message]),
    [
      ['error', 'may not watch pods; grant list and watch on pods to the service account'],
      ['info', 'watching pods again'],
    ],
  )
  assert.match(String(lines[0]?.fields['error']), /^pods is forbidden: User "system:serviceaccount/)
})

test('objects beyond the limit are left out and counted; resync tells of the others again', async () => {
  await using server = await KubernetesServer.start()
  for (const name of ['a', 'b', 'c']) server.put(pods, pod(name))
  await using one = await rig(server, 2, 300_000)
  await server.watched(pods)
  assert.deepEqual(one.events, ['added a uid-a', 'added b uid-b'])
  assert.equal(one.leftOut(), 1)
  await one.context.clock.advance(300_000)
  assert.deepEqual(one.events.slice(2), ['updated a uid-a', 'updated b uid-b'])
})

test('a kubeconfig says who we are, by its context', async (t) => {
  await using server = await KubernetesServer.start()
  server.put(pods, pod('a'))
  const before = process.env['KUBECONFIG']
  t.after(() => {
    if (before === undefined) delete process.env['KUBECONFIG']
    else process.env['KUBECONFIG'] = before
  })
  process.env['KUBECONFIG'] = await server.kubeConfig()
  const get = async (context: string) => {
    const access = await findAccess({ ...serviceAccount, auth_type: 'kubeConfig', context })
    const api = new KubernetesApi(access, { clock: testContext().clock })
    try {
      return await api.get({ path: '/api/v1/namespaces/default/pods/a', signal: AbortSignal.timeout(5_000) })
    } finally {
      api.close()
    }
  }
  assert.equal(((await get('')) as ServedObject).metadata.uid, 'uid-a')
  await assert.rejects(get('stranger'), (error) => error instanceof ApiError && error.code === 401)
  await assert.rejects(get('missing'), /context "missing" does not exist/)
})

test('outside a cluster the cure is said', async () => {
  const nowhere = { env: {}, serviceAccount: '/nowhere' }
  await assert.rejects(findAccess(serviceAccount, nowhere), /KUBERNETES_SERVICE_PORT must be defined; .*kubeConfig/)
})

test('requests keep to the rate', async () => {
  await using server = await KubernetesServer.start()
  const { clock } = testContext()
  const api = new KubernetesApi(await findAccess(serviceAccount, server.world), { clock, qps: 2, burst: 1 })
  const signal = AbortSignal.timeout(5_000)
  const get = () => api.get({ path: pods, signal })
  await get()
  const second = get()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(server.asked.length, 1)
  await clock.advance(500)
  await second
  assert.equal(server.asked.length, 2)
  api.close()
})
