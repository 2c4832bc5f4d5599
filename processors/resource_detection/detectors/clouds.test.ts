import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type Answer, detect, on, serve, type WorldOptions, worldWith } from '../world.fixture.ts'
import { clusterOf } from './aks.ts'

interface Case {
  readonly type: string
  readonly answers: Readonly<Record<string, Answer>>
  readonly settings?: Record<string, unknown>
  readonly options?: WorldOptions
  readonly found: Readonly<Record<string, unknown>>
  /** What it says when it must find something and nobody answers; nothing where it then is quiet all the same. */
  readonly missing: RegExp | undefined
}

const file = (name: string) => readFile(join(import.meta.dirname, 'testdata', name), 'utf8')
const scaleway = await file('scaleway.json')
const oracle = await file('oracle.json')
const azure = await file('azure-compute.json')

const cases: readonly Case[] = [
  {
    type: 'akamai',
    answers: {
      'PUT /v1/token': { needs: { 'metadata-token-expiry-seconds': '3600' }, body: '["secret-token"]' },
      'GET /v1/instance': {
        needs: { 'metadata-token': 'secret-token' },
        body: JSON.stringify({
          id: 4242,
          label: 'linode-4242',
          region: 'us-southeast',
          type: 'g6-standard-4',
          host_uuid: '3a3d',
          tags: [],
          specs: { vcpus: 2, memory: 4096, gpus: 0, transfer: 4000, disk: 81920 },
          backups: { enabled: false, status: null },
          image: { id: 'linode/ubuntu24.04', label: 'Ubuntu 24.04 LTS' },
          account_euuid: 'acc-eeee',
        }),
      },
    },
    found: {
      'cloud.account.id': 'acc-eeee',
      'cloud.provider': 'akamai_cloud',
      'cloud.platform': 'akamai_cloud.compute',
      'cloud.region': 'us-southeast',
      'host.id': '4242',
      'host.image.id': 'linode/ubuntu24.04',
      'host.image.name': 'Ubuntu 24.04 LTS',
      'host.name': 'linode-4242',
      'host.type': 'g6-standard-4',
    },
    missing: /^akamai metadata unavailable: /,
  },
  {
    type: 'alibaba_ecs',
    answers: {
      'PUT /latest/api/token': { needs: { 'x-aliyun-ecs-metadata-token-ttl-seconds': '21600' }, body: 'ali' },
      ...texts(
        '/latest/meta-data/',
        {
          hostname: 'iZbp1',
          'image-id': 'aliyun_3_x64',
          'instance-id': 'i-bp1',
          'instance/instance-type': 'ecs.g7.large',
          'owner-account-id': '1609',
          'region-id': 'cn-hangzhou',
          'zone-id': 'cn-hangzhou-i',
        },
        { 'x-aliyun-ecs-metadata-token': 'ali' },
      ),
    },
    found: {
      'cloud.provider': 'alibaba_cloud',
      'cloud.platform': 'alibaba_cloud_ecs',
      'cloud.account.id': '1609',
      'cloud.region': 'cn-hangzhou',
      'cloud.availability_zone': 'cn-hangzhou-i',
      'host.id': 'i-bp1',
      'host.name': 'iZbp1',
      'host.image.id': 'aliyun_3_x64',
      'host.type': 'ecs.g7.large',
    },
    missing: /api\/token: /,
  },
  {
    type: 'tencent_cvm',
    answers: texts('/latest/meta-data/', {
      'instance-name': 'my-cvm',
      'instance/image-id': 'img-1',
      'instance-id': 'ins-1',
      'instance/instance-type': 'S5.MEDIUM2',
      'app-id': '1250000000',
      'placement/region': 'ap-guangzhou',
      'placement/zone': 'ap-guangzhou-3',
    }),
    found: {
      'cloud.provider': 'tencent_cloud',
      'cloud.platform': 'tencent_cloud_cvm',
      'cloud.account.id': '1250000000',
      'cloud.region': 'ap-guangzhou',
      'cloud.availability_zone': 'ap-guangzhou-3',
      'host.id': 'ins-1',
      'host.name': 'my-cvm',
      'host.image.id': 'img-1',
      'host.type': 'S5.MEDIUM2',
    },
    missing: /metadata\.tencentyun\.com/,
  },
  {
    type: 'ibmcloud_classic',
    answers: texts('/rest/v3.1/SoftLayer_Resource_Metadata/', {
      'getId.txt': '123\n',
      'getHostname.txt': 'classic-1',
      'getDatacenter.txt': 'dal10',
      'getAccountId.txt': '987',
      'getGlobalIdentifier.txt': 'guid-1',
    }),
    found: {
      'cloud.provider': 'ibm_cloud',
      'cloud.platform': 'ibm_cloud.classic',
      'cloud.account.id': '987',
      'cloud.availability_zone': 'dal10',
      'cloud.resource_id': 'guid-1',
      'host.id': '123',
      'host.name': 'classic-1',
    },
    missing: /^ibmcloud classic metadata unavailable: /,
  },
  {
    type: 'ibmcloud_vpc',
    answers: {
      'PUT /identity/v1/token?version=2026-01-30': {
        needs: { 'metadata-flavor': 'ibm' },
        body: '{"access_token":"vpc-token","created_at":"2026-01-30T00:00:00Z","expires_at":"2026-01-30T00:05:00Z","expires_in":300}',
      },
      'GET /metadata/v1/instance?version=2026-01-30': {
        needs: { authorization: 'Bearer vpc-token' },
        body: JSON.stringify({
          id: '0717_1e09',
          crn: 'crn:v1:bluemix:public:is:us-south-1:a/123456::instance:0717_1e09',
          name: 'my-instance',
          profile: { name: 'bx2-4x16' },
          zone: { name: 'us-south-1' },
          image: { id: 'r006-72b2', name: 'ibm-ubuntu-24-04' },
        }),
      },
    },
    found: {
      'cloud.provider': 'ibm_cloud',
      'cloud.platform': 'ibm_cloud.vpc',
      'cloud.region': 'us-south',
      'cloud.availability_zone': 'us-south-1',
      'cloud.account.id': '123456',
      'cloud.resource_id': 'crn:v1:bluemix:public:is:us-south-1:a/123456::instance:0717_1e09',
      'host.id': '0717_1e09',
      'host.image.id': 'r006-72b2',
      'host.image.name': 'ibm-ubuntu-24-04',
      'host.name': 'my-instance',
      'host.type': 'bx2-4x16',
    },
    missing: /^ibmcloud vpc metadata unavailable$/,
  },
  {
    type: 'upcloud',
    answers: {
      'GET /metadata/v1.json': {
        body: '{"cloud_name":"upcloud","instance_id":"00a1","hostname":"ubuntu-1cpu","platform":"servers","subplatform":"metadata","region":"us-chi1"}',
      },
    },
    found: { 'cloud.provider': 'upcloud', 'cloud.region': 'us-chi1', 'host.id': '00a1', 'host.name': 'ubuntu-1cpu' },
    missing: /metadata\/v1\.json/,
  },
  {
    type: 'vultr',
    settings: { resource_attributes: on('cloud.platform') },
    answers: {
      'GET /v1.json': {
        body: '{"hostname":"vultr-guest","instance-v2-id":"a747","instanceid":"42872224","region":{"regioncode":"EWR"}}',
      },
    },
    found: {
      'cloud.provider': 'vultr',
      'cloud.platform': 'vultr.cloud_compute',
      'host.id': 'a747',
      'host.name': 'vultr-guest',
      'cloud.region': 'ewr',
    },
    missing: /^vultr metadata unavailable$/,
  },
  {
    type: 'digitalocean',
    answers: {
      'GET /metadata/v1.json': {
        body: '{"droplet_id":2756294,"hostname":"sample-droplet","region":"nyc3","public_keys":[],"interfaces":{},"dns":{}}',
      },
    },
    found: {
      'cloud.provider': 'digitalocean',
      'host.id': '2756294',
      'host.name': 'sample-droplet',
      'cloud.region': 'nyc3',
    },
    missing: /^digitalocean metadata unavailable: /,
  },
  {
    type: 'hetzner',
    settings: { resource_attributes: on('cloud.platform') },
    answers: texts('/hetzner/v1/metadata/', {
      hostname: 'my-server\n',
      'instance-id': '42',
      region: 'eu-central',
      'availability-zone': 'fsn1-dc14',
    }),
    found: {
      'cloud.provider': 'hetzner',
      'cloud.platform': 'hetzner.cloud_server',
      'host.id': '42',
      'host.name': 'my-server',
      'cloud.region': 'eu-central',
      'cloud.availability_zone': 'fsn1-dc14',
    },
    missing: /^hetzner metadata unavailable$/,
  },
  {
    type: 'scaleway',
    answers: { 'GET /conf?format=json': { body: scaleway } },
    found: {
      'cloud.account.id': '10542306-0c75-4265-9c2c-1fbfe4ea0bf0',
      'cloud.availability_zone': 'nl-ams-1',
      'cloud.provider': 'scaleway_cloud',
      'cloud.platform': 'scaleway_cloud_compute',
      'cloud.region': 'nl-ams',
      'host.id': 'daa2ea5a-0ee6-4cdc-9f1a-e0d1cb4e6d86',
      'host.image.id': '01fe25a9-2e95-41e2-9f3f-f7d3a00604be',
      'host.image.name': 'Ubuntu 24.04 Noble Numbat',
      'host.name': 'scw-interesting-bassi',
      'host.type': 'STARDUST1-S',
    },
    missing: /^scaleway metadata unavailable: /,
  },
  {
    type: 'oraclecloud',
    settings: { resource_attributes: on('cloud.resource_id') },
    answers: {
      'HEAD /opc/v2/instance/': { needs: { authorization: 'Bearer Oracle' } },
      'GET /opc/v2/instance/': { needs: { authorization: 'Bearer Oracle' }, body: oracle },
    },
    found: {
      'cloud.provider': 'oracle_cloud',
      'cloud.platform': 'oracle_cloud_oke',
      'cloud.region': 'us-ashburn-1',
      'cloud.resource_id': 'ocid1.instance.oc1.iad.abc',
      'cloud.availability_zone': 'EMIr:US-ASHBURN-AD-3',
      'host.id': 'ocid1.instance.oc1.iad.abc',
      'host.name': 'my-example-instance',
      'host.type': 'VM.Standard.E3.Flex',
      'k8s.cluster.name': 'my-oke',
      'oracle_cloud.realm': 'oc1',
    },
    missing: undefined,
  },
  {
    type: 'nova',
    settings: { labels: ['^role$'] },
    answers: {
      'GET /openstack/latest/meta_data.json': {
        body: '{"uuid":"d8e02d56","availability_zone":"nova","hostname":"test.novalocal","launch_index":0,"meta":{"role":"web","owner":"me"},"project_id":"f7ac","name":"test"}',
      },
      'GET /latest/meta-data/instance-type': { body: 'm1.small' },
    },
    found: {
      'host.type': 'm1.small',
      'cloud.provider': 'openstack',
      'cloud.platform': 'openstack_nova',
      'cloud.account.id': 'f7ac',
      'cloud.availability_zone': 'nova',
      'host.id': 'd8e02d56',
      'host.name': 'test.novalocal',
      'openstack.nova.meta.role': 'web',
    },
    missing: /meta_data\.json/,
  },
  {
    type: 'azure',
    settings: { tags: ['^env'], resource_attributes: on('cloud.availability_zone') },
    answers: {
      'GET /metadata/instance/compute?api-version=2020-09-01&format=json': {
        needs: { metadata: 'true' },
        body: azure,
      },
    },
    found: {
      'cloud.provider': 'azure',
      'cloud.platform': 'azure.vm',
      'cloud.region': 'westus',
      'cloud.availability_zone': '3',
      'cloud.account.id': '8d10da13-8125-4ba9-a717-bf7490507b3d',
      'host.id': '02aab8a4-74ef-476e-8182-f6d2ba4166a6',
      'host.name': 'examplevmname-os',
      'azure.vm.name': 'examplevmname',
      'azure.vm.size': 'Standard_A3',
      'azure.vm.scaleset.name': 'crpteste9vflji9',
      'azure.resourcegroup.name': 'macikgo-test-may-23',
      'azure.tag.env': 'prod',
    },
    missing: /^azure metadata unavailable: /,
  },
  {
    type: 'aks',
    settings: { resource_attributes: on('k8s.cluster.name') },
    options: { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } },
    answers: {
      'GET /metadata/instance/compute?api-version=2020-09-01&format=json': {
        needs: { metadata: 'true' },
        body: '{"resourceGroupName":"MC_myResourceGroup_myAKSCluster_eastus"}',
      },
    },
    found: { 'cloud.provider': 'azure', 'cloud.platform': 'azure.aks', 'k8s.cluster.name': 'myAKSCluster' },
    missing: /^aks metadata unavailable: /,
  },
  {
    type: 'consul',
    settings: { address: 'http://consul.local:8500', token: 'acl', datacenter: 'dc1', meta: { env: null } },
    answers: {
      'GET /v1/agent/self?dc=dc1': {
        needs: { 'x-consul-token': 'acl' },
        body: '{"Config":{"Datacenter":"dc1","NodeName":"hostname","NodeID":"00000000-0000","Server":true},"Meta":{"env":"prod","other":"x"}}',
      },
    },
    found: { 'host.name': 'hostname', 'cloud.region': 'dc1', 'host.id': '00000000-0000', env: 'prod' },
    missing: /^failed to get consul metadata: /,
  },
]

suite('detectors of clouds, by what their metadata services answer', () => {
  for (const { type, answers, settings, options, found, missing } of cases) {
    test(`${type} finds what its service says`, async () => {
      await using service = await serve(answers)
      assert.deepEqual(await detect(type, worldWith(service, options), settings), found)
    })

    test(`${type} is quiet where nobody answers, and where somebody else does`, async () => {
      assert.deepEqual(await detect(type, worldWith(undefined, options), settings), {})
      await using stranger = await serve({})
      assert.deepEqual(await detect(type, worldWith(stranger, options), settings), {})
    })

    if (missing !== undefined) {
      test(`${type} fails with fail_on_missing_metadata where nobody answers`, async () => {
        const world = worldWith(undefined, { ...options, mustFind: true })
        await assert.rejects(detect(type, world, settings), { message: missing })
      })
    }
  }
})

test('the switch of a single detector works as the one of the processor', async () => {
  for (const type of ['alibaba_ecs', 'tencent_cvm', 'upcloud', 'vultr', 'nova', 'ec2'])
    await assert.rejects(
      detect(type, worldWith(undefined), {
        fail_on_missing_metadata: true,
        ...(type === 'ec2' ? { max_attempts: 1 } : {}),
      }),
      type,
    )
})

test('Vultr: an old id, and a service that fails', async () => {
  await using old = await serve({ 'GET /v1.json': { body: '{"hostname":"h","instanceid":"42"}' } })
  assert.deepEqual(await detect('vultr', worldWith(old)), {
    'cloud.provider': 'vultr',
    'host.id': '42',
    'host.name': 'h',
  })
  await using broken = await serve({ 'GET /v1.json': { status: 503 } })
  await assert.rejects(detect('vultr', worldWith(broken, { mustFind: true })), /answered 503/)
})

test('Azure: a machine without a profile has its own name, and the gate renames the resource group', async () => {
  await using service = await serve({
    'GET /metadata/instance/compute?api-version=2020-09-01&format=json': {
      body: '{"name":"vm","vmID":"1","resourceGroupName":"rg","osProfile":{"computerName":""}}',
    },
  })
  const gates = ['processor.azuredetector.RenameResourceGroupAttribute']
  const found = await detect('azure', worldWith(service, { gates }))
  assert.equal(found['host.name'], 'vm')
  assert.equal(found['host.id'], '1')
  assert.equal(found['azure.resource_group.name'], 'rg')
  assert.equal('azure.resourcegroup.name' in found, false)
})

test('AKS: the cluster stands in a group that AKS has named, and any other name stands for it', () => {
  const cases = [
    ['MC_myResourceGroup_AKSCluster_eastus', 'AKSCluster'],
    ['mc_myResourceGroup_AKSCluster_eastus', 'AKSCluster'],
    ['MC_Resource_Group_AKSCluster_eastus', 'MC_Resource_Group_AKSCluster_eastus'],
    ['MC_myResourceGroup_AKS_Cluster_eastus', 'MC_myResourceGroup_AKS_Cluster_eastus'],
    ['infra-group_name', 'infra-group_name'],
    ['dev_infra_group_name', 'dev_infra_group_name'],
    ['MC_group_name_location', 'name'],
    ['some-group', 'some-group'],
    ['MC_AKSCluster_eastus', 'MC_AKSCluster_eastus'],
    ['', ''],
  ] as const
  for (const [group, cluster] of cases) assert.equal(clusterOf(group), cluster)
})

test('Scaleway without IPv4 is asked over IPv6', async () => {
  await using service = await serve({ 'GET /conf?format=json': { body: scaleway } })
  const asked: string[] = []
  const world = worldWith(service)
  const http = Object.create(world.http) as typeof world.http
  http.json = async (url, request) => {
    asked.push(url)
    if (url.includes('169.254.42.42')) throw new Error('unreachable')
    return world.http.json(url, request)
  }
  assert.equal((await detect('scaleway', { ...world, http }))['host.name'], 'scw-interesting-bassi')
  assert.deepEqual(asked, ['http://169.254.42.42/conf?format=json', 'http://[fd00:42::42]/conf?format=json'])
})

test('an attribute that is switched off stays out', async () => {
  await using service = await serve({ 'GET /metadata/v1.json': { body: '{"hostname":"h","region":"r"}' } })
  const found = await detect('upcloud', worldWith(service), {
    resource_attributes: { 'host.name': { enabled: false }, 'host.id': { enabled: false } },
  })
  assert.deepEqual(found, { 'cloud.provider': '', 'cloud.region': 'r' })
})

function texts(
  base: string,
  values: Readonly<Record<string, string>>,
  needs?: Readonly<Record<string, string>>,
): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(values).map(([path, body]) => [
      `GET ${base}${path}`,
      needs === undefined ? { body } : { needs, body },
    ]),
  )
}
