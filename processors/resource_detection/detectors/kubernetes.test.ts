import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { KubernetesServer } from '../../../pipeline/testing/kubernetes-server.ts'
import type { World } from '../detector.ts'
import { MetadataClient } from '../metadata-client.ts'
import { detect, on, serve, type WorldOptions, worldWith } from '../world.fixture.ts'

const namespaces = '/api/v1/namespaces'
const nodes = '/api/v1/nodes'
const maps = '/api/v1/configmaps'

/** Inside the cluster; the server is reached at its own address, and files are read where they are. */
function inside(server: KubernetesServer, options: WorldOptions = {}): World {
  const { env, serviceAccount } = server.world
  const world = worldWith(undefined, {
    ...options,
    env: { ...env, ...options.env } as Record<string, string>,
    serviceAccount,
  })
  return { ...world, readFile: (path) => readFile(path, 'utf8') }
}

/** OpenShift's API has no well-known address that would have to lead elsewhere. */
function direct(server: KubernetesServer, options: WorldOptions = {}): World {
  return { ...inside(server, options), http: new MetadataClient() }
}

async function cluster(): Promise<KubernetesServer> {
  const server = await KubernetesServer.start()
  const object = { apiVersion: 'v1' }
  server.put(namespaces, { ...object, kind: 'Namespace', metadata: { name: 'kube-system', uid: 'cluster-uid' } })
  server.put(nodes, {
    ...object,
    kind: 'Node',
    metadata: { name: 'node-1', uid: 'node-uid', labels: { 'kubernetes.io/os': 'linux' } },
    spec: { providerID: 'aws:///us-west-2a/i-049ca2df511bec762' },
    status: { nodeInfo: { machineID: '6b0e', kubeletVersion: 'v1.33.1' } },
  })
  server.put(maps, {
    ...object,
    kind: 'ConfigMap',
    metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
    data: {
      ClusterConfiguration: 'apiVersion: kubeadm.k8s.io/v1beta4\nclusterName: my-cluster\nkind: ClusterConfiguration\n',
    },
  })
  return server
}

suite('k8s_api', () => {
  const env = { K8S_NODE_NAME: 'node-1', OTHER: 'node-2' }

  test('says the node and the cluster', async () => {
    await using server = await cluster()
    const found = { 'k8s.node.uid': 'node-uid', 'k8s.node.name': 'node-1', 'k8s.cluster.uid': 'cluster-uid' }
    assert.deepEqual(await detect('k8s_api', inside(server, { env })), found)
    const settings = { resource_attributes: on('host.id') }
    assert.deepEqual(await detect('k8snode', inside(server, { env }), settings), { ...found, 'host.id': '6b0e' })
  })

  test('is quiet outside and without a node, unless it must find one', async () => {
    await using server = await cluster()
    assert.deepEqual(await detect('k8s_api', worldWith(undefined, { env })), {})
    assert.deepEqual(await detect('k8s_api', inside(server)), {})
    assert.deepEqual(await detect('k8s_api', inside(server, { env }), { node_from_env_var: 'OTHER' }), {})
    const strict = { env, mustFind: true }
    await assert.rejects(detect('k8s_api', worldWith(undefined, strict)), /not running in Kubernetes/)
    await assert.rejects(detect('k8s_api', inside(server, { mustFind: true })), /node name can't be found/)
    const other = { node_from_env_var: 'OTHER' }
    await assert.rejects(detect('k8s_api', inside(server, strict), other), /"node-2" not found/)
  })

  test('does without the uid of a cluster that it may not see, and fails where it should be able to', async () => {
    await using server = await cluster()
    server.forbid(namespaces)
    const node = { 'k8s.node.uid': 'node-uid', 'k8s.node.name': 'node-1' }
    assert.deepEqual(await detect('k8s_api', inside(server, { env, mustFind: true })), node)
    server.allow(namespaces)
    server.remove(namespaces, { name: 'kube-system' })
    await assert.rejects(detect('k8s_api', inside(server, { env })), /failed getting k8s cluster UID: .*not found/)
  })
})

test('kubeadm says name and uid of its cluster, and nothing of others', async () => {
  await using server = await cluster()
  const found = { 'k8s.cluster.name': 'my-cluster', 'k8s.cluster.uid': 'cluster-uid' }
  assert.deepEqual(await detect('kubeadm', inside(server, { mustFind: true })), found)
  server.forbid(namespaces)
  assert.deepEqual(await detect('kubeadm', inside(server)), { 'k8s.cluster.name': 'my-cluster' })
  await assert.rejects(detect('kubeadm', inside(server, { mustFind: true })), /^Error: kubeadm metadata incomplete: /)
  server.remove(maps, { name: 'kubeadm-config', namespace: 'kube-system' })
  assert.deepEqual(await detect('kubeadm', inside(server)), {})
  await assert.rejects(detect('kubeadm', inside(server, { mustFind: true })), {
    message: 'kubeadm metadata unavailable',
  })
  assert.deepEqual(await detect('kubeadm', worldWith(undefined)), {})
})

suite('eks', () => {
  const everything = {
    resource_attributes: on(
      ...['account.id', 'availability_zone', 'region'].map((name) => `cloud.${name}`),
      ...['id', 'image.id', 'name', 'type'].map((name) => `host.${name}`),
      'k8s.cluster.name',
    ),
  }
  const platform = { 'cloud.provider': 'aws', 'cloud.platform': 'aws_eks' }
  const described = `<DescribeInstancesResponse><reservationSet><item><ownerId>123</ownerId><instancesSet><item>
    <instanceId>i-049ca2df511bec762</instanceId><imageId>ami-1</imageId><privateDnsName>ip-10-0-0-1.internal</privateDnsName>
    <instanceType>t3.large</instanceType>
    <tagSet><item><key>Name</key><value>x</value></item><item><key>kubernetes.io/cluster/my-eks</key><value>owned</value></item></tagSet>
    </item></instancesSet></item></reservationSet></DescribeInstancesResponse>`

  test('asks the APIs where the instance metadata cannot be reached', async () => {
    await using server = await cluster()
    server.answer('/.well-known/openid-configuration', { issuer: 'https://oidc.eks.us-west-2.amazonaws.com/id/1' })
    await using aws = await serve({
      'POST /': { needs: { authorization: /^AWS4-HMAC-SHA256 Credential=a\// }, body: described },
    })
    const env = { NODE: 'node-1', AWS_ENDPOINT_URL_EC2: aws.url, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
    assert.deepEqual(await detect('eks', inside(server, { env }), { ...everything, node_from_env_var: 'NODE' }), {
      ...platform,
      'host.id': 'i-049ca2df511bec762',
      'cloud.availability_zone': 'us-west-2a',
      'cloud.region': 'us-west-2',
      'cloud.account.id': '123',
      'host.image.id': 'ami-1',
      'host.type': 't3.large',
      'host.name': 'ip-10-0-0-1.internal',
      'k8s.cluster.name': 'my-eks',
    })
  })

  test('asks the instance metadata where it can', async () => {
    await using server = await cluster()
    server.answer('/version', { major: '1', minor: '33', gitVersion: 'v1.33.1-eks-1234' })
    const document = {
      accountId: '9',
      availabilityZone: 'eu-1b',
      imageId: 'ami',
      instanceId: 'i-1',
      instanceType: 't',
      region: 'eu-1',
    }
    await using imds = await serve({
      'GET /latest/meta-data/instance-id': { body: 'i-1' },
      'GET /latest/meta-data/hostname': { body: 'h' },
      'GET /latest/dynamic/instance-identity/document': { body: JSON.stringify(document) },
    })
    const { http } = worldWith(imds)
    const { 'k8s.cluster.name': _name, ...resource_attributes } = everything.resource_attributes
    assert.deepEqual(await detect('eks', { ...inside(server), http }, { resource_attributes }), {
      ...platform,
      'host.id': 'i-1',
      'cloud.availability_zone': 'eu-1b',
      'cloud.region': 'eu-1',
      'cloud.account.id': '9',
      'host.image.id': 'ami',
      'host.type': 't',
      'host.name': 'h',
    })
  })

  test('is known by the tokens that EKS mounts, even where nothing more is', async () => {
    await using server = await cluster()
    const tokens = [
      { AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token' },
      { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/var/run/secrets/pods.eks.amazonaws.com/eks-pod-identity/token' },
    ]
    for (const env of tokens)
      assert.deepEqual(await detect('eks', inside(server, { env: env as Record<string, string> })), platform)
  })

  test('is quiet elsewhere', async () => {
    await using server = await cluster()
    server.answer('/version', { gitVersion: 'v1.33.1+k3s1' })
    assert.deepEqual(await detect('eks', inside(server)), {})
    assert.deepEqual(await detect('eks', worldWith(undefined)), {})
    await assert.rejects(detect('eks', inside(server, { mustFind: true })), {
      message: 'eks metadata unavailable: not running on EKS',
    })
  })
})

suite('openshift', () => {
  const path = '/apis/config.openshift.io/v1/infrastructures/cluster/status'
  const infrastructure = (type: string, more: object) => ({
    kind: 'Infrastructure',
    apiVersion: 'config.openshift.io/v1',
    status: {
      controlPlaneTopology: 'HighlyAvailable',
      infrastructureName: 'test-d-bm4rt',
      infrastructureTopology: 'HighlyAvailable',
      platformStatus: { type, [type.toLowerCase()]: more },
    },
  })
  const cases = [
    [
      'AWS',
      { region: 'US-East-1' },
      { 'cloud.provider': 'aws', 'cloud.platform': 'aws_openshift', 'cloud.region': 'us-east-1' },
    ],
    [
      'Azure',
      { cloudName: 'AzurePublicCloud' },
      { 'cloud.provider': 'azure', 'cloud.platform': 'azure.openshift', 'cloud.region': 'azurepubliccloud' },
    ],
    [
      'GCP',
      { region: 'us-east1' },
      { 'cloud.provider': 'gcp', 'cloud.platform': 'gcp_openshift', 'cloud.region': 'us-east1' },
    ],
    [
      'IBMCloud',
      { location: 'us-east' },
      { 'cloud.provider': 'ibm_cloud', 'cloud.platform': 'ibm_cloud_openshift', 'cloud.region': 'us-east' },
    ],
    ['OpenStack', { cloudName: 'os' }, { 'cloud.region': 'os' }],
    ['BareMetal', {}, {}],
  ] as const

  for (const [type, more, found] of cases) {
    test(`on ${type}`, async () => {
      await using server = await cluster()
      server.answer(path, infrastructure(type, more))
      assert.deepEqual(await detect('openshift', direct(server)), { 'k8s.cluster.name': 'test-d-bm4rt', ...found })
    })
  }

  test('the gate ends the region that is the name of a cloud', async () => {
    await using server = await cluster()
    server.answer(path, infrastructure('Azure', { cloudName: 'AzurePublicCloud' }))
    const gates = ['processor.resourcedetection.openshift.removeCloudNameRegion']
    assert.equal((await detect('openshift', direct(server, { gates })))['cloud.region'], undefined)
  })

  test('is quiet on a cluster that is none and outside; what is refused is an error that it must find', async () => {
    await using server = await cluster()
    assert.deepEqual(await detect('openshift', direct(server)), {})
    assert.deepEqual(await detect('openshift', worldWith(undefined)), {})
    await assert.rejects(detect('openshift', worldWith(undefined, { mustFind: true })), {
      message: 'openshift metadata unavailable',
    })
    const strict = direct(server, { mustFind: true })
    await assert.rejects(
      detect('openshift', strict, { token: 'wrong' }),
      /returned status 401: check the service account/,
    )
    assert.deepEqual(await detect('openshift', direct(server), { token: 'wrong' }), {})
  })
})
