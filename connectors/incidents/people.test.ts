import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entityLabel } from '../../pipeline/vocabulary/entity.ts'
import { anomaly, brief, burn, cleared, entity, nano, open, says, start } from './stream.fixture.ts'

const database = entity('payments-db', 'database')

/** One incident of three alarms. */
async function one(yaml?: string) {
  const opened = await open(yaml)
  await opened.hear(anomaly(database, start), anomaly('payment', start + 5), anomaly('order', start + 10))
  return { ...opened, id: opened.now()[0]!.incident_id }
}

test('acknowledging, assigning and a note are told at once, with who said it', async () => {
  const { hear, said, id } = await one()
  await hear(says('acknowledge', id))
  await hear(says('assign', id, { assignee: 'grace' }))
  await hear(says('note', id, { note: 'looking at the index' }))
  const last = said().at(-1)!
  assert.deepEqual(
    [last.incident_revision, last.state, last.reason, last.by, last.assignee, last.note],
    [3, 'acknowledged', 'person', 'ada', 'grace', 'looking at the index'],
  )
})

test('what a person says counts once, however often it comes, and by the beginning of the id', async () => {
  const { hear, said, id } = await one()
  const word = says('acknowledge', id.slice(0, 8))
  await hear(word, word)
  await hear(word)
  assert.equal(said().length, 2)
})

test('a snoozed incident wakes nobody, is told again when that is over, and at once when it grows worse', async () => {
  const { hear, said, now, advance } = await open()
  await hear(anomaly('frontend', start), burn('frontend', start, { severity: 'high' }))
  const id = now()[0]!.incident_id
  const since = nano(start + 60)
  await hear(says('snooze', id, { since, until: nano(start + 60 + 1_800) }))
  assert.deepEqual([now()[0]!.state, now()[0]!.wakes], ['snoozed', false])
  await advance(1_790)
  assert.equal(now()[0]!.state, 'snoozed')
  await advance(20)
  assert.deepEqual([now()[0]!.state, now()[0]!.reason, now()[0]!.wakes], ['open', 'snooze_over', true])
  await hear(says('snooze', id, { since: nano(start + 1_900), until: nano(start + 9_000) }))
  await hear(anomaly('frontend', start + 1_950, { severity: 'critical' }))
  assert.deepEqual([now()[0]!.state, now()[0]!.reason], ['open', 'severity'])
  assert.equal(said().length, 5)
})

test('merged incidents are one from then on, and what is said of the part is said of the whole', async () => {
  const { hear, now, advance } = await open()
  await hear(anomaly('payment', start), anomaly('report', start))
  const [payment, report] = now()
  await hear(says('merge', report!.incident_id, { into: payment!.incident_id }))
  await advance(5)
  assert.deepEqual(
    now()
      .map(({ state, members }) => `${state} ${members.length}`)
      .sort(),
    ['merged 1', 'open 2'],
  )
  await hear(anomaly(entity('archive', 'database'), start + 30))
  await hear(says('acknowledge', report!.incident_id))
  const whole = now().find(({ incident_id: id }) => id === payment!.incident_id)
  assert.equal(brief(whole!), 'acknowledged p2 database archive* payment* report<database archive')
})

test('a split takes alarms out into an incident of their own, and they stay apart', async () => {
  const { hear, now, advance, id } = await one()
  const order = now()[0]!.members.find(({ entity: { name } }) => name === 'order')!
  await hear(says('split', id, { members: [order.event_id], note: 'another thing' }))
  await advance(5)
  assert.deepEqual(now().map(brief), ['open p2 database payments-db* payment<database payments-db', 'open p2 order*'])
  assert.equal(now()[1]!.split_from, id)
  await hear(anomaly('order', start + 60))
  await hear(anomaly('frontend', start + 30))
  await advance(5)
  assert.deepEqual(
    now().map(({ members }) => members.length),
    [2, 2],
  )
})

test('what looks like a second cause is offered to be split off, and a split without alarms takes that', async () => {
  const { hear, now, advance } = await open()
  await hear(anomaly('payment', start), anomaly('report', start))
  const [payment, report] = now()
  await hear(says('merge', report!.incident_id, { into: payment!.incident_id }))
  await advance(5)
  const whole = now().find(({ incident_id: id }) => id === payment!.incident_id)!
  assert.deepEqual(whole.separable, [report!.members[0]!.event_id])
  await hear(says('split', payment!.incident_id))
  await advance(5)
  assert.deepEqual(
    now()
      .filter(({ state }) => state === 'open')
      .map(brief),
    ['open p2 payment*', 'open p2 report*'],
  )
})

test('a person may resolve; what goes on is not told again, and what comes anew is a new incident', async () => {
  const { hear, now, id } = await one()
  await hear(says('resolve', id, { note: 'added the index' }))
  assert.deepEqual([now()[0]!.state, now()[0]!.by, now()[0]!.note], ['resolved', 'ada', 'added the index'])
  await hear(anomaly(database, start), cleared(anomaly('payment', start + 5), start + 200))
  await hear(says('acknowledge', id))
  assert.equal(now().length, 1)
  await hear(anomaly('payment', start + 220))
  assert.deepEqual(
    now().map(({ state }) => state),
    ['resolved', 'open'],
  )
})

test('accepting an incident as normal reaches the detectors: a word for each entity, from its onset on, and a way back', async () => {
  const { hear, now, feedback, id } = await one()
  const word = says('accept_as_normal', id, { note: 'new normal since the move' })
  await hear(word)
  assert.equal(now()[0]!.state, 'resolved')
  assert.deepEqual(
    feedback().map(({ kind, entity: of, since, parent_id: parent }) => [kind, entityLabel(of), since, parent]),
    [
      ['accept_as_normal', 'database payments-db', nano(start), word.id],
      ['accept_as_normal', 'payment', nano(start + 5), word.id],
      ['accept_as_normal', 'order', nano(start + 10), word.id],
    ],
  )
  await hear(says('withdraw', undefined, { parent_id: word.id }))
  assert.deepEqual(
    feedback()
      .slice(3)
      .map(({ kind, parent_id: parent }) => [kind, parent]),
    feedback()
      .slice(0, 3)
      .map(({ id: accepted }) => ['withdraw', accepted]),
  )
})

test('what is under maintenance wakes nobody and is kept; what is not does', async () => {
  const yaml = `
feature_store: feature_store
maintenance:
  - { name: db move, entity: "payments-*", from: "2026-11-24T10:00:00Z", until: "2026-11-24T11:00:00Z" }
  - { name: nightly, service: "rep*", days: [tue], start: "11:00", end: "12:00", time_zone: Europe/Berlin }`
  const { hear, now, advance } = await open(yaml)
  await hear(anomaly(database, start), anomaly('payment', start + 5), anomaly('report', start))
  assert.deepEqual(
    now()
      .map(({ maintenance, priority, wakes }) => [maintenance, priority, wakes])
      .sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1)),
    [
      ['db move', 'p4', false],
      ['nightly', 'p4', false],
    ],
  )
  await hear(burn('frontend', start + 60))
  const first = now().find(({ members }) => members.length > 2)
  assert.deepEqual([first!.maintenance, first!.wakes, first!.reason], [undefined, true, 'severity'])
  await advance(3_000)
  const report = now().find(({ members }) => members[0]!.entity.name === 'report')!
  assert.deepEqual([report.maintenance, report.reason, report.priority], [undefined, 'maintenance', 'p2'])
})

test('a person may announce maintenance, and call it off', async () => {
  const { hear, now, advance } = await open()
  const word = says('maintenance', undefined, {
    entity: entity('payment'),
    since: nano(start),
    until: nano(start + 3_600),
    note: 'restart',
  })
  await hear(word)
  await hear(anomaly('payment', start + 60))
  assert.equal(now()[0]!.maintenance, 'restart')
  await hear(says('withdraw', undefined, { parent_id: word.id }))
  await advance(6)
  assert.equal(now()[0]!.maintenance, undefined)
})

test('what a person says that cannot be done changes nothing, and the log says why', async () => {
  const { hear, said, id, built } = await one()
  await hear(
    says('merge', id, { into: 'f00f00f00' }),
    says('merge', id, { into: id, since: nano(start + 1) }),
    says('split', id, { members: ['nothing'] }),
    says('snooze', id),
    says('assign', id),
    says('acknowledge', 'nobody knows it'),
  )
  assert.equal(said().length, 1)
  assert.equal(built.context.recorded.lines.length, 6)
})
