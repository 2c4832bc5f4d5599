import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { trimPod } from './api-pod.ts'
import { containersOf } from './containers.ts'
import { canonicalReference, parseReference, versionOf } from './image-reference.ts'
import { cronJobNameOf, deploymentNameOf, type Thing, thingOf } from './owners.ts'
import { podOf } from './pod.ts'
import { rulesOf } from './rules.fixture.ts'
import type { Gates } from './rules.ts'

const created = new Date(27_667_920 * 60_000).toISOString().replace('.000', '')
const owner = (kind: string, name: string, uid: string) => ({ kind, name, uid, apiVersion: 'apps/v1' })
const authPod = {
  metadata: {
    name: 'auth-service-abc12-xyz3',
    uid: 'aaaaaaaa-bbbb',
    namespace: 'ns1',
    creationTimestamp: created,
    labels: { label1: 'lv1', label2: 'k1=v1 k5=v5 extra!' },
    annotations: { annotation1: 'av1' },
    ownerReferences: [
      owner('ReplicaSet', 'auth-service-66f5996c7c', '207ea729'),
      owner('DaemonSet', 'auth-daemonset', 'c94d3814'),
      owner('Job', 'auth-cronjob-27667920', '59f27ac1'),
      owner('StatefulSet', 'pi-statefulset', '03755eb1'),
    ],
  },
  spec: { nodeName: 'node1', hostname: 'host1' },
  status: { podIP: '1.1.1.1' },
}
const replicaSet: Thing = {
  name: 'auth-service-66f5996c7c',
  uid: '207ea729',
  attributes: new Map(),
  ownerName: 'auth-service',
  ownerUid: 'ffff-gggg',
}
const metadata = (...names: string[]) => ({ metadata: names })
const labels = (...rules: object[]) => ({ metadata: [], labels: rules })
const annotations = (...rules: object[]) => ({ metadata: [], annotations: rules })
const service = {
  metadata: ['namespace', 'name', 'version', 'instance.id'].map((name) => `service.${name}`),
  otel_annotations: true,
}
const both = { 'k8s.pod.labels.label1': 'lv1', 'k8s.pod.labels.label2': 'k1=v1 k5=v5 extra!' }
const singular = { 'k8s.pod.label.label1': 'lv1', 'k8s.pod.label.label2': 'k1=v1 k5=v5 extra!' }
const stable = { stable: true, legacy: false }
const labelled = (more: Record<string, string>) => ({ labels: { ...authPod.metadata.labels, ...more } })
const annotated = (more: Record<string, string>) => ({ annotations: { ...authPod.metadata.annotations, ...more } })
const prefix = 'resource.opentelemetry.io/'

interface Case {
  readonly name: string
  readonly extract: object
  readonly gates?: Partial<Gates>
  readonly pod?: object
  readonly found: Readonly<Record<string, string>>
}
const cases: readonly Case[] = [
  { name: 'nothing', extract: metadata(), found: {} },
  {
    name: 'deployment',
    extract: metadata('k8s.deployment.name', 'k8s.deployment.uid'),
    found: { 'k8s.deployment.name': 'auth-service', 'k8s.deployment.uid': 'ffff-gggg' },
  },
  ...(
    [
      ['k8s.replicaset.uid', '207ea729'],
      ['k8s.replicaset.name', 'auth-service-66f5996c7c'],
      ['k8s.daemonset.uid', 'c94d3814'],
      ['k8s.daemonset.name', 'auth-daemonset'],
      ['k8s.job.uid', '59f27ac1'],
      ['k8s.job.name', 'auth-cronjob-27667920'],
      ['k8s.cronjob.name', 'auth-cronjob'],
      ['k8s.statefulset.uid', '03755eb1'],
      ['k8s.statefulset.name', 'pi-statefulset'],
    ] as const
  ).map(([name, value]) => ({ name, extract: metadata(name), found: { [name]: value } })),
  {
    name: 'metadata of the pod',
    extract: metadata(
      ...['namespace.name', 'node.name', 'pod.name', 'pod.hostname', 'pod.uid', 'pod.ip', 'pod.start_time'].map(
        (name) => `k8s.${name}`,
      ),
    ),
    found: {
      'k8s.namespace.name': 'ns1',
      'k8s.node.name': 'node1',
      'k8s.pod.name': 'auth-service-abc12-xyz3',
      'k8s.pod.hostname': 'host1',
      'k8s.pod.uid': 'aaaaaaaa-bbbb',
      'k8s.pod.ip': '1.1.1.1',
      'k8s.pod.start_time': created,
    },
  },
  { name: 'the uid of the node is not of the pod', extract: metadata('k8s.node.uid'), found: {} },
  {
    name: 'a label and an annotation under names of their own, of the pod without `from`',
    extract: {
      ...labels({ tag_name: 'l1', key: 'label1' }, { tag_name: 'lost', key: 'label9' }),
      annotations: [{ tag_name: 'a1', key: 'annotation1', from: 'pod' }],
    },
    found: { l1: 'lv1', a1: 'av1' },
  },
  { name: 'a label under its key', extract: labels({ key: 'label1' }), found: { 'k8s.pod.labels.label1': 'lv1' } },
  { name: 'labels of another object', extract: labels({ key: 'label1', from: 'node' }), found: {} },
  { name: 'all labels', extract: labels({ key_regex: 'la.*', from: 'pod' }), found: both },
  { name: 'all labels, stable', extract: labels({ key_regex: 'la.*' }), gates: stable, found: singular },
  {
    name: 'all labels, under both names',
    extract: labels({ key_regex: 'la.*' }),
    gates: { stable: true, legacy: true },
    found: { ...both, ...singular },
  },
  {
    name: 'all annotations',
    extract: annotations({ key_regex: 'an.*' }),
    found: { 'k8s.pod.annotations.annotation1': 'av1' },
  },
  {
    name: 'all annotations, stable',
    extract: annotations({ key_regex: 'an.*' }),
    gates: stable,
    found: { 'k8s.pod.annotation.annotation1': 'av1' },
  },
  { name: 'a pattern is for the whole key', extract: annotations({ key_regex: 'an*' }), found: {} },
  { name: 'a group', extract: annotations({ tag_name: '$1', key_regex: 'annotation(\\d+)' }), found: { '1': 'av1' } },
  {
    name: 'the whole match',
    extract: annotations({ tag_name: 'prefix-$0', key_regex: 'annotation(\\d+)' }),
    found: { 'prefix-annotation1': 'av1' },
  },
  { name: 'a group without a name to put it in', extract: labels({ key_regex: '(label\\d+)' }), found: both },
  { name: 'the same, stable', extract: labels({ key_regex: '(label\\d+)' }), gates: stable, found: singular },
  { name: 'service', extract: service, found: { 'service.name': 'pi-statefulset', 'service.namespace': 'ns1' } },
  {
    name: 'service by labels',
    extract: service,
    pod: labelled({ 'app.kubernetes.io/name': 'label-service', 'app.kubernetes.io/version': 'label-version' }),
    found: { 'service.name': 'label-service', 'service.version': 'label-version', 'service.namespace': 'ns1' },
  },
  {
    name: 'service by the label of the instance',
    extract: service,
    pod: labelled({ 'app.kubernetes.io/instance': 'instance', 'app.kubernetes.io/name': 'label-service' }),
    found: { 'service.name': 'instance', 'service.namespace': 'ns1' },
  },
  {
    name: 'service by annotations',
    extract: service,
    pod: annotated(
      Object.fromEntries(
        ['instance.id', 'version', 'name', 'namespace'].map((name) => [`${prefix}service.${name}`, name]),
      ),
    ),
    found: {
      'service.instance.id': 'instance.id',
      'service.name': 'name',
      'service.version': 'version',
      'service.namespace': 'namespace',
    },
  },
  {
    name: 'an annotation is right before a label',
    extract: service,
    pod: {
      ...labelled({ 'app.kubernetes.io/name': 'label' }),
      ...annotated({ [`${prefix}service.name`]: 'annotation' }),
    },
    found: { 'service.name': 'annotation', 'service.namespace': 'ns1' },
  },
]

suite('what is said of a pod', () => {
  for (const { name, extract, gates, pod, found } of cases) {
    test(name, () => {
      const rules = rulesOf(extract, gates)
      const known = {
        replicaSet: (uid: string) => (uid === replicaSet.uid ? replicaSet : undefined),
        job: () => undefined,
        namespace: () => undefined,
      }
      const object = { ...authPod, metadata: { ...authPod.metadata, ...pod } }
      const { attributes } = podOf(trimPod(object, rules), rules, known, () => false)
      assert.deepEqual(Object.fromEntries(attributes), found)
    })
  }
})

test('only what the rules ask for is kept of a pod', () => {
  const trimmed = trimPod(authPod, rulesOf(metadata('k8s.pod.name')))
  assert.deepEqual(
    [trimmed.labels, trimmed.annotations, trimmed.owners, trimmed.containers, trimmed.nodeName],
    [{}, {}, [], [], ''],
  )
  assert.deepEqual(trimPod(authPod, rulesOf(metadata('k8s.deployment.name'))).labels, authPod.metadata.labels)
})

test('an annotation of its own hides a pod, whatever else is extracted', () => {
  const ignored = {
    ...authPod,
    metadata: { ...authPod.metadata, annotations: { 'opentelemetry.io/k8s-processor/ignore': 'True ' } },
  }
  assert.equal(trimPod(ignored, rulesOf({})).isIgnored, true)
  assert.equal(trimPod(authPod, rulesOf({})).isIgnored, false)
})

test('a ReplicaSet and a Job say who controls them, a mere owner is none', () => {
  const rules = rulesOf({})
  const of = (controller: boolean, ...kinds: string[]) => ({
    metadata: {
      name: 'x',
      uid: 'u',
      ownerReferences: kinds.map((kind) => ({ ...owner(kind, `my-${kind}`, kind), controller })),
    },
  })
  assert.equal(thingOf(rules, 'replicaset', of(true, 'Other', 'Deployment')).ownerName, 'my-Deployment')
  assert.equal(thingOf(rules, 'replicaset', of(false, 'Deployment')).ownerName, '')
  assert.equal(thingOf(rules, 'job', of(true, 'CronJob')).ownerUid, 'CronJob')
  assert.equal(thingOf(rules, 'deployment', of(true, 'Deployment')).ownerUid, '')
})

test('labels and annotations of every other object have singular names, but those of namespaces and nodes once had not', () => {
  const object = { metadata: { name: 'n', uid: 'u', labels: { l: '1' }, annotations: { a: '2' } } }
  for (const from of ['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob'] as const) {
    const rules = rulesOf({ labels: [{ key: 'l', from }], annotations: [{ key_regex: '.*', from }] })
    const { attributes } = thingOf(rules, from, object)
    assert.deepEqual(Object.fromEntries(attributes), {
      [`k8s.${from}.label.l`]: '1',
      [`k8s.${from}.annotation.a`]: '2',
    })
  }
  for (const from of ['namespace', 'node'] as const) {
    const extract = { labels: [{ key: 'l', from }] }
    assert.deepEqual([...thingOf(rulesOf(extract), from, object).attributes.keys()], [`k8s.${from}.labels.l`])
    assert.deepEqual([...thingOf(rulesOf(extract, stable), from, object).attributes.keys()], [`k8s.${from}.label.l`])
  }
})

test('the name of a Deployment ends before the hash, and only there', () => {
  const cases = [
    ['web-66f5996c7c', '66f5996c7c', 'web'],
    ['my-web-app-abc', 'abc', 'my-web-app'],
    ['web-66f5996c7c', '', ''],
    ['web', '66f5996c7c', ''],
    ['web66f5996c7c', '66f5996c7c', ''],
    ['', 'abc', ''],
  ] as const
  for (const [name, hash, found] of cases)
    assert.equal(deploymentNameOf(name, { 'pod-template-hash': hash }), found, name)
})

test('the name of a CronJob ends before a minute near the making of the pod', () => {
  const minute = 12_345_678
  const at = (minutes: number) => new Date(minutes * 60_000).toISOString()
  assert.equal(cronJobNameOf('ab-12345678', at(minute)), 'ab')
  assert.equal(cronJobNameOf('ab-12345678', at(minute + 1_440)), 'ab')
  assert.equal(cronJobNameOf('ab-12345678', at(minute + 1_441)), '')
  assert.equal(cronJobNameOf('report-20260407', at(29_000_000)), '')
  assert.equal(cronJobNameOf('notenoughdigits', at(minute)), '')
  assert.equal(cronJobNameOf('ab-12345678', ''), '')
})

const hex = (char: string) => char.repeat(64)
const digest = `sha256:${hex('a')}`

test('references of images', () => {
  const cases: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['img', 'img', undefined],
    ['img:1', 'img', '1'],
    [`img:1@${digest}`, 'img', `1@${digest}`],
    [`img@${digest}`, 'img', digest],
    ['registry.io/img', 'registry.io/img', undefined],
    ['registry.io:8080/img', 'registry.io:8080/img', undefined],
    ['example.com:5000/test/image1:0.1.0', 'example.com:5000/test/image1', '0.1.0'],
    ['img:latest', 'img', 'latest'],
    ['[::1]:5000/a/b:x', '[::1]:5000/a/b', 'x'],
    ['a__b/c-d.e', 'a__b/c-d.e', undefined],
    ['Img', undefined, undefined],
    ['', undefined, undefined],
    [`img@sha256:${'a'.repeat(32)}`, undefined, undefined],
    [`img@md5:${'a'.repeat(32)}`, undefined, undefined],
    [`${'a'.repeat(256)}:1`, undefined, undefined],
    ['a'.repeat(100_000), undefined, undefined],
  ]
  for (const [text, name, version] of cases) {
    const parsed = parseReference(text)
    assert.equal(parsed?.name, name, text)
    assert.equal(parsed && versionOf(parsed), version, text)
  }
})

test('a digest says the whole repository', () => {
  const cases = [
    [`docker.io/otel/collector@${digest}`, `docker.io/otel/collector@${digest}`],
    [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
    [`otel/collector:2.0.0@${digest}`, `docker.io/otel/collector:2.0.0@${digest}`],
    [`index.docker.io/nginx@${digest}`, `docker.io/library/nginx@${digest}`],
    [`localhost/x@${digest}`, `localhost/x@${digest}`],
    [digest, undefined],
    [hex('b'), undefined],
    ['nginx:1', undefined],
    [`docker-pullable://nginx@${digest}`, undefined],
  ] as const
  for (const [text, canonical] of cases) assert.equal(canonicalReference(text), canonical, text)
})

const withContainers = {
  metadata: { name: 'test-pod', namespace: 'test-namespace' },
  spec: {
    containers: [
      { name: 'container1', image: 'example.com:5000/test/image1:0.1.0' },
      { name: 'container2', image: `example.com:81/image2@${digest}` },
    ],
    initContainers: [{ name: 'init_container', image: 'test/init-image' }],
  },
  status: {
    containerStatuses: [
      {
        name: 'container1',
        containerID: 'docker://id-123',
        imageID: `docker.io/otel/collector@${digest}`,
        restartCount: 0,
      },
      { name: 'container2', containerID: 'docker://id-456', imageID: digest, restartCount: 2 },
    ],
    initContainerStatuses: [
      {
        name: 'init_container',
        containerID: 'containerd://id-789',
        imageID: `ghcr.io/initimage1@${digest}`,
        restartCount: 0,
      },
    ],
  },
}

test('containers by name and id, with their images and runs', () => {
  const of = (extract: object, gates: Partial<Gates> = {}) => {
    const rules = rulesOf(extract, gates)
    return containersOf(trimPod(withContainers, rules), rules)
  }
  assert.equal(of(metadata('k8s.pod.name')).byName.size, 0)
  const { byName, byId } = of(
    metadata(
      'container.image.name',
      'container.image.tag',
      'container.id',
      'container.image.repo_digests',
      'k8s.container.name',
      'service.instance.id',
      'service.version',
    ),
  )
  assert.deepEqual([...byId.keys()], ['id-123', 'id-456', 'id-789'])
  assert.equal(byId.get('id-456'), byName.get('container2'))
  assert.deepEqual(byName.get('container1'), {
    name: 'container1',
    imageName: 'example.com:5000/test/image1',
    imageTag: '0.1.0',
    imageTags: [],
    serviceInstanceId: 'test-namespace.test-pod.container1',
    serviceVersion: '0.1.0',
    runs: new Map([[0, { containerId: 'id-123', imageRepoDigest: `docker.io/otel/collector@${digest}` }]]),
  })
  assert.deepEqual([byName.get('container2')?.imageTag, byName.get('container2')?.serviceVersion], ['latest', digest])
  assert.deepEqual(byName.get('container2')?.runs, new Map([[2, { containerId: 'id-456', imageRepoDigest: '' }]]))
  assert.deepEqual(
    [byName.get('init_container')?.imageTag, byName.get('init_container')?.serviceVersion],
    ['latest', ''],
  )

  const tags = metadata('container.image.tag', 'container.image.tags')
  const tagsOf = (gates: Partial<Gates>) => {
    const container = of(tags, gates).byName.get('container1')
    return [container?.imageTag, container?.imageTags]
  }
  assert.deepEqual(tagsOf({}), ['0.1.0', []])
  assert.deepEqual(tagsOf(stable), ['', ['0.1.0']])
  assert.deepEqual(tagsOf({ stable: true }), ['0.1.0', ['0.1.0']])
})
