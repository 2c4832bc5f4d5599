import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../pipeline/config/config.ts'
import type { In, Logs, Point } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { Complaints } from '../../pipeline/scraping/complaints.ts'
import { MetricRecorder } from '../../pipeline/scraping/metric-recorder.ts'
import { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import type { Row } from '../../pipeline/sql/answer.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { freePort } from '../../pipeline/testing/free-ports.ts'
import { config, type Settings, splitEndpoint } from './config.ts'
import type { Ask } from './connections.ts'
import { type EventWorld, QuerySampleScraper, TopQueryScraper } from './events.ts'
import factory, { resourceOf } from './index.ts'
import { type MetricName, metrics } from './metrics.ts'
import { Plans } from './plans.ts'
import { MetricScraper } from './scrape-metrics.ts'
import { isExplainable, planText } from './statement-text.ts'
import { isMySqlSince, type Version, versionOf } from './version.ts'

/** What a real server (MariaDB 10.11) answered: `record.ts` asks it. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'answers.json'), 'utf8')) as {
  readonly version: Version
  readonly answers: Readonly<Record<string, readonly Row[]>>
}
const mySql8: Version = { isMariaDb: false, text: '8.4.2' }

function world(
  settings: Record<string, unknown> = {},
  change: (name: string, rows: readonly Row[]) => readonly Row[] = (_, rows) => rows,
  version = recorded.version,
) {
  const parsed: Settings = config.parse(settings)
  const context = testContext({ kind: 'receiver', id: 'mysql' })
  const ask: Ask = async ({ name }) => change(name, recorded.answers[name] ?? [])
  const scope = { name: 'scope', version: '1' }
  const explain = async () =>
    '{"query_block": {"table": {"table_name": "a"}}, "note": "secret", "condition": "(a = 5)"}'
  const of: EventWorld = {
    settings: parsed,
    ask,
    version: async () => version,
    clock: context.clock,
    complaints: new Complaints(context.clock, context.logger),
    resource: resourceOf(parsed),
    resources: new ResourceMaker(parsed.resource_attributes, 'events'),
    scope,
    plans: new Plans(explain, context.logger, { size: 10, ttlMs: 0, nowMs: () => context.clock.nowMs() }),
  }
  const resources = new ResourceMaker(parsed.resource_attributes, 'metrics')
  const recorder = new MetricRecorder<MetricName>(metrics, parsed.metrics, { resources, scope, startUnixNano: 1n })
  return { context, world: of, scraper: new MetricScraper(of, recorder) }
}

const never = new AbortController().signal

function lineOf({ metric, attributes, value }: Point & In): string {
  const of = [...attributes.entries()].map(([key, one]) => `${key}=${asText(one)}`).join(' ')
  return `${metric.name} ${of} ${typeof value === 'object' ? value.double : value}`
}

describeContract(factory, 'endpoint: 127.0.0.1:1\ninitial_delay: 1h\n', { kind: 'receiver' })

test('what upstream refuses is refused', () => {
  for (const [yaml, message] of [
    ['collection_interval: 0s', '"collection_interval": requires positive value'],
    ['transport: carrier', 'unsupported transport type "carrier"'],
    [
      'metrics: { mysql.locks: { attributes: [a] } }',
      "metric mysql.locks doesn't have an attribute a, valid attributes: [kind]",
    ],
    ['top_query_collection: { lookback_time: -1 }', 'lookback_time'],
  ] as const)
    assert.throws(
      () => build(factory, yaml),
      (error) => error instanceof ConfigError && error.message.includes(message),
      message,
    )
})

test('TLS is off without its section, and on with it', () => {
  assert.equal(config.parse({}).tls.insecure, true)
  assert.equal(config.parse({ tls: {} }).tls.insecure, false)
})

test('an endpoint may have an IPv6 address, and no port', () => {
  assert.deepEqual(splitEndpoint('[::1]:3307'), { host: '::1', port: 3307 })
  assert.deepEqual(splitEndpoint('db'), { host: 'db', port: 3306 })
})

test('by default there are the metrics that upstream has by default', async () => {
  const { scraper } = world()
  const { batch, errored } = await scraper.scrape(never)
  assert.equal(errored, 0)
  const names = new Set([...batch!].map(({ metric }) => metric.name))
  const expected = Object.entries(metrics).filter(([name, { enabled }]) => enabled && !absent.has(name))
  assert.deepEqual([...names].sort(), expected.map(([name]) => name).sort())
  const keys = [...[...batch!][0]!.resource.attributes.entries()].map(([key]) => key)
  assert.deepEqual(keys, ['mysql.instance.endpoint', 'service.instance.id'])
})

/** MariaDB has no X protocol, and counts no rows of InnoDB since 10.6. */
const absent = new Set(['mysql.mysqlx_connections', 'mysql.mysqlx_worker_threads', 'mysql.row_operations'])

test('clean pages are those that are not dirty, and a number that cannot be is no point', async () => {
  const { scraper } = world({ metrics: { 'mysql.client.network.io': { enabled: true } } }, (name) =>
    name === 'global_status'
      ? Object.entries({
          Innodb_buffer_pool_pages_data: '10',
          Innodb_buffer_pool_pages_dirty: '3',
          Innodb_buffer_pool_pages_misc: '18446744073709551600',
          Bytes_sent: '9007199254740995',
        }).map(([Variable_name, Value]) => ({ Variable_name, Value }))
      : [],
  )
  assert.deepEqual([...(await scraper.scrape(never)).batch!].map(lineOf), [
    'mysql.buffer_pool.data_pages status=dirty 3',
    'mysql.buffer_pool.data_pages status=clean 7',
    'mysql.buffer_pool.pages kind=data 10',
    'mysql.client.network.io kind=sent 9007199254740995',
  ])
})

test('what the server says no to is counted as upstream counts it, said once, and the rest goes on', async () => {
  const { scraper, context } = world({}, (name, rows) => {
    if (name === 'index_io_waits') throw Object.assign(new Error('SELECT command denied'), { errno: 1142 })
    return rows
  })
  for (let i = 0; i < 3; i++) assert.equal((await scraper.scrape(never)).errored, 8)
  assert.deepEqual(
    context.recorded.lines.map(({ message }) => message),
    ['MySQL did not answer the query index_io_waits.'],
  )
})

test('a statement is a top query from its second time on, by what it grew, over a reload too', async () => {
  const statement = {
    schema: 'shop',
    digest: 'd',
    digest_text: 'SELECT ? FROM a',
    sample_text: "SELECT 'secret' FROM a",
  }
  let times = 0
  const answer = () => [{ ...statement, count_star: String(++times * 2), sum_timer_wait: String(times * 3e12) }]
  const { world: of } = world({ top_query_collection: { collection_interval: '1s' } }, answer, mySql8)
  const first = new TopQueryScraper(of)
  assert.equal((await first.scrape(never)).batch, undefined)
  const second = new TopQueryScraper(of)
  second.restore(first.save())
  const [record] = [...((await second.scrape(never)).batch as Logs)]
  assert.deepEqual(Object.fromEntries([...record!.attributes.entries()].map(([key, value]) => [key, asText(value)])), {
    'db.system.name': 'mysql',
    'db.query.text': 'SELECT ? FROM a',
    'mysql.query_plan': '{"query_block":{"table":{"table_name":"a"}},"note":"?","condition":"( a = ? )"}',
    'mysql.query_plan.hash': 'd',
    'mysql.events_statements_summary_by_digest.digest': 'd',
    'mysql.events_statements_summary_by_digest.count_star': '2',
    'mysql.events_statements_summary_by_digest.sum_timer_wait': '3',
  })
})

test('a sample has its client, its trace and no values', async () => {
  const row = {
    digest_text: "SELECT 'secret'",
    sql_text: "SELECT 'secret'",
    host: '[::1]:4000',
    thread_id: '7',
    wait_time: '0.5',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }
  const { world: of } = world({}, () => [row, { ...row, digest_text: '' }])
  const [record, ...others] = [...(await new QuerySampleScraper(of).scrape(never)).batch!]
  assert.equal(others.length, 0)
  const { attributes, traceId } = record!
  assert.equal(traceId, '0af7651916cd43dd8448eb211c80319c')
  assert.deepEqual(
    ['db.query.text', 'client.address', 'client.port', 'mysql.threads.thread_id'].map((key) => attributes.get(key)),
    ['SELECT ?', '::1', 4000, 7],
  )
})

test('servers are told apart by what they say of their version', () => {
  assert.deepEqual(versionOf('5.5.5-10.11.6-MariaDB-log'), { isMariaDb: true, text: '10.11.6' })
  assert.deepEqual(versionOf('8.0.36-0ubuntu0.22.04.1'), { isMariaDb: false, text: '8.0.36' })
  assert.deepEqual(
    ['8.0.21', '8.0.22', '8.4.0', '5.7.44', ''].map((text) => isMySqlSince({ isMariaDb: false, text }, [8, 0, 22])),
    [false, true, true, false, false],
  )
})

test('only statements that EXPLAIN never runs are explained, and a plan that is no JSON is refused', () => {
  assert.ok(isExplainable('/* a */ select 1') && isExplainable('REPLACE INTO a VALUES (1)'))
  assert.ok(!isExplainable('CALL p()') && !isExplainable('SET a = 1'))
  assert.throws(() => planText('{"a": '), SyntaxError)
})

test('a server that is not there is said once and delays nothing', async () => {
  const port = await freePort()
  const { instance, context } = build(factory, `endpoint: 127.0.0.1:${port}\npassword: hidden\n`, {
    signals: ['metrics'],
  })
  await instance.start?.()
  for (let i = 0; i < 50 && context.recorded.states.length < 2; i++) {
    await context.clock.advance(10_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await instance.shutdown?.(AbortSignal.timeout(5_000))
  assert.ok(context.recorded.states.length >= 2)
  assert.equal(context.recorded.lines.filter(({ level }) => level === 'error').length, 1)
  assert.doesNotMatch(JSON.stringify(context.recorded.lines), /hidden/)
})
