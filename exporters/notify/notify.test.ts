import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { ConfigError } from '../../pipeline/config/config.ts'
import { liveEffects } from '../../pipeline/net/effects.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import type { Diagnosis } from '../../pipeline/vocabulary/diagnosis.ts'
import type { Incident } from '../../pipeline/vocabulary/incident.ts'
import { diagnosis, incident, notices, unrelated } from './events.fixture.ts'
import factory from './index.ts'
import { answers, mailServer, type Service, service, slack } from './services.fixture.ts'

describeContract(factory, 'channels: { ops: { webhook: { url: "http://127.0.0.1:1" } } }', {
  kind: 'exporter',
  effects: liveEffects,
})

async function until(condition: () => boolean, what = String(condition)): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  assert.fail(`did not come to be: ${what}`)
}

async function open(yaml: string, options: TestContextOptions = {}) {
  const built = build(factory, yaml, { kind: 'exporter', signals: ['logs'], effects: liveEffects, ...options })
  await built.instance.start?.()
  const outcome = (channel: string, outcome: string) =>
    built.context.recorded.sums.get(`otelcol_exporter_notify_events{channel="${channel}",outcome="${outcome}"}`) ?? 0
  return {
    ...built,
    outcome,
    /** Gives it to the exporter and waits until the channel has it. */
    tell: async (channel: string, ...events: readonly (Incident | Diagnosis)[]) => {
      const settled = () =>
        ['sent', 'updated', 'quiet', 'repeated'].reduce((sum, one) => sum + outcome(channel, one), 0)
      const before = settled()
      await built.handle(notices(...events))
      await until(() => settled() >= before + events.length, `${channel} settled ${events.length} notices`)
    },
    async [Symbol.asyncDispose]() {
      await built.instance.shutdown?.(AbortSignal.abort())
    },
  }
}

const slackYaml = (at: Service, rest = '') =>
  `channels: { payments: { slack: { token: xoxb-secret, channel: "#payments", mention: "<!here>", api_url: "${at.url}" }${rest} } }`

test('an incident is a message, what comes later stands in its thread and in the message itself', async () => {
  const at = await slack()
  await using one = await open(slackYaml(at))
  await one.tell('payments', incident(0))
  await one.tell('payments', diagnosis(0))
  await one.tell('payments', incident(1, { state: 'acknowledged', reason: 'person', by: 'ada' }))
  await one.tell('payments', incident(2, { reason: 'joined', state: 'acknowledged', alarms: 3 }))
  await one.tell(
    'payments',
    incident(3, { state: 'resolved', reason: 'quiet', resolved: String(1_700_000_000n * 1_000_000_000n) }),
  )
  const said = at.asked.map(({ path, body }) => [path, body.channel, body.thread_ts ?? body.ts ?? '', body.text])
  const root = '1503435951.000247'
  assert.deepEqual(said, [
    ['/chat.postMessage', '#payments', '', '<!here> P1: payment is slow: P99 3.5 s, expected 40 to 62 ms'],
    ['/chat.postMessage', 'C123ABC456', root, 'Likely cause: query paydb SELECT: query'],
    ['/chat.update', 'C123ABC456', root, 'Acknowledged: payment is slow: P99 3.5 s, expected 40 to 62 ms (P1)'],
    ['/chat.postMessage', 'C123ABC456', root, 'Acknowledged: payment is slow: P99 3.5 s, expected 40 to 62 ms (P1)'],
    ['/chat.update', 'C123ABC456', root, 'Acknowledged: payment is slow: P99 3.5 s, expected 40 to 62 ms (P1)'],
    [
      '/chat.update',
      'C123ABC456',
      root,
      'Resolved after 3.7 min: payment is slow: P99 3.5 s, expected 40 to 62 ms (P1)',
    ],
    [
      '/chat.postMessage',
      'C123ABC456',
      root,
      'Resolved after 3.7 min: payment is slow: P99 3.5 s, expected 40 to 62 ms (P1)',
    ],
  ])
  assert.equal(at.asked[0]?.headers.authorization, 'Bearer xoxb-secret')
})

test('a message says what a person needs: since, affected, suspect, owner, runbook, link', async () => {
  const at = await slack()
  await using one = await open(
    `${slackYaml(at)}\nlink: "https://vigil.example.com/incidents/{id}"\ntime_zone: Europe/Berlin`,
  )
  await one.tell('payments', incident(0))
  await one.tell('payments', diagnosis(0))
  const lines = at.asked.map(({ body }) => body.blocks.map((block: { text: { text: string } }) => block.text.text))
  assert.deepEqual(lines[0], [
    '<!here> *<https://vigil.example.com/incidents/inc-1|P1: payment is slow: P99 3.5 s, expected 40 to 62 ms>*',
    '*Since:* 23:09:20, 4 min ago',
    '*Affected:* order POST /orders: 95 % of 12 requests/s',
    '*Suspect:* query paydb SELECT: P99 3.4 s, expected 2 to 5 ms',
    '*Also:* 1 symptom that it explains',
    '*Owner:* payments, tier 1',
    '*Runbook:* https://wiki.example.com/payment',
  ])
  assert.deepEqual(lines[1], [
    '*<https://vigil.example.com/incidents/inc-1|Likely cause: query paydb SELECT: query>*',
    '*Verdict:* likely; right in 83 % of 120 such cases (benchmark)',
    '*Says:* paydb SELECT scans the whole table since 22:09:20.',
    '*Since:* 23:09:20',
    '*Evidence:* P99 3.4 s, expected 2 to 5 ms',
    '*Path:* query paydb SELECT -&gt; payment -&gt; order',
    '*Ruled out:* The deploy of order 2.15.0 at 22:08: the old pods are as slow.',
    '*Recommended:* Add the index that the query lost.',
  ])
})

test('a narrator speaks in place of the rules and is named; an alarm of another system says where it can be looked at', async () => {
  const at = await slack()
  await using one = await open(slackYaml(at))
  const sentence = 'The query of paydb reads the whole table since 22:09:20. '
  await one.tell('payments', incident(0, { url: 'https://alerts.example.com/1?a=<b>' }))
  const said = { text: `${sentence.repeat(9)}\n\nAdd the index.`, language: 'en', by: 'model' } as const
  await one.tell('payments', diagnosis(0, { narrative: said }))
  await one.tell(
    'payments',
    diagnosis(1, { verdict: 'inconclusive', narrative: { ...said, text: 'Nicht klar.', by: 'rules' } }),
  )
  const lines = at.asked.map(({ body }) => body.blocks.map((block: { text: { text: string } }) => block.text.text))
  assert.equal(lines[0]?.at(-1), '*See also:* https://alerts.example.com/1?a=&lt;b&gt;')
  const model = lines[1]?.find((one: string) => one.includes('phrased by a model')) as string
  // Nothing is cut off: a long paragraph goes on in a line of its own.
  assert.equal(model.split('The query of paydb reads the whole table since 22:09:20.').length, 10)
  assert.match(model, /Add the index\.$/)
  assert.doesNotMatch(model, /…/)
  assert.ok(!lines[1]?.some((one: string) => one.includes('scans the whole table')))
  assert.ok(lines.at(-1)?.includes('*Says:* Nicht klar.'))
})

test('what telemetry says mentions nobody, links nowhere and starts no line of its own', async () => {
  const at = await slack()
  const mails = await mailServer()
  const mail = `mail: { email: { host: 127.0.0.1, port: ${mails.port}, tls: none, from: vigil@example.com, to: [ops@example.com] } }`
  await using one = await open(
    `channels: { payments: { slack: { token: t, channel: c, api_url: "${at.url}" } }, ${mail} }`,
  )
  const title = 'a <!channel> & <https://evil|b>\r\nBcc: all@example.com\u202e'
  await one.tell('payments', incident(0, { title }))
  await until(() => mails.mails.length === 1)
  assert.equal(at.asked[0]?.body.text, 'P1: a &lt;!channel&gt; &amp; &lt;https://evil|b&gt; Bcc: all@example.com')
  const [head = ''] = mails.mails[0]?.data.split('\n\n', 1) ?? []
  assert.doesNotMatch(head, /^Bcc:/m)
  assert.deepEqual(mails.mails[0]?.to, ['ops@example.com'])
})

test('tickets mention nobody and are not sent to PagerDuty; what becomes a page then is', async () => {
  const [chat, pager] = [await slack(), await service(() => answers.pagerduty['accepted']!)]
  await using one = await open(
    `channels:
  chat: { slack: { token: t, channel: c, mention: "<!here>", api_url: "${chat.url}" } }
  pager: { pagerduty: { routing_key: key, url: "${pager.url}/v2/enqueue" } }`,
  )
  const ticket = { wakes: false, priority: 'p3' } as const
  await one.tell('pager', incident(0, ticket))
  await until(() => chat.asked.length === 1)
  assert.deepEqual([chat.asked[0]?.body.text.startsWith('P3: '), pager.asked.length], [true, 0])
  await one.tell('pager', incident(1, { reason: 'severity' }))
  await until(() => chat.asked.length === 3)
  const reply = chat.asked[2]?.body
  assert.deepEqual(
    [reply.text, reply.reply_broadcast],
    ['<!here> Now P1, was P3: payment is slow: P99 3.5 s, expected 40 to 62 ms', true],
  )
  assert.deepEqual(
    pager.asked.map(({ body }) => body.event_action),
    ['trigger'],
  )
})

test('PagerDuty is triggered, acknowledged and resolved by the id of the incident, and is not opened again by what comes after', async () => {
  const pager = await service(() => answers.pagerduty['accepted']!)
  await using one = await open(
    `channels: { pager: { pagerduty: { routing_key: common, routing_keys: { payments: theirs }, url: "${pager.url}/v2/enqueue" } } }`,
  )
  await one.tell('pager', incident(0))
  await one.tell('pager', diagnosis(0))
  await one.tell('pager', incident(1, { state: 'acknowledged', reason: 'person' }))
  await one.tell('pager', incident(2, { state: 'resolved', reason: 'quiet', owner: 'others' }))
  await one.tell('pager', diagnosis(2, { verdict: 'inconclusive' }))
  assert.deepEqual(
    pager.asked.map(({ body }) => [body.event_action, body.dedup_key, body.routing_key]),
    ['trigger', 'trigger', 'acknowledge', 'resolve'].map((action) => [action, 'inc-1', 'theirs']),
  )
  const { payload, links, client } = pager.asked[0]!.body
  assert.deepEqual(
    { ...payload, custom_details: Object.keys(payload.custom_details) },
    {
      summary: 'P1: payment is slow: P99 3.5 s, expected 40 to 62 ms',
      source: 'payment',
      severity: 'critical',
      timestamp: '2023-11-14T22:09:20.000Z',
      component: 'payment',
      group: 'production',
      class: 'service',
      custom_details: ['Since', 'Affected', 'Suspect', 'Also', 'Owner', 'Runbook', 'text'],
    },
  )
  assert.deepEqual([links, client], [[{ href: 'https://wiki.example.com/payment', text: 'Runbook' }], 'Vigil'])
})

test('mail is a thread, and the same notice has the same Message-ID', async () => {
  const mails = await mailServer()
  const yaml = `channels: { mail: { email: { host: 127.0.0.1, port: ${mails.port}, tls: none, from: "Vigil <vigil@example.com>", to: [a@example.com, b@example.com] } } }`
  await using one = await open(yaml)
  await one.tell('mail', incident(0))
  await one.tell('mail', diagnosis(0))
  await using other = await open(yaml)
  await other.tell('mail', incident(0))
  const header = (at: number, name: string) =>
    new RegExp(`^${name}: (.*)$`, 'im').exec(mails.mails[at]?.data ?? '')?.[1]
  assert.deepEqual(mails.mails[0]?.to, ['a@example.com', 'b@example.com'])
  assert.equal(header(0, 'Subject'), 'P1: payment is slow: P99 3.5 s, expected 40 to 62 ms')
  assert.equal(header(1, 'Subject'), 'Re: P1: payment is slow: P99 3.5 s, expected 40 to 62 ms')
  assert.equal(header(1, 'In-Reply-To'), header(0, 'Message-ID'))
  assert.equal(header(2, 'Message-ID'), header(0, 'Message-ID'))
  assert.equal(header(0, 'Auto-Submitted'), 'auto-generated')
  assert.match(mails.mails[0]?.data ?? '', /^Suspect: query paydb SELECT: P99 3\.4 s, expected 2 to 5 ms$/m)
})

test('a webhook is signed as Standard Webhooks say, and says what the template asks for, as data', async () => {
  const hook = await service(() => ({ status: 204, text: '' }))
  const key = Buffer.from('a key of some bytes').toString('base64')
  await using one = await open(
    `channels:
  hook:
    webhook:
      url: ${hook.url}/hook
      secret: whsec_${key}
      headers: { x-team: ops }
      body: { title: "{{ incident.title }}!", members: "{{ incident.members.0.role }}", share: "{{ incident.affected.0.share }}", no: "{{ incident.nothing }}", list: ["{{event}}"] }`,
  )
  const title = '"}, "admin": true, {"'
  await one.tell('hook', incident(0, { title }))
  const [{ headers, raw, body }] = hook.asked as [Service['asked'][number]]
  assert.deepEqual(body, { title: `${title}!`, members: 'suspect', share: 0.95, no: null, list: ['vigil.incident'] })
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], raw].join('.')
  const expected = createHmac('sha256', 'a key of some bytes').update(signed).digest('base64')
  assert.equal(headers['webhook-signature'], `v1,${expected}`)
  assert.deepEqual(
    [headers['webhook-id'], headers['webhook-timestamp'], headers['x-team']],
    [incident(0).id, '1700000000', 'ops'],
  )
})

test('a rate limit is kept to for the whole channel, and nothing is lost by it', async () => {
  const at = await slack()
  at.next.push(answers.slack['ratelimited']!)
  await using one = await open(slackYaml(at))
  await one.handle(notices(incident(0)))
  await until(() => one.outcome('payments', 'failed') === 1)
  await one.handle(notices(incident(0, { incident_id: 'inc-2' })))
  await until(() => one.outcome('payments', 'failed') === 2)
  await one.context.clock.advance(29_000)
  assert.equal(at.asked.length, 1)
  await one.context.clock.advance(2_000)
  await until(() => one.outcome('payments', 'sent') === 2)
  assert.equal(at.asked.length, 3)
})

const passing: readonly [string, Service['next'][number]][] = [
  ['ratelimited with status 200', answers.slack['ratelimited_in_body']!],
  ['a server that is down', { status: 503, text: 'upstream connect error' }],
  ['a connection that breaks', 'drop'],
  ['what is no JSON', { status: 200, text: '<html>' }],
]
for (const [what, answer] of passing) {
  test(`Slack: ${what} is tried again`, async () => {
    const at = await slack()
    // A connection that breaks at once may be tried at once.
    at.next.push(answer)
    await using one = await open(slackYaml(at))
    await one.handle(notices(incident(0)))
    await until(() => one.outcome('payments', 'failed') === 1)
    await one.context.clock.advance(10_000)
    await until(() => one.outcome('payments', 'sent') === 1)
  })
}

test('a channel that hangs delays no other, and its attempt ends', async () => {
  const [chat, pager] = [await slack(), await service(() => answers.pagerduty['accepted']!)]
  chat.next.push('hang')
  await using one = await open(
    `channels:
  chat: { slack: { token: t, channel: c, api_url: "${chat.url}" } }
  pager: { pagerduty: { routing_key: key, url: "${pager.url}" } }`,
  )
  await one.tell('pager', incident(0))
  await until(() => chat.asked.length === 1)
  await one.context.clock.advance(10_000)
  await one.context.clock.advance(10_000)
  await until(() => one.outcome('chat', 'sent') === 1)
})

test('what a channel refuses is told by its fallback at once, with the reason and without the token', async () => {
  const at = await slack()
  at.usual = () => answers.slack['invalid_auth']!
  const hook = await service(() => ({ status: 200, text: '' }))
  await using one = await open(
    `channels:
  payments: { slack: { token: xoxb-secret, channel: c, api_url: "${at.url}" }, fallback: hook }
  hook: { webhook: { url: "${hook.url}/T000/secret" } }
routes: [{ channels: [payments] }]`,
  )
  await one.handle(notices(incident(0)))
  await until(() => hook.asked.length === 1)
  assert.deepEqual(hook.asked[0]?.body.failure, {
    channel: 'payments',
    error: 'Slack, chat.postMessage: invalid_auth; check slack::token',
  })
  assert.match(
    hook.asked[0]?.body.text,
    /^Not delivered: the channel payments did not take it: Slack, chat.postMessage: invalid_auth/m,
  )
  await until(() => one.context.recorded.drops.length === 1)
  assert.deepEqual(one.context.recorded.drops, [{ items: 1, reason: 'not_retryable', intent: 'lost' }])
  assert.match(one.context.recorded.states.at(-1)?.message ?? '', /the channel payments does not take notices: Slack/)
  // It goes on where it was told.
  await one.handle(notices(incident(1, { state: 'resolved', reason: 'quiet' })))
  await until(() => hook.asked.length === 2)
  assert.equal(hook.asked[1]?.body.incident.state, 'resolved')
  assert.doesNotMatch(JSON.stringify([one.context.recorded.lines, one.context.recorded.states]), /secret/)
})

test('a channel that fails for longer is told of elsewhere, once, and goes on trying', async () => {
  const pager = await service(() => answers.pagerduty['throttled']!)
  const hook = await service(() => ({ status: 200, text: '' }))
  await using one = await open(
    `channels:
  pager: { pagerduty: { routing_key: key, url: "${pager.url}" }, fallback: hook, fallback_after: 20s }
  hook: { webhook: { url: "${hook.url}" } }
routes: [{ channels: [pager] }]`,
  )
  await one.handle(notices(incident(0)))
  for (let attempts = 1; hook.asked.length === 0 && attempts < 20; attempts++) {
    await until(() => one.outcome('pager', 'failed') === attempts)
    assert.equal(hook.asked.length, 0)
    await one.context.clock.advance(10_000)
    if (one.context.clock.nowMs() >= 30_000) await until(() => hook.asked.length === 1)
  }
  pager.usual = () => answers.pagerduty['accepted']!
  await one.context.clock.advance(60_000)
  await until(() => one.outcome('pager', 'sent') === 1)
  assert.equal(hook.asked.length, 1)
})

test('the wrong key of PagerDuty is said in its own words', async () => {
  const pager = await service(() => answers.pagerduty['invalid']!)
  await using one = await open(`channels: { pager: { pagerduty: { routing_key: key, url: "${pager.url}" } } }`)
  await one.handle(notices(incident(0)))
  await until(() => one.context.recorded.drops.length === 1)
  const line = one.context.recorded.lines.find(({ message }) => message.startsWith('A channel refused a notice'))
  assert.match(String(line?.fields['error']), /Length of 'routing_key' is incorrect/)
})

test('a mail that is refused for now is tried again, one that is refused for good is not', async () => {
  const mails = await mailServer()
  await using one = await open(
    `channels: { mail: { email: { host: 127.0.0.1, port: ${mails.port}, tls: none, from: a@b.c, to: [d@e.f] } } }`,
  )
  mails.refusals.push('451 4.3.0 try later')
  await one.handle(notices(incident(0)))
  await until(() => one.outcome('mail', 'failed') === 1)
  await one.context.clock.advance(10_000)
  await until(() => mails.mails.length === 1)
  mails.refusals.push('550 5.7.1 not from you')
  await one.handle(notices(incident(0, { incident_id: 'inc-2' })))
  await until(() => one.outcome('mail', 'refused') === 1)
})

test('a server that offers no TLS gets no mail where TLS is required', async () => {
  const mails = await mailServer()
  await using one = await open(
    `channels: { mail: { email: { host: 127.0.0.1, port: ${mails.port}, username: u, password: hidden, from: a@b.c, to: [d@e.f] } } }`,
  )
  await one.handle(notices(incident(0)))
  await until(() => one.outcome('mail', 'failed') + one.outcome('mail', 'refused') === 1)
  assert.equal(mails.mails.length, 0)
})

test('the same revision comes again and is told once; an older one does not undo a newer one', async () => {
  const at = await slack()
  await using one = await open(slackYaml(at))
  await one.tell('payments', incident(1, { reason: 'severity' }))
  await one.tell('payments', incident(1, { reason: 'severity' }))
  await one.tell('payments', incident(0))
  await one.tell('payments', diagnosis(1))
  await one.tell('payments', diagnosis(1))
  await one.tell('payments', diagnosis(2))
  assert.equal(at.asked.length, 2)
  assert.equal(one.outcome('payments', 'repeated'), 3)
  assert.equal(one.outcome('payments', 'quiet'), 1)
})

test('routes: owner, priority and wakes decide, the first that fits, and who was told hears the end', async () => {
  const [a, b, rest] = [
    await service(() => ({ status: 200, text: '' })),
    await service(() => ({ status: 200, text: '' })),
    await service(() => ({ status: 200, text: '' })),
  ]
  await using one = await open(
    `channels:
  a: { webhook: { url: "${a.url}" } }
  b: { webhook: { url: "${b.url}" }, events: [incident] }
  rest: { webhook: { url: "${rest.url}" } }
routes:
  - { owner: [payments], wakes: true, channels: [a], continue: true }
  - { priority: [p1, p2], channels: [b] }
  - { wakes: false, environment: [production], channels: [rest] }`,
  )
  await one.handle(notices(incident(0)))
  await until(() => a.asked.length + b.asked.length === 2)
  await one.handle(
    notices(diagnosis(0), incident(1, { priority: 'p4', wakes: false, state: 'resolved', reason: 'quiet' })),
  )
  await until(() => a.asked.length === 3 && b.asked.length === 2 && rest.asked.length === 1)
  await one.handle(notices(incident(0, { incident_id: 'inc-2', priority: 'p3', owner: 'others' })))
  assert.deepEqual(one.context.recorded.drops, [{ items: 1, reason: 'no_route', intent: 'intended' }])
})

test('the heartbeat goes on as long as the stream is alive, and says why it does not', async () => {
  const dog = await service(() => ({ status: 200, text: 'OK' }))
  await using one = await open(
    `channels: { ops: { webhook: { url: "${dog.url}/hook" } } }
heartbeat: { url: "${dog.url}/ping/secret", interval: 60s, max_silence: 150s }`,
    { signals: ['logs', 'metrics'] },
  )
  const beats = (outcome: string) =>
    one.context.recorded.sums.get(`otelcol_exporter_notify_heartbeats{outcome="${outcome}"}`) ?? 0
  for (const count of [1, 2]) {
    await one.context.clock.advance(60_000)
    await until(() => beats('sent') === count)
  }
  await one.context.clock.advance(60_000)
  await until(() => beats('withheld') === 1)
  assert.deepEqual(one.context.recorded.lines.at(-1)?.fields, { why: 'nothing comes over the stream' })
  await one.handle(notices())
  await one.context.clock.advance(60_000)
  await until(() => beats('sent') === 3)
  assert.equal(dog.asked.length, 3)
})

test('the heartbeat stops when a page cannot be delivered anywhere', async () => {
  const dog = await service(({ path }) =>
    path === '/ping' ? { status: 200, text: 'OK' } : { status: 500, text: 'no' },
  )
  await using one = await open(
    `channels: { ops: { webhook: { url: "${dog.url}/hook" }, retry_on_failure: { max_elapsed_time: 0 } } }
heartbeat: { url: "${dog.url}/ping", interval: 60s, max_silence: 90s }`,
  )
  await one.handle(notices(incident(0)))
  await until(() => one.outcome('ops', 'failed') === 1)
  for (let i = 0; i < 3; i++) await one.context.clock.advance(60_000)
  const why = one.context.recorded.lines.find(({ message }) => message === 'The heartbeat is withheld.')
  assert.deepEqual(why?.fields, { why: 'a page cannot be delivered' })
})

test('a run that may not act on the world sends nothing and says so', async () => {
  const at = await slack()
  const { instance, context, handle } = build(factory, slackYaml(at), { kind: 'exporter', signals: ['logs'] })
  await instance.start?.()
  await handle(notices(incident(0)))
  await handle(unrelated())
  await instance.shutdown?.(AbortSignal.abort())
  assert.deepEqual(
    context.recorded.drops.map(({ reason }) => reason),
    ['no_effects', 'no_notice'],
  )
  assert.equal(at.asked.length, 0)
})

const wrong: readonly [string, RegExp][] = [
  ['channels: {}', /name at least one channel/],
  ['channels: { a: {} }', /set exactly one of: slack, pagerduty, email, webhook/],
  ['channels: { a: { slack: { token: t } } }', /name the channel that messages go to/],
  ['channels: { a: { slack: { channel: c } } }', /set either token, with channel, or webhook_url/],
  ['channels: { a: { webhook: { url: nowhere } } }', /must be a URL/],
  ['channels: { a: { webhook: { url: "http://h", body: { a: "{{ b c }}" } } } }', /write \{\{ path \}\}/],
  ['channels: { a: { webhook: { url: "http://h" }, fallback: b } }', /there is no channel "b"; there are a/],
  [
    'channels: { a: { webhook: { url: "http://h" }, fallback: b }, b: { webhook: { url: "http://h" }, fallback: a } }',
    /in a circle/,
  ],
  ['channels: { a: { webhook: { url: "http://h" } } }\nroutes: [{ channels: [b] }]', /there is no channel "b"/],
  [
    'channels: { a: { email: { host: h, from: a@b, to: [c@d], tls: offered, password: p } } }',
    /a password needs tls: required/,
  ],
  ['channels: { a: { webhook: { url: "http://h" } } }\ntime_zone: Mars', /there is no time zone "Mars"/],
]
for (const [yaml, message] of wrong) {
  test(`refused: ${yaml.replaceAll('\n', ' ')}`, () => {
    assert.throws(
      () => build(factory, yaml, { kind: 'exporter' }),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
  })
}

test('secrets are secrets by type', async () => {
  const { schemaOf } = await import('../../pipeline/config/component-config.ts')
  const text = JSON.stringify(schemaOf(factory).all)
  assert.ok(text.includes('x-kind'))
  for (const key of ['token', 'webhook_url', 'routing_key', 'password', 'secret'])
    assert.match(text, new RegExp(`"${key}":\\{[^}]*"x-kind":"secret"`), key)
})
