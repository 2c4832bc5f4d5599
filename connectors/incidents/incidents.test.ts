import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeContract } from '../../pipeline/testing/contract.ts'
import factory from './index.ts'
import { anomaly, brief, burn, cleared, entity, open, shop, start, storeOf } from './stream.fixture.ts'

describeContract(factory, '{}', { kind: 'connector' })

const database = entity('payments-db', 'database')

test('alarms along the call graph are one incident: what is called is the suspect, who calls it suffers', async () => {
  const { hear, said, now, advance } = await open()
  await hear(anomaly('payment', start + 5))
  await hear(anomaly(database, start), anomaly('order', start + 10), anomaly('frontend', start + 20))
  await advance(5)
  assert.deepEqual(
    said().map(({ reason, incident_revision }) => `${incident_revision} ${reason}`),
    ['0 opened', '1 joined'],
  )
  const [incident, ...more] = now()
  assert.deepEqual(more, [])
  assert.equal(
    brief(incident!),
    'open p2 database payments-db* payment<database payments-db order<payment frontend<order',
  )
  assert.equal(
    incident!.text,
    'database payments-db is slow since 10:15:00; payment, order and frontend suffer from it',
  )
  assert.equal(incident!.wakes, false)
})

test('faults that have nothing to do with each other stay apart, though users meet both in one place', async () => {
  const { hear, now, advance } = await open()
  await hear(anomaly(database, start), anomaly('payment', start + 5), anomaly('order', start + 8))
  await hear(anomaly(entity('products', 'database'), start + 70), anomaly('catalogue', start + 75))
  await hear(anomaly('frontend', start + 90))
  await hear(anomaly(entity('archive', 'database'), start + 5), anomaly('report', start + 8))
  await advance(5)
  assert.deepEqual(now().map(brief).sort(), [
    'open p2 database archive* report<database archive',
    'open p2 database payments-db* payment<database payments-db order<payment',
    'open p2 database products* catalogue<database products frontend<catalogue',
  ])
})

test('what comes later, or from further away, is another incident', async () => {
  const { hear, now, advance } = await open()
  await hear(anomaly(database, start))
  await hear(anomaly('payment', start + 240))
  await hear(anomaly('frontend', start + 20))
  await hear(anomaly('search', start + 500))
  await hear(anomaly('frontend', start + 260, { type: 'failing' }))
  await advance(5)
  assert.deepEqual(now().map(brief), [
    'open p2 database payments-db*',
    'open p2 payment* frontend* frontend<payment',
    'open p2 search*',
  ])
})

test('what lies between joins two incidents: the one that was opened first goes on', async () => {
  const { hear, now, said, advance } = await open()
  await hear(anomaly('frontend', start + 10))
  await hear(anomaly(database, start))
  assert.equal(now().length, 2)
  await hear(anomaly('order', start + 5))
  await advance(5)
  const [first, second] = now()
  assert.equal(brief(first!), 'open p2 database payments-db* order<database payments-db frontend<order')
  assert.equal(second!.state, 'merged')
  assert.equal(second!.merged_into, first!.incident_id)
  assert.deepEqual(
    said().map(({ reason, state }) => `${state} ${reason}`),
    ['open opened', 'open opened', 'merged moved', 'open joined'],
  )
})

test('who calls keeps its own fault: what only looks slow below it does not explain it away', async () => {
  const { hear, now, advance } = await open()
  await hear(anomaly('payment', start))
  await hear(anomaly('order', start + 20, { type: 'leaking' }))
  await advance(5)
  assert.deepEqual(now().map(brief), ['open p2 order* payment*'])
})

test('a suppression is turned when what explained it has long been well and the trouble goes on', async () => {
  const { hear, now, advance } = await open()
  const cause = anomaly('payment', start)
  await hear(cause, anomaly('order', start + 10))
  assert.deepEqual(now().map(brief), ['open p2 payment* order<payment'])
  await hear(cleared(cause, start + 120))
  await advance(600)
  assert.deepEqual(now().map(brief), ['open p2 payment* order*'])
  assert.equal(now()[0]!.reason, 'suspect')
})

test('less traffic below follows from who calls, and is no cause', async () => {
  const { hear, now, advance } = await open()
  await hear(anomaly('order', start, { type: 'failing' }))
  await hear(anomaly('payment', start + 15, { type: 'drop' }))
  await advance(5)
  assert.deepEqual(now().map(brief), ['open p2 order* payment<order'])
})

test('the same alarm again is counted, and told once', async () => {
  const { hear, said, now, advance } = await open()
  const first = anomaly('payment', start)
  await hear(first)
  await hear(first)
  await hear(anomaly('payment', start + 60))
  await advance(10)
  assert.equal(said().length, 1)
  await hear(anomaly('order', start + 70))
  await advance(5)
  assert.deepEqual(
    now()[0]!.members.map(({ times }) => times),
    [2, 1],
  )
  assert.equal(now()[0]!.alarms, 3)
})

test('an alarm that comes and goes is one flapping member and one notice, and not over while it is clear for a moment', async () => {
  const { hear, said, now, advance } = await open()
  for (let i = 0; i < 8; i++) {
    const one = anomaly('payment', start + i * 100, { found: start + i * 100 + 10 })
    await hear(one)
    await hear(cleared(one, start + i * 100 + 60))
    await advance(6)
  }
  assert.deepEqual(
    said().map(({ reason, flapping }) => `${reason} ${flapping}`),
    ['opened false', 'cleared false', 'flapping true'],
  )
  assert.equal(now().length, 1)
  await advance(1_300)
  assert.equal(now()[0]!.state, 'resolved')
  assert.equal(now()[0]!.members[0]!.times, 8)
})

test('pages are attached to what explains them and are never suppressed', async () => {
  const { hear, now, advance } = await open()
  await hear(burn('frontend', start + 20))
  assert.deepEqual(
    now().map((one) => `${brief(one)} ${one.wakes}`),
    ['open p1 frontend+ true'],
  )
  await hear(anomaly(database, start), anomaly('payment', start + 5), anomaly('order', start + 5))
  await advance(5)
  assert.deepEqual(
    now().map((one) => `${brief(one)} ${one.wakes}`),
    ['open p1 database payments-db* payment<database payments-db order<payment frontend+ true'],
  )
})

test('a detector alone wakes nobody, whatever it says', async () => {
  const { hear, now } = await open()
  await hear(anomaly('payment', start, { wakes: true, severity: 'critical' }))
  assert.deepEqual(
    now().map(({ wakes, priority }) => [wakes, priority]),
    [[false, 'p2']],
  )
})

test('low alarms make no incident and join one', async () => {
  const { hear, now, advance } = await open()
  await hear(anomaly('order', start, { severity: 'low' }))
  await advance(10)
  assert.deepEqual(now(), [])
  await hear(anomaly('payment', start + 10, { severity: 'medium' }))
  assert.deepEqual(now().map(brief), ['open p3 payment* order<payment'])
  const strict = await open('{ feature_store: feature_store, min_severity: low }')
  await strict.hear(anomaly('order', start, { severity: 'low' }))
  assert.deepEqual(strict.now().map(brief), ['open p4 order*'])
})

test('lost telemetry is an incident of its own, one for what was lost together, and wakes nobody', async () => {
  const { hear, now, advance } = await open()
  const blind = { type: 'blind', detector: 'sensor_health', wakes: true } as const
  await hear(anomaly('payment', start), anomaly('payment', start, blind), anomaly('order', start + 30, blind))
  await advance(5)
  assert.deepEqual(
    now().map((one) => `${one.blind} ${one.wakes} ${one.members.length} ${one.title}`),
    ['false false 1 payment is slow', 'true false 2 Telemetry lost from payment and order'],
  )
})

test('when most of everything breaks within a minute it is one incident', async () => {
  const services = Array.from({ length: 12 }, (_, i) => `s${i}`)
  const calls = services.map((name) => `${name} -> database:db-${name}`)
  const few = await open(undefined, storeOf(...calls))
  await few.hear(...services.slice(0, 5).map((name, i) => anomaly(name, start + i)))
  assert.equal(few.now().length, 5)
  const many = await open(undefined, storeOf(...calls))
  await many.hear(...services.slice(0, 8).map((name, i) => anomaly(name, start + i)))
  assert.deepEqual(
    many.now().map(({ members }) => members.length),
    [8],
  )
})

test('an incident is over when all has been clear for a while, and nothing joins it then', async () => {
  const { hear, now, said, advance } = await open()
  const [cause, symptom] = [anomaly('payment', start), anomaly('order', start + 5)]
  await hear(cause, symptom)
  await hear(cleared(cause, start + 200), cleared(symptom, start + 220))
  await advance(5)
  assert.equal(now()[0]!.state, 'open')
  await advance(310)
  assert.deepEqual(
    said().map(({ state, reason }) => `${state} ${reason}`),
    ['open opened', 'open cleared', 'resolved quiet'],
  )
  assert.equal(now()[0]!.resolved, String(BigInt(start + 220) * 1_000_000_000n))
  assert.equal(now()[0]!.text, 'payment is slow: over; it was from 10:15:00 to 10:18:40')
  await hear(cause)
  assert.equal(now().length, 1, 'the same event again is nothing new')
  await hear(anomaly('payment', start + 540))
  assert.deepEqual(
    now().map(({ state }) => state),
    ['resolved', 'open'],
  )
})

test('revisions wait a few seconds for each other; what opens or grows worse is told at once', async () => {
  const { hear, said, advance } = await open()
  await hear(anomaly('payment', start, { severity: 'medium' }))
  for (let i = 0; i < 5; i++) {
    await hear(
      anomaly('payment', start + i, {
        type: (['failing', 'restarting', 'new_logs', 'surge', 'drop'] as const)[i]!,
        severity: 'medium',
      }),
    )
    await advance(0.5)
  }
  assert.equal(said().length, 1)
  await advance(5)
  assert.deepEqual(
    said().map(({ members }) => members.length),
    [1, 6],
  )
  await hear(anomaly('payment', start + 50, { severity: 'high' }))
  assert.equal(said().at(-1)!.reason, 'severity')
})

test('the page does not wait for a graph that hangs, and what it says later is a revision', async () => {
  let answer: (() => void) | undefined
  const store = storeOf(...shop)
  const slow = {
    graph: async (query: Parameters<typeof store.graph>[0]) => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return store.graph(query)
    },
  }
  const { hear, said, now, advance, built } = await open(undefined, slow)
  await hear(anomaly(database, start), anomaly('payment', start + 5))
  assert.deepEqual(said(), [], 'a moment is given to it')
  await advance(1)
  assert.equal(said().length, 2, 'no longer than graph_wait')
  answer?.()
  await advance(6)
  assert.deepEqual(
    now()
      .map(({ state, members }) => `${state} ${members.length}`)
      .sort(),
    ['merged 1', 'open 2'],
  )
  const never = await open(undefined, { graph: () => new Promise(() => {}) })
  await never.hear(anomaly(database, start))
  await never.advance(60)
  assert.equal(never.now().length, 1)
  assert.ok((never.built.context.recorded.gauges.get('otelcol_connector_incidents_failed_graphs')?.() ?? 0) >= 2)
  const failing = await open(undefined, { graph: () => Promise.reject(new Error('no disk')) })
  await failing.hear(anomaly(database, start))
  await failing.advance(1)
  assert.equal(failing.now().length, 1)
  assert.deepEqual(built.context.recorded.lines, [])
})

test('without a call graph one service is one incident, and what one trace shows too', async () => {
  const trace = 'a'.repeat(32)
  const { hear, now, advance } = await open('{}', undefined)
  await hear(
    anomaly('payment', start),
    anomaly(entity('POST /pay', 'operation', 'payment'), start + 30, { type: 'failing' }),
  )
  await hear(
    anomaly('order', start, { trace_id: trace }),
    anomaly('stock', start + 300, { trace_id: trace }),
    anomaly('search', start),
  )
  await advance(5)
  assert.deepEqual(
    now().map(({ members }) => members.length),
    [2, 2, 1],
  )
})
