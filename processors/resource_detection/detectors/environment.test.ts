import assert from 'node:assert/strict'
import os from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFolder } from '../../../pipeline/testing/test-folder.ts'
import { inHosts } from '../host-names.ts'
import { detect, on, serve, worldWith } from '../world.fixture.ts'
import { parseAttributes } from './env.ts'
import { platformOf } from './os-release.ts'

const inEnv = (env: Record<string, string>, mustFind = false) => worldWith(undefined, { env, mustFind })

test('env reads OTEL_RESOURCE_ATTRIBUTES, and the older variable where that is empty', async () => {
  const text = 'k8s.cluster.name=prod , team = a%20b,empty='
  const found = { 'k8s.cluster.name': 'prod', team: 'a b', empty: '' }
  assert.deepEqual(await detect('env', inEnv({ OTEL_RESOURCE_ATTRIBUTES: text, OTEL_RESOURCE: 'x=y' })), found)
  assert.deepEqual(await detect('env', inEnv({ OTEL_RESOURCE_ATTRIBUTES: ' ', OTEL_RESOURCE: 'x=y' })), { x: 'y' })
  assert.deepEqual(await detect('env', inEnv({})), {})
})

test('env refuses what is not a list of pairs, with its words', () => {
  const cases = [
    ['invalid', 'invalid resource format: "invalid"'],
    ['key=value,invalid', 'invalid resource format, invalid text: "invalid"'],
    ['key=%zz', 'invalid resource format in attribute: "key=%zz", err: invalid URL escape'],
    ['key=wert\u00fc', 'invalid resource format: "key=wert\u00fc"'],
  ] as const
  for (const [text, message] of cases) assert.throws(() => parseAttributes(text), { message })
  assert.deepEqual(
    [...parseAttributes('a/b=c=d,x=+')],
    [
      ['a/b', 'c=d'],
      ['x', ' '],
    ],
  )
})

test('env takes included names without the excluded ones', async () => {
  const world = inEnv({ OTEL_RESOURCE_ATTRIBUTES: 'app.name=a,app.kind=b,host=c,app.x=d' })
  const attributes = { included: ['app.*', 'h?st'], excluded: ['app.kind', '*.x'] }
  assert.deepEqual(await detect('env', world, { attributes }), { 'app.name': 'a', host: 'c' })
})

test('heroku reads the metadata of the dyno', async () => {
  const env = {
    HEROKU_DYNO_ID: 'foo',
    HEROKU_APP_ID: 'appid',
    HEROKU_APP_NAME: 'appname',
    HEROKU_RELEASE_CREATED_AT: 'createdat',
    HEROKU_RELEASE_VERSION: 'v1',
    HEROKU_SLUG_COMMIT: '23456',
  }
  assert.deepEqual(await detect('heroku', inEnv(env)), {
    'heroku.app.id': 'appid',
    'service.name': 'appname',
    'heroku.release.commit': '23456',
    'heroku.release.creation_timestamp': 'createdat',
    'service.instance.id': 'foo',
    'service.version': 'v1',
    'cloud.provider': 'heroku',
  })
  assert.deepEqual(await detect('heroku', inEnv({ HEROKU_DYNO_ID: 'foo' })), { 'service.instance.id': 'foo' })
  assert.deepEqual(await detect('heroku', inEnv({})), {})
  await assert.rejects(detect('heroku', inEnv({}, true)), /HEROKU_DYNO_ID and HEROKU_APP_ID env vars not set/)
})

test('lambda reads the variables of the runtime', async () => {
  const env = {
    AWS_REGION: 'us-texas-1',
    AWS_LAMBDA_FUNCTION_NAME: 'testFunction',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/testFunction',
    AWS_LAMBDA_LOG_STREAM_NAME: '2019/02/07/[$LATEST]7f5a',
  }
  assert.deepEqual(await detect('lambda', inEnv(env)), {
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': 'us-texas-1',
    'faas.name': 'testFunction',
    'faas.version': '$LATEST',
    'faas.instance': '2019/02/07/[$LATEST]7f5a',
    'faas.max_memory': '128',
    'aws.log.group.names': ['/aws/lambda/testFunction'],
    'aws.log.stream.names': ['2019/02/07/[$LATEST]7f5a'],
  })
  assert.deepEqual(await detect('lambda', inEnv({})), {})
  await assert.rejects(detect('lambda', inEnv({}, true)), /AWS_LAMBDA_FUNCTION_NAME env var not set/)
})

const azureApp = {
  WEBSITE_SITE_NAME: 'my-app',
  WEBSITE_RESOURCE_GROUP: 'my-rg',
  WEBSITE_OWNER_NAME: '0000+my-rg-CentralUSwebspace',
  REGION_NAME: 'Central US',
  WEBSITE_SLOT_NAME: 'staging',
  WEBSITE_INSTANCE_ID: 'instance-1',
}
const azureSite = {
  'azure.resource_group.name': 'my-rg',
  'cloud.account.id': '0000',
  'cloud.provider': 'azure',
  'cloud.region': 'Central US',
  'cloud.resource_id': '/subscriptions/0000/resourceGroups/my-rg/providers/Microsoft.Web/sites/my-app',
  'deployment.environment.name': 'staging',
  'service.name': 'my-app',
}

test('Azure App Service is a web app, and not a function', async () => {
  assert.deepEqual(await detect('azureappservice', inEnv(azureApp)), {
    ...azureSite,
    'cloud.platform': 'azure.app_service',
    'azure.app_service.instance.id': 'instance-1',
  })
  const function_ = { ...azureApp, FUNCTIONS_WORKER_RUNTIME: 'node' }
  assert.deepEqual(await detect('azureappservice', inEnv(function_)), {})
  await assert.rejects(detect('azureappservice', inEnv({}, true)), {
    message: 'azure app service metadata unavailable',
  })
})

test('Azure Functions, with and without a resource group', async () => {
  const settings = { resource_attributes: on('deployment.environment.name') }
  const env = { ...azureApp, FUNCTIONS_WORKER_RUNTIME: 'dotnet-isolated' }
  assert.deepEqual(await detect('azurefunctions', inEnv(env), settings), {
    ...azureSite,
    'cloud.platform': 'azure.functions',
    'faas.instance': 'instance-1',
  })
  const flex = { ...env, WEBSITE_RESOURCE_GROUP: '', WEBSITE_INSTANCE_ID: '', WEBSITE_POD_NAME: 'pod-1' }
  const found = await detect('azurefunctions', inEnv(flex))
  assert.deepEqual([found['faas.instance'], found['cloud.resource_id']], ['pod-1', undefined])
  assert.deepEqual(await detect('azurefunctions', inEnv(azureApp)), {})
  await assert.rejects(detect('azurefunctions', inEnv({}, true)), { message: 'azure functions metadata unavailable' })
})

test('Azure Container Apps', async () => {
  const env = { CONTAINER_APP_NAME: 'shop', CONTAINER_APP_REPLICA_NAME: 'shop--x1' }
  assert.deepEqual(await detect('azurecontainerapps', inEnv(env)), {
    'cloud.provider': 'azure',
    'cloud.platform': 'azure.container_apps',
    'service.name': 'shop',
    'azure.container_app.instance.id': 'shop--x1',
  })
  assert.deepEqual(await detect('azurecontainerapps', inEnv({})), {})
})

test('dynatrace reads the properties that it knows', async () => {
  const path = '/var/lib/dynatrace/enrichment/dt_host_metadata.properties'
  const text = 'dt.entity.host=HOST-1\nhost.name= box=1 \nother=x\nno pair\ndt.smartscape.host=HOST-2\n'
  assert.deepEqual(await detect('dynatrace', worldWith(undefined, { files: { [path]: text } })), {
    'dt.entity.host': 'HOST-1',
    'host.name': 'box=1',
    'dt.smartscape.host': 'HOST-2',
  })
  assert.deepEqual(await detect('dynatrace', worldWith(undefined)), {})
})

const beanstalk = 'processor.resourcedetection.elasticbeanstalk'
const beanstalkFiles = {
  '/var/elasticbeanstalk/xray/environment.conf':
    '{"deployment_id":23,"version_label":"env-version-1234","environment_name":"BETA"}',
}

test('Elastic Beanstalk by its file, in the old and the new names', async () => {
  const world = (...gates: string[]) =>
    worldWith(undefined, { files: beanstalkFiles, gates: gates.map((gate) => `${beanstalk}.${gate}`) })
  const both = {
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_elastic_beanstalk',
    'service.version': 'env-version-1234',
  }
  const older = { 'deployment.environment': 'BETA', 'service.instance.id': '23' }
  const newer = { 'deployment.environment.name': 'BETA', 'deployment.id': '23' }
  const [emit, drop] = ['EmitV1DeploymentConventions', 'DontEmitV0DeploymentConventions'] as const
  assert.deepEqual(await detect('elastic_beanstalk', world()), { ...both, ...older })
  assert.deepEqual(await detect('elastic_beanstalk', world(emit)), { ...both, ...older, ...newer })
  assert.deepEqual(await detect('elastic_beanstalk', world(emit, drop)), { ...both, ...newer })
  await assert.rejects(detect('elastic_beanstalk', world(drop)), /requires .*EmitV1DeploymentConventions to be enabled/)
  assert.deepEqual(await detect('elastic_beanstalk', worldWith(undefined)), {})
  const broken = worldWith(undefined, { files: { '/var/elasticbeanstalk/xray/environment.conf': '{' } })
  await assert.rejects(detect('elastic_beanstalk', broken))
})

test('system has the name of the first source that knows one', async () => {
  const names = {
    canonical: async () => 'box.example.com.',
    addresses: async () => ['192.0.2.1', '192.0.2.2'],
    reverse: async (address: string) => {
      if (address.endsWith('.1')) throw new Error('no name')
      return ['rev.example.com.']
    },
  }
  const world = worldWith(undefined, { names })
  const nameBy = async (one: typeof world, ...hostname_sources: string[]) =>
    (await detect('system', one, { hostname_sources }))['host.name']
  assert.deepEqual(await detect('system', world), { 'host.name': 'box.example.com', 'os.type': 'linux' })
  assert.equal(await nameBy(world, 'os'), 'box')
  assert.equal(await nameBy(world, 'cname'), 'box.example.com')
  assert.equal(await nameBy(world, 'lookup', 'os'), 'rev.example.com')
  assert.equal(await nameBy(worldWith(undefined), 'lookup', 'os'), 'box')
  const listed = worldWith(undefined, {
    names,
    files: { '/etc/hosts': '127.0.0.1 localhost\n10.0.0.7 full.example.org box\n' },
  })
  assert.equal(await nameBy(listed, 'dns'), 'full.example.org')
  await assert.rejects(nameBy(worldWith(undefined), 'lookup'), {
    message: 'all hostname sources failed to get hostname',
  })
})

test('system refuses a source that there is not', async () => {
  await assert.rejects(detect('system', worldWith(undefined), { hostname_sources: ['invalid'] }), (error: Error) =>
    error.message.includes('hostname_sources contains invalid value: \\"invalid\\"'),
  )
})

test('a line of the hosts file names the first, for the first and for its aliases', () => {
  const file = '# comment\n127.0.0.1\tlocalhost\n::1 ip6-localhost # box\n10.1.1.1   a.example.com  a   b # c\n'
  assert.deepEqual(
    ['localhost', 'a', 'b', 'c', 'box', 'a.example.com'].map((name) => inHosts(name, file)),
    ['localhost', 'a.example.com', 'a.example.com', undefined, undefined, 'a.example.com'],
  )
})

test('system says everything of the machine that is switched on', async () => {
  const files = {
    '/etc/machine-id': '6b0e\n',
    '/etc/debian_version': '12.5\n',
    '/etc/os-release': 'NAME="Debian GNU/Linux"\nVERSION="12 (bookworm)"\nID=debian\nBUILD_ID="2024"\n',
    '/proc/cpuinfo':
      'processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 142\nmodel name\t: Core i7\nstepping\t: 10\ncache size\t: 8192 KB\n\nprocessor\t: 1\nvendor_id\t: Other\n',
  }
  const names = [
    'host.arch host.cpu.cache.l2.size host.cpu.family host.cpu.model.id host.cpu.model.name host.cpu.stepping host.cpu.vendor.id',
    'host.id host.interface host.ip host.mac os.build.id os.build_id os.description os.name os.version',
  ].join(' ')
  const resource_attributes = on(...names.split(' '))
  const found = await detect('system', worldWith(undefined, { files }), { resource_attributes })
  const { 'host.arch': arch, 'host.interface': interfaces, 'host.ip': ips, 'host.mac': macs, ...rest } = found
  const uname = `${os.type()} ${os.hostname()} ${os.release()} ${os.version()} ${os.machine()}`
  assert.deepEqual(rest, {
    'host.name': 'box',
    'os.type': 'linux',
    'host.id': '6b0e',
    'host.cpu.vendor.id': 'GenuineIntel',
    'host.cpu.family': '6',
    'host.cpu.model.id': '142',
    'host.cpu.model.name': 'Core i7',
    'host.cpu.stepping': '10',
    'host.cpu.cache.l2.size': 8192,
    'os.build.id': '2024',
    'os.build_id': '2024',
    'os.name': 'debian',
    'os.version': '12.5',
    'os.description': `Debian GNU/Linux 12 (bookworm) (${uname})`,
  })
  assert.equal(arch, os.arch() === 'x64' ? 'amd64' : os.arch())
  for (const list of [interfaces, ips, macs]) assert.ok(Array.isArray(list))
})

test('the platform is what the distribution says', async () => {
  const cases = [
    [
      { '/etc/debian_version': 'trixie/sid', '/etc/lsb-release': 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\n' },
      'ubuntu',
      '24.04',
    ],
    [{ '/etc/redhat-release': 'Red Hat Enterprise Linux release 9.3 (Plow)\n' }, 'redhat', '9.3'],
    [{ '/etc/redhat-release': 'Rocky Linux release 8.9 (Green Obsidian)\n' }, 'rocky', '8.9'],
    [{ '/etc/alpine-release': '3.20.1\n' }, 'alpine', '3.20.1'],
    [{ '/etc/os-release': 'ID=nixos\nVERSION_ID="24.05"\n' }, 'nixos', '24.05'],
  ] as const
  for (const [files, name, version] of cases) {
    const { readFile } = worldWith(undefined, { files })
    assert.deepEqual(await platformOf(readFile), { name, version })
  }
})

test('docker asks the daemon on its socket', async () => {
  const socket = join(testFolder('docker'), 'docker.sock')
  const answers = {
    'GET /info': { body: '{"ID":"7TRN","Containers":14,"Name":"node5.corp.example.com","OSType":"linux"}' },
    'GET /containers/box/json': {
      body: '{"Id":"ba03","Name":"/boring_euclid","Image":"sha256:0465","Config":{"Image":"ubuntu"}}',
    },
  }
  await using _daemon = await serve(answers, socket)
  const world = worldWith(undefined, { env: { DOCKER_HOST: `unix://${socket}` } })
  const settings = { resource_attributes: on('container.name', 'container.image.name') }
  assert.deepEqual(await detect('docker', world, settings), {
    'os.type': 'linux',
    'host.name': 'node5.corp.example.com',
    'container.name': '/boring_euclid',
    'container.image.name': 'sha256:0465',
  })
  const nobody = { DOCKER_HOST: `unix://${socket}.not` }
  assert.deepEqual(await detect('docker', inEnv(nobody)), {})
  await assert.rejects(detect('docker', inEnv(nobody, true)), /^Error: docker metadata unavailable: /)
})
