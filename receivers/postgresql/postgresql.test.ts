import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../pipeline/config/config.ts'
import type { In, Logs, Metrics, Point } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import { Complaints } from '../../pipeline/scraping/complaints.ts'
import { ResourceMaker } from '../../pipeline/scraping/resource-attributes.ts'
import type { Row } from '../../pipeline/sql/answer.ts'
import { build } from '../../pipeline/testing/build.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { freePort } from '../../pipeline/testing/free-ports.ts'
import { config, type Settings } from './config.ts'
import type { Ask } from './connections.ts'
import factory from './index.ts'
import { metrics } from './metrics.ts'
import { type EventWorld, QuerySampleScraper } from './query-samples.ts'
import { resourceOf, type Shape } from './resource.ts'
import { MetricScraper, newRecorder } from './scrape-metrics.ts'
import { isExplainable } from './statement-text.ts'
import { TopQueryScraper } from './top-queries.ts'

/** What a real server (15.14) answered: `record.ts` asks it. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'answers.json'), 'utf8')) as {
  readonly [database: string]: { readonly [query: string]: readonly Row[] }
}

const credentials = { username: 'otel', password: 'secret' }
const legacy: Shape = { isFlat: false, hasSchema: false }

function world(
  settings: Record<string, unknown> = {},
  shape = legacy,
  change: (name: string, rows: readonly Row[]) => readonly Row[] = (_, rows) => rows,
) {
  const parsed: Settings = config.parse({ ...credentials, ...settings })
  const context = testContext({ kind: 'receiver', id: 'postgresql' })
  const asked: string[] = []
  const ask: Ask = async ({ name }, database) => {
    asked.push(`${database} ${name}`)
    const rows = recorded[database]?.[name]
    if (rows === undefined) throw Object.assign(new Error(`no ${name}`), { code: '42P01' })
    return change(name, rows)
  }
  const scope = { name: 'scope', version: '1' }
  const of: EventWorld = {
    settings: parsed,
    ask,
    clock: context.clock,
    complaints: new Complaints(context.clock, context.logger),
    shape,
    resource: resourceOf(parsed, shape),
    resources: new ResourceMaker(parsed.resource_attributes, 'events'),
    scope,
    logger: context.logger,
  }
  return { context, asked, world: of, metricScraper: new MetricScraper(of, newRecorder(of, scope, 1n)) }
}

const never = new AbortController().signal

function lineOf({ resource, metric, attributes, value }: Point & In): string {
  const of = (entries: Iterable<readonly [string, unknown]>) =>
    [...entries]
      .map(([key, one]) => `${key.split('.').at(-2) ?? ''}.${key.split('.').at(-1)}=${asText(one as never)}`)
      .join(' ')
  return `${of(resource.attributes.entries())} | ${metric.name} ${of(attributes.entries())} ${typeof value === 'object' ? value.double : value}`
}

const unreachable = 'endpoint: 127.0.0.1:1\nusername: otel\npassword: secret\ninitial_delay: 1h\n'
describeContract(factory, unreachable, { kind: 'receiver' })

test('what upstream refuses is refused in its words', () => {
  const cases: readonly (readonly [yaml: string, message: string])[] = [
    ['username: a', 'invalid config: missing password'],
    ['password: a', 'invalid config: missing username'],
    ['username: a\npassword: b\nendpoint: nowhere', "'endpoint' must be in the form <host>:<port>"],
    ['username: a\npassword: b\ntransport: udp', "'transport' must be 'tcp' or 'unix'"],
    ['username: a\npassword: b\ntls: { min_version: "1.2" }', "field 'MinVersion' not supported"],
    ['username: a\npassword: b\ncollection_interval: 0s', '"collection_interval": requires positive value'],
    [
      'username: a\npassword: b\nmetrics: { postgresql.rows: { attributes: [nothing] } }',
      "doesn't have an attribute nothing, valid attributes: [state, db.namespace, db.collection.name]",
    ],
    [
      'username: a\npassword: b\nmetrics: { postgresql.rows: { aggregation_strategy: most } }',
      'invalid aggregation strategy "most"',
    ],
    [
      'username: a\npassword: b\nresource_attributes: { service.name: { metrics_include: [{}] } }',
      'must specify either strict or regex',
    ],
  ]
  for (const [yaml, message] of cases)
    assert.throws(
      () => build(factory, yaml),
      (error) => error instanceof ConfigError && error.message.includes(message),
      message,
    )
})

test('by default there are the metrics that upstream has by default, with their resources', async () => {
  const { metricScraper, asked } = world()
  const { batch, errored } = await metricScraper.scrape(never)
  assert.equal(errored, 0)
  const names = new Set([...batch!].map(({ metric }) => metric.name))
  const expected = Object.entries(metrics).filter(([name, { enabled }]) => enabled && !absent.has(name))
  assert.deepEqual([...names].sort(), expected.map(([name]) => name).sort())
  assert.deepEqual(
    asked.filter((one) => /locks|functions|conflicts/.test(one)),
    [],
    'what is off is not asked for',
  )
  const lines = [...batch!].map(lineOf)
  const server = `instance.id=${hostname()}:5432`
  assert.ok(lines.includes(`${server} | postgresql.database.count  2`))
  assert.ok(
    lines.includes(`${server} database.name=shop table.name=sales.orders | postgresql.operations .operation=ins 5000`),
  )
  assert.ok(lines.some((line) => line.includes('table.name=orders index.name=orders_pkey | postgresql.index.scans')))
  const [sum] = [...batch!].filter(({ metric }) => metric.name === 'postgresql.commits')
  assert.deepEqual(
    [sum!.metric.type, sum!.metric.monotonic, sum!.metric.temporality, sum!.startUnixNano],
    ['sum', true, 'cumulative', 1n],
  )
})
/** The server that was recorded has no standby; lag is told by `postgresql.wal.delay`. */
const absent = new Set(['postgresql.replication.data_delay', 'postgresql.wal.lag'])

test('in the flat shape there is one resource, and points say of what they are', async () => {
  const { metricScraper } = world({}, { isFlat: true, hasSchema: false })
  const points = [...(await metricScraper.scrape(never)).batch!]
  assert.equal(new Set(points.map(({ resource }) => JSON.stringify([...resource.attributes.entries()]))).size, 1)
  assert.deepEqual(
    [...points[0]!.resource.attributes.entries()].map(([key]) => key),
    ['server.address', 'server.port', 'service.instance.id'],
  )
  const size = points.find(
    ({ metric, attributes }) =>
      metric.name === 'postgresql.table.size' && attributes.get('db.collection.name') === 'orders',
  )
  assert.equal(size!.attributes.get('db.namespace'), 'shop|sales')
})

test('what fails is counted, said once, and the rest goes on', async () => {
  const { metricScraper, context } = world({}, legacy, (name, rows) => {
    if (name === 'wal_age') throw Object.assign(new Error('permission denied'), { code: '42501' })
    return rows
  })
  for (let i = 0; i < 3; i++) {
    const { batch, errored } = await metricScraper.scrape(never)
    assert.equal(errored, 1)
    assert.ok(batch!.count > 50)
  }
  assert.deepEqual(
    context.recorded.lines.map(({ message }) => message),
    [
      'PostgreSQL did not answer the query wal_age in the database postgres: the role may not read it: GRANT pg_monitor to it.',
    ],
  )
})

test('a metric, an attribute and a resource that are turned off are not there, and points that become equal are joined', async () => {
  const { metricScraper } = world({
    metrics: { 'postgresql.commits': { enabled: false }, 'postgresql.operations': { attributes: [] } },
    resource_attributes: {
      'service.instance.id': { enabled: false },
      'postgresql.database.name': { metrics_exclude: [{ strict: 'postgres' }] },
      'service.namespace': { enabled: true, override_value: 'data' },
    },
  })
  const lines = [...(await metricScraper.scrape(never)).batch!].map(lineOf)
  assert.equal(
    lines.filter((line) => line.includes('postgresql.commits') || line.includes('database.name=postgres ')).length,
    0,
  )
  assert.ok(lines.every((line) => line.includes('service.namespace=data') && !line.includes('instance.id')))
  assert.equal(lines.filter((line) => line.includes('sales.orders | postgresql.operations')).length, 1)
})

test('top queries tell what statements grew by, without their values, and are not told twice over a reload', async () => {
  const { world: of, context } = world({ top_query_collection: { top_n_query: 3 } })
  const explained: string[] = []
  const explain = async (statement: string) => {
    explained.push(statement)
    return '[{"Plan": {"Node Type": "Seq Scan", "Total Cost": 1.50, "Filter": "(a = 5)"}}]'
  }
  const first = new TopQueryScraper(of, explain)
  const records = [...((await first.scrape(never)).batch as Logs)]
  assert.equal(records.length, 3)
  const times = records.map(({ attributes }) => Number(asText(attributes.get('postgresql.total_exec_time')!)))
  assert.deepEqual(
    times,
    times.toSorted((a, b) => b - a),
  )
  for (const { attributes, eventName } of records) {
    assert.equal(eventName, 'db.server.top_query')
    assert.doesNotMatch(asText(attributes.get('db.query.text')!), /it's me|\$\d/)
  }
  assert.ok(explained.length > 0)
  assert.ok(
    records.some(
      ({ attributes }) =>
        attributes.get('postgresql.query_plan') ===
        '[{"Plan":{"Node Type":"Seq Scan","Total Cost":1.50,"Filter":"( a = ? )"}}]',
    ),
  )
  await context.clock.advance(10_000)
  assert.equal((await first.scrape(never)).batch, undefined, 'it is not yet time')
  const second = new TopQueryScraper(of, explain)
  second.restore(first.save())
  assert.equal((await second.scrape(never)).batch, undefined, 'nothing grew')
})

test('a missing pg_stat_statements is said once, with the cure', async () => {
  const { world: of, context } = world({}, legacy, (name, rows) => {
    if (name === 'top_queries') throw Object.assign(new Error('no relation'), { code: '42P01' })
    return rows
  })
  const scraper = new TopQueryScraper(of, async () => '')
  assert.equal((await scraper.scrape(never)).errored, 1)
  await context.clock.advance(60_000)
  assert.equal((await scraper.scrape(never)).errored, 1)
  assert.equal(context.recorded.lines.length, 1)
  assert.match(context.recorded.lines[0]!.message, /CREATE EXTENSION pg_stat_statements/)
})

test('a query sample belongs to the trace that the application named, and a hidden one hides no other', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const { world: of } = world({}, legacy, (name, rows) =>
    name === 'query_samples'
      ? [
          { ...rows[0]!, application_name: trace, query: "SELECT 'secret'" },
          { ...rows[0]!, query: '<insufficient privilege>' },
        ]
      : rows,
  )
  const { batch, errored } = await new QuerySampleScraper(of).scrape(never)
  const [record, ...others] = [...batch!]
  assert.deepEqual([others.length, errored], [0, 1])
  assert.deepEqual([record!.traceId, record!.spanId], ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'])
  assert.equal(record!.attributes.get('db.query.text'), 'SELECT ?')
  assert.equal(record!.attributes.type('postgresql.total_exec_time'), 'double')
})

test('only statements that EXPLAIN takes are explained, comments before them or not', () => {
  for (const yes of ['SELECT 1', ' /* a */ -- b\n with x as (select 1) select 1', 'VALUES (1)'])
    assert.ok(isExplainable(yes), yes)
  for (const no of ['SET a = 1', '-- SELECT', '/* SELECT', '', 'VACUUM', ' '.repeat(100_000)])
    assert.ok(!isExplainable(no), no.slice(0, 20))
})

test('a server that is not there is said once, counted at each collection, and delays nothing', async () => {
  const port = await freePort()
  const { instance, context } = build(
    factory,
    `endpoint: 127.0.0.1:${port}\nusername: otel\npassword: secret\ntls: { insecure: true }\n`,
    { signals: ['metrics'] },
  )
  await instance.start?.()
  for (let i = 0; i < 50 && context.recorded.states.length < 2; i++) {
    await context.clock.advance(10_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await instance.shutdown?.(AbortSignal.timeout(5_000))
  assert.ok(context.recorded.states.length >= 2)
  assert.ok(context.recorded.states.every(({ state }) => state === 'recoverable'))
  assert.equal(context.recorded.lines.filter(({ level }) => level === 'error').length, 1)
  assert.doesNotMatch(JSON.stringify(context.recorded.lines), /secret/)
  assert.equal((context.recorded.emitted as readonly { batch: Metrics }[]).length, 0)
})
