import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, detect, serve, worldWith } from '../world.fixture.ts'
import { signPost } from './aws-signature.ts'

const document = {
  accountId: '123456789012',
  architecture: 'x86_64',
  availabilityZone: 'us-west-2a',
  imageId: 'ami-5fb8c835',
  instanceId: 'i-1234567890abcdef0',
  instanceType: 't2.micro',
  pendingTime: '2016-11-19T16:32:11Z',
  privateIp: '10.158.112.84',
  region: 'us-west-2',
  version: '2017-09-30',
}
const needs = { 'x-aws-ec2-metadata-token': 'imds-token' }
const imds: Readonly<Record<string, Answer>> = {
  'PUT /latest/api/token': { needs: { 'x-aws-ec2-metadata-token-ttl-seconds': /^\d+$/ }, body: 'imds-token' },
  'GET /latest/meta-data/instance-id': { needs, body: 'i-1234567890abcdef0' },
  'GET /latest/meta-data/hostname': { needs, body: 'ip-10-0-0-1.us-west-2.compute.internal' },
  'GET /latest/dynamic/instance-identity/document': { needs, body: JSON.stringify(document) },
}
const found = {
  'cloud.provider': 'aws',
  'cloud.platform': 'aws_ec2',
  'cloud.region': 'us-west-2',
  'cloud.account.id': '123456789012',
  'cloud.availability_zone': 'us-west-2a',
  'host.id': 'i-1234567890abcdef0',
  'host.image.id': 'ami-5fb8c835',
  'host.type': 't2.micro',
  'host.name': 'ip-10-0-0-1.us-west-2.compute.internal',
}

test('ec2 reads the identity document with a session token', async () => {
  await using service = await serve(imds)
  assert.deepEqual(await detect('ec2', worldWith(service)), found)
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `${service.url}/` }
  assert.deepEqual(await detect('ec2', worldWith(service, { env })), found)
})

test('ec2 goes without a token where the service knows none', async () => {
  const old = Object.fromEntries(
    Object.entries(imds).flatMap(([key, { body = '' }]) => (key.startsWith('PUT') ? [] : [[key, { body }]])),
  )
  await using service = await serve(old)
  assert.deepEqual(await detect('ec2', worldWith(service)), found)
})

test('ec2 is quiet where there is no instance, where it is disabled, and where another cloud answers in part', async () => {
  const once = { max_attempts: 1 }
  assert.deepEqual(await detect('ec2', worldWith(undefined), once), {})
  await using service = await serve(imds)
  assert.deepEqual(await detect('ec2', worldWith(service, { env: { AWS_EC2_METADATA_DISABLED: 'true' } })), {})
  await using nova = await serve({ 'GET /latest/meta-data/instance-id': { body: 'i-1' } })
  assert.deepEqual(await detect('ec2', worldWith(nova), once), {})
  await assert.rejects(
    detect('ec2', worldWith(nova, { mustFind: true }), once),
    /^Error: failed getting identity document: /,
  )
  await assert.rejects(detect('ec2', worldWith(undefined, { mustFind: true }), once))
})

test('ec2 fails where the document is broken, and does without the hostname', async () => {
  await using broken = await serve({ ...imds, 'GET /latest/dynamic/instance-identity/document': { status: 500 } })
  await assert.rejects(detect('ec2', worldWith(broken), { max_attempts: 1 }), /failed getting identity document/)
  const { 'GET /latest/meta-data/hostname': _hostname, ...rest } = imds
  await using nameless = await serve(rest)
  const { 'host.name': _name, ...others } = found
  assert.deepEqual(await detect('ec2', worldWith(nameless)), others)
})

test('ec2 reads tags of the instance metadata', async () => {
  await using service = await serve({
    ...imds,
    'GET /latest/meta-data/tags/instance': { needs, body: 'Name\nteam\nlost' },
    'GET /latest/meta-data/tags/instance/team': { needs, body: 'core' },
  })
  const tagged = await detect('ec2', worldWith(service), { tags: ['^team$', '^lost$'], tags_from_imds: true })
  assert.deepEqual(tagged, { ...found, 'ec2.tag.team': 'core' })
})

const tagsAnswer = `<?xml version="1.0" encoding="UTF-8"?>
<DescribeTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
   <requestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</requestId>
   <tagSet>
      <item><resourceId>i-1</resourceId><resourceType>instance</resourceType><key>team</key><value>a &amp; b</value></item>
      <item><resourceId>i-1</resourceId><resourceType>instance</resourceType><key>Name</key><value>x</value></item>
   </tagSet>
</DescribeTagsResponse>`

test('ec2 asks the API for tags, as the role of the instance', async () => {
  await using service = await serve({
    ...imds,
    'GET /latest/meta-data/iam/security-credentials/': { needs, body: 'my-role' },
    'GET /latest/meta-data/iam/security-credentials/my-role': {
      needs,
      body: '{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIA1","SecretAccessKey":"s3cr3t","Token":"session","Expiration":"2030-05-17T15:09:54Z"}',
    },
    'POST /': {
      needs: {
        authorization:
          /^AWS4-HMAC-SHA256 Credential=ASIA1\/\d{8}\/us-west-2\/ec2\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
        'x-amz-security-token': 'session',
      },
      body: tagsAnswer,
    },
  })
  const world = worldWith(service, { env: { AWS_ENDPOINT_URL_EC2: service.url } })
  assert.deepEqual(await detect('ec2', world, { tags: ['team'] }), { ...found, 'ec2.tag.team': 'a & b' })
  const { body } = service.asked.at(-1) ?? { body: '' }
  assert.equal(
    body,
    'Action=DescribeTags&Filter.1.Name=resource-id&Filter.1.Value.1=i-1234567890abcdef0&Version=2016-11-15',
  )
})

test('ec2 is known even where its tags are refused', async () => {
  await using service = await serve({
    ...imds,
    'POST /': {
      status: 403,
      body: '<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>',
    },
  })
  const env = { AWS_ENDPOINT_URL: service.url, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  assert.deepEqual(await detect('ec2', worldWith(service, { env }), { tags: ['.*'] }), found)
})

test('a request is signed as the AWS test suite has it', () => {
  // "post-x-www-form-urlencoded" of the Signature Version 4 test suite.
  const headers = signPost(
    {
      url: new URL('https://example.amazonaws.com/'),
      region: 'us-east-1',
      service: 'service',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Param1=value1',
      time: new Date('2015-08-30T12:36:00Z'),
    },
    { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: '' },
  )
  assert.match(
    headers['authorization'] ?? '',
    /Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a$/,
  )
})

const ownId = 'ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66'
const container = (id: string, more: object = {}) => ({
  DockerId: id,
  Name: 'app',
  Type: 'NORMAL',
  KnownStatus: 'RUNNING',
  LogDriver: 'awslogs',
  LogOptions: {
    'awslogs-group': '/ecs/app',
    'awslogs-region': 'us-west-2',
    'awslogs-stream': 'ecs/app/1',
    'awslogs-create-group': 'true',
  },
  ...more,
})
const task = {
  Cluster: 'default',
  TaskARN: 'arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c',
  Family: 'curltest',
  Revision: '26',
  AvailabilityZone: 'us-west-2d',
  LaunchType: 'EC2',
  Containers: [
    container('app-1'),
    container(ownId),
    container('init-1', { Type: 'CNI_PAUSE' }),
    container('gone-1', { KnownStatus: 'STOPPED' }),
    container('other-1', { LogDriver: 'fluentd' }),
  ],
}
const ofTask = {
  'cloud.provider': 'aws',
  'cloud.platform': 'aws_ecs',
  'aws.ecs.cluster.arn': 'arn:aws:ecs:us-west-2:111122223333:cluster/default',
  'aws.ecs.task.arn': task.TaskARN,
  'aws.ecs.task.family': 'curltest',
  'aws.ecs.task.id': '158d1c8083dd49d6b527399fd6414f5c',
  'aws.ecs.task.revision': '26',
  'cloud.region': 'us-west-2',
  'cloud.account.id': '111122223333',
  'cloud.availability_zone': 'us-west-2d',
  'aws.ecs.launchtype': 'ec2',
}

test('ecs reads task and container, and names the logs of its neighbours', async () => {
  await using service = await serve({
    'GET /v4/abc/task': { body: JSON.stringify(task) },
    'GET /v4/abc': { body: JSON.stringify(container(ownId)) },
  })
  const env = { ECS_CONTAINER_METADATA_URI_V4: `${service.url}/v4/abc` }
  assert.deepEqual(await detect('ecs', worldWith(service, { env })), {
    ...ofTask,
    'aws.log.group.names': ['/ecs/app'],
    'aws.log.group.arns': ['arn:aws:logs:us-west-2:111122223333:log-group:/ecs/app'],
    'aws.log.stream.names': ['ecs/app/1'],
    'aws.log.stream.arns': ['arn:aws:logs:us-west-2:111122223333:log-group:/ecs/app:log-stream:ecs/app/1'],
  })
})

test('ecs does without the container, reads version 3 and the older form of the ARN, and is quiet outside', async () => {
  const old = { ...task, TaskARN: 'arn:aws:ecs:us-west-2:111122223333:task/158d', LaunchType: '' }
  await using service = await serve({ 'GET /v3/abc/task': { body: JSON.stringify(old) } })
  const env = { ECS_CONTAINER_METADATA_URI: `${service.url}/v3/abc` }
  const { 'aws.ecs.launchtype': _type, ...rest } = ofTask
  const expected = { ...rest, 'aws.ecs.task.arn': old.TaskARN, 'aws.ecs.task.id': '158d' }
  assert.deepEqual(await detect('ecs', worldWith(service, { env })), expected)
  await assert.rejects(detect('ecs', worldWith(service, { env, mustFind: true })), /ecs container metadata unavailable/)
  assert.deepEqual(await detect('ecs', worldWith(undefined)), {})
  const wrong = { ECS_CONTAINER_METADATA_URI_V4: `${service.url}/v4/none` }
  await assert.rejects(detect('ecs', worldWith(service, { env: wrong })), /unable to fetch task metadata/)
})
