import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Factory, held, type Instance } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs, newMetrics, newTraces } from '../../pipeline/data/builders.ts'
import type { Batch, Value } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { KubernetesServer } from '../../pipeline/testing/kubernetes-server.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import { controlledBy, paths, served, servedPod } from './cluster.fixture.ts'
import factory from './index.ts'

describeContract(factory, 'passthrough: true')
await describeUpstream(factory, import.meta.dirname)

type Attributes = Record<string, Value>
interface Running extends AsyncDisposable {
  readonly context: TestContext
  readonly instance: Instance
  /** The attributes of a resource after it went through. */
  enrich(attributes: Attributes, sender?: string): Promise<Attributes>
}

async function run(yaml: string, options: TestContextOptions = {}): Promise<Running> {
  const { instance, context, handle } = build(
    factory as Factory,
    `auth_type: kubeConfig\nkube_api_burst: 100\n${yaml}`,
    options,
  )
  await instance.start?.()
  return {
    context,
    instance,
    enrich: async (attributes, sender) => {
      const batch = newTraces(sender === undefined ? undefined : { address: sender, metadata: new Map() })
        .resource(attributes)
        .span({ name: 'x' })
        .build()
      return attributesOf(await handle(batch))
    },
    async [Symbol.asyncDispose]() {
      await instance.shutdown?.(AbortSignal.timeout(5_000))
    },
  }
}
function attributesOf(batch: Batch | typeof held | undefined): Attributes {
  assert.ok(batch !== undefined && batch !== held && batch.signal !== 'profiles')
  for (const item of batch) return Object.fromEntries(item.resource.attributes.entries())
  throw new Error('nothing came out')
}
const wait = 'wait_for_metadata: true'
const gate = (...ids: string[]) => ({
  engine: {
    featureGates: ids.map((id) => ({
      id: `processor.k8sattributes.${id.replace(/^-/, '')}`,
      enabled: !id.startsWith('-'),
      stage: 'Alpha',
      description: '',
    })),
  },
})

suite('k8s_attributes with a cluster', () => {
  const kubeConfigBefore = process.env['KUBECONFIG']
  before(() => {
    delete process.env['KUBECONFIG']
  })
  after(() => {
    if (kubeConfigBefore === undefined) delete process.env['KUBECONFIG']
    else process.env['KUBECONFIG'] = kubeConfigBefore
  })
  const cluster = async (): Promise<KubernetesServer> => {
    const server = await KubernetesServer.start()
    process.env['KUBECONFIG'] = await server.kubeConfig()
    return server
  }

  test('a pod is found by the address of its sender, and its defaults are said', async () => {
    await using server = await cluster()
    server.put(
      paths.pods,
      servedPod({
        name: 'web-abc-x1',
        labels: { 'pod-template-hash': 'abc' },
        owner: ['ReplicaSet', 'web-abc', 'rs-1'],
      }),
    )
    await using processor = await run(wait)
    const expected = {
      'service.name': 'web',
      'k8s.namespace.name': 'shop',
      'k8s.node.name': 'node-1',
      'k8s.pod.name': 'web-abc-x1',
      'k8s.pod.start_time': '2026-04-07T10:00:00Z',
      'k8s.pod.uid': 'uid-web-abc-x1',
      'k8s.deployment.name': 'web',
      'container.image.name': 'registry.example.com/shop/app',
      'container.image.tag': '1.2.3',
    }
    assert.deepEqual(await processor.enrich({ 'service.name': 'web' }, '10.244.0.5:4711'), expected)
    assert.deepEqual(await processor.enrich({ 'service.name': 'web' }, '[::ffff:10.244.0.5]:4711'), expected)
    assert.deepEqual(await processor.enrich({ 'service.name': 'web' }, '10.244.0.9:4711'), { 'service.name': 'web' })
    assert.deepEqual(
      server.asked.map(({ path }) => path).filter((path) => path !== paths.pods),
      [],
      'nothing but pods is watched for the defaults',
    )
  })

  test('what a resource says itself stays, except for empty texts', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'web' }))
    await using processor = await run(wait)
    const said = { 'k8s.pod.ip': '10.244.0.5', 'k8s.pod.name': 'mine', 'k8s.namespace.name': '', 'k8s.node.name': 5 }
    const found = await processor.enrich(said)
    assert.deepEqual(
      ['k8s.pod.name', 'k8s.namespace.name', 'k8s.node.name'].map((name) => found[name]),
      ['mine', 'shop', 5],
    )
  })

  test('all signals are enriched, and each says how often a pod was found', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'web' }))
    const yaml = `auth_type: kubeConfig\n${wait}\npod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}]`
    const { instance, context, handle } = build(factory as Factory, yaml)
    await instance.start?.()
    const resource = { 'k8s.pod.uid': 'uid-web' }
    const batches = [
      newTraces().resource(resource).span({ name: 'x' }).build(),
      newMetrics()
        .resource(resource)
        .gauge('g', [{ value: 1 }])
        .build(),
      newLogs().resource(resource).record({ body: 'x' }).build(),
    ]
    for (const batch of batches) assert.equal(attributesOf(await handle(batch))['k8s.pod.name'], 'web')
    await handle(newLogs().resource({}).record({ body: 'x' }).build())
    await instance.shutdown?.(AbortSignal.timeout(5_000))
    const by = 'resource_attribute/k8s.pod.uid'
    const sums = [...context.recorded.sums].filter(([name]) => name.startsWith('otelcol_k8s_pod_association'))
    assert.deepEqual(sums, [
      [`otelcol_k8s_pod_association{otelcol.signal="traces",pod_identifier="${by}",status="success"}`, 1],
      [`otelcol_k8s_pod_association{otelcol.signal="metrics",pod_identifier="${by}",status="success"}`, 1],
      [`otelcol_k8s_pod_association{otelcol.signal="logs",pod_identifier="${by}",status="success"}`, 1],
      ['otelcol_k8s_pod_association{otelcol.signal="logs",pod_identifier="",status="error"}', 1],
    ])
    assert.equal(context.recorded.sums.get('otelcol_k8s_watcher_pod_added'), 1)
    assert.equal(context.recorded.gauges.get('otelcol_k8s_watcher_pod_cache_size')?.(), 3)
  })

  test('labels, annotations and uids of everything that stands above a pod', async () => {
    await using server = await cluster()
    const marked = (kind: string) => ({ labels: { team: `${kind}-team` }, annotations: { note: `${kind}-note` } })
    server.put(paths.namespaces, served('Namespace', 'shop', marked('namespace')))
    server.put(paths.namespaces, served('Namespace', 'kube-system'))
    server.put(paths.nodes, served('Node', 'node-1', marked('node')))
    server.put(paths.deployments, served('Deployment', 'web', marked('deployment')))
    server.put(
      paths.replicasets,
      served('ReplicaSet', 'web-abc', { ...marked('replicaset'), ...controlledBy('Deployment', 'web', 'uid-web') }),
    )
    server.put(paths.statefulsets, served('StatefulSet', 'db', marked('statefulset')))
    server.put(paths.daemonsets, served('DaemonSet', 'agent', marked('daemonset')))
    server.put(paths.cronjobs, served('CronJob', 'nightly', marked('cronjob')))
    server.put(
      paths.jobs,
      served('Job', 'nightly-1', { ...marked('job'), ...controlledBy('CronJob', 'nightly', 'uid-nightly') }),
    )
    const owners = [
      ['web-pod', 'ReplicaSet', 'web-abc'],
      ['db-0', 'StatefulSet', 'db'],
      ['agent-x', 'DaemonSet', 'agent'],
      ['nightly-pod', 'Job', 'nightly-1'],
    ] as const
    for (const [name, kind, owner] of owners)
      server.put(paths.pods, servedPod({ name, ip: '', owner: [kind, owner, `uid-${owner}`] }))
    const kinds = ['namespace', 'node', 'deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob']
    const rules = (key: string) =>
      kinds.map((from) => `{from: ${from}, key: ${key}, tag_name: ${from}.${key}}`).join(', ')
    await using processor = await run(`${wait}
extract:
  metadata: [k8s.cluster.uid, k8s.node.uid, k8s.deployment.uid, k8s.cronjob.uid, k8s.cronjob.name]
  labels: [${rules('team')}]
  annotations: [${rules('note')}]`)
    const common = {
      'k8s.cluster.uid': 'uid-kube-system',
      'k8s.node.uid': 'uid-node-1',
      'namespace.team': 'namespace-team',
      'namespace.note': 'namespace-note',
      'node.team': 'node-team',
      'node.note': 'node-note',
    }
    const from = (...above: string[]) =>
      Object.fromEntries(
        above.flatMap((kind) => [
          [`${kind}.team`, `${kind}-team`],
          [`${kind}.note`, `${kind}-note`],
        ]),
      )
    const of = async (name: string) => {
      const { 'k8s.pod.uid': _uid, ...found } = await processor.enrich({ 'k8s.pod.uid': `uid-${name}` }, '')
      return found
    }
    const byUid = await run(`${wait}
extract:
  metadata: [k8s.cluster.uid, k8s.node.uid, k8s.deployment.uid, k8s.cronjob.uid, k8s.cronjob.name]
  labels: [${rules('team')}]
  annotations: [${rules('note')}]
pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}]`)
    await using _second = byUid
    const ofUid = async (name: string) => {
      const { 'k8s.pod.uid': _uid, ...found } = await byUid.enrich({ 'k8s.pod.uid': `uid-${name}` })
      return found
    }
    assert.deepEqual(await of('web-pod'), {}, 'without a rule, the uid is no identifier')
    assert.deepEqual(await ofUid('web-pod'), {
      ...common,
      'k8s.deployment.uid': 'uid-web',
      ...from('deployment', 'replicaset'),
    })
    assert.deepEqual(await ofUid('db-0'), { ...common, ...from('statefulset') })
    assert.deepEqual(await ofUid('agent-x'), { ...common, ...from('daemonset') })
    assert.deepEqual(await ofUid('nightly-pod'), {
      ...common,
      'k8s.cronjob.uid': 'uid-nightly',
      'k8s.cronjob.name': 'nightly',
      ...from('job', 'cronjob'),
    })
    const partial = server.asked.filter(({ path }) => path !== paths.pods)
    assert.ok(partial.every(({ accept }) => accept.includes('as=PartialObjectMetadata')))
  })

  test('a resource without a pod still learns of the namespace, node and workload that it names', async () => {
    await using server = await cluster()
    server.put(paths.namespaces, served('Namespace', 'shop', { labels: { team: 'core' } }))
    server.put(paths.nodes, served('Node', 'node-1'))
    server.put(paths.deployments, served('Deployment', 'web', { labels: { tier: 'front' } }))
    await using processor = await run(`${wait}
extract:
  metadata: [k8s.node.uid, service.namespace]
  labels: [{from: namespace, key: team}, {from: deployment, key: tier}]`)
    const named = { 'k8s.namespace.name': 'shop', 'k8s.node.name': 'node-1', 'k8s.deployment.uid': 'uid-web' }
    assert.deepEqual(await processor.enrich(named), {
      ...named,
      'k8s.namespace.labels.team': 'core',
      'service.namespace': 'shop',
      'k8s.node.uid': 'uid-node-1',
      'k8s.deployment.label.tier': 'front',
    })
  })

  test('a container is the one that is named, by name, id or run, or the only one', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'web' }))
    await using processor = await run(`${wait}
extract: {metadata: [container.id, container.image.name, container.image.repo_digests, k8s.container.name, service.instance.id, service.version]}`)
    const ip = { 'k8s.pod.ip': '10.244.0.5' }
    const all = {
      ...ip,
      'container.image.name': 'registry.example.com/shop/app',
      'k8s.container.name': 'app',
      'service.instance.id': 'shop.web.app',
      'service.version': '1.2.3',
    }
    const ofRun = {
      'container.id': 'web-run-1',
      'container.image.repo_digests': [`registry.example.com/shop/app@sha256:${'a'.repeat(64)}`],
    }
    assert.deepEqual(await processor.enrich(ip), { ...all, ...ofRun })
    assert.deepEqual(await processor.enrich({ ...ip, 'k8s.container.name': 'app' }), { ...all, ...ofRun })
    assert.deepEqual(await processor.enrich({ ...ip, 'container.id': 'web-run-1' }), { ...all, ...ofRun })
    assert.deepEqual(await processor.enrich({ ...ip, 'k8s.container.name': 'other' }), {
      ...ip,
      'k8s.container.name': 'other',
    })
    const restarted = { 'k8s.container.restart_count': '1' }
    assert.deepEqual(await processor.enrich({ ...ip, ...restarted }), { ...all, ...ofRun, ...restarted })
    for (const count of [0, 'no number', true]) {
      const other = { 'k8s.container.restart_count': count }
      assert.deepEqual(await processor.enrich({ ...ip, ...other }), { ...all, ...other })
    }
  })

  test('the gates rename tags of images and labels of pods', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'web', labels: { app: 'web' } }))
    const yaml = `${wait}\nextract: {labels: [{key: app}]}`
    await using both = await run(yaml, gate('EmitV1K8sConventions'))
    const found = await both.enrich({ 'k8s.pod.ip': '10.244.0.5' })
    assert.deepEqual(
      ['container.image.tag', 'container.image.tags', 'k8s.pod.labels.app', 'k8s.pod.label.app'].map(
        (name) => found[name],
      ),
      ['1.2.3', ['1.2.3'], 'web', 'web'],
    )
    await using stable = await run(yaml, gate('EmitV1K8sConventions', 'DontEmitV0K8sConventions'))
    const renamed = await stable.enrich({ 'k8s.pod.ip': '10.244.0.5' })
    assert.deepEqual(
      ['container.image.tag', 'container.image.tags', 'k8s.pod.labels.app', 'k8s.pod.label.app'].map(
        (name) => renamed[name],
      ),
      [undefined, ['1.2.3'], undefined, 'web'],
    )
    await assert.rejects(run(yaml, gate('DontEmitV0K8sConventions')), /cannot be enabled without enabling/)
  })

  test('pods that are excluded, by name or by their own word, are not said', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'jaeger-agent-1', ip: '10.0.0.1' }))
    server.put(
      paths.pods,
      servedPod({ name: 'shy', ip: '10.0.0.2', annotations: { 'opentelemetry.io/k8s-processor/ignore': 'true' } }),
    )
    server.put(paths.pods, servedPod({ name: 'web', ip: '10.0.0.3' }))
    await using processor = await run(wait)
    const names = async (one: Running) =>
      Promise.all(['1', '2', '3'].map(async (n) => (await one.enrich({ 'k8s.pod.ip': `10.0.0.${n}` }))['k8s.pod.name']))
    assert.deepEqual(await names(processor), [undefined, undefined, 'web'])
    await using own = await run(`${wait}\nexclude: {pods: [{name: ^w}]}`)
    assert.deepEqual(await names(own), ['jaeger-agent-1', undefined, undefined])
  })

  test('filters are for the server to apply', async (t) => {
    await using server = await cluster()
    process.env['TEST_NODE'] = 'node-1'
    t.after(() => delete process.env['TEST_NODE'])
    server.put(paths.pods, servedPod({ name: 'web', labels: { app: 'web' } }))
    await using processor = await run(`${wait}
extract: {metadata: [k8s.pod.name, k8s.node.uid, k8s.deployment.uid]}
filter:
  node_from_env_var: TEST_NODE
  namespace: shop
  labels: [{key: app, value: web}]`)
    assert.equal((await processor.enrich({ 'k8s.pod.ip': '10.244.0.5' }))['k8s.pod.name'], 'web')
    const [list] = server.asked.filter(({ path }) => path === '/api/v1/namespaces/shop/pods')
    assert.deepEqual(
      [list?.query.get('labelSelector'), list?.query.get('fieldSelector')],
      ['app=web', 'spec.nodeName=node-1'],
    )
    const [nodes] = server.asked.filter(({ path }) => path === paths.nodes)
    assert.equal(nodes?.query.get('fieldSelector'), 'metadata.name=node-1')
    assert.ok(server.asked.some(({ path }) => path === '/apis/apps/v1/namespaces/shop/replicasets'))
  })

  test('a pod that is deleted is remembered for the grace period, and its address goes to the next one at once', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'old', ip: '10.0.0.1', started: '2026-04-07T10:00:00Z' }))
    server.put(paths.pods, servedPod({ name: 'gone', ip: '10.0.0.2' }))
    await using processor = await run(`${wait}\npod_delete_grace_period: 60s`)
    const { clock, recorded } = processor.context
    const nameAt = async (ip: string) => (await processor.enrich({ 'k8s.pod.ip': ip }))['k8s.pod.name']
    await server.watched(paths.pods)
    server.remove(paths.pods, { name: 'gone', namespace: 'shop' })
    server.remove(paths.pods, { name: 'old', namespace: 'shop' })
    server.put(paths.pods, servedPod({ name: 'new', ip: '10.0.0.1', started: '2026-04-07T11:00:00Z' }))
    while (recorded.sums.get('otelcol_k8s_watcher_pod_added') !== 3)
      await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([await nameAt('10.0.0.2'), await nameAt('10.0.0.1')], ['gone', 'new'])
    await clock.advance(30_000)
    assert.equal(await nameAt('10.0.0.2'), 'gone')
    await clock.advance(60_000)
    assert.deepEqual([await nameAt('10.0.0.2'), await nameAt('10.0.0.1')], [undefined, 'new'])
    assert.equal(recorded.gauges.get('otelcol_k8s_watcher_pod_cache_size')?.(), 3)
  })

  test('an unreachable cluster fails the start where it must wait, and not where it need not', async () => {
    await using server = await cluster()
    server.forbid(paths.pods)
    const { instance, context } = build(
      factory as Factory,
      `auth_type: kubeConfig\n${wait}\nwait_for_metadata_timeout: 3s`,
    )
    const started = assert.rejects(async () => instance.start?.(), { message: 'failed to wait for caches to sync' })
    await server.askedFor(paths.pods)
    await context.clock.advance(3_000)
    await started
    await instance.shutdown?.(AbortSignal.timeout(5_000))
    assert.match(
      context.recorded.lines.find(({ level }) => level === 'error')?.message ?? '',
      /may not watch pods; grant/,
    )

    await using processor = await run('')
    assert.deepEqual(await processor.enrich({ 'k8s.pod.ip': '10.0.0.1' }), { 'k8s.pod.ip': '10.0.0.1' })
  })

  test('otel_annotations say attributes, whatever the gates', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'web', annotations: { 'resource.opentelemetry.io/team.name': 'core' } }))
    await using processor = await run(`${wait}\nextract: {metadata: [], otel_annotations: true}`)
    assert.deepEqual(await processor.enrich({ 'k8s.pod.ip': '10.244.0.5' }), {
      'k8s.pod.ip': '10.244.0.5',
      'team.name': 'core',
    })
  })

  test('the old metrics come back by their gate', async () => {
    await using server = await cluster()
    server.put(paths.pods, servedPod({ name: 'web' }))
    const gates = gate('-telemetry.disableOldFormatMetrics', '-telemetry.enableNewFormatMetrics')
    await using processor = await run(wait, gates)
    await processor.enrich({ 'k8s.pod.ip': '10.9.9.9' })
    const { sums, gauges } = processor.context.recorded
    assert.equal(sums.get('otelcol_otelsvc_k8s_pod_added'), 1)
    assert.equal(sums.get('otelcol_otelsvc_k8s_ip_lookup_miss'), 1)
    assert.equal(sums.get('otelcol_k8s_watcher_pod_added'), undefined)
    assert.equal(gauges.get('otelcol_otelsvc_k8s_pod_table_size')?.(), 3)
  })
})

test('passthrough says the address of the sender and asks nobody', async () => {
  const { instance, handle } = build(factory as Factory, 'passthrough: true')
  await instance.start?.()
  const batch = newTraces({ address: '1.1.1.1:3200', metadata: new Map() }).resource({}).span({ name: 'x' }).build()
  assert.deepEqual(attributesOf(await handle(batch)), { 'k8s.pod.ip': '1.1.1.1' })
})

suite('the configuration is refused as upstream refuses it', () => {
  const cases: readonly (readonly [yaml: string, message: RegExp])[] = [
    ['auth_type: fake', /invalid authType for kubernetes: fake/],
    ['auth_type: tls', /auth_type tls has no certificate to present; write kubeConfig/],
    ['kube_api_qps: -1', /kube_api_qps must be greater than 0/],
    ['watch_sync_period: -1s', /watch_sync_period must be greater than or equal to 0/],
    ['pod_delete_grace_period: -1s', /pod_delete_grace_period must be greater than or equal to 0/],
    [
      'pod_association: [{sources: [{from: a}, {from: b}, {from: c}, {from: d}, {from: e}]}]',
      /too many association sources. limit is 4/,
    ],
    [
      'pod_association: [{sources: [{from: a, name: x}, {from: b}]}, {sources: [{from: b}, {from: a, name: x}]}]',
      /duplicate pod association: a\/x,b\//,
    ],
    ['extract: {metadata: [k8s.pod.color]}', /"k8s.pod.color" is not a supported metadata field/],
    [
      'extract: {labels: [{key: a, key_regex: b}]}',
      /Out of Key or KeyRegex only one option is expected to be configured at a time, currently Key:a and KeyRegex:b/,
    ],
    [
      'extract: {annotations: [{key: a, from: mars}]}',
      /mars is not a valid choice for From. Must be one of: pod, namespace, deployment/,
    ],
    ['extract: {labels: [{key_regex: "["}]}', /regex/],
    ['exclude: {pods: [{name: "("}]}', /regex/],
    [
      'filter: {labels: [{key: a, value: b, op: unknown}]}',
      /'unknown' is not a valid label filter operation for key=a, value=b/,
    ],
    [
      'filter: {fields: [{key: a, value: b, op: exists}]}',
      /'exists' is not a valid label filter operation for key=a, value=b/,
    ],
    [
      'filter: {node_from_env_var: NOT_SET_ANYWHERE}',
      /`node_from_env_var` is configured but envvar "NOT_SET_ANYWHERE" is not set/,
    ],
  ]
  for (const [yaml, message] of cases) {
    test(yaml, () => {
      assert.throws(
        () => build(factory as Factory, yaml),
        (error) => error instanceof ConfigError && error.problems.some((problem) => message.test(problem.message)),
      )
    })
  }
})
