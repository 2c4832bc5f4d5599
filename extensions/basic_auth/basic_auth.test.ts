import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
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

const folder = testFolder('basic')
const file = (name: string, content: string) => writeAnew(join(folder, name), content)

describeContract(factory, "htpasswd: {inline: 'username:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g='}")
describeContract(factory, 'client_auth: {username: vigil, password: secret}')

async function serve(yaml: string) {
  const { instance, context } = build(factory, yaml)
  await instance.start?.()
  const server = instance.provides?.get(serverAuthentication) as ServerAuthenticator
  const give = async (header?: string) =>
    server.authenticate((name) => (name === 'authorization' && header !== undefined ? [header] : undefined))
  const login = (user: string, password: string) => give(basic(user, password))
  const computed = () => context.recorded.gauges.get('vigil_basic_auth_computed_hashes')?.() ?? 0
  return { context, give, login, computed, close: () => instance.shutdown?.(AbortSignal.timeout(1_000)) }
}
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const refused = { name: 'Unauthenticated', message: 'invalid credentials' }

// Vectors of upstream's library and of `htpasswd` and `openssl passwd`.
const hashes: readonly (readonly [string, string, string])[] = [
  ['bcrypt 2y', '$2y$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O', 'bar'],
  ['bcrypt 2b', '$2b$08$hQbZuw.cHsECArUAP9mOjehaJxTG9NMJfioQIHcbC0YyXpVybhoQa', 'bar'],
  ['bcrypt 2a', '$2a$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O', 'bar'],
  ['sha', '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'password'],
  ['ssha', '{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0', 'password'],
  ['apr1', '$apr1$abcdefgh$FBwExRW4dCc8aL.OvjpIE1', 'password'],
  ['md5', '$1$abcdefgh$G//4keteveJp0qb8z2DxG/', 'password'],
  ['sha256', '$5$123456$2hClNSDw3lZ0X/9PFBSI2eCGMOS06v6IbChiRsjy6tA', 'mickey'],
  ['sha256, long', '$5$gildor$/96zrUL6Si5ApMDxKlIvMHefBZz04JXJeg.Lp1fjhg1', 'princessbuttercup'],
  [
    'sha512',
    '$6$123456$By3XGEfRf2RwFvWYR0kHRVJGq2/IKwLEGQxwyncoP88TGiBzHMBmvrTNxHgyqrmhZ/M7CGtkfIw0rBRfewW.y1',
    'vinnie6',
  ],
  [
    'sha512 with rounds and a long salt',
    '$6$rounds=5000$98765432101234567890$FPU3HtJ9RcPVUvxifkIJ/AlrBxWLqJQvyxK2f8x4qDX/A1RpcIvgjToU5erVkR6XUl7qwPsm7idpbMH5f/pBn0',
    'dreadpirateroberts',
  ],
  ['plain', 'open:sesame', 'open:sesame'],
  ['plain as nginx marks it', '{PLAIN}sesame', 'sesame'],
]
for (const [name, hash, password] of hashes) {
  test(`a password in the form ${name} lets in who knows it, and nobody else`, async () => {
    const { login, close } = await serve(`htpasswd: {inline: 'alice:${hash}'}`)
    assert.equal((await login('alice', password))?.['username'], 'alice')
    await assert.rejects(login('alice', `${password}x`), refused)
    await assert.rejects(login('alice', ''), refused)
    await assert.rejects(login('bob', password), refused)
    await close()
  })
}

test("what a request lacks is said with upstream's texts", async () => {
  const { give, close } = await serve("htpasswd: {inline: 'alice:secret'}")
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'no basic auth provided'],
    ['', 'no basic auth provided'],
    ['Bearer abc', 'invalid authorization scheme prefix'],
    ['Basic', 'invalid authorization scheme prefix'],
    ['Basic !!!', 'invalid authorization format'],
    ['Basic YWxpY2U=', 'invalid authorization format'],
    [basic('alice', 'wrong'), 'invalid credentials'],
  ]
  for (const [header, message] of cases) await assert.rejects(give(header), { name: 'Unauthenticated', message })
  const raw = Buffer.from('alice:secret').toString('base64')
  assert.deepEqual(await give(`bAsIc ${raw}`), { username: 'alice', raw })
  await close()
})

test('inline users go before those of the file, lines that cannot be read let nobody in', async () => {
  const path = file('users', 'alice:one\nbob:two\n\nno colon here\nmallory:$apr1$broken\neve:{SHA}short\n')
  const { context, login, close } = await serve(`htpasswd: {file: ${path}, inline: 'alice:uno'}`)
  await assert.rejects(login('alice', 'one'), refused)
  await login('alice', 'uno')
  await login('bob', 'two')
  await assert.rejects(login('mallory', '$apr1$broken'), refused)
  await assert.rejects(login('eve', '{SHA}short'), refused)
  const warning = context.recorded.lines.find(({ level }) => level === 'warn')
  assert.deepEqual([warning?.fields['lines'], warning?.fields['first']], [3, 4])
  assert.ok(!JSON.stringify(context.recorded.lines).includes('broken'))
  await close()
})

test('the file is read again when it changes, and what was remembered of it is forgotten', async () => {
  const path = file('changing', 'alice:$2y$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O')
  const { context, login, close } = await serve(`htpasswd: {file: ${path}}`)
  await login('alice', 'bar')
  writeAnew(path, 'bob:two')
  await context.clock.advance(1_000)
  await assert.rejects(login('alice', 'bar'), refused)
  await login('bob', 'two')
  rmSync(path)
  await context.clock.advance(1_000)
  await login('bob', 'two')
  await close()
})

test('the same credentials cost one slow hash, right or wrong, one after another or at once', async () => {
  const inline = 'alice:$2y$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O'
  const { login, computed, close } = await serve(`htpasswd: {inline: '${inline}'}`)
  await Promise.all(Array.from({ length: 500 }, () => login('alice', 'bar')))
  for (let i = 0; i < 500; i++) await login('alice', 'bar')
  assert.equal(computed(), 1)
  for (let i = 0; i < 20; i++) await assert.rejects(login('alice', 'wrong'), refused)
  assert.equal(computed(), 2)
  await close()
})

test('who guesses faster than hashes are computed is told to come back', async () => {
  const inline = 'alice:$2y$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O'
  const { login, close } = await serve(`htpasswd: {inline: '${inline}'}`)
  const answers = await Promise.allSettled(Array.from({ length: 400 }, (_, i) => login('alice', `guess ${i}`)))
  const reasons = answers.map((answer) => (answer.status === 'rejected' ? (answer.reason as Error).message : 'in'))
  assert.equal(reasons.filter((reason) => reason === 'invalid credentials').length, 258)
  assert.equal(reasons.filter((reason) => reason === 'too many credentials wait to be checked').length, 142)
  await login('alice', 'bar')
  await close()
})

test('the client sends its credentials, from files that are read again when they change', async () => {
  const [user, password] = [file('user', ' vigil\n'), file('password', 'one\n')]
  const yaml = `client_auth: {username: nobody, username_file: ${user}, password_file: ${password}}`
  const { instance, context } = build(factory, yaml)
  await instance.start?.()
  const client = instance.provides?.get(clientAuthentication) as ClientAuthenticator
  const sent = async () => {
    const headers = new Map<string, string>()
    await client.authorize(headers, noOrigin)
    return headers.get('authorization')
  }
  assert.equal(await sent(), basic('vigil', 'one'))
  writeAnew(password, 'two')
  await context.clock.advance(1_000)
  assert.equal(await sent(), basic('vigil', 'two'))
  writeAnew(password, '  ')
  writeAnew(user, 'a:b')
  await context.clock.advance(1_000)
  assert.equal(await sent(), basic('vigil', 'two'))
  await instance.shutdown?.(AbortSignal.timeout(1_000))
})

test('a file that is not there, or a user name that cannot be sent, stops the start', async () => {
  const start = async (yaml: string) => build(factory, yaml).instance.start?.()
  await assert.rejects(start('htpasswd: {file: /no/such/file}'), /^Error: open htpasswd file: ENOENT/)
  await assert.rejects(
    start('client_auth: {username_file: /no/such/file}'),
    /failed to read credentials file "\/no\/such/,
  )
  await assert.rejects(start("client_auth: {username: 'a:b'}"), /invalid authorization format/)
})

describeRefusals(
  factory,
  [
    ['{}', 'no credential source provided'],
    ['{htpasswd: {}, client_auth: {}}', 'only one of `htpasswd` or `client_auth` can be specified'],
    ['client_auth: {secret_provider: {id: vault}}', 'secret_provider is not supported'],
  ],
  { as: ConfigError },
)

test('an htpasswd without a source is refused', () => {
  assert.throws(() => build(factory, 'htpasswd: {file: ""}'), /no credential source provided/)
})
