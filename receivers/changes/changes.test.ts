import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { type Change, readChange } from '../../pipeline/vocabulary/change.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import factory from './index.ts'
import type { ChangesReceiver } from './receiver.ts'

const local = `endpoint: 127.0.0.1:0
github: {secret: hush}
gitlab: {token: hush}`
const payload = (name: string) => readFileSync(new URL(`testdata/${name}.json`, import.meta.url), 'utf8')
const edited = (name: string, ...pairs: readonly (readonly [string, string])[]) =>
  pairs.reduce((text, [a, b]) => text.replaceAll(a, b), payload(name))

describeContract(factory, local)

const closers: (() => Promise<void>)[] = []
after(async () => {
  for (const close of closers) await close()
})

async function start(yaml = '', options: TestContextOptions = {}, state?: Uint8Array) {
  const { instance, context } = build(factory, `${local}\n${yaml}`, options)
  const receiver = instance as ChangesReceiver
  closers.push(() => receiver.shutdown(AbortSignal.abort()))
  if (state !== undefined) await receiver.restore(state)
  await receiver.start()
  const url = `http://${receiver.address}`
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers })
  const github = (event: string, body: string, secret = 'hush') =>
    post('/github', body, {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    })
  const gitlab = (body: string, token = 'hush') => post('/gitlab', body, { 'x-gitlab-token': token })
  const told = (): readonly Change[] =>
    context.recorded.emitted.flatMap(({ batch }) => [...(batch as Logs)].flatMap((record) => readChange(record) ?? []))
  return { receiver, context, url, post, github, gitlab, told }
}

const brief = ({ kind, state, entity, text, by, from, to }: Change) => [
  kind,
  state,
  entityId(entity),
  text,
  by ?? '',
  `${from ?? ''}>${to ?? ''}`,
]

test("GitHub's deployment, its status, push and release become changes of the service", async () => {
  const { github, told } = await start()
  for (const [event, name] of [
    ['deployment_status', 'github-deployment-status'],
    ['push', 'github-push'],
    ['release', 'github-release'],
  ] as const)
    assert.equal((await github(event, payload(name))).status, 200, event)
  assert.deepEqual(told().map(brief), [
    [
      'deploy',
      'finished',
      'service:/production//payment',
      'deploy of acme/payment 2.15.0 to production is done',
      'ada',
      '>2.15.0',
    ],
    ['other', 'finished', 'service:///payment', '2b3c4d5 was pushed to main of acme/payment', 'ada', '1a2b3c4>2b3c4d5'],
    ['other', 'finished', 'service:///payment', 'release 2.15.0 of acme/payment was published', 'ada', '>2.15.0'],
  ])
  assert.equal(told()[0]?.time, '1699999920000000000')
  assert.equal(told()[1]?.detail, 'Drop the old index')
})

test("GitLab's deployment, pipeline, push and release become changes of the service", async () => {
  const { gitlab, told } = await start()
  for (const name of ['deployment', 'pipeline', 'push', 'release'])
    assert.equal((await gitlab(payload(`gitlab-${name}`))).status, 200, name)
  assert.deepEqual(told().map(brief), [
    [
      'deploy',
      'finished',
      'service:/production//payment',
      'deploy of acme/payment 279484c to production is done',
      'ada',
      '>279484c',
    ],
    [
      'deploy',
      'failed',
      'service:/staging//payment',
      'deploy of acme/payment bcbb5ec to staging failed',
      'ada',
      '>bcbb5ec',
    ],
    ['other', 'finished', 'service:///payment', 'da15608 was pushed to main of acme/payment', 'ada', '95790bf>da15608'],
    ['other', 'finished', 'service:///payment', 'release v1.1 of acme/payment was published', '', '>v1.1'],
  ])
  // 23:12:00 +0100
  assert.equal(told()[0]?.time, '1699999920000000000')
})

test('syncs of Argo CD: begun, done, failed, and back to an earlier revision', async () => {
  const { post, told } = await start()
  const body = payload('argo-cd-application')
  await post('/argo_cd', edited('argo-cd-application', ['Succeeded', 'Running']))
  await post('/argo_cd', `{"app": ${body}}`)
  await post('/argo_cd', edited('argo-cd-application', ['Succeeded', 'Failed'], ['22:12:30', '22:12:40']))
  const back = JSON.parse(body) as {
    status: { history: object[]; operationState: { syncResult: { revision: string } } }
  }
  back.status.operationState.syncResult.revision = 'a'.repeat(40)
  back.status.history.push({ revision: 'a'.repeat(40) })
  await post('/argo_cd', back)
  assert.deepEqual(told().map(brief), [
    ['deploy', 'started', 'service:///payment', 'sync of payment to bbbbbbb began', 'automated sync', '>bbbbbbb'],
    [
      'deploy',
      'finished',
      'service:///payment',
      'sync of payment to bbbbbbb is done',
      'automated sync',
      'aaaaaaa>bbbbbbb',
    ],
    ['deploy', 'failed', 'service:///payment', 'sync of payment to bbbbbbb failed', 'automated sync', '>bbbbbbb'],
    [
      'rollback',
      'finished',
      'service:///payment',
      'rollback of payment to aaaaaaa is done',
      'automated sync',
      'bbbbbbb>aaaaaaa',
    ],
  ])
})

test('flags of flagd and of OpenFeature: one change each, of the flag unless a service or a rule says whose it is', async () => {
  const { post, told } = await start('entities: [{name: "checkout-*", service: checkout}]')
  const event = { type: 'configuration_change', data: { flags: { beta: { type: 'update', source: 'flags.json' } } } }
  assert.equal((await post('/flags', event)).status, 200)
  const details = { providerName: 'vendor', flagsChanged: ['checkout-v2', 'dark'], service: '' }
  assert.equal((await post('/flags', details)).status, 200)
  assert.equal((await post('/flags', { ...details, flagsChanged: ['dark'], service: 'frontend' })).status, 200)
  assert.deepEqual(
    told().map(({ kind, source, entity, text }) => [kind, source, entityId(entity), text]),
    [
      ['flag', 'flagd', 'external:///beta', 'flag beta was changed'],
      ['flag', 'vendor', 'service:///checkout', 'flag checkout-v2 was changed'],
      ['flag', 'vendor', 'external:///dark', 'flag dark was changed'],
      ['flag', 'vendor', 'service:///frontend', 'flag dark was changed'],
    ],
  )
})

test('a note is a change by a person, of a service or of the whole', async () => {
  const { post, told } = await start()
  const answer = await post('/note', { text: 'added index', service: 'payment', by: 'ada', kind: 'ddl' })
  assert.deepEqual([answer.status, await answer.json()], [200, { message: '1 changes told, 0 known already' }])
  await post('/note', { text: 'moved to the new rack' })
  assert.deepEqual(told().map(brief), [
    ['ddl', 'finished', 'service:///payment', 'added index', 'ada', '>'],
    ['human', 'finished', 'external:///the system', 'moved to the new rack', '', '>'],
  ])
})

test('a redelivery is told once, after a reload too, and its id is the same wherever it is received', async () => {
  const first = await start()
  const body = payload('github-deployment-status')
  for (let i = 0; i < 2; i++) await first.github('deployment_status', body)
  const reloaded = await start('', {}, await first.receiver.save())
  await reloaded.github('deployment_status', body)
  const elsewhere = await start()
  await elsewhere.context.clock.advance(3_600_000)
  await elsewhere.github('deployment_status', body)
  assert.deepEqual([first.told().length, reloaded.told().length, elsewhere.told().length], [1, 0, 1])
  assert.equal(first.told()[0]?.id, elsewhere.told()[0]?.id)
  assert.equal(
    first.context.recorded.sums.get('otelcol_receiver_changes_changes{outcome="repeated",source="github"}'),
    1,
  )
})

test('a note without a time that comes again within a minute is the same one, later another', async () => {
  const { post, told, context } = await start()
  for (let i = 0; i < 2; i++) await post('/note', { text: 'restarted' })
  assert.equal(told().length, 1)
  await context.clock.advance(61_000)
  await post('/note', { text: 'restarted' })
  assert.equal(told().length, 2)
  assert.notEqual(told()[0]?.id, told()[1]?.id)
})

test('what changes nothing is taken, told nowhere and counted', async () => {
  const { github, gitlab, told, context } = await start()
  assert.deepEqual(await (await github('ping', '{}')).json(), { message: 'pong' })
  assert.equal((await github('issues', '{}')).status, 200)
  assert.equal((await github('push', edited('github-push', ['refs/heads/main', 'refs/heads/topic']))).status, 200)
  const pending = edited('github-deployment-status', ['"success"', '"pending"'])
  assert.equal((await github('deployment_status', pending)).status, 200)
  assert.equal((await gitlab('{"object_kind":"note"}')).status, 200)
  assert.deepEqual(told(), [])
  assert.equal(context.recorded.drops.length, 4)
  assert.ok(context.recorded.drops.every(({ reason, intent }) => reason === 'no_change' && intent === 'intended'))
})

test('who does not know the secret gets 401, and nothing is told', async () => {
  const { github, gitlab, post, told } = await start('note: {token: hush}')
  const statuses = [
    await github('push', payload('github-push'), 'guess'),
    await post('/github', payload('github-push'), { 'x-github-event': 'push' }),
    await gitlab(payload('gitlab-push'), 'guess'),
    await post('/gitlab', payload('gitlab-push')),
    await post('/note', { text: 'x' }),
    await post('/note', { text: 'x' }, { authorization: 'Bearer guess' }),
  ].map(({ status }) => status)
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 401])
  assert.deepEqual(told(), [])
  assert.equal((await post('/note', { text: 'x' }, { authorization: 'Bearer hush' })).status, 200)
})

test('a pipeline that refuses makes the sender try again, and nothing counts as told', async () => {
  let refuses = true
  const { post, told } = await start('', {
    accept: () => {
      if (refuses) throw new Rejected('the queue is full', { retryable: true })
    },
  })
  const answer = await post('/note', { text: 'x' })
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5'])
  refuses = false
  assert.equal((await post('/note', { text: 'x' })).status, 200)
  assert.equal(told().length, 1)
})

const wrong: readonly (readonly [path: string, body: string, status: number, words: RegExp])[] = [
  ['/note', '{', 400, /the body is not JSON/],
  ['/note', '{}', 400, /the note, text: /],
  ['/note', '{"text":"x","servise":"a"}', 400, /servise/],
  ['/note', '{"text":"x","time":"noon"}', 400, /time: write RFC 3339/],
  ['/argo_cd', '{"metadata":{"name":"a"}}', 400, /the Application, status: /],
  ['/flags', '{}', 400, /the event of OpenFeature, flagsChanged: /],
  ['/flags', '{"type":"provider_ready"}', 400, /the event of flagd, type: /],
  ['/changes', '[]', 404, /nothing is at \/changes; there are \/note, /],
  ['/note', `{"text":"${'x'.repeat(5_000)}"}`, 400, /the note, text: /],
]
for (const [path, body, status, words] of wrong) {
  test(`${body.slice(0, 40)} at ${path} is answered with ${status} and why`, async () => {
    const { post, told } = await start()
    const answer = await post(path, body)
    assert.equal(answer.status, status)
    assert.match(await answer.text(), words)
    assert.deepEqual(told(), [])
  })
}

test('a body over max_request_body_size is refused', async () => {
  const { post } = await start('max_request_body_size: 100')
  assert.equal((await post('/note', { text: 'x'.repeat(200) })).status, 400)
})

test('JSON of others is read by where its fields are', async () => {
  const { post, told } = await start(
    'generic: [{path: /ci, source: ci, kind: config, items: runs, id: no, text: title, service: app, state: status, time: at, by: who.name}]',
  )
  const run = { no: 7, title: 'new limits', app: 'payment', status: 'FAILED', at: 1_699_999_900, who: { name: 'ada' } }
  assert.equal((await post('/ci', { runs: [run, run] })).status, 200)
  assert.deepEqual(told().map(brief), [['config', 'failed', 'service:///payment', 'new limits', 'ada', '>']])
  assert.equal(told()[0]?.time, '1699999900000000000')
  assert.match(await (await post('/ci', { runs: [{}] })).text(), /a change has no field title/)
})

test('what was told is forgotten in its order when the book is full', async () => {
  const { post, told, context } = await start('max_remembered: 1')
  for (const id of ['a', 'b', 'a']) await post('/note', { text: 'x', id })
  assert.equal(told().length, 3)
  assert.equal(context.recorded.gauges.get('otelcol_receiver_changes_remembered')?.(), 1)
  // Whoever keeps events by their id still sees one.
  assert.equal(new Set(told().map(({ id }) => id)).size, 2)
})

test('settings without a secret, or with one path twice, are refused', () => {
  assert.throws(() => build(factory, 'github: {}'), /secret/)
  assert.throws(() => build(factory, 'flags: {path: /note}'), /two things are posted to \/note/)
})
