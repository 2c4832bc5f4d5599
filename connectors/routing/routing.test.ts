import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { Rejected } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs, newMetrics, newTraces } from '../../pipeline/data/builders.ts'
import type { Batch, In, Logs, Metrics, Origin, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import { compileRule } from './compile.ts'
import factory from './index.ts'

const options: TestContextOptions = { signals: ['logs'], outputs: ['logs'], routes: ['logs/a', 'logs/b', 'logs/rest'] }
const table = (...items: string[]) => `default_pipelines: [logs/rest]\ntable: [${items.join(', ')}]`
const isTwo = `{context: log, condition: 'attributes["n"] == 2', pipelines: [logs/a]}`

describeContract(factory, table(isTwo), options)
await describeUpstream(factory, import.meta.dirname)

interface Detailed {
  readonly name: string
  readonly signal: 'traces' | 'logs' | 'metrics'
  readonly metadata?: Readonly<Record<string, readonly string[]>>
  readonly config: string
  readonly input: string
  readonly 0?: string
  readonly 1?: string
  readonly default?: string
}

const detailed = parse(await readFile(join(import.meta.dirname, 'testdata/detailed.yaml'), 'utf8')) as Detailed[]
suite('what goes where, as upstream tests it', () => {
  for (const one of detailed) {
    test(`${one.signal} ${one.name}`, async () => {
      const { signal } = one
      const routes = ['0', '1', 'default'].map((name) => `${signal}/${name}`)
      const { handle, context } = build(factory, one.config, { signals: [signal], outputs: [signal], routes })
      const origin: Origin = { metadata: new Map(Object.entries(one.metadata ?? {})) }
      await handle(batchOf(signal, one.input.split(' '), origin))
      const got = routes.map((route) => sentTo(context, route).flatMap(lettersOf).join(' '))
      assert.deepEqual(got, [one[0] ?? '', one[1] ?? '', one.default ?? ''])
    })
  }
})

/** Items by the letters of what they stand in. */
function batchOf(signal: Detailed['signal'], items: readonly string[], origin: Origin): Batch {
  const byScope = [...Map.groupBy(items, (item) => item.slice(0, 2))]
  const place = ([resource = '', scope = '']: Iterable<string>) =>
    [{ resourceName: `resource${resource}` }, `scope${scope}`] as const
  const [logs, traces, metrics] = [newLogs(origin), newTraces(origin), newMetrics(origin)]
  let last = ''
  for (const [letters, inScope] of byScope) {
    const [resource, scope] = place(letters)
    const builder = { logs, traces, metrics }[signal]
    if (letters[0] !== last) builder.resource(resource)
    last = letters[0] ?? ''
    builder.scope(scope)
    for (const item of inScope) {
      if (signal === 'logs') logs.record({ body: `log${item[2]}` })
      else if (signal === 'traces') traces.span({ name: `span${item[2]}` })
    }
    if (signal !== 'metrics') continue
    for (const [name, points] of Map.groupBy(inScope, (item) => item[2]))
      metrics.gauge(
        `metric${name}`,
        points.map((item) => ({ value: 1, attributes: { dpName: `dp${item[3]}` } })),
      )
  }
  return { logs, traces, metrics }[signal].build()
}

function lettersOf(batch: Batch): string[] {
  const end = (text: unknown) => String(text).slice(-1)
  const place = ({ resource, scope }: In) => `${end(resource.attributes.get('resourceName'))}${end(scope.name)}`
  if (batch.signal === 'logs') return [...(batch as Logs)].map((one) => `${place(one)}${end(one.body)}`)
  if (batch.signal === 'traces') return [...(batch as Traces)].map((one) => `${place(one)}${end(one.name)}`)
  return [...(batch as Metrics)].map(
    (one) => `${place(one)}${end(one.metric.name)}${end(one.attributes.get('dpName'))}`,
  )
}

function sentTo({ recorded }: TestContext, pipeline: string): Batch[] {
  return recorded.emitted.filter(({ route }) => route === pipeline).map(({ batch }) => batch)
}

const acme = '.*acme") == true'
const tenants = (first: string) => `default_pipelines: [S/default]
table:
  - {condition: 'IsMatch(attributes["X-Tenant"], "${acme}', ${first}pipelines: [S/0]}
  - {statement: 'route() where IsMatch(attributes["X-Tenant"], "_acme") == true', pipelines: [S/1]}
  - {statement: 'route() where attributes["X-Tenant"] == "ecorp"', pipelines: [S/default, S/0]}`
const byTenant: readonly (readonly [
  config: string,
  tenants: string,
  default_: string,
  first: string,
  second: string,
])[] = [
  [tenants(''), 'something-else', 'something-else', '', ''],
  [tenants(''), 'xacme', '', 'xacme', ''],
  [tenants(''), 'x_acme _acme', '', 'x_acme _acme', ''],
  [tenants(''), '_acme something-else', 'something-else', '_acme', ''],
  [tenants(''), 'ecorp', 'ecorp', 'ecorp', ''],
  [tenants('action: copy, '), 'xacme', 'xacme', 'xacme', ''],
  [tenants('action: copy, '), 'abc', 'abc', '', ''],
  [tenants('action: copy, '), '_acme', '', '_acme', '_acme'],
]
for (const signal of ['logs', 'traces', 'metrics'] as const) {
  for (const [config, all, ...wanted] of byTenant) {
    test(`${signal} of the tenants ${all}${config.includes('copy') ? ', copied first' : ''}`, async () => {
      const routes = ['default', '0', '1'].map((name) => `${signal}/${name}`)
      const yaml = config.replaceAll('S/', `${signal}/`)
      const { handle, context } = build(factory, yaml, { signals: [signal], outputs: [signal], routes })
      const builders = { logs: newLogs(), traces: newTraces(), metrics: newMetrics() }
      for (const tenant of all.split(' ')) {
        builders.logs.resource({ 'X-Tenant': tenant }).record({ body: 'x' })
        builders.traces.resource({ 'X-Tenant': tenant }).span({ name: 'x' })
        builders.metrics.resource({ 'X-Tenant': tenant }).gauge('x', [{ value: 1 }])
      }
      await handle(builders[signal].build())
      const got = routes.map((route) => sentTo(context, route).flatMap((batch) => tenantsOf(batch as Logs)))
      assert.deepEqual(
        got,
        wanted.map((text) => text.split(' ').filter((tenant) => tenant !== '')),
      )
    })
  }
  test(`${signal}, where paths name their contexts`, async () => {
    const item = { logs: 'log.severity_text', traces: 'span.name', metrics: 'metric.name' }[signal]
    const routes = ['prod', 'errors', 'rest'].map((name) => `${signal}/${name}`)
    const yaml = `default_pipelines: [${signal}/rest]
table:
  - {condition: 'resource.attributes["X-Tenant"] == "prod"', pipelines: [${signal}/prod]}
  - {condition: '${item} == "ERROR"', pipelines: [${signal}/errors]}`
    const sent = async (tenant: string, name: string) => {
      const { handle, context } = build(factory, yaml, { signals: [signal], outputs: [signal], routes })
      const batches = {
        logs: newLogs().resource({ 'X-Tenant': tenant }).record({ severityText: name }).build(),
        traces: newTraces().resource({ 'X-Tenant': tenant }).span({ name }).build(),
        metrics: newMetrics()
          .resource({ 'X-Tenant': tenant })
          .gauge(name, [{ value: 1 }])
          .build(),
      }
      await handle(batches[signal])
      return context.recorded.emitted.map(({ route }) => route)
    }
    assert.deepEqual(await sent('prod', 'INFO'), [`${signal}/prod`])
    assert.deepEqual(await sent('dev', 'ERROR'), [`${signal}/errors`])
    assert.deepEqual(await sent('dev', 'INFO'), [`${signal}/rest`])
    assert.deepEqual(await sent('prod', 'ERROR'), [`${signal}/prod`])
  })
}

function tenantsOf(batch: Logs): unknown[] {
  return [...batch].map(({ resource }) => resource.attributes.get('X-Tenant'))
}

const contexts: readonly (readonly [context: string, condition: string, level: string])[] = [
  ['', 'resource.attributes["env"] == "prod"', 'resource'],
  ['', 'attributes["env"] == "dev"', 'resource'],
  ['', 'log.body == "something"', 'log'],
  ['', 'log.attributes["level"] == "error"', 'log'],
  ['log', 'attributes["level"] == "error"', 'log'],
  ['', 'span.attributes["http.method"] == "GET"', 'span'],
  ['', 'span.name == "HTTP GET"', 'span'],
  ['span', 'attributes["http.method"] == "GET"', 'span'],
  ['', 'metric.name == "http_requests_total"', 'metric'],
  ['', 'datapoint.attributes["host"] == "server1"', 'datapoint'],
  ['datapoint', 'attributes["host"] == "server1"', 'datapoint'],
  ['', 'otelcol.client.metadata["foo"][0] == "bar"', 'batch'],
  ['otelcol', 'client.metadata["foo"][0] == "bar"', 'batch'],
  ['otelcol', 'grpc.metadata["client"][0] == "client.x"', 'batch'],
  ['', 'otelcol.client.metadata["foo"][0] == resource.attributes["tenant"]', 'resource'],
]
for (const [context, condition, level] of contexts) {
  test(`${context === '' ? 'without a context' : `in the context ${context}`}, ${condition} is asked of each ${level}`, () => {
    assert.equal(compileRule({ context: context as 'log', condition, statement: '' }).level, level)
  })
}

const valid: readonly string[] = [
  ...['span', 'metric', 'datapoint', 'log'].flatMap((context) => [
    `{context: ${context}, statement: 'route() where attributes["attr"] == "acme"', pipelines: [logs/a]}`.replace(
      context === 'metric' ? 'attributes["attr"]' : 'unchanged',
      'name',
    ),
    `{context: ${context}, condition: '${context === 'metric' ? 'name' : 'attributes["attr"]'} == "acme"', pipelines: [logs/a]}`,
  ]),
  `{condition: 'attributes["attr"] == "acme"', pipelines: [logs/a]}`,
  `{statement: 'route() where attributes["attr"] == "acme"', pipelines: [logs/a]}`,
  `{context: request, condition: 'request["attr"] == "acme"', pipelines: [logs/a]}`,
  `{context: otelcol, statement: 'route() where client.metadata["a"] == nil', pipelines: [logs/a]}`,
  `{context: otelcol, condition: 'client.metadata["a"] == nil', pipelines: [logs/a]}`,
  `{condition: 'attributes["attr"] == "acme"', action: copy, pipelines: [logs/a]}`,
  `{condition: 'attributes["attr"] == "acme"', action: move, pipelines: [logs/a]}`,
]
for (const item of valid) test(`accepted: ${item}`, () => void build(factory, table(item), options))

const refused: readonly (readonly [config: string, message: RegExp])[] = [
  ['', /invalid routing table: the routing table is empty/],
  ['table: []', /invalid routing table: the routing table is empty/],
  [table('{pipelines: [logs/a]}'), /invalid route: no condition or statement provided/],
  [table('{condition: "true", statement: route(), pipelines: [logs/a]}'), /both condition and statement provided/],
  [table('{condition: "true"}'), /invalid route: no pipelines defined/],
  [table('{context: invalid, condition: "true", pipelines: [logs/a]}'), /invalid context: invalid/],
  [table('{context: spanevent, condition: "true", pipelines: [logs/a]}'), /invalid context: spanevent/],
  [table('{context: request, statement: route(), pipelines: [logs/a]}'), /"request" context requires a 'condition'/],
  [
    table('{context: request, condition: \'resource["a"] == "b"\', pipelines: [logs/a]}'),
    /condition must have format 'request\["<name>"\] <comparator> <value>'/,
  ],
  [
    table('{context: request, condition: \'request["a"] == b\', pipelines: [logs/a]}'),
    /condition must have format 'request\["<name>"\] <comparator> "<value>"'/,
  ],
  [
    table('{context: request, condition: \'request["a"]\', pipelines: [logs/a]}'),
    /does not contain a valid comparator/,
  ],
  [
    table('{context: request, condition: \'request["a"] == "b" != "c"\', pipelines: [logs/a]}'),
    /condition contains multiple comparators/,
  ],
  [table('{condition: "true", action: drop, pipelines: [logs/a]}'), /invalid Action string: drop/],
  [table('{condition: "true", pipelines: [spam/a]}'), /in "spam\/a" id: unknown pipeline signal: "spam"/],
  [`match_once: true\n${table(isTwo)}`, /has invalid keys: match_once/],
  [`error_mode: loud\n${table(isTwo)}`, /unknown error mode loud/],
  [table(`{statement: 'set(resource.attributes["a"], 1)', pipelines: [logs/a]}`), /a route cannot use set/],
  [table(`{condition: 'x[', pipelines: [logs/a]}`), /1:\d+: .*\n +x\[/],
  [table(`{condition: 'span.nam == "x"', pipelines: [logs/a]}`), /nam/],
]
for (const [config, message] of refused) {
  test(`refused: ${config.replaceAll('\n', '; ')}`, () => {
    assert.throws(
      () => build(factory, config, options),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.match(error.problems.map((problem) => problem.message).join('\n'), message)
        return true
      },
    )
  })
}

test("a pipeline that does not start with the connector is refused, in upstream's words", () => {
  const missing = /^Error: pipeline not found: missing consumer: "logs\/z"$/
  assert.throws(() => build(factory, table('{condition: "true", pipelines: [logs/z]}'), options), missing)
  const routes = [...(options.routes ?? []), 'traces/a']
  assert.throws(
    () => build(factory, table('{condition: "true", pipelines: [traces/a]}'), { ...options, routes }),
    /missing consumer: "traces\/a"/,
  )
})

const numbered = (...numbers: number[]) => {
  const builder = newLogs().resource({})
  for (const n of numbers) builder.record({ body: 'x', attributes: { n } })
  return builder.build()
}

test('data that no route takes is counted where there is no default', async () => {
  const { handle, context } = build(factory, `table: [${isTwo}]`, options)
  await handle(numbered(1, 2, 3))
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'no_route', intent: 'intended' }])
})

test('points of every kind of metric are parted, and the rest of the metric stays with both parts', async () => {
  const point = (n: number) => ({ attributes: { n } })
  const batch = newMetrics()
    .resource({})
    .gauge(
      'gauge',
      [1, 2].map((value) => ({ value, ...point(value) })),
    )
    .sum(
      'sum',
      [1, 2].map((value) => ({ value, ...point(value) })),
      { monotonic: true, temporality: 'delta' },
    )
    .histogram(
      'histogram',
      [1, 2].map((n) => ({ count: 1n, counts: [1], bounds: [], ...point(n) })),
      { unit: 's' },
    )
    .summary(
      'summary',
      [1, 2].map((n) => ({ count: 1n, sum: 1, quantiles: [], ...point(n) })),
    )
    .build()
  const { handle, context } = build(
    factory,
    `{default_pipelines: [metrics/rest], table: [{context: datapoint, condition: 'attributes["n"] == 2', pipelines: [metrics/a]}]}`,
    { signals: ['metrics'], outputs: ['metrics'], routes: ['metrics/a', 'metrics/rest'] },
  )
  await handle(batch)
  const kinds = (n: number) => [
    ['gauge', 'gauge', 'none', false, '', n],
    ['sum', 'sum', 'delta', true, '', n],
    ['histogram', 'histogram', 'cumulative', false, 's', n],
    ['summary', 'summary', 'none', false, '', n],
  ]
  const got = (route: string) =>
    sentTo(context, route).flatMap((part) =>
      [...(part as Metrics)].map(({ metric, attributes }) => [
        metric.name,
        metric.type,
        metric.temporality,
        metric.monotonic,
        metric.unit,
        attributes.get('n'),
      ]),
    )
  assert.deepEqual([got('metrics/a'), got('metrics/rest')], [kinds(2), kinds(1)])
})

test('a batch that one route takes whole is not copied', async () => {
  const { handle, context } = build(factory, table(isTwo), options)
  const batch = numbered(2, 2)
  await handle(batch)
  assert.deepEqual(
    sentTo(context, 'logs/a').map(({ chunks }) => chunks),
    [batch.chunks],
  )
})

test('one pipeline that refuses keeps nothing from the others, and the sender hears it', async () => {
  const accept = (batch: Batch) => {
    if (batch.count === 1) throw new Rejected('full', { retryable: true, retryAfterMs: 7 })
  }
  const { handle, context } = build(factory, table(isTwo), { ...options, accept })
  await assert.rejects(handle(numbered(1, 2, 3)), {
    name: 'Rejected',
    message: 'full',
    retryable: true,
    retryAfterMs: 7,
  })
  assert.deepEqual(
    sentTo(context, 'logs/rest').map(({ count }) => count),
    [2],
  )
})

test('several refusals are one, that may be tried again only where each may', async () => {
  const accept = (batch: Batch) => {
    throw new Rejected(`no to ${batch.count}`, { retryable: batch.count === 1 })
  }
  const { handle } = build(factory, table(isTwo), { ...options, accept })
  await assert.rejects(handle(numbered(1, 2, 3)), { message: 'no to 1; no to 2', retryable: false })
})

test('a route that the table has already is ignored with a warning', async () => {
  const { handle, context } = build(factory, table(isTwo, isTwo.replace('logs/a', 'logs/b')), options)
  await handle(numbered(2))
  assert.deepEqual(
    context.recorded.lines.map(({ level }) => level),
    ['warn'],
  )
  assert.equal(sentTo(context, 'logs/b').length, 0)
})

test('the older context of requests is warned of', () => {
  const item = `{context: request, condition: 'request["a"] == "b"', pipelines: [logs/a]}`
  const { context } = build(factory, table(item), options)
  assert.match(context.recorded.lines[0]?.message ?? '', /request is deprecated; use otelcol.client.metadata/)
})

test('it tells which metadata it reads', () => {
  const reads = (...items: string[]) => factory.reads?.(build2(table(...items)))
  assert.deepEqual(reads(isTwo), {})
  assert.deepEqual(
    reads(
      `{context: request, condition: 'request["X-Tenant"] == "a"', pipelines: [logs/a]}`,
      `{condition: 'otelcol.client.metadata["zone"][0] == "a"', pipelines: [logs/a]}`,
    ),
    { metadata: ['x-tenant', 'zone'] },
  )
  assert.deepEqual(reads(`{condition: 'otelcol.client.metadata != nil', pipelines: [logs/a]}`), { metadata: 'all' })
})

function build2(yaml: string): unknown {
  return factory.config.parse(parse(yaml))
}
