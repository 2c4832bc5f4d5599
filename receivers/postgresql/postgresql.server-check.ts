/** The receiver against a real server, in the engine as a user has it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { asText } from '../../pipeline/data/value.ts'
import { askServer, until } from '../../pipeline/testing/servers/asked-server.ts'
import factory from './index.ts'
import { metrics } from './metrics.ts'
import { type Shop, startShop } from './shop-server.ts'

const missing = 'PostgreSQL is not installed: node pipeline/testing/servers/install.ts installs it on Debian'

async function running(t: TestContext, more = '') {
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
    keys: '    tls: { insecure: true }\n',
    more,
  })
  return { shop, ...asked }
}

async function connect({ server }: Shop): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'shop' })
  client.on('error', () => {})
  await client.connect()
  return client
}

test('every metric that a lone server has comes, also of a database with a quote in its name', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  await at.shop.server.run(`CREATE DATABASE "it's"`)
  await until(
    () => at.points().some(({ resource }) => resource.attributes.get('postgresql.database.name') === "it's"),
    "it's",
  )
  const ofStandbys = ['postgresql.replication.data_delay', 'postgresql.wal.delay', 'postgresql.wal.lag']
  const expected = Object.keys(metrics).filter((name) => !ofStandbys.includes(name))
  const names = () => new Set(at.points().map(({ metric }) => metric.name))
  await until(() => expected.every((name) => names().has(name)), 'all metrics', 5_000).catch(() => {})
  assert.deepEqual([...names()].sort(), expected.sort())
})

test('who blocks whom stands in the samples, and no value of a statement anywhere', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  const [holder, waiter] = [await connect(at.shop), await connect(at.shop)]
  await holder.query("BEGIN; UPDATE sales.orders SET note = 'classified' WHERE id = 7")
  const waiting = waiter.query("UPDATE sales.orders SET note = 'classified' WHERE id = 7").catch(() => {})
  const isBlocked = () =>
    at
      .records('db.server.query_sample')
      .find((one) => one.attributes.get('postgresql.blocking.lock.type') === 'transactionid')
  await until(() => isBlocked() !== undefined, 'a blocked session')
  const { attributes } = isBlocked()!
  assert.match(asText(attributes.get('postgresql.blocking.pids')!), /^\{\d+\}$/)
  assert.equal(attributes.get('db.query.text'), 'UPDATE sales.orders SET note = ? WHERE id = ?')
  assert.equal(attributes.get('postgresql.wait_event_type'), 'Lock')
  await holder.query('ROLLBACK')
  await waiting
  await Promise.all([holder.end(), waiter.end()])
  assert.doesNotMatch(
    at.sink.received.map(({ batch }) => Buffer.concat(batch.chunks).toString('latin1')).join(),
    /classified/,
  )
})

test('a statement that takes time is a top query with its plan, and the receiver itself is none', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  const client = await connect(at.shop)
  const text = 'SELECT count ( * ) FROM sales.orders WHERE note = ?'
  await client.query("SELECT count(*) FROM sales.orders WHERE note = 'classified'")
  const found = () =>
    at.records('db.server.top_query').find(({ attributes }) => attributes.get('db.query.text') === text)
  await until(() => found() !== undefined, 'the top query')
  await client.end()
  const { attributes } = found()!
  assert.equal(attributes.get('postgresql.calls'), 1)
  assert.equal(attributes.get('db.namespace'), 'shop')
  assert.match(asText(attributes.get('postgresql.query_plan')!), /"Relation Name":"orders".*"Filter":"\( note = \?/)
  const own = at
    .records('db.server.top_query')
    .filter((one) => /pg_stat_user_tables|SET TRANSACTION/.test(asText(one.attributes.get('db.query.text')!)))
  assert.deepEqual(own.length, 0)
})

test('a server that goes away and comes back is read again', async (t) => {
  const at = await running(t)
  if (at === undefined) return
  await until(() => at.points().length > 0, 'the first points')
  await at.shop.server.stop()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  at.sink.received.length = 0
  await at.shop.server.start()
  await until(() => at.points().some(({ metric }) => metric.name === 'postgresql.rows'), 'points after the restart')
})
