import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { serverAuthentication, Unauthenticated } from '../../pipeline/capability/authentication.ts'
import { serviceCatalog } from '../../pipeline/capability/service-catalog.ts'
import { Rejected } from '../../pipeline/component.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { type Anomaly, readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { fingerprintOf } from './foreign-alert.ts'
import factory from './index.ts'
import type { AlertsReceiver } from './receiver.ts'

const local = 'endpoint: 127.0.0.1:0'
const recorded = (name: string) => readFileSync(new URL(`testdata/${name}.json`, import.meta.url), 'utf8')

describeContract(factory, local)

const closers: (() => Promise<void>)[] = []
after(async () => {
  for (const close of closers) await close()
})

async function start(yaml = '', options: TestContextOptions = {}, state?: Uint8Array) {
  const { instance, context } = build(factory, `${local}\n${yaml}`, options)
  const receiver = instance as AlertsReceiver
  closers.push(() => receiver.shutdown(AbortSignal.abort()))
  if (state !== undefined) await receiver.restore(state)
  await receiver.start()
  const url = `http://${receiver.address}`
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers })
  const told = (): readonly Anomaly[] =>
    context.recorded.emitted.flatMap(({ batch }) => [...(batch as Logs)].flatMap((record) => readAnomaly(record) ?? []))
  return { receiver, context, url, post, told }
}

/** At 22:13:20 of 14 November 2023, as the test clock begins. */
const alert = {
  labels: { alertname: 'CheckoutErrors', service: 'cart', severity: 'critical' },
  startsAt: '2023-11-14T22:12:00Z',
}
const notice = (status: string) => ({
  version: '4',
  alerts: [
    { ...alert, status, fingerprint: 'abc', ...(status === 'resolved' ? { endsAt: '2023-11-14T22:13:00Z' } : {}) },
  ],
})
const brief = ({ state, type, severity, wakes, entity, text }: Anomaly) => [
  state,
  type,
  severity,
  wakes,
  entityId(entity),
  text,
]

test('what Prometheus posts becomes an anomaly with its entity, kind, severity, owner and links', async () => {
  const { post, told } = await start()
  const answer = await post('/api/v2/alerts', recorded('alertmanager-v2'))
  assert.deepEqual([answer.status, await answer.text()], [200, ''])
  const [anomaly] = told()
  assert.deepEqual(anomaly && brief(anomaly), [
    'active',
    'slow',
    'critical',
    true,
    'service:/production//payment',
    'HighRequestLatency: P99 of payment is above 1 s',
  ])
  assert.deepEqual(
    { time: anomaly?.time, detector: anomaly?.detector, foreign: anomaly?.foreign },
    {
      time: '1699999830251000000',
      detector: 'foreign',
      foreign: {
        source: 'alertmanager',
        name: 'HighRequestLatency',
        fingerprint: anomaly?.foreign?.fingerprint ?? '',
        url: 'http://prometheus:9090/graph?g0.expr=latency&g0.tab=1',
        runbook: 'https://wiki/runbooks/latency',
        owner: 'payments',
      },
    },
  )
})

test("the webhooks of Alertmanager and Grafana are read, ends and zero times as Go's", async () => {
  const { post, told } = await start()
  assert.equal((await post('/alertmanager', recorded('alertmanager-webhook'))).status, 200)
  assert.equal((await post('/grafana', recorded('grafana'))).status, 200)
  assert.deepEqual(told().map(brief), [
    ['active', 'saturated', 'medium', false, 'node:///db-1', 'DiskFull: db-1 has 3 % left'],
    ['cleared', 'failing', 'critical', true, 'service:///cart', 'ErrorRateHigh at cart (over)'],
    [
      'active',
      'saturated',
      'medium',
      false,
      'service:///catalog',
      'High memory usage: catalog holds 95 % of its memory',
    ],
  ])
  assert.equal(told()[2]?.foreign?.url, 'https://grafana/d/abc?viewPanel=2')
})

test('an alert that is repeated is told once; its end has its id; the next one is another', async () => {
  const { post, told, context } = await start()
  for (let i = 0; i < 3; i++) await post('/alertmanager', notice('firing'))
  await post('/alertmanager', notice('resolved'))
  await post('/alertmanager', {
    ...notice('firing'),
    alerts: [{ ...alert, status: 'firing', fingerprint: 'abc', startsAt: '2023-11-14T22:13:10Z' }],
  })
  const [first, end, next, ...more] = told()
  assert.deepEqual([first?.state, end?.state, next?.state, more.length], ['active', 'cleared', 'active', 0])
  assert.equal(first?.id, end?.id)
  assert.notEqual(first?.id, next?.id)
  assert.equal(end?.until, '1699999980000000000')
  const { sums } = context.recorded
  assert.equal(sums.get('otelcol_receiver_alerts_alerts{outcome="repeated",source="alertmanager"}'), 2)
})

test('what says something new of an active alert is told again, under its id', async () => {
  const { post, told } = await start()
  await post('/alertmanager', notice('firing'))
  const louder = { ...alert, labels: { ...alert.labels, severity: 'warning' } }
  await post('/alertmanager', { version: '4', alerts: [{ ...louder, status: 'firing', fingerprint: 'abc' }] })
  assert.deepEqual(
    told().map(({ severity }) => severity),
    ['critical', 'medium'],
  )
  assert.equal(new Set(told().map(({ id }) => id)).size, 1)
})

test('an alert of the API that nobody repeats is over after resolve_timeout', async () => {
  const { post, told, context } = await start()
  await post('/api/v2/alerts', [alert])
  await context.clock.advance(299_000)
  assert.equal(told().length, 1)
  await context.clock.advance(10_000)
  assert.deepEqual(
    told().map(({ state }) => state),
    ['active', 'cleared'],
  )
  assert.equal(context.recorded.gauges.get('otelcol_receiver_alerts_active')?.(), 0)
})

test('what is active survives a reload: the end still has the id of the beginning', async () => {
  const first = await start()
  await first.post('/alertmanager', notice('firing'))
  const next = await start('', {}, await first.receiver.save())
  await next.post('/alertmanager', notice('firing'))
  await next.post('/alertmanager', notice('resolved'))
  assert.deepEqual(
    next.told().map(({ state }) => state),
    ['cleared'],
  )
  assert.equal(next.told()[0]?.id, first.told()[0]?.id)
})

test('when the book is full, the one longest unheard is forgotten and counted', async () => {
  const { post, context } = await start('max_alerts: 2')
  const alerts = ['a', 'b', 'c'].map((service) => ({ ...alert, labels: { ...alert.labels, service } }))
  await post('/api/v2/alerts', alerts)
  assert.equal(context.recorded.gauges.get('otelcol_receiver_alerts_active')?.(), 2)
  assert.equal(context.recorded.gauges.get('otelcol_receiver_alerts_forgotten')?.(), 1)
})

test('a pipeline that refuses makes the sender try again, and nothing counts as told', async () => {
  let refuses = true
  const { post, told } = await start('', {
    accept: () => {
      if (refuses) throw new Rejected('the queue is full', { retryable: true })
    },
  })
  const answer = await post('/alertmanager', notice('firing'))
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5'])
  refuses = false
  assert.equal((await post('/alertmanager', notice('firing'))).status, 200)
  assert.equal(told().length, 1)
})

test('alerts that always fire are left out and counted', async () => {
  const { post, told, context } = await start()
  const watchdog = { labels: { alertname: 'Watchdog', severity: 'none' } }
  assert.equal((await post('/api/v2/alerts', [watchdog])).status, 200)
  assert.deepEqual(told(), [])
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'ignored', intent: 'intended' }])
})

const wrong: readonly (readonly [path: string, body: string, status: number, words: RegExp])[] = [
  ['/alertmanager', '{', 400, /the body is not JSON/],
  ['/alertmanager', '{"version":"3","alerts":[]}', 400, /version \\"3\\"; send version \\"4\\"/],
  ['/alertmanager', '{"version":"4"}', 400, /the body, alerts: /],
  ['/alertmanager', '{"version":"4","alerts":[{"status":"odd"}]}', 400, /there are \\"firing\\" and \\"resolved\\"/],
  ['/grafana', '{"alerts":[{"status":"firing","startsAt":"noon"}]}', 400, /startsAt is \\"noon\\"/],
  ['/api/v2/alerts', '{}', 400, /"code":400/],
  ['/api/v2/alerts', '[{"labels":{}}]', 400, /at least one label pair required/],
  ['/nowhere', '{}', 404, /nothing is at \/nowhere; there are \/api\/v2\/alerts/],
  ['/alertmanager', `"${'x'.repeat(5_242_880)}"`, 400, /too large/],
]
for (const [path, body, status, words] of wrong) {
  test(`${body.slice(0, 50)} at ${path} is answered with ${status} and why`, async () => {
    const { post, told } = await start()
    const answer = await post(path, body)
    assert.equal(answer.status, status)
    assert.match(await answer.text(), words)
    assert.deepEqual(told(), [])
  })
}

test('of posted alerts the right ones are taken and the wrong ones named, as Alertmanager does', async () => {
  const { post, told } = await start()
  const answer = await post('/api/v2/alerts', [{ labels: {} }, alert])
  assert.equal(answer.status, 400)
  assert.equal(told().length, 1)
})

test('GET at a webhook is answered with 405, at /-/healthy with OK', async () => {
  const { url } = await start()
  assert.equal((await fetch(`${url}/alertmanager`)).status, 405)
  assert.equal(await (await fetch(`${url}/-/healthy`)).text(), 'OK')
})

test('who is not authenticated gets 401, and nothing is told', async () => {
  const authenticator = {
    authenticate: (header: (name: string) => readonly string[] | undefined) => {
      if (header('authorization')?.[0] !== 'Bearer good') throw new Unauthenticated('invalid token')
      return { subject: 'prometheus' }
    },
  }
  const { post, told } = await start('auth: {authenticator: tokens}', {
    capabilities: new Map([[serverAuthentication, authenticator]]) as never,
  })
  assert.equal((await post('/alertmanager', notice('firing'))).status, 401)
  assert.deepEqual(told(), [])
  assert.equal((await post('/alertmanager', notice('firing'), { authorization: 'Bearer good' })).status, 200)
  assert.equal(told().length, 1)
})

test('JSON of others is read by where its fields are, and what is missing is named', async () => {
  const { post, told } = await start(`generic:
  - {path: /checks, source: checks, items: events, id: check.id, name: check.name, text: message, state: status,
     severity: priority, starts: since, label_fields: {service: check.target}}`)
  const check = { id: 7, name: 'ping', target: 'shop/frontend' }
  const down = { check, message: 'no answer', status: 'DOWN', priority: 'P1', since: 1_699_999_900 }
  assert.equal((await post('/checks', { events: [down] })).status, 200)
  assert.equal((await post('/checks', { events: [{ ...down, status: 'Up' }] })).status, 200)
  assert.deepEqual(told().map(brief), [
    ['active', 'unusual', 'critical', false, 'service:///frontend', 'ping: no answer'],
    ['cleared', 'unusual', 'critical', false, 'service:///frontend', 'ping: no answer (over)'],
  ])
  const answer = await post('/checks', { events: [{ status: 'DOWN' }] })
  assert.match(await answer.text(), /an alert has no field check.id/)
})

test('rules and the aliases of a catalogue say which service it is', async () => {
  const catalog = {
    lookup: () => ({}),
    observe: () => {},
    serviceNamed: (name: string) => (name === 'cart' ? 'cart-service' : undefined),
  }
  const { post, told } = await start(
    `service_catalog: service_catalog
environment: production
entities: [{name: "pay*", service: payment, namespace: shop}, {name: orders-db, kind: database}]`,
    { capabilities: new Map([[serviceCatalog, catalog]]) as never },
  )
  const of = (service: string) => ({ labels: { alertname: 'X', service } })
  await post('/api/v2/alerts', [of('pay-v2'), of('orders-db'), of('cart'), of('other')])
  assert.deepEqual(
    told().map(({ entity }) => entityId(entity)),
    [
      'service:/production/shop/payment',
      'database:/production//orders-db',
      'service:/production//cart-service',
      'service:/production//other',
    ],
  )
})

test("the fingerprint of labels is Prometheus'", () => {
  // LabelSet{}.Fingerprint() and that of {"first-label": "first-label-value"} follow from FNV-1a's definition.
  assert.equal(fingerprintOf(new Map()), 'cbf29ce484222325')
  const labels = new Map([
    ['job', 'é'],
    ['alertname', 'X'],
  ])
  let hash = 0xcbf29ce484222325n
  for (const byte of [
    ...Buffer.from('alertname'),
    255,
    ...Buffer.from('X'),
    255,
    ...Buffer.from('job'),
    255,
    ...Buffer.from('é'),
    255,
  ])
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
  assert.equal(fingerprintOf(labels), hash.toString(16).padStart(16, '0'))
})

test('two instances at the same place: the settings are refused', () => {
  assert.throws(() => build(factory, 'grafana: {path: /alertmanager}'), /two things are posted to \/alertmanager/)
  assert.throws(() => build(factory, 'types: [{alert: "[", type: slow}]'), /has no \]/)
})
