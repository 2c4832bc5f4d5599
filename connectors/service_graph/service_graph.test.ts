import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { SpanInit } from '../../pipeline/data/items.ts'
import type { Metrics, Traces, Value } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'store: {ttl: 1s}')
await describeUpstream(factory, import.meta.dirname)

type Attributes = Readonly<Record<string, Value>>
const trace = (n: number) => String(n).padStart(32, 'a')
const id = (n: number) => String(n).padStart(16, 'b')
const [serverKind, clientKind, producerKind, consumerKind] = [2, 3, 4, 5]

/** A span of a second, unless said otherwise. */
function span(traceNumber: number, kind: number, of: SpanInit = {}): SpanInit {
  const isClient = kind === clientKind || kind === producerKind
  const ids = isClient ? { spanId: id(1) } : { spanId: id(2), parentSpanId: id(1) }
  const [startUnixNano, endUnixNano] = [1_000_000_000n, 2_000_000_000n]
  return { traceId: trace(traceNumber), kind, startUnixNano, endUnixNano, ...ids, ...of }
}
function of(service: string, spans: readonly SpanInit[], attributes: Attributes = {}): Traces {
  const builder = newTraces().resource({ 'service.name': service, ...attributes })
  for (const one of spans) builder.span(one)
  return builder.build()
}

async function open(yaml = '', options: TestContextOptions = {}) {
  const { instance, context, handle } = build(factory, yaml, options)
  await instance.start?.()
  return { instance, context, handle, clock: context.clock }
}

interface PlainPoint {
  readonly metric: string
  readonly attributes: Attributes
  readonly value: number
  readonly sum: number | undefined
  readonly startMs: number
  readonly timeMs: number
}
const startNano = 1_700_000_000_000_000_000n
/** Of the batch that was sent last. */
function points({ recorded }: TestContext): PlainPoint[] {
  const last = recorded.emitted.at(-1)
  if (last === undefined) return []
  return [...(last.batch as Metrics)].map((point) => ({
    metric: point.metric.name.replace('traces_service_graph_request_', ''),
    attributes: Object.fromEntries(point.attributes.entries()),
    value: point.distribution === undefined ? Number(point.value) : Number(point.distribution.count),
    sum: point.distribution?.sum,
    startMs: Number(point.startUnixNano - startNano) / 1e6,
    timeMs: Number(point.timeUnixNano - startNano) / 1e6,
  }))
}
const totals = (context: TestContext) => points(context).filter(({ metric }) => metric === 'total')
const counter = ({ recorded }: TestContext, rest: string) =>
  recorded.sums.get(`otelcol_connector_servicegraph_${rest}`) ?? 0
const gauge = ({ recorded }: TestContext, rest: string) =>
  recorded.gauges.get(`otelcol_connector_servicegraph_${rest}`)?.()

test('a client and a server span of one request are an edge, whichever comes first', async () => {
  for (const order of [0, 1]) {
    const { handle, context, clock } = await open('dimensions: [some, nobody]')
    const client = of('a', [span(1, clientKind, { attributes: { some: 'val' } })])
    const server = of('b', [span(1, serverKind, { endUnixNano: 3_000_000_000n })])
    for (const batch of order === 0 ? [client, server] : [server, client]) await handle(batch)
    await clock.advance(60_000)
    const attributes = { client: 'a', server: 'b', connection_type: '', failed: false, client_some: 'val' }
    const common = { attributes, value: 1, startMs: 0, timeMs: 60_000 }
    assert.deepEqual(points(context), [
      { metric: 'total', sum: undefined, ...common },
      { metric: 'server', sum: 2, ...common },
      { metric: 'client', sum: 1, ...common },
    ])
    assert.equal(counter(context, 'total_edges'), 1)
  }
})

test('an edge is failed when one of its spans is an error, and counted beside those that are not', async () => {
  const { handle, context, clock } = await open()
  for (const [n, code, which] of [
    [1, 2, 0],
    [2, 2, 1],
    [3, 1, 0],
  ] as const) {
    await handle(of('a', [span(n, clientKind, { status: { code: which === 0 ? code : 0 } })]))
    await handle(of('b', [span(n, serverKind, { status: { code: which === 1 ? code : 0 } })]))
  }
  await clock.advance(60_000)
  const counts = points(context).map(({ metric, value, attributes }) => [metric, attributes['failed'], value])
  assert.deepEqual(counts.slice(0, 3), [
    ['total', true, 2],
    ['total', false, 1],
    ['failed_total', true, 2],
  ])
})

test('producers and consumers are a messaging system, with the latency of both', async () => {
  const { handle, context, clock } = await open()
  await handle(of('a', [span(1, producerKind)]))
  await handle(of('b', [span(1, consumerKind)]))
  await clock.advance(60_000)
  assert.deepEqual(totals(context)[0]!.attributes, {
    client: 'a',
    server: 'b',
    connection_type: 'messaging_system',
    failed: false,
  })
})

const databases: readonly (readonly [
  name: string,
  yaml: string,
  ofResource: Attributes,
  ofSpan: Attributes,
  server: string,
])[] = [
  ['db.name of the span', '', {}, { 'db.name': 'orders' }, 'orders'],
  ['the resource wins', '', { 'db.name': 'r' }, { 'db.name': 's' }, 'r'],
  [
    'the first name wins',
    'database_name_attributes: [db.namespace, db.name]',
    {},
    { 'db.name': 'n', 'db.namespace': 'ns' },
    'ns',
  ],
  ['the next name where the first is missing', 'database_name_attributes: [x, db.name]', {}, { 'db.name': 'n' }, 'n'],
  ['an empty list is the default', 'database_name_attributes: []', {}, { 'db.name': 'n' }, 'n'],
  ['a number is a name', '', {}, { 'db.name': 7 }, '7'],
]
for (const [name, yaml, ofResource, ofSpan, server] of databases)
  test(`a database sends no span: ${name}`, async () => {
    const { handle, context, clock } = await open(yaml)
    await handle(of('a', [span(1, clientKind, { attributes: ofSpan })], ofResource))
    await clock.advance(60_000)
    const [total] = totals(context)
    assert.deepEqual([total!.attributes['server'], total!.attributes['connection_type']], [server, 'database'])
    assert.deepEqual(
      points(context)
        .slice(1)
        .map(({ sum }) => sum),
      [1, 1],
    )
  })

const lonely: readonly (readonly [name: string, yaml: string, one: SpanInit, expected: Attributes | undefined])[] = [
  [
    'a server of which only the client tells',
    '',
    span(1, clientKind, { attributes: { 'peer.service': 'AuthTokenCache' } }),
    { client: 'me', server: 'AuthTokenCache', connection_type: 'virtual_node', failed: false },
  ],
  [
    'a server that nobody names',
    'virtual_node_extra_label: true',
    span(1, clientKind),
    { client: 'me', server: 'unknown', connection_type: 'virtual_node', failed: false, virtual_node: 'server' },
  ],
  [
    'a client of a root span',
    'virtual_node_extra_label: true',
    span(1, serverKind, { parentSpanId: '' }),
    { client: 'user', server: 'me', connection_type: 'virtual_node', failed: false, virtual_node: 'client' },
  ],
  ['none for a client whose span was lost', '', span(1, serverKind), undefined],
  ['none without peer attributes', 'virtual_node_peer_attributes: []', span(1, clientKind), undefined],
  [
    'the first peer attribute wins',
    'virtual_node_peer_attributes: [db.system, peer.service]',
    span(1, clientKind, { attributes: { 'peer.service': 'p', 'db.system': 'redis' } }),
    { client: 'me', server: 'redis', connection_type: 'virtual_node', failed: false },
  ],
]
for (const [name, yaml, one, expected] of lonely)
  test(`a virtual node: ${name}`, async () => {
    const { handle, context, clock } = await open(`metrics_flush_interval: 5s\n${yaml}`)
    await handle(of('me', [one]))
    await clock.advance(5_000)
    assert.deepEqual(totals(context)[0]?.attributes, expected)
    assert.equal(counter(context, 'expired_edges'), 1)
  })

test('virtual_node is empty on an edge that has both spans', async () => {
  const { handle, context, clock } = await open('virtual_node_extra_label: true')
  await handle(of('a', [span(1, clientKind)]))
  await handle(of('b', [span(1, serverKind)]))
  await clock.advance(60_000)
  assert.equal(totals(context)[0]!.attributes['virtual_node'], '')
})

test('a full store drops the span, counted, and still completes the edges that it has', async () => {
  const { handle, context, clock } = await open('store: {max_items: 1}')
  await handle(of('a', [span(1, clientKind), span(2, clientKind)]))
  assert.deepEqual([counter(context, 'dropped_spans'), gauge(context, 'waiting_edges')], [1, 1])
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'store_full', intent: 'lost' }])
  await handle(of('b', [span(1, serverKind)]))
  await handle(of('a', [span(3, clientKind)]))
  assert.deepEqual([counter(context, 'total_edges'), gauge(context, 'waiting_edges')], [2, 1])
  await clock.advance(60_000)
  assert.equal(totals(context).find(({ attributes }) => attributes['server'] === 'b')!.value, 1)
})

test('an edge waits for ttl from its first span on, and is looked for every store_expiration_loop', async () => {
  const { handle, context, clock } = await open('store: {ttl: 3s}\nstore_expiration_loop: 2s')
  await handle(of('a', [span(1, clientKind)]))
  await clock.advance(2_000)
  await handle(of('a', [span(1, clientKind)]))
  await clock.advance(1_999)
  assert.equal(gauge(context, 'waiting_edges'), 1)
  await clock.advance(1)
  assert.equal(gauge(context, 'waiting_edges'), 0)
})

test('a series that no edge came to for 15 minutes is forgotten; one that comes back says since when it counts', async () => {
  for (const yaml of ['', 'exponential_histogram_max_size: 160']) {
    const { handle, context, clock } = await open(yaml)
    const edge = async (n: number, name: string) => {
      await handle(of('a', [span(n, clientKind)]))
      await handle(of(name, [span(n, serverKind)]))
    }
    await edge(1, 'b')
    await clock.advance(15 * 60_000)
    assert.equal(gauge(context, 'series'), 1)
    await clock.advance(60_000)
    assert.equal(gauge(context, 'series'), 0)
    await edge(2, 'b')
    await clock.advance(60_000)
    assert.deepEqual(
      totals(context).map(({ value, startMs }) => [value, startMs]),
      [[1, 16 * 60_000]],
    )
  }
})

test('there are never more series than max_series and one for what overflowed', async () => {
  const { handle, context, clock } = await open('max_series: 3')
  for (let n = 0; n < 10; n++) await handle(of('a', [span(n, clientKind, { attributes: { 'db.name': `db ${n}` } })]))
  await clock.advance(60_000)
  assert.deepEqual(
    totals(context).map(({ value, attributes }) => [value, attributes['otel.metric.overflow'] ?? false]),
    [
      [1, false],
      [1, false],
      [1, false],
      [7, true],
    ],
  )
  assert.equal(counter(context, 'overflows'), 7)
})

test('dimensions come from the resource, or else from the span, of each side', async () => {
  const { handle, context, clock } = await open('dimensions: [x, y, z]')
  await handle(of('a', [span(1, clientKind, { attributes: { x: 'span', y: 2 } })], { x: 'resource' }))
  await handle(of('b', [span(1, serverKind, { attributes: { z: true } })]))
  await clock.advance(60_000)
  const { client_x, client_y, client_z, server_x, server_z } = totals(context)[0]!.attributes
  assert.deepEqual([client_x, client_y, client_z, server_x, server_z], ['resource', '2', undefined, undefined, 'true'])
})

test('exponential histograms have the buckets of upstream', async () => {
  const { handle, context, clock } = await open('exponential_histogram_max_size: 4')
  await handle(of('a', [span(1, clientKind)]))
  await handle(of('b', [span(1, serverKind, { endUnixNano: 3_000_000_000n })]))
  await clock.advance(60_000)
  const latencies = [...(context.recorded.emitted[0]!.batch as Metrics)].slice(1).map(({ metric, distribution }) => {
    const { scale, zeroCount, positive } = distribution!.exponential!
    return [metric.unit, distribution!.min, distribution!.max, scale, zeroCount, positive.offset, [...positive.counts]]
  })
  assert.deepEqual(latencies, [
    ['s', 2, 2, 20, 0n, 1_048_575, [1n]],
    ['s', 1, 1, 20, 0n, -1, [1n]],
  ])
})

test('a span that ends before it begins took no time', async () => {
  const { handle, context, clock } = await open()
  await handle(of('a', [span(1, clientKind, { endUnixNano: 5n, attributes: { 'db.name': 'x' } })]))
  await clock.advance(60_000)
  assert.equal(points(context)[1]!.sum, 0)
})

test('metrics_timestamp_offset dates every metric back', async () => {
  const { handle, context, clock } = await open('metrics_timestamp_offset: 10s')
  await handle(of('a', [span(1, clientKind, { attributes: { 'db.name': 'x' } })]))
  await clock.advance(60_000)
  assert.deepEqual(
    points(context).map(({ timeMs }) => timeMs),
    [50_000, 50_000, 50_000],
  )
})

test('with metrics_flush_interval 0 metrics go with each request, and a refusal does not reach the sender of spans', async () => {
  const { handle, context } = await open('metrics_flush_interval: 0', {
    accept: () => {
      throw new Rejected('full', { retryable: true })
    },
  })
  await handle(of('a', [span(1, clientKind, { attributes: { 'db.name': 'x' } })]))
  assert.deepEqual(context.recorded.drops, [{ items: 3, reason: 'refused_downstream', intent: 'lost' }])
})

test('weigh_by_sampling counts an edge as often as its spans stand for', async () => {
  for (const [yaml, expected] of [
    ['', 1],
    ['weigh_by_sampling: true', 4],
  ] as const) {
    const { handle, context, clock } = await open(yaml)
    await handle(of('a', [span(1, clientKind, { traceState: 'ot=th:c', status: { code: 2 } })]))
    await handle(of('b', [span(1, serverKind, { traceState: 'ot=th:c' })]))
    await clock.advance(60_000)
    assert.deepEqual(
      points(context).map(({ value }) => value),
      [expected, expected, expected, expected],
    )
  }
})

test('spans of a resource without service.name are counted as dropped', async () => {
  const { handle, context } = await open()
  await handle(newTraces().resource({}).span(span(1, clientKind)).build())
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'no_service_name', intent: 'intended' }])
})

test('at shutdown the edges that are complete are sent, and the others counted as lost', async () => {
  const { handle, context, instance } = await open()
  await handle(of('a', [span(1, clientKind, { attributes: { 'db.name': 'x' } }), span(2, clientKind)]))
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.equal(totals(context)[0]!.value, 1)
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'incomplete_edge', intent: 'lost' }])
})

for (const yaml of ['dimensions: [x]', 'exponential_histogram_max_size: 5'])
  test(`over a reload edges find their other span, and counts go on: ${yaml}`, async () => {
    const first = await open(yaml)
    await first.handle(of('a', [span(1, clientKind, { attributes: { x: 1 } }), span(2, clientKind)]))
    await first.handle(of('b', [span(1, serverKind)]))
    const state = await first.instance.save!()
    await first.instance.shutdown?.(AbortSignal.timeout(1_000))
    assert.deepEqual([first.context.recorded.emitted, first.context.recorded.drops], [[], []])
    const next = build(factory, yaml)
    await next.instance.restore!(state)
    await next.instance.start?.()
    await next.handle(of('b', [span(2, serverKind)]))
    await next.handle(of('a', [span(3, clientKind, { attributes: { x: 1 } })]))
    await next.handle(of('b', [span(3, serverKind)]))
    await next.context.clock.advance(60_000)
    const counts = totals(next.context).map(({ value }) => value)
    assert.deepEqual(counts, yaml.startsWith('dim') ? [2, 1] : [3])
  })

test('under settings that make other series, a reload sends the last counts, and edges still find their other span', async () => {
  const first = await open()
  await first.handle(of('a', [span(1, clientKind), span(2, clientKind)]))
  await first.handle(of('b', [span(1, serverKind)]))
  const state = await first.instance.save!()
  const next = build(factory, 'latency_histogram_buckets: [1s]')
  await next.instance.restore!(state)
  await next.instance.start?.()
  await next.context.clock.advance(0)
  assert.deepEqual(
    totals(next.context).map(({ value }) => value),
    [1],
  )
  await next.handle(of('b', [span(2, serverKind)]))
  await next.context.clock.advance(60_000)
  assert.deepEqual(
    totals(next.context).map(({ value }) => value),
    [1],
  )
})

describeRefusals(factory, [
  ['exponential_histogram_max_size: -1', '`exponential_histogram_max_size` can not be negative'],
  [
    '{latency_histogram_buckets: [1s], exponential_histogram_max_size: 5}',
    'use either `latency_histogram_buckets` or `exponential_histogram_max_size`',
  ],
])
