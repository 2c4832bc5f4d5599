import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type ClientAuthenticator,
  clientAuthentication,
  type ServerAuthenticator,
  serverAuthentication,
} from '../../pipeline/capability/authentication.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { testFolder, writeAnew } from '../../pipeline/testing/test-folder.ts'
import factory from './index.ts'

const folder = testFolder('bearer')
const write = (name: string, content: string) => writeAnew(join(folder, name), content)

describeContract(factory, 'token: secret')

function open(yaml: string) {
  const { instance, context } = build(factory, yaml)
  const server = instance.provides?.get(serverAuthentication) as ServerAuthenticator
  const client = instance.provides?.get(clientAuthentication) as ClientAuthenticator
  const give = async (value: string | undefined, header = 'authorization') =>
    server.authenticate((name) => (name === header && value !== undefined ? [value] : undefined))
  const sent = async (header = 'authorization') => {
    const headers = new Map<string, string>()
    await client.authorize(headers, noOrigin)
    return headers.get(header)
  }
  const close = () => instance.shutdown?.(AbortSignal.timeout(1_000))
  return { context, give, sent, close, start: async () => instance.start?.() }
}
const mismatch = { name: 'Unauthenticated', message: 'provided authorization does not match expected scheme or token' }

test('a server takes each of its tokens, a client sends the first', async () => {
  const { give, sent, start, close } = open('tokens: [one, two]')
  await start()
  await give('Bearer one')
  await give('Bearer two')
  for (const wrong of ['Bearer three', 'one', 'bearer one', '']) await assert.rejects(give(wrong), mismatch)
  await assert.rejects(give(undefined), { message: 'missing or empty authorization header: Authorization' })
  assert.equal(await sent(), 'Bearer one')
  await close()
})

test('header and scheme can be changed', async () => {
  const { give, sent, start, close } = open('{header: X-Api-Key, scheme: "", token: secret}')
  await start()
  await give('secret', 'x-api-key')
  await assert.rejects(give('Bearer secret', 'x-api-key'), mismatch)
  assert.equal(await sent('x-api-key'), 'secret')
  await close()
})

test('the file goes before the token, may have comments, and is read again when it changes', async () => {
  const path = write('tokens', 'first # of May\n\n  second // and last\n')
  const { context, give, sent, start, close } = open(`{token: ignored, filename: ${path}}`)
  await start()
  await give('Bearer first')
  await give('Bearer second')
  await assert.rejects(give('Bearer ignored'), mismatch)
  write('tokens', 'third')
  await context.clock.advance(1_000)
  assert.equal(await sent(), 'Bearer third')
  await assert.rejects(give('Bearer first'), mismatch)
  write('tokens', '   \n')
  await context.clock.advance(1_000)
  assert.equal(await sent(), 'Bearer third')
  await close()
})

test('a file that is not there stops the start, unless it may come later', async () => {
  await assert.rejects(open('filename: /no/such/file').start(), /failed to read credentials file "\/no\/such\/file"/)
  const path = join(folder, 'late')
  const retry = 'retry_on_failure: {enabled: true, interval: 1s}'
  const { context, give, sent, start, close } = open(`{filename: ${path}, ${retry}}`)
  await start()
  await assert.rejects(give('Bearer late'), { message: 'the token file has not been read yet' })
  await assert.rejects(sent(), { name: 'Rejected', retryable: true })
  write('late', 'late')
  await context.clock.advance(1_000)
  assert.equal(await sent(), 'Bearer late')
  await give('Bearer late')
  await close()
})

test('wait_for_token_file holds the start back, for as many looks as are allowed', async () => {
  const yaml = `{filename: ${join(folder, 'never')}, wait_for_token_file: true, retry_on_failure: {enabled: true, interval: 1s, max_retries: 2}}`
  const { context, start } = open(yaml)
  const started = start()
  const failed = assert.rejects(started, /after reaching out max number of retries/)
  await context.clock.advance(3_000)
  await failed
})

describeRefusals(
  factory,
  [
    ['{}', 'no bearer token provided'],
    ['{token: a, tokens: [b]}', 'either tokens or token should be provided, not both'],
    ['{token: a, wait_for_token_file: true}', 'requires filename to be set'],
    ['{filename: a, wait_for_token_file: true}', 'wait_for_token_file requires retry_on_failure to be enabled'],
    ['{filename: a, retry_on_failure: {enabled: true}}', 'retry_on_failure.interval must be greater than 0'],
  ],
  { as: ConfigError },
)
