/** What becomes of what there is no room for, of what other systems say, and of a store that hangs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crossings } from '../../pipeline/capability/crossings.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { anomaly, brief, burn, entity, nano, open, says, shop, start, storeOf } from './stream.fixture.ts'

const counted = (built: Awaited<ReturnType<typeof open>>['built'], name: string) =>
  built.context.recorded.gauges.get(`otelcol_connector_incidents_${name}`)?.()

test('with max_incidents open, further ones are one, and that is counted', async () => {
  const { now, hear } = await open('{ max_incidents: 3 }', undefined)
  await hear(...Array.from({ length: 8 }, (_, i) => anomaly(`s${i}`, start)))
  assert.deepEqual(
    now().map(({ members }) => members.length),
    [1, 1, 1, 5],
  )
})

test('with max_alarms kept, the least important make room, which is counted as a loss; a page never does', async () => {
  const { now, hear, built } = await open('{ max_alarms: 20 }', undefined)
  await hear(burn('frontend', start))
  for (let i = 0; i < 60; i++) await hear(anomaly(`s${i}`, start + i, { severity: 'medium' }))
  assert.ok((counted(built, 'kept_alarms') ?? 0) <= 20)
  assert.ok(now().some((one) => brief(one) === 'open p1 frontend+'))
  assert.deepEqual([...new Set(built.context.recorded.drops.map(({ reason }) => reason))], ['too_many_alarms'])
  assert.equal(
    built.context.recorded.drops.reduce((sum, { items }) => sum + items, 0),
    61 - counted(built, 'kept_alarms')!,
  )
})

test('a snooze is over by the time of events as well', async () => {
  const { hear, now } = await open()
  await hear(anomaly('payment', start))
  const since = nano(start + 60)
  await hear(says('snooze', now()[0]!.incident_id, { since, until: nano(start + 660) }))
  assert.equal(now()[0]!.state, 'snoozed')
  await hear(anomaly('report', start + 800))
  const payment = now().find(({ entity: { name } }) => name === 'payment')!
  assert.deepEqual([payment.state, payment.reason], ['open', 'snooze_over'])
})

const foreign = {
  source: 'alertmanager',
  name: 'PaymentDown',
  fingerprint: 'f1',
  url: 'https://alerts/1',
  runbook: 'https://runbooks/payment',
  owner: 'payments',
}

test('owner, runbook and url of another system are said where the catalogue says none', async () => {
  const { hear, now } = await open()
  await hear(anomaly('payment', start, { type: 'failing', detector: 'foreign', foreign, found: start }))
  const [{ owner, runbook, url }] = now() as [ReturnType<typeof now>[number]]
  assert.deepEqual([owner, runbook, url], ['payments', foreign.runbook, foreign.url])
})

test('a ticket of another system that becomes a page wakes somebody', async () => {
  const { hear, now } = await open()
  const more = { type: 'failing', detector: 'foreign', foreign } as const
  await hear(anomaly('payment', start, { ...more, found: start }))
  assert.equal(now()[0]!.wakes, false)
  await hear(anomaly('payment', start + 60, { ...more, found: start + 60, wakes: true }))
  assert.deepEqual([now()[0]!.wakes, now()[0]!.reason], [true, 'severity'])
})

test('whose requests need what is broken is said, the largest share of any suspect, and makes it more pressing', async () => {
  const operation = { ...entity('POST /checkout', 'operation', 'frontend') }
  const asked: [string, bigint][] = []
  const sharesOf = (id: string, before: bigint) => {
    asked.push([id, before])
    return id === entityId(entity('payment')) ? [{ operation, share: 0.93, requestsPerSecond: 12 }] : []
  }
  const { hear, now } = await open(undefined, storeOf(...shop), { capabilities: new Map([[crossings, { sharesOf }]]) })
  await hear(anomaly(entity('POST /pay', 'operation', 'payment'), start))
  assert.deepEqual(now()[0]!.affected, [{ operation, share: 0.93, requests_per_second: 12 }])
  assert.deepEqual(asked.at(-1), [entityId(entity('payment')), BigInt(start) * 1_000_000_000n])
})

test('a store that never answers is asked a few times at most', async () => {
  let asked = 0
  const { hear, now, advance } = await open(undefined, {
    graph: () => {
      asked++
      return new Promise(() => {})
    },
  })
  await hear(burn('frontend', start))
  await advance(2)
  assert.equal(now()[0]!.wakes, true, 'the page left')
  await advance(600)
  assert.equal(asked, 3)
})
