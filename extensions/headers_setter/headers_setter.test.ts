import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ClientAuthenticator, clientAuthentication } from '../../pipeline/capability/authentication.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { noOrigin } from '../../pipeline/data/batch.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { testFolder, writeAnew } from '../../pipeline/testing/test-folder.ts'
import factory from './index.ts'

const folder = testFolder('headers')

describeContract(factory, 'headers: [{action: upsert, key: x-tenant, from_context: tenant}]')

async function open(yaml: string, options?: TestContextOptions) {
  const { instance, context } = build(factory, yaml, options)
  await instance.start?.()
  const authenticator = instance.provides?.get(clientAuthentication) as ClientAuthenticator
  const apply = async (before: Record<string, string> = {}, origin: Origin = noOrigin) => {
    const headers = new Map(Object.entries(before))
    await authenticator.authorize(headers, origin)
    return Object.fromEntries(headers)
  }
  return { context, authenticator, apply, close: () => instance.shutdown?.(AbortSignal.timeout(1_000)) }
}
const from = (metadata: Record<string, readonly string[]>, auth?: Record<string, unknown>): Origin => ({
  metadata: new Map(Object.entries(metadata)),
  ...(auth === undefined ? {} : { auth }),
})

for (const [action, missing, there] of [
  ['insert', { key: 'new' }, { key: 'old' }],
  ['update', {}, { key: 'new' }],
  ['upsert', { key: 'new' }, { key: 'new' }],
  ['delete', {}, {}],
] as const) {
  test(`${action} does to a header what its name says`, async () => {
    const { apply, close } = await open(`headers: [{action: ${action}, key: Key, value: new}]`)
    assert.deepEqual(await apply(), missing)
    assert.deepEqual(await apply({ key: 'old' }), there)
    await close()
  })
}

test('values come from client metadata, from attributes of the client, or are the default', async () => {
  const { apply, close } = await open(`
headers:
  - {action: upsert, key: a, from_context: X-Tenant, default_value: nobody}
  - {action: upsert, key: b, from_attribute: username, default_value: none}
  - {action: upsert, key: c, from_attribute: groups}
  - {action: upsert, key: d, from_context: auth.username}
`)
  assert.deepEqual(await apply(), { a: 'nobody', b: 'none', c: '', d: '' })
  assert.deepEqual(await apply({}, from({ 'x-tenant': ['blue'] }, { username: 'alice', groups: ['x', 'y'] })), {
    a: 'blue',
    b: 'alice',
    c: '["x","y"]',
    d: 'alice',
  })
  assert.deepEqual(await apply({}, from({ 'x-tenant': [''] })), { a: '', b: 'none', c: '', d: '' })
  await assert.rejects(apply({}, from({ 'x-tenant': ['blue', 'green'] })), {
    name: 'Rejected',
    retryable: false,
    message: "failed to determine the source: 2 source keys found in the context, can't determine which one to use",
  })
  await close()
})

test('value_file is read again when it changes', async () => {
  const path = writeAnew(join(folder, 'value'), 'one\n')
  const { context, apply, close } = await open(`headers: [{action: upsert, key: a, value_file: ${path}}]`)
  assert.deepEqual(await apply(), { a: 'one' })
  writeAnew(path, 'two\n')
  await context.clock.advance(1_000)
  assert.deepEqual(await apply(), { a: 'two' })
  await close()
})

test('additional_auth comes first, and its needs are ours', async () => {
  const other: ClientAuthenticator = {
    needsTls: true,
    authorize: (headers) => void headers.set('authorization', 'Bearer x'),
  }
  const yaml = 'additional_auth: bearer\nheaders: [{action: update, key: authorization, value: replaced}]'
  const { authenticator, apply, close } = await open(yaml, { capabilities: new Map([[clientAuthentication, other]]) })
  assert.equal(authenticator.needsTls, true)
  assert.deepEqual(await apply(), { authorization: 'replaced' })
  await close()
  await assert.rejects(open(yaml), /failed to resolve authenticator "bearer": authenticator not found/)
})

test('the engine hears what is read', () => {
  const config = factory.config.parse({
    headers: [
      { key: 'a', from_context: 'X-Tenant' },
      { key: 'b', from_attribute: 'username' },
      { key: 'c', from_context: 'auth.groups' },
      { key: 'd', value: 'x' },
    ],
  })
  assert.deepEqual(factory.reads?.(config), { metadata: ['X-Tenant', 'auth.groups'], auth: ['username', 'groups'] })
})

describeRefusals(
  factory,
  [
    ['{}', 'missing headers configuration'],
    ['headers: [{value: a}]', 'missing header name'],
    [
      'headers: [{key: a}]',
      "missing header source, must be 'from_context', 'from_attribute', 'value', or 'value_file'",
    ],
    ['headers: [{key: a, value: b, from_context: c}]', 'invalid header source, must be only one of'],
  ],
  { as: ConfigError },
)
