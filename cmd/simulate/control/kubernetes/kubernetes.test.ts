import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  ApiException,
  AppsV1Api,
  AutoscalingV2Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  EventsV1Api,
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  type V1Deployment,
  type V1Lease,
  V1MicroTime,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import { parseScenario } from '../../scenario/read.ts'
import { prepare } from '../../scenario/run.ts'
import { parseTopology } from '../../topology/read.ts'
import { Control } from '../control.ts'
import type { JsonServer } from '../json-server.ts'
import { kubernetesServer } from './kubernetes-server.ts'

const startMs = Date.UTC(2026, 10, 21, 10)
const topology = parseTopology(
  `
name: bench
nodes: { count: 3, cores: 16 }
users: { rate: 20, day: 0, week: 0, noise: 0, retry: 0, patience: 5s, operations: [{ call: web/GET, weight: 1, slow: 500ms }] }
services:
  web: { kind: service, instances: 2, startup: 5s, autoscale: { min: 2, max: 6, cpu: 0.6 }, operations: { GET: { self: { median: 2ms }, errors: 0, steps: [{ call: pay/Charge, timeout: 2s, retries: { max: 1 } }] } } }
  pay: { kind: service, namespace: sales, instances: 2, startup: 5s, version: 5.2.1, operations: { Charge: { self: { median: 5ms }, errors: 0 } } }
  psp: { kind: external, host: psp.example.com, operations: { auth: { self: { median: 5ms } } } }`,
  'bench.yaml',
)
const observation = 'sampling: 0, requestLogEvery: 1000000, scrape: 1h, lateShare: 0'
const servers: JsonServer[] = []
after(() => Promise.all(servers.map((server) => server.close())))

async function cluster(...events: readonly string[]) {
  const scenario = parseScenario(
    `{ name: x, duration: 1h, observation: { ${observation} }, events: [${events.join(', ')}] }`,
    'x.yaml',
  )
  const playing = prepare({ topology, scenario, seed: 2, startMs, send: () => {} })
  const control = new Control(playing)
  const server = kubernetesServer(control)
  servers.push(server)
  const address = await server.listen('127.0.0.1:0')
  playing.world.runUntil(1_000)
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'sim', server: `http://${address}`, skipTLSVerify: true }, { name: 'me' })
  const { world } = playing
  return {
    world,
    playing,
    control,
    address,
    config,
    until: (seconds: number) => world.runUntil(seconds * 1_000),
    apps: config.makeApiClient(AppsV1Api),
    core: config.makeApiClient(CoreV1Api),
    pay: world.service('pay'),
  }
}

async function refusal(promise: Promise<unknown>) {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof ApiException, String(error))
    const body = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as {
      reason: string
      message: string
    }
    return { code: error.code, reason: body.reason, message: body.message }
  }
  throw new Error('it was not refused')
}

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
const strategic = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch)
const json = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch)

test('a Deployment is what the service is, its ReplicaSets its revisions, its Pods its instances, each owned by the other', async () => {
  const { apps, core, pay } = await cluster()
  const deployment = await apps.readNamespacedDeployment({ namespace: 'sales', name: 'pay' })
  assert.equal(deployment.spec?.replicas, 2)
  assert.equal(deployment.spec?.template.spec?.containers[0]?.image, 'registry.local/pay:5.2.1')
  assert.equal(deployment.status?.readyReplicas, 2)
  assert.equal(deployment.status?.observedGeneration, deployment.metadata?.generation)
  const { items: sets } = await apps.listNamespacedReplicaSet({ namespace: 'sales' })
  assert.deepEqual(
    sets.map((set) => [set.metadata?.annotations?.['deployment.kubernetes.io/revision'], set.spec?.replicas]),
    [
      ['1', 0],
      ['2', 2],
    ],
  )
  assert.ok(sets.every((set) => set.metadata?.ownerReferences?.[0]?.uid === deployment.metadata?.uid))
  const { items: pods } = await core.listNamespacedPod({ namespace: 'sales', labelSelector: 'app=pay' })
  assert.deepEqual(
    pods.map((pod) => pod.metadata?.name),
    pay.instances.map(({ name }) => name),
  )
  assert.ok(pods.every((pod) => pod.metadata?.ownerReferences?.[0]?.name === sets[1]?.metadata?.name))
  const all = await core.listPodForAllNamespaces({})
  assert.equal(all.items.length, 4, 'a partner has no pods')
  const node = pods[0]!.spec!.nodeName!
  const there = await core.listPodForAllNamespaces({
    fieldSelector: `spec.nodeName=${node}`,
    labelSelector: 'app in (pay, web)',
  })
  assert.deepEqual(
    there.items.map((pod) => pod.metadata?.name),
    all.items.filter((pod) => pod.spec?.nodeName === node).map((pod) => pod.metadata?.name),
  )
})

test('scaling through spec, through the scale subresource and by patch changes the service', async () => {
  const { apps, pay, world, until } = await cluster()
  const where = { namespace: 'sales', name: 'pay' }
  const deployment = await apps.readNamespacedDeployment(where)
  deployment.spec!.replicas = 3
  const updated = await apps.replaceNamespacedDeployment({ ...where, body: deployment })
  assert.equal(updated.spec?.replicas, 3)
  assert.equal(updated.metadata?.generation, 2)
  assert.equal(updated.status?.readyReplicas, 2)
  until(10)
  assert.equal(pay.ready.length, 3)
  const scale = await apps.readNamespacedDeploymentScale(where)
  assert.deepEqual([scale.spec?.replicas, scale.status?.selector], [3, 'app=pay'])
  await apps.replaceNamespacedDeploymentScale({ ...where, body: Object.assign(scale, { spec: { replicas: 4 } }) })
  assert.equal(world.cluster.replicas(pay), 4)
  await apps.patchNamespacedDeploymentScale(
    { ...where, body: [{ op: 'replace', path: '/spec/replicas', value: 1 }] },
    json,
  )
  assert.equal(world.cluster.replicas(pay), 1)
  const dry = await apps.patchNamespacedDeployment({ ...where, body: { spec: { replicas: 9 } }, dryRun: 'All' }, merge)
  assert.equal(dry.spec?.replicas, 9)
  assert.equal(world.cluster.replicas(pay), 1, 'a dry run changes nothing')
})

test('whoever changes what he has not seen is told of the conflict', async () => {
  const { apps } = await cluster()
  const where = { namespace: 'sales', name: 'pay' }
  const seen: V1Deployment = await apps.readNamespacedDeployment(where)
  await apps.patchNamespacedDeployment({ ...where, body: { spec: { replicas: 3 } } }, strategic)
  seen.spec!.replicas = 1
  const { code, reason } = await refusal(apps.replaceNamespacedDeployment({ ...where, body: seen }))
  assert.deepEqual([code, reason], [409, 'Conflict'])
  const { resourceVersion } = seen.metadata!
  const patch = { metadata: { resourceVersion }, spec: { replicas: 1 } }
  assert.equal((await refusal(apps.patchNamespacedDeployment({ ...where, body: patch }, merge))).code, 409)
})

test('a rollout, a restart and a rollback to the ReplicaSet before are found and done as kubectl does them', async () => {
  const { apps, pay, until } = await cluster()
  pay.versionOf('5.3.0')
  const where = { namespace: 'sales', name: 'pay' }
  const image = { name: 'pay', image: 'registry.local/pay:5.3.0' }
  await apps.patchNamespacedDeployment(
    { ...where, body: { spec: { template: { spec: { containers: [image] } } } } },
    strategic,
  )
  until(30)
  assert.deepEqual(
    pay.instances.map(({ version }) => version.name),
    ['5.3.0', '5.3.0'],
  )

  const before = pay.instances.map(({ name }) => name)
  const annotations = { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T10:00:30Z' }
  await apps.patchNamespacedDeployment(
    { ...where, body: { spec: { template: { metadata: { annotations } } } } },
    strategic,
  )
  until(60)
  assert.ok(pay.instances.every(({ name, version }) => !before.includes(name) && version.name === '5.3.0'))
  const restarted = await apps.readNamespacedDeployment(where)
  assert.deepEqual(restarted.spec?.template.metadata?.annotations, annotations)

  const { items } = await apps.listNamespacedReplicaSet({ namespace: 'sales', labelSelector: 'app=pay' })
  const revision = (set: (typeof items)[number]) =>
    Number(set.metadata?.annotations?.['deployment.kubernetes.io/revision'])
  const wanted = items.find((set) => revision(set) === 2)
  assert.equal(wanted?.spec?.template?.spec?.containers[0]?.image, 'registry.local/pay:5.2.1')
  const template = [{ op: 'replace', path: '/spec/template', value: wanted?.spec?.template }]
  await apps.patchNamespacedDeployment({ ...where, body: template }, json)
  until(90)
  assert.deepEqual(
    pay.instances.map(({ version }) => version.name),
    ['5.2.1', '5.2.1'],
  )
  const undone = await apps.readNamespacedDeployment(where)
  assert.equal(undone.metadata?.annotations?.['deployment.kubernetes.io/revision'], '5')
})

test('what would have no effect is refused and not stored', async () => {
  const { apps, core } = await cluster()
  const where = { namespace: 'sales', name: 'pay' }
  const tried = (spec: object) => refusal(apps.patchNamespacedDeployment({ ...where, body: { spec } }, strategic))
  assert.deepEqual(await tried({ paused: true }), {
    code: 422,
    reason: 'Invalid',
    message: 'Deployment "pay" is invalid: spec.paused: it cannot be changed in this simulated cluster',
  })
  const image = (text: string) => ({ template: { spec: { containers: [{ name: 'pay', image: text }] } } })
  assert.match(
    (await tried(image('registry.local/pay:9'))).message,
    /there is no version of pay "9"; there are 5.2.0, 5.2.1/,
  )
  assert.match((await tried(image('nginx:1'))).message, /nginx:1 is not there; take registry.local\/pay:<version>/)
  assert.match((await tried({ replicas: -1 })).message, /spec.replicas: it is a whole number/)
  assert.deepEqual(
    (await refusal(apps.readNamespacedDeployment({ namespace: 'sales', name: 'web' }))).reason,
    'NotFound',
  )
  assert.equal(
    (await refusal(core.readNamespacedPod({ namespace: 'sales', name: 'none' }))).message,
    'pods "none" not found',
  )
  assert.equal((await refusal(apps.listDeploymentForAllNamespaces({ labelSelector: '((' }))).code, 400)
})

test('labels and annotations of clients stay on what the world shows', async () => {
  const { apps, until } = await cluster()
  const where = { namespace: 'sales', name: 'pay' }
  await apps.patchNamespacedDeployment({ ...where, body: { metadata: { annotations: { 'vigil/owner': 'a' } } } }, merge)
  until(20)
  const { metadata } = await apps.readNamespacedDeployment(where)
  assert.deepEqual(metadata?.annotations, { 'vigil/owner': 'a', 'deployment.kubernetes.io/revision': '2' })
  assert.equal(metadata?.generation, 1)
})

test('a deleted pod is replaced, a crashed one counts its restarts, and why', async () => {
  const { core, control, pay, until } = await cluster()
  const [first] = pay.instances
  await core.deleteNamespacedPod({ namespace: 'sales', name: first!.name })
  const going = await core.readNamespacedPod({ namespace: 'sales', name: first!.name })
  assert.ok(going.metadata?.deletionTimestamp !== undefined)
  until(20)
  assert.equal((await refusal(core.readNamespacedPod({ namespace: 'sales', name: first!.name }))).code, 404)
  assert.equal(pay.ready.length, 2)

  const name = pay.instances[0]!.name
  pay.instances[0]!.leakedBytes = 1e12
  until(22)
  const after1 = await core.readNamespacedPod({ namespace: 'sales', name })
  assert.equal(after1.status?.containerStatuses?.[0]?.restartCount, 1)
  assert.equal(after1.status?.containerStatuses?.[0]?.lastState?.terminated?.reason, 'OOMKilled')
  control.act('kill_instance', { instance: name }, 'test')
  until(23)
  const after2 = await core.readNamespacedPod({ namespace: 'sales', name })
  assert.equal(after2.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'CrashLoopBackOff')
  assert.equal(after2.status?.containerStatuses?.[0]?.restartCount, 2)
  const { items } = await core.listNamespacedEvent({ namespace: 'sales', fieldSelector: `involvedObject.name=${name}` })
  assert.deepEqual(
    items.map(({ reason }) => reason),
    ['OOMKilled', 'Killed', 'BackOff'],
  )
})

test('cordon and evictions empty a node, and a disruption budget holds the last one back for a while', async () => {
  const { core, world, until, pay } = await cluster()
  const node = pay.instances[0]!.machine.name
  await core.patchNode({ name: node, body: { spec: { unschedulable: true } } }, merge)
  const cordoned = await core.readNode({ name: node })
  assert.equal(cordoned.spec?.unschedulable, true)
  const [first, second] = pay.instances.map(({ name }) => name)
  const evict = (name: string) =>
    core.createNamespacedPodEviction({ namespace: 'sales', name, body: { metadata: { name, namespace: 'sales' } } })
  await evict(first!)
  const { code, reason } = await refusal(evict(second!))
  assert.deepEqual([code, reason], [429, 'TooManyRequests'])
  until(20)
  await evict(second!)
  until(40)
  assert.ok(pay.instances.every(({ machine }) => machine.name !== node))
  await core.patchNode({ name: node, body: { spec: { unschedulable: null } } }, merge)
  assert.ok(world.cluster.machines.every(({ isCordoned }) => !isCordoned))
})

test('the autoscaler can be read and bounded', async () => {
  const { config, world } = await cluster()
  const api = config.makeApiClient(AutoscalingV2Api)
  const where = { namespace: 'bench', name: 'web' }
  const read = await api.readNamespacedHorizontalPodAutoscaler(where)
  assert.deepEqual([read.spec?.minReplicas, read.spec?.maxReplicas], [2, 6])
  await api.patchNamespacedHorizontalPodAutoscaler({ ...where, body: { spec: { minReplicas: 4 } } }, merge)
  assert.equal(world.cluster.replicas(world.service('web')), 4)
  const wrong = api.patchNamespacedHorizontalPodAutoscaler({ ...where, body: { spec: { maxReplicas: 1 } } }, merge)
  assert.match((await refusal(wrong)).message, /min 4 is more than max 1/)
})

test('a lease fences: one creates it, one of two who saw the same version renews it', async () => {
  const { config } = await cluster()
  const api = config.makeApiClient(CoordinationV1Api)
  const body = (holder: string): V1Lease => ({
    metadata: { name: 'vigil' },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: 15,
      renewTime: new V1MicroTime('2026-11-21T10:00:00.000000Z'),
    },
  })
  const made = await api.createNamespacedLease({ namespace: 'sales', body: body('a') })
  assert.equal(
    (await refusal(api.createNamespacedLease({ namespace: 'sales', body: body('b') }))).reason,
    'AlreadyExists',
  )
  const where = { namespace: 'sales', name: 'vigil' }
  const seen = await api.readNamespacedLease(where)
  assert.equal(seen.metadata?.resourceVersion, made.metadata?.resourceVersion)
  const by = (holder: string): V1Lease => ({
    metadata: seen.metadata!,
    spec: { holderIdentity: holder, leaseTransitions: 1 },
  })
  const taken = await api.replaceNamespacedLease({ ...where, body: by('b') })
  assert.equal(taken.spec?.holderIdentity, 'b')
  assert.deepEqual((await refusal(api.replaceNamespacedLease({ ...where, body: by('a') }))).reason, 'Conflict')
  const blind = { metadata: { name: 'vigil' }, spec: { holderIdentity: 'c' } }
  assert.match(
    (await refusal(api.replaceNamespacedLease({ ...where, body: blind }))).message,
    /must be specified for an update/,
  )
  await api.deleteNamespacedLease(where)
  assert.equal((await refusal(api.readNamespacedLease(where))).code, 404)
})

test('objects of a mesh are in force as long as they exist', async () => {
  const { config, world, until } = await cluster()
  const api = config.makeApiClient(CustomObjectsApi)
  const where = { group: 'networking.istio.io', version: 'v1', namespace: 'sales' }
  const edge = world.edges.find(({ to, from }) => to.service.name === 'pay' && from !== undefined)!
  const usual = { ...edge.call }
  const service = (http: object[]) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'pay' },
    spec: { hosts: ['pay'], http },
  })
  const first = service([{ match: [{ sourceLabels: { app: 'web' } }], timeout: '300ms', retries: { attempts: 2 } }])
  const made = (await api.createNamespacedCustomObject({ ...where, plural: 'virtualservices', body: first })) as {
    metadata: { resourceVersion: string }
  }
  assert.deepEqual([edge.call.timeout, edge.call.retries], [300, { max: 2, backoff: 25 }])
  const abort = service([{ fault: { abort: { percentage: { value: 40 }, httpStatus: 503 } } }])
  const second = { ...abort, metadata: { name: 'pay', resourceVersion: made.metadata.resourceVersion } }
  await api.replaceNamespacedCustomObject({ ...where, plural: 'virtualservices', name: 'pay', body: second })
  assert.deepEqual([edge.call, edge.brokenShare], [usual, 0.4])
  until(40)
  await api.deleteNamespacedCustomObject({ ...where, plural: 'virtualservices', name: 'pay' })
  assert.equal(edge.brokenShare, 0)

  const rule = {
    metadata: { name: 'pay' },
    spec: {
      host: 'pay.sales.svc.cluster.local',
      trafficPolicy: {
        connectionPool: { http: { http2MaxRequests: 7 } },
        outlierDetection: { consecutive5xxErrors: 4, baseEjectionTime: '1m' },
      },
    },
  }
  await api.createNamespacedCustomObject({ ...where, plural: 'destinationrules', body: rule })
  const pay = world.service('pay')
  assert.equal(pay.maxOpen, 7)
  assert.deepEqual(pay.outlier, { consecutiveErrors: 4, ejectionMs: 60_000, maxShare: 0.1 })

  const bucket = { max_tokens: 50, tokens_per_fill: 50, fill_interval: '10s' }
  const patch = {
    value: { name: 'envoy.filters.http.local_ratelimit', typed_config: { value: { token_bucket: bucket } } },
  }
  const limit = {
    metadata: { name: 'pay-limit' },
    spec: { workloadSelector: { labels: { app: 'pay' } }, configPatches: [{ applyTo: 'HTTP_FILTER', patch }] },
  }
  const filters = { ...where, version: 'v1alpha3', plural: 'envoyfilters' }
  await api.createNamespacedCustomObject({ ...filters, body: limit })
  assert.deepEqual([pay.rateLimit?.perSecond, pay.rateLimit?.isLocal], [5, true])
  await api.deleteNamespacedCustomObject({ ...filters, name: 'pay-limit' })
  assert.equal(pay.rateLimit, undefined)
  const mirror = service([{ mirror: { host: 'web' } }])
  const refused = api.createNamespacedCustomObject({ ...where, plural: 'virtualservices', body: mirror })
  assert.match((await refusal(refused)).message, /spec.http\[0\].mirror: it has no effect here; what has: name, match/)
})

test('what comes in by the API stands in the truth with what it cost', async () => {
  const { apps, playing, until } = await cluster()
  until(30)
  await apps.patchNamespacedDeploymentScale({ namespace: 'sales', name: 'pay', body: { spec: { replicas: 0 } } }, merge)
  until(60)
  const [told] = playing.truth.harm.told()
  assert.deepEqual([told?.action, told?.target, told?.by], ['scale', 'pay', 'kubernetes'])
  assert.ok(told!.excessBadRequests > 300, String(told!.excessBadRequests))
})

test('watches tell of pods and events as they come, from the version of a list on', async () => {
  const { core, config, apps, until } = await cluster()
  const list = await core.listNamespacedPod({ namespace: 'sales' })
  const watch = new Watch(config)
  const seen: string[] = []
  const { promise: isThere, resolve } = Promise.withResolvers<void>()
  const reasons: string[] = []
  const pods = await watch.watch(
    '/api/v1/namespaces/sales/pods',
    { resourceVersion: list.metadata?.resourceVersion, allowWatchBookmarks: true },
    (type: string, pod: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }) => {
      const isReady = pod.status.conditions.find((one) => one.type === 'Ready')?.status
      seen.push(`${type} ${isReady}`)
      if (type === 'MODIFIED' && isReady === 'True') resolve()
    },
    () => {},
  )
  const { promise: isTold, resolve: tell } = Promise.withResolvers<void>()
  const events = await watch.watch(
    '/apis/events.k8s.io/v1/events',
    {},
    (_type: string, event: { reason: string; regarding: { kind: string } }) => {
      reasons.push(`${event.regarding.kind} ${event.reason}`)
      if (event.reason === 'Started' && reasons.includes('Deployment ScalingReplicaSet')) tell()
    },
    () => {},
  )
  await apps.patchNamespacedDeploymentScale({ namespace: 'sales', name: 'pay', body: { spec: { replicas: 3 } } }, merge)
  await core.listNamespacedPod({ namespace: 'sales' })
  until(10)
  await Promise.all([isThere, isTold])
  assert.deepEqual(seen, ['ADDED False', 'MODIFIED True'])
  pods.abort()
  events.abort()
})

test('a watch from a version that is not known ends with Expired, and discovery names what there is', async () => {
  const { address, config } = await cluster()
  const response = await fetch(`http://${address}/api/v1/pods?watch=true&resourceVersion=99999999`)
  assert.equal(response.status, 410)
  assert.equal(((await response.json()) as { reason: string }).reason, 'Expired')
  assert.equal((await config.makeApiClient(VersionApi).getCode()).minor, '34')
  const generic = KubernetesObjectApi.makeApiClient(config)
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'pay', namespace: 'sales' } }
  assert.equal((await generic.read(object)).metadata?.name, 'pay')
  const paged = await config.makeApiClient(CoreV1Api).listPodForAllNamespaces({ limit: 3 })
  assert.deepEqual([paged.items.length, paged.metadata?.remainingItemCount], [3, 1])
  assert.equal((await config.makeApiClient(EventsV1Api).listEventForAllNamespaces({})).kind, 'EventList')
})

test('an object that is too large is refused before anything is done because of it', async () => {
  const { apps, world, pay } = await cluster()
  const annotations = { note: 'x'.repeat(40_000) }
  const body = { metadata: { annotations }, spec: { replicas: 5 } }
  const { message } = await refusal(apps.patchNamespacedDeployment({ namespace: 'sales', name: 'pay', body }, merge))
  assert.match(message, /and may have 32768/)
  assert.equal(world.cluster.replicas(pay), 2)
})

test('what is no request is answered with a Status too', async () => {
  const { address } = await cluster()
  const tried = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://${address}${path}`, init)
    return [response.status, ((await response.json()) as { message: string }).message] as const
  }
  assert.deepEqual((await tried('/api/v1/nothing'))[0], 404)
  const broken = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }
  assert.match((await tried('/apis/coordination.k8s.io/v1/namespaces/a/leases', broken))[1], /the body is no JSON/)
  assert.deepEqual(await tried('/api/v1/pods', { headers: { origin: 'http://evil.example.com' } }), [
    403,
    'browsers are not served: use a client that sends no Origin',
  ])
  const large = { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1), headers: { 'content-type': 'application/json' } }
  assert.match((await tried('/apis/coordination.k8s.io/v1/namespaces/a/leases', large))[1], /the body is larger than/)
  assert.match((await tried('/api/v1/namespaces/sales/pods', { method: 'POST' }))[1], /pods do not take create here/)
})

/** A field of Protocol Buffers that holds bytes. */
const field = (number: number, bytes: Buffer) => Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes])

test('an eviction comes as Protocol Buffers from kubectl, with its options', async () => {
  const { address, config, pay } = await cluster()
  const evict = async (name: string, options: Buffer) => {
    const eviction = Buffer.concat([field(1, field(1, Buffer.from(name))), field(2, options)])
    const body = Buffer.concat([Buffer.from('k8s\0'), field(1, Buffer.alloc(0)), field(2, eviction)])
    const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }
    const path = `/api/v1/namespaces/sales/pods/${name}/eviction`
    const response = await fetch(`http://${address}${path}`, { method: 'POST', body, headers })
    return response.status
  }
  const [first] = pay.instances
  assert.equal(await evict(first!.name, field(5, Buffer.from('All'))), 201)
  assert.equal(first!.isStopping, false, 'a dry run changes nothing')
  const otherUid = field(2, field(1, Buffer.from('another')))
  assert.equal(await evict(first!.name, otherUid), 409)
  assert.equal(await evict(first!.name, Buffer.from([8, 5])), 201)
  assert.equal(first!.isStopping, true)
  const { items } = await config.makeApiClient(PolicyV1Api).listNamespacedPodDisruptionBudget({ namespace: 'sales' })
  assert.deepEqual(
    items.map(({ metadata, status }) => [metadata?.name, status?.disruptionsAllowed]),
    [['pay', 0]],
  )
})

test('a list merged by name takes the directives that kubectl adds, and refuses others', async () => {
  const { apps, pay } = await cluster()
  const where = { namespace: 'sales', name: 'pay' }
  const spec = (more: object) => ({
    spec: { template: { spec: { containers: [{ name: 'pay', image: 'registry.local/pay:5.2.0' }], ...more } } },
  })
  const body = spec({ '$setElementOrder/containers': [{ name: 'pay' }] })
  await apps.patchNamespacedDeployment({ ...where, body }, strategic)
  assert.equal(pay.revision.version.name, '5.2.0')
  const { message } = await refusal(
    apps.patchNamespacedDeployment({ ...where, body: spec({ $patch: 'replace' }) }, strategic),
  )
  assert.match(message, /the directive \$patch is not understood here/)
  const apply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply)
  assert.equal(
    (await refusal(apps.patchNamespacedDeployment({ ...where, body: {}, fieldManager: 'x' }, apply))).code,
    415,
  )
})
