/** The receiver against a real MariaDB, in the engine as a user has it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createConnection } from 'mysql2/promise'
import { asText } from '../../pipeline/data/value.ts'
import { askServer, until } from '../../pipeline/testing/servers/asked-server.ts'
import factory from './index.ts'
import { metrics } from './metrics.ts'
import { type Shop, startShop } from './shop-server.ts'

const missing = 'MariaDB is not installed: node pipeline/testing/servers/install.ts installs it on Debian'

async function running(t: TestContext) {
  const shop = await startShop()
  if (shop === undefined) {
    t.skip(missing)
    return undefined
  }
  t.after(() => shop.server.remove())
  const asked = await askServer(t, {
    factory,
    metrics: Object.keys(metrics),
    port: shop.server.port,
    username: shop.username,
    password: shop.password,
  })
  return { shop, ...asked }
}

function connect({ server }: Shop) {
  return createConnection({ host: '127.0.0.1', port: server.port, user: 'root', database: 'shop' })
}

test('every metric that a lone MariaDB has comes', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  const others = [
    'mysql.mysqlx_connections',
    'mysql.mysqlx_worker_threads',
    'mysql.replica.sql_delay',
    'mysql.replica.time_behind_source',
    // Gone from MariaDB since 10.6.
    'mysql.row_operations',
  ]
  const expected = Object.keys(metrics).filter((name) => !others.includes(name))
  const names = () => new Set(at.points().map(({ metric }) => metric.name))
  await until(() => expected.every((name) => names().has(name)), 'all metrics', 5_000).catch(() => {})
  assert.deepEqual([...names()].sort(), expected.sort())
})

test('a statement that runs is a sample of its trace, and its values are nowhere', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  const client = await connect(at.shop)
  await client.query("SET @traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'")
  const asleep = client.query("SELECT sleep(3), 'classified' FROM orders LIMIT 1")
  const found = () =>
    at
      .records('db.server.query_sample')
      .find(({ attributes }) => /sleep/i.test(asText(attributes.get('db.query.text')!)))
  await until(() => found() !== undefined, 'the sample')
  const { attributes, traceId } = found()!
  assert.equal(traceId, '0af7651916cd43dd8448eb211c80319c')
  assert.equal(attributes.get('db.namespace'), 'shop')
  assert.equal(attributes.get('user.name'), 'root')
  await asleep
  client.destroy()
  assert.doesNotMatch(
    at.sink.received.map(({ batch }) => Buffer.concat(batch.chunks).toString('latin1')).join(),
    /classified/,
  )
})

test('a statement that takes time between two collections is a top query', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  const client = await connect(at.shop)
  const found = () =>
    at
      .records('db.server.top_query')
      .find(({ attributes }) => /benchmark/i.test(asText(attributes.get('db.query.text')!)))
  for (let i = 0; i < 100 && found() === undefined; i++) {
    await client.query("SELECT benchmark(100000, md5('classified'))")
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  client.destroy()
  const { attributes } = found()!
  assert.match(asText(attributes.get('db.query.text')!), /\( \?/)
  assert.ok(Number(attributes.get('mysql.events_statements_summary_by_digest.count_star')) > 0)
  assert.equal(attributes.type('mysql.events_statements_summary_by_digest.sum_timer_wait'), 'double')
})

test('a server that goes away and comes back is read again', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  await until(() => at.points().length > 0, 'the first points')
  await at.shop.server.stop()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  at.sink.received.length = 0
  await at.shop.server.start()
  await until(() => at.points().some(({ metric }) => metric.name === 'mysql.uptime'), 'points after the restart')
})
