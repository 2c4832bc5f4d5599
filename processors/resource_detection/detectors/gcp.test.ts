import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, detect, on, serve, worldWith } from '../world.fixture.ts'

const needs = { 'metadata-flavor': 'Google' }
const headers = { 'Metadata-Flavor': 'Google' }
function metadata(values: Readonly<Record<string, string>>): Record<string, Answer> {
  const answers: Record<string, Answer> = { 'GET /': { headers, body: 'computeMetadata/' } }
  for (const [path, body] of Object.entries(values))
    answers[`GET /computeMetadata/v1/${path}`] = { needs, headers, body }
  return answers
}
const gce = {
  'project/project-id': 'my-project',
  'instance/id': '1472385723456792345',
  'instance/name': 'my-vm',
  'instance/hostname': 'my-vm.c.my-project.internal',
  'instance/zone': 'projects/1234/zones/us-central1-c',
  'instance/machine-type': 'projects/1234/machineTypes/n1-standard-1',
}
const compute = 'GET /compute/v1/projects/my-project/zones/us-central1-c/instances/my-vm'
const token = {
  'instance/service-accounts/default/token': '{"access_token":"ya29","expires_in":3599,"token_type":"Bearer"}',
}
const instance = {
  needs: { authorization: 'Bearer ya29' },
  body: '{"machineType":"https://www.googleapis.com/compute/v1/projects/p/zones/z/machineTypes/e2-medium","labels":{"team":"core","x":"y"}}',
}

test('Compute Engine, with its group and labels', async () => {
  const createdBy = 'projects/123/zones/us-central1-f/instanceGroupManagers/igm-metadata'
  await using service = await serve({
    ...metadata({ ...gce, ...token, 'instance/attributes/created-by': createdBy }),
    [compute]: instance,
  })
  const settings = {
    labels: ['team'],
    resource_attributes: on('gcp.gce.instance.hostname', 'gcp.gce.instance.name'),
  }
  assert.deepEqual(await detect('gcp', worldWith(service), settings), {
    'cloud.provider': 'gcp',
    'cloud.platform': 'gcp_compute_engine',
    'cloud.account.id': 'my-project',
    'cloud.availability_zone': 'us-central1-c',
    'cloud.region': 'us-central1',
    'host.type': 'projects/1234/machineTypes/n1-standard-1',
    'host.id': '1472385723456792345',
    'host.name': 'my-vm',
    'gcp.gce.instance.hostname': 'my-vm.c.my-project.internal',
    'gcp.gce.instance.name': 'my-vm',
    'gcp.gce.instance_group_manager.name': 'igm-metadata',
    'gcp.gce.instance_group_manager.zone': 'us-central1-f',
    'gcp.gce.instance.labels.team': 'core',
  })
})

test('Kubernetes Engine, zonal and regional', async () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' }
  const cluster = { 'instance/attributes/cluster-name': 'my-cluster' }
  await using zonal = await serve({
    ...metadata({ ...gce, ...token, ...cluster, 'instance/attributes/cluster-location': 'us-central1-c' }),
    [compute]: instance,
  })
  assert.deepEqual(await detect('gcp', worldWith(zonal, { env })), {
    'cloud.provider': 'gcp',
    'cloud.platform': 'gcp_kubernetes_engine',
    'cloud.account.id': 'my-project',
    'cloud.availability_zone': 'us-central1-c',
    'cloud.region': 'us-central1',
    'k8s.cluster.name': 'my-cluster',
    'host.id': '1472385723456792345',
    'host.name': 'my-vm',
    'host.type': 'e2-medium',
  })
  const { 'instance/name': _hidden, ...withoutName } = gce
  await using regional = await serve(
    metadata({ ...withoutName, ...cluster, 'instance/attributes/cluster-location': 'us-central1' }),
  )
  const found = await detect('gcp', worldWith(regional, { env, mustFind: true }))
  assert.deepEqual(
    ['cloud.region', 'cloud.availability_zone', 'host.name', 'host.type'].map((name) => found[name]),
    ['us-central1', undefined, undefined, undefined],
  )
})

const serverless = {
  'project/project-id': 'p',
  'instance/id': '1',
  'instance/region': 'projects/1/regions/us-central1',
}
const place = { 'cloud.provider': 'gcp', 'cloud.account.id': 'p', 'cloud.region': 'us-central1', 'faas.instance': '1' }
const platforms = [
  [
    'Cloud Run',
    { K_CONFIGURATION: 'x', K_SERVICE: 'svc', K_REVISION: '7' },
    { ...place, 'cloud.platform': 'gcp_cloud_run', 'faas.name': 'svc', 'faas.version': '7' },
  ],
  [
    'Cloud Run jobs',
    { CLOUD_RUN_JOB: 'job', CLOUD_RUN_EXECUTION: 'job-abc', CLOUD_RUN_TASK_INDEX: '2' },
    {
      ...place,
      'cloud.platform': 'gcp_cloud_run',
      'faas.name': 'job',
      'gcp.cloud_run.job.execution': 'job-abc',
      'gcp.cloud_run.job.task_index': '2',
    },
  ],
  [
    'Cloud Run worker pools',
    { CLOUD_RUN_WORKER_POOL: 'pool', CLOUD_RUN_REVISION: 'pool-1' },
    { ...place, 'cloud.platform': 'gcp_cloud_run', 'faas.name': 'pool', 'faas.version': 'pool-1' },
  ],
  [
    'Cloud Functions',
    { FUNCTION_TARGET: 'hello', K_SERVICE: 'fn', K_REVISION: '3' },
    { ...place, 'cloud.platform': 'gcp_cloud_functions', 'faas.name': 'fn', 'faas.version': '3' },
  ],
] as const

for (const [name, env, found] of platforms) {
  test(name, async () => {
    await using service = await serve(metadata(serverless))
    assert.deepEqual(await detect('gcp', worldWith(service, { env })), found)
  })
}

test('App Engine, standard and flexible', async () => {
  const app = { GAE_SERVICE: 'svc', GAE_VERSION: 'v', GAE_INSTANCE: 'inst' }
  const zone = { 'instance/zone': 'projects/1/zones/us-east1-b' }
  const found = {
    'cloud.provider': 'gcp',
    'cloud.platform': 'gcp_app_engine',
    'cloud.account.id': 'p',
    'faas.name': 'svc',
    'faas.version': 'v',
    'faas.instance': 'inst',
    'cloud.availability_zone': 'us-east1-b',
  }
  await using service = await serve(metadata({ ...serverless, ...zone }))
  const standard = worldWith(service, { env: { ...app, GAE_ENV: 'standard' } })
  assert.deepEqual(await detect('gcp', standard), { ...found, 'cloud.region': 'us-central1' })
  assert.deepEqual(await detect('gcp', worldWith(service, { env: app })), { ...found, 'cloud.region': 'us-east1' })
})

test('Bare Metal needs no server', async () => {
  const env = { BMS_PROJECT_ID: 'p', BMS_REGION: 'r', BMS_INSTANCE_ID: 'i' }
  assert.deepEqual(await detect('gcp', worldWith(undefined, { env })), {
    'cloud.provider': 'gcp',
    'cloud.platform': 'gcp_bare_metal_solution',
    'cloud.account.id': 'p',
    'cloud.region': 'r',
    'host.name': 'i',
  })
})

test('elsewhere it is quiet; a named server is believed, and what it lacks is an error only where it must be found', async () => {
  assert.deepEqual(await detect('gcp', worldWith(undefined)), {})
  await using stranger = await serve({ 'GET /': { body: 'hello' } })
  assert.deepEqual(await detect('gcp', worldWith(stranger, { mustFind: true })), {})
  const env = { GCE_METADATA_HOST: stranger.url.replace('http://', '') }
  assert.deepEqual(await detect('gcp', worldWith(stranger, { env })), { 'cloud.provider': 'gcp' })
  await assert.rejects(detect('gcp', worldWith(stranger, { env, mustFind: true })), /project\/project-id answered 404/)
})
