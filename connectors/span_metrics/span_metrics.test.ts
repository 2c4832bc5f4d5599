import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Rejected } from '../../pipeline/component.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { SpanInit } from '../../pipeline/data/items.ts'
import type { Metrics, Traces, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeAccepted, describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import { compileGlob } from './glob.ts'
import factory from './index.ts'

describeContract(factory, 'metrics_flush_interval: 1s')
await describeUpstream(factory, import.meta.dirname)

const resource = { 'service.name': 'shop' }
/** A span of a millisecond, unless said otherwise. */
function span(of: SpanInit = {}): SpanInit {
  return { name: 'ping', kind: 2, startUnixNano: 1_000_000n, endUnixNano: 2_000_000n, ...of }
}
function traces(spans: readonly SpanInit[], of: Readonly<Record<string, Value>> = resource): Traces {
  const builder = newTraces().resource(of)
  for (const one of spans) builder.span(one)
  return builder.build()
}

async function open(yaml: string, options: TestContextOptions = {}) {
  const body = yaml.startsWith('metrics_flush_interval') ? yaml : `metrics_flush_interval: 1s\n${yaml}`
  const { instance, context, handle } = build(factory, body, options)
  await instance.start?.()
  const flush = async (ms = 1_000): Promise<PlainPoint[]> => {
    const before = context.recorded.emitted.length
    await context.clock.advance(ms)
    return pointsOf(context, before)
  }
  return { instance, context, handle, clock: context.clock, flush }
}

interface PlainPoint {
  readonly metric: string
  readonly attributes: Readonly<Record<string, Value>>
  readonly resource: Readonly<Record<string, Value>>
  readonly value: number
  readonly startMs: number
  readonly timeMs: number
  readonly exemplars: number
}
const startNano = 1_700_000_000_000_000_000n
function pointsOf({ recorded }: TestContext, from = 0): PlainPoint[] {
  return recorded.emitted.slice(from).flatMap(({ batch }) =>
    [...(batch as Metrics)].map((point) => ({
      metric: point.metric.name.replace('traces.span.metrics.', ''),
      attributes: Object.fromEntries(point.attributes.entries()),
      resource: Object.fromEntries(point.resource.attributes.entries()),
      value: point.distribution === undefined ? Number(point.value) : Number(point.distribution.count),
      startMs: Number(point.startUnixNano - startNano) / 1e6,
      timeMs: Number(point.timeUnixNano - startNano) / 1e6,
      exemplars: point.exemplars.length,
    })),
  )
}
const values = (points: readonly PlainPoint[], metric: string) =>
  points.filter((point) => point.metric === metric).map(({ value }) => value)
const sum = (points: readonly PlainPoint[], metric: string) => values(points, metric).reduce((a, b) => a + b, 0)
const counter = ({ recorded }: TestContext, rest: string) =>
  recorded.sums.get(`otelcol_connector_spanmetrics_${rest}`) ?? 0
const gauge = ({ recorded }: TestContext, rest: string) =>
  recorded.gauges.get(`otelcol_connector_spanmetrics_${rest}`)?.()

test('a cumulative series is 0 when it is first sent, so that its rise is seen; its histogram is not', async () => {
  const { handle, flush } = await open('')
  await handle(traces([span(), span()]))
  const first = await flush()
  assert.deepEqual([values(first, 'calls'), values(first, 'duration')], [[0], [2]])
  assert.deepEqual(values(await flush(), 'calls'), [2])
})

const gatesOf = (id: string, enabled: boolean): TestContextOptions => ({
  engine: { featureGates: [{ id, enabled, stage: 'Alpha', description: '' }] },
})
const attributeCases: readonly {
  name: string
  yaml: string
  options?: TestContextOptions
  of?: SpanInit
  expected: Readonly<Record<string, Value>>
}[] = [
  {
    name: 'all of them',
    yaml: '',
    expected: {
      'service.name': 'shop',
      'span.name': 'ping',
      'span.kind': 'SPAN_KIND_SERVER',
      'status.code': 'STATUS_CODE_UNSET',
      'collector.instance.id': 'instance-under-test',
    },
  },
  {
    name: 'none',
    yaml: 'exclude_dimensions: [service.name, span.name, span.kind, status.code, collector.instance.id, wrong]',
    expected: {},
  },
  {
    name: 'without the instance under its feature gate',
    yaml: 'exclude_dimensions: [service.name, span.name, span.kind]',
    options: gatesOf('connector.spanmetrics.includeCollectorInstanceID', false),
    expected: { 'status.code': 'STATUS_CODE_UNSET' },
  },
  {
    name: 'the other name of the status under its feature gate, where there is one',
    yaml: 'exclude_dimensions: [service.name, span.name, span.kind, collector.instance.id]',
    options: gatesOf('spanmetrics.statusCodeConvention.useOtelPrefix', true),
    of: { status: { code: 2 } },
    expected: { 'otel.status_code': 'ERROR' },
  },
  {
    name: 'no status under that gate for a span without one',
    yaml: 'exclude_dimensions: [service.name, span.name, span.kind, collector.instance.id]',
    options: gatesOf('spanmetrics.statusCodeConvention.useOtelPrefix', true),
    expected: {},
  },
  {
    name: 'an unknown kind and an unknown status are empty',
    yaml: 'exclude_dimensions: [service.name, span.name, collector.instance.id]',
    of: { kind: 99, status: { code: 7 } },
    expected: { 'span.kind': '', 'status.code': '' },
  },
]
for (const { name, yaml, options, of, expected } of attributeCases)
  test(`default dimensions: ${name}`, async () => {
    const { handle, flush } = await open(yaml, options)
    await handle(traces([span(of)]))
    for (const { attributes } of await flush()) assert.deepEqual(attributes, expected)
  })

const bare = 'exclude_dimensions: [service.name, span.name, span.kind, status.code, collector.instance.id]\n'
const dimensionCases: readonly {
  name: string
  yaml: string
  ofResource?: Readonly<Record<string, Value>>
  attributes?: Readonly<Record<string, Value>>
  expected: Readonly<Record<string, Value>>
}[] = [
  { name: 'a default', yaml: '[{name: foo, default: bar}]', expected: { foo: 'bar' } },
  { name: 'nothing without a default', yaml: '[{name: foo}]', expected: {} },
  { name: 'an attribute of the span', yaml: '[{name: foo}]', attributes: { foo: 99 }, expected: { foo: 99 } },
  { name: 'an attribute of the resource', yaml: '[{name: foo}]', ofResource: { foo: 99 }, expected: { foo: 99 } },
  {
    name: 'the span wins over the resource',
    yaml: '[{name: foo}]',
    attributes: { foo: 100 },
    ofResource: { foo: 99 },
    expected: { foo: 100 },
  },
  {
    name: 'name and glob, of span and resource',
    yaml: '[{name: http.method}, {glob: "db.*"}]',
    attributes: { 'http.method': 'GET', 'http.status': '200', 'db.system': 'postgres' },
    ofResource: { 'db.name': 'users' },
    expected: { 'http.method': 'GET', 'db.system': 'postgres', 'db.name': 'users' },
  },
  {
    name: 'the span wins over the resource for a glob',
    yaml: '[{glob: env}]',
    attributes: { env: 'prod' },
    ofResource: { env: 'dev' },
    expected: { env: 'prod' },
  },
  { name: 'a glob that matches nothing', yaml: '[{glob: "db.*"}]', attributes: { 'http.method': 'GET' }, expected: {} },
  {
    name: 'two globs that match the same',
    yaml: '[{glob: "db.*"}, {glob: "d*.name"}]',
    attributes: { 'db.name': 'users' },
    expected: { 'db.name': 'users' },
  },
  {
    name: 'an empty value is a value',
    yaml: '[{name: foo, default: bar}]',
    attributes: { foo: '' },
    expected: { foo: '' },
  },
]
for (const { name, yaml, ofResource, attributes, expected } of dimensionCases)
  for (const kind of ['dimensions', 'calls_dimensions'])
    test(`${kind}: ${name}`, async () => {
      const { handle, flush } = await open(`${bare}${kind}: ${yaml}`)
      await handle(traces([span({ attributes: attributes ?? {} })], { ...resource, ...ofResource }))
      const [calls] = await flush()
      assert.deepEqual(calls!.attributes, expected)
    })

test('texts that join to the same are different series', async () => {
  const { handle, flush } = await open('dimensions: [{name: a}, {name: b}]')
  await handle(traces([span({ attributes: { a: 'x' } }), span({ attributes: { b: 'x' } }), span({ name: 'pingx' })]))
  assert.equal(values(await flush(), 'calls').length, 3)
})

test('a number and the text that reads alike are one series, which has the type of the first', async () => {
  const { handle, flush } = await open(`${bare}dimensions: [{name: code}]`)
  await handle(traces([200, '200', 200].map((code) => span({ attributes: { code } }))))
  await flush()
  assert.deepEqual(
    (await flush()).map(({ attributes, value }) => [attributes['code'], value]),
    [
      [200, 3],
      [200, 3],
    ],
  )
})

test('metrics that have dimensions of their own have series of their own', async () => {
  const { handle, flush } = await open(
    `${bare}dimensions: [{name: s}]\ncalls_dimensions: [{name: i, default: "0"}]\nhistogram: {dimensions: [{name: d, default: "0.0"}]}`,
  )
  await handle(traces([span({ attributes: { s: 'a', i: 1 } }), span({ attributes: { s: 'a', i: 2 } })]))
  const points = await flush()
  assert.deepEqual(
    points.map(({ metric, attributes }) => [metric, attributes]),
    [
      ['calls', { s: 'a', i: 1 }],
      ['calls', { s: 'a', i: 2 }],
      ['duration', { s: 'a', d: '0.0' }],
    ],
  )
  assert.deepEqual(values(points, 'duration'), [2])
})

test('events look dimensions up in span, event and resource, in this order', async () => {
  const { handle, flush } = await open(
    `${bare}events: {enabled: true, dimensions: [{name: a}, {name: b}, {name: c}, {name: d, default: none}, {glob: "x.*"}]}`,
  )
  const event = { name: 'e', attributes: { a: 'event', b: 'event', 'x.1': 'event', 'x.2': 'event' } }
  const of = { a: 'resource', b: 'resource', c: 'resource', 'x.2': 'resource', 'x.3': 'resource' }
  await handle(
    traces([span({ attributes: { a: 'span', 'x.1': 'span' }, events: [event, { name: 'f' }] })], {
      ...resource,
      ...of,
    }),
  )
  const events = (await flush()).filter(({ metric }) => metric === 'events')
  assert.deepEqual(
    events.map(({ attributes }) => attributes),
    [
      { a: 'span', b: 'event', c: 'resource', d: 'none', 'x.1': 'span', 'x.2': 'event', 'x.3': 'resource' },
      { a: 'span', b: 'resource', c: 'resource', d: 'none', 'x.1': 'span', 'x.2': 'resource', 'x.3': 'resource' },
    ],
  )
})

test('events that repeat what the resource says are one series with those that do not', async () => {
  const { handle, flush } = await open(`${bare}events: {enabled: true, dimensions: [{glob: "k.*"}]}`)
  const events = [{ attributes: { 'k.b': '2' } }, { attributes: { 'k.b': '2', 'k.a': '1' } }]
  await handle(traces([span({ events })], { ...resource, 'k.a': '1' }))
  assert.equal(values(await flush(), 'events').length, 1)
})

for (const [state, count, method] of [
  ['ot=th:8', 2, 'extrapolated'],
  ['ot=th:c', 4, 'extrapolated'],
  ['ot=th:0', 1, 'extrapolated'],
  ['', 1, 'counted'],
  ['ot=rv:abcdabcdabcdff', 1, 'counted'],
  ['invalid-state', 1, 'counted'],
  ['ot=th:xyz', 1, 'counted'],
  ['other=value', 1, 'counted'],
  ['ot=th:1', 1, 'extrapolated'],
  ['ot=th:8,other=value', 2, 'extrapolated'],
] as const)
  test(`a span with tracestate "${state}" counts ${count} times, and is ${method}`, async () => {
    const { handle, flush } = await open(
      'enable_metrics_sampling_method: true\nevents: {enabled: true, dimensions: [{name: a}]}',
    )
    await handle(traces([span({ traceState: state, events: [{ name: 'e' }] })]))
    await flush()
    const points = await flush()
    for (const metric of ['calls', 'duration', 'events']) assert.equal(sum(points, metric), count, metric)
    for (const { attributes } of points) assert.equal(attributes['sampling.method'], method)
  })

test('a span that stands for two and a half is rounded by chance, so that the sum is right', async () => {
  let turn = 0
  const { handle, flush } = await open('', { random: () => (turn++ % 2) * 0.9 })
  // th:999999999999 keeps four of ten.
  await handle(traces(Array.from({ length: 10 }, () => span({ traceState: 'ot=th:99999999999998' }))))
  await flush()
  assert.deepEqual(values(await flush(), 'calls'), [25])
})

test('mixed tracestates are two series with sampling.method, and one without', async () => {
  for (const [yaml, series] of [
    ['enable_metrics_sampling_method: true', 2],
    ['', 1],
  ] as const) {
    const { handle, flush } = await open(yaml)
    await handle(traces(['ot=th:8', '', 'invalid-state'].map((traceState) => span({ traceState }))))
    await flush()
    const points = await flush()
    assert.deepEqual([values(points, 'calls').length, sum(points, 'calls')], [series, 4])
  }
})

test('what is beyond aggregation_cardinality_limit goes into one series, per resource and metric, and is counted', async () => {
  const { handle, flush, context } = await open(
    'aggregation_cardinality_limit: 2\nexemplars: {enabled: true}\nevents: {enabled: true, dimensions: [{name: a}]}',
  )
  const spans = Array.from({ length: 5 }, (_, i) =>
    span({ name: `operation ${i}`, traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), events: [{ name: 'e' }] }),
  )
  for (const region of ['a', 'b', 'a', 'b']) await handle(traces(spans, { ...resource, region }))
  const first = await flush()
  assert.equal(first.find(({ attributes }) => attributes['otel.metric.overflow'] === true)!.exemplars, 0)
  const points = await flush()
  for (const region of ['a', 'b'])
    for (const metric of ['calls', 'duration', 'events']) {
      const own = points.filter((point) => point.metric === metric && point.resource['region'] === region)
      assert.deepEqual(
        own.map(({ value, attributes }) => [value, attributes['otel.metric.overflow'] ?? false]),
        [
          [2, false],
          [2, false],
          [6, true],
        ],
      )
    }
  assert.equal(counter(context, 'overflows{limit="aggregation_cardinality_limit"}'), 4 * 3 * 2)
})

test('there are never more series than max_series and one a resource and metric for what overflowed', async () => {
  const { handle, flush, context } = await open('max_series: 10')
  for (let i = 0; i < 50; i++) await handle(traces([span({ name: `operation ${i}` })]))
  assert.equal(gauge(context, 'series'), 11)
  await flush()
  assert.equal(sum(await flush(), 'calls'), 50)
  assert.equal(counter(context, 'overflows{limit="max_series"}'), 40)
})

test('series_expiration forgets a series, sends it no more, and lets it begin anew', async () => {
  const { handle, flush, context } = await open('series_expiration: 1500ms')
  await handle(traces([span({ name: 'a' })]))
  await flush()
  await handle(traces([span({ name: 'b' })]))
  // 2 s after `a` came: it is sent once more, and then forgotten.
  assert.deepEqual(values(await flush(), 'calls'), [1, 0])
  await handle(traces([span({ name: 'b' })]))
  assert.deepEqual(values(await flush(), 'calls'), [2])
  assert.deepEqual([counter(context, 'expired_series'), gauge(context, 'series')], [1, 1])
  await handle(traces([span({ name: 'a' })]))
  const anew = (await flush()).find(({ attributes }) => attributes['span.name'] === 'a')!
  assert.deepEqual([anew.value, anew.startMs], [0, 3_000])
})

test('series_expiration is an hour unless said otherwise, and 0 is never', async () => {
  const { handle, flush, context } = await open('metrics_flush_interval: 60s\nmetrics_expiration: 0')
  const forever = await open('metrics_flush_interval: 60s\nseries_expiration: 0')
  for (const { handle: take } of [{ handle }, forever]) await take(traces([span()]))
  await flush(3_599_000)
  assert.equal(gauge(context, 'series'), 1)
  await flush(2_000)
  await forever.flush(4_000_000)
  assert.deepEqual([gauge(context, 'series'), gauge(forever.context, 'series')], [0, 1])
})

test('what overflows does not expire while spans come', async () => {
  const { handle, flush } = await open('aggregation_cardinality_limit: 1\nseries_expiration: 2500ms')
  for (let i = 0; i < 6; i++) {
    await handle(traces([span({ name: `operation ${i}` }), span({ name: 'operation 0' })]))
    await flush()
  }
  assert.deepEqual(values(await flush(), 'calls'), [7, 5])
})

test('metrics_expiration sends a resource once more, as upstream, and forgets it', async () => {
  const { handle, flush } = await open('metrics_expiration: 500ms')
  const of = (name: string) => traces([span()], { 'service.name': name })
  await handle(of('a'))
  await handle(of('b'))
  assert.equal((await flush()).length, 4)
  await handle(of('x'))
  assert.equal((await flush()).length, 6)
  await handle(of('x'))
  assert.equal((await flush()).length, 2)
})

test('resource_metrics_cache_size: the resource that was longest not seen is sent once more and forgotten', async () => {
  const { handle, flush, context } = await open('resource_metrics_cache_size: 2')
  const of = (...names: string[]) => {
    const builder = newTraces()
    for (const name of names) builder.resource({ 'service.name': name }).span(span())
    return builder.build()
  }
  await handle(of('a', 'b', 'c'))
  assert.equal((await flush()).length, 6)
  await handle(of('b', 'c'))
  assert.equal((await flush()).length, 4)
  assert.equal(counter(context, 'evicted_resources'), 1)
})

test('a resource that had to leave goes on where it was when it comes back before the flush', async () => {
  const { handle, flush } = await open('resource_metrics_cache_size: 2')
  for (const name of ['a', 'b', 'c', 'a']) await handle(traces([span()], { 'service.name': name }))
  const points = (await flush()).filter(
    ({ metric, resource: of }) => metric === 'duration' && of['service.name'] === 'a',
  )
  assert.deepEqual(
    points.map(({ value }) => value),
    [2],
  )
})

test('made-up resources do not fill the memory: those that leave are sent at once, with what they counted', async () => {
  const { handle, context } = await open('resource_metrics_cache_size: 10')
  for (let i = 0; i < 100; i++) await handle(traces([span()], { 'service.name': `service ${i}` }))
  assert.ok(Number(gauge(context, 'series')) <= 20, String(gauge(context, 'series')))
  const early = pointsOf(context)
  assert.ok(sum(early, 'calls') >= 80)
  assert.deepEqual(new Set(values(early, 'calls')), new Set([1]))
})

test('resource_metrics_key_attributes: resources that agree in them are one', async () => {
  const { handle, flush } = await open('resource_metrics_key_attributes: [service.name]')
  for (let i = 0; i < 5; i++) await handle(traces([span()], { ...resource, pod: `p${i}` }))
  await flush()
  const points = await flush()
  assert.deepEqual([values(points, 'calls'), points[0]!.resource], [[5], { ...resource, pod: 'p0' }])
})

test('resources are one whatever the order of their attributes, and differ by the type of a value', async () => {
  const { handle, flush } = await open('')
  await handle(traces([span()], { 'service.name': 'a', x: 1, y: 2 }))
  await handle(traces([span()], { y: 2, x: 1, 'service.name': 'a' }))
  await handle(traces([span()], { y: 2, x: '1', 'service.name': 'a' }))
  await flush()
  assert.deepEqual(values(await flush(), 'calls'), [2, 1])
})

test('resource attributes stay out under the feature gate, unless add_resource_attributes', async () => {
  const gate = gatesOf('connector.spanmetrics.excludeResourceMetrics', true)
  for (const [yaml, options, expected] of [
    ['', {}, resource],
    ['', gate, {}],
    ['add_resource_attributes: true', gate, resource],
    ['add_resource_attributes: true', {}, resource],
  ] as const) {
    const { handle, flush } = await open(yaml, options)
    await handle(traces([span()]))
    assert.deepEqual((await flush())[0]!.resource, expected)
  }
})

test('names and units follow namespace, histogram.unit and the feature gates', async () => {
  for (const [yaml, options, name, unit, value] of [
    ['', {}, 'traces.span.metrics.duration', 'ms', 1],
    ['namespace: ""', {}, 'duration', 'ms', 1],
    ['namespace: my', {}, 'my.duration', 'ms', 1],
    ['', gatesOf('connector.spanmetrics.legacyMetricNames', true), 'duration', 'ms', 1],
    ['namespace: my', gatesOf('connector.spanmetrics.legacyMetricNames', true), 'my.duration', 'ms', 1],
    [
      '',
      gatesOf('connector.spanmetrics.useSecondAsDefaultMetricsUnit', true),
      'traces.span.metrics.duration',
      's',
      0.001,
    ],
    ['histogram: {unit: S}', {}, 'traces.span.metrics.duration', 's', 0.001],
  ] as const) {
    const { handle, context, clock } = await open(yaml, options)
    await handle(traces([span()]))
    await clock.advance(1_000)
    const point = [...(context.recorded.emitted[0]!.batch as Metrics)].at(-1)!
    assert.deepEqual([point.metric.name, point.metric.unit, point.distribution!.sum], [name, unit, value])
  }
})

for (const [yaml, bounds] of [
  ['{}', [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000]],
  ['{unit: s}', [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1, 1.4, 2, 5, 10, 15]],
  ['{explicit: {buckets: [1ms, 30ms, 1.5s, 100us]}}', [1, 30, 1500, 0.1]],
  ['{unit: s, explicit: {buckets: [3ns, 1s, 1h]}}', [3e-9, 1, 3600]],
  ['{explicit: {}}', []],
] as const)
  test(`the bounds of histogram: ${yaml}`, async () => {
    const { handle, context, clock } = await open(`histogram: ${yaml}`)
    await handle(traces([span()]))
    await clock.advance(1_000)
    const { distribution } = [...(context.recorded.emitted[0]!.batch as Metrics)].at(-1)!
    assert.deepEqual([[...distribution!.bounds], distribution!.counts.length], [bounds, bounds.length + 1])
  })

test('a bound is the last value of its bucket, and what ends before it began took no time', async () => {
  const { handle, context, clock } = await open('histogram: {explicit: {buckets: [1ms, 2ms]}}')
  const lasting = (ns: bigint) => span({ startUnixNano: 10n ** 9n, endUnixNano: 10n ** 9n + ns })
  await handle(traces([1_000_000n, 1_000_001n, 2_000_000n, 5_000_000n, 0n, -7n].map(lasting)))
  await clock.advance(1_000)
  const { distribution } = [...(context.recorded.emitted[0]!.batch as Metrics)].at(-1)!
  assert.deepEqual([...distribution!.counts], [3n, 2n, 1n])
})

const two = traces([span({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) })])
test('cumulative points reach from the first span to now, whatever lies between', async () => {
  const { handle, flush, clock } = await open('')
  await clock.advance(500)
  await handle(two)
  await flush(500)
  await handle(traces([span()], { 'service.name': 'other' }))
  const points = (await flush()).filter(({ resource: of }) => of['service.name'] === 'shop')
  assert.deepEqual(
    points.map(({ startMs, timeMs }) => [startMs, timeMs]),
    [
      [500, 2_000],
      [500, 2_000],
    ],
  )
})

test('delta points begin where the one before ended, even after a pause, and count only what is new', async () => {
  const { handle, flush } = await open('aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA')
  await handle(two)
  const first = await flush()
  assert.deepEqual(await flush(), [])
  await handle(two)
  const second = await flush()
  assert.deepEqual(
    [...first, ...second].map(({ metric, value, startMs, timeMs }) => [metric, value, startMs, timeMs]),
    [
      ['calls', 1, 0, 1_000],
      ['duration', 1, 0, 1_000],
      ['calls', 1, 1_000, 3_000],
      ['duration', 1, 1_000, 3_000],
    ],
  )
})

for (const histogram of ['{}', '{exponential: {}}'])
  test(`delta series of resources that agree in service and span are dated apart: histogram ${histogram}`, async () => {
    const { handle, flush } = await open(
      `aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA\nhistogram: ${histogram}\nevents: {enabled: true, dimensions: [{name: a}]}`,
    )
    const starts: unknown[] = []
    for (const pods of [['a', 'b'], ['a'], ['b'], ['a', 'b']]) {
      for (const pod of pods) await handle(traces([span({ events: [{ name: 'e' }] })], { ...resource, pod }))
      const points = await flush()
      for (const pod of pods) {
        const own = points.filter((point) => point.resource['pod'] === pod)
        assert.deepEqual(
          own.map(({ metric }) => metric),
          ['calls', 'duration', 'events'],
        )
        starts.push([pod, ...new Set(own.map(({ startMs }) => startMs))])
      }
    }
    assert.deepEqual(starts, [
      ['a', 0],
      ['b', 0],
      ['a', 1_000],
      ['b', 1_000],
      ['a', 2_000],
      ['b', 3_000],
    ])
  })

test('metric_timestamp_cache_size: a delta series that fell out of the cache begins when it is seen', async () => {
  const { handle, flush } = await open(
    'aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA\nmetric_timestamp_cache_size: 1',
  )
  for (const name of ['a', 'b', 'a']) {
    await handle(traces([span()], { 'service.name': name }))
    const [point] = await flush()
    if (name === 'b') continue
    assert.equal(point!.startMs, point!.timeMs - 1_000)
  }
})

test('exemplars are on the points of one flush, at most max_per_data_point, and never of a span without a trace', async () => {
  for (const [most, expected] of [
    ['{enabled: true}', 5],
    ['{enabled: true, max_per_data_point: 2}', 2],
    ['{enabled: true, max_per_data_point: 0}', 0],
    ['{enabled: false}', 0],
  ] as const)
    for (const histogram of ['{}', '{exponential: {}}']) {
      const { handle, flush } = await open(
        `exemplars: ${most}\nhistogram: ${histogram}\nevents: {enabled: true, dimensions: [{name: a}]}`,
      )
      const one = span({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), events: [{ name: 'e' }] })
      await handle(traces([span({ events: [{ name: 'e' }] }), ...Array.from({ length: 9 }, () => one)]))
      assert.deepEqual(
        (await flush()).map(({ exemplars }) => exemplars),
        [expected, expected, expected],
      )
      assert.deepEqual(
        (await flush()).map(({ exemplars }) => exemplars),
        [0, 0, 0],
      )
    }
})

test('exemplars of deltas are on the points of one flush too', async () => {
  const { handle, flush } = await open(
    'aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA\nexemplars: {enabled: true}',
  )
  for (let i = 0; i < 2; i++) {
    await handle(two)
    assert.deepEqual(
      (await flush()).map(({ exemplars }) => exemplars),
      [1, 1],
    )
  }
})

test('an exemplar has the duration, the ids and the time of the flush', async () => {
  const { handle, context, clock } = await open('exemplars: {enabled: true}')
  await handle(two)
  await clock.advance(1_000)
  const [exemplar] = [...(context.recorded.emitted[0]!.batch as Metrics)][0]!.exemplars
  assert.deepEqual(
    [exemplar!.traceId, exemplar!.spanId, exemplar!.timeUnixNano, exemplar!.value],
    ['a'.repeat(32), 'b'.repeat(16), startNano + 1_000_000_000n, double(1)],
  )
})

for (const [scope, version, expected] of [
  ['express', '1.0.0', { 'span.instrumentation.scope.name': 'express', 'span.instrumentation.scope.version': '1.0.0' }],
  ['express', '', { 'span.instrumentation.scope.name': 'express' }],
  ['other', '1.0.0', {}],
  ['', '1.0.0', {}],
] as const)
  test(`include_instrumentation_scope: [express] for the scope "${scope}" ${version}`, async () => {
    const { handle, flush } = await open(`${bare}include_instrumentation_scope: [express, ""]`)
    await handle(newTraces().resource(resource).scope(scope, { version }).span(span()).build())
    assert.deepEqual((await flush())[0]!.attributes, expected)
  })

test('spans of different scopes are different series where the scope is a dimension', async () => {
  const { handle, flush } = await open('include_instrumentation_scope: [a, b]')
  const batch = newTraces().resource(resource)
  for (const scope of ['a', 'b', 'c', 'd']) batch.scope(scope).span(span())
  await handle(batch.build())
  await flush()
  assert.deepEqual(values(await flush(), 'calls'), [1, 1, 2])
})

test('spans of a resource without service.name are counted as dropped; a name that is no text is empty', async () => {
  const { handle, flush, context } = await open('')
  await handle(traces([span(), span()], { 'host.name': 'h' }))
  assert.deepEqual(await flush(), [])
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'no_service_name', intent: 'intended' }])
  await handle(traces([span()], { 'service.name': 5 }))
  assert.equal((await flush())[0]!.attributes['service.name'], '')
})

test('when what follows refuses, spans are still accepted and the points are counted as lost', async () => {
  const refuse = () => {
    throw new Rejected('full', { retryable: true })
  }
  const { handle, flush, context } = await open('', { accept: refuse })
  await handle(traces([span()]))
  await flush()
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'refused_downstream', intent: 'lost' }])
})

test('at shutdown everything is sent, the true counts included', async () => {
  const { handle, instance, context } = await open('')
  await handle(traces([span(), span()]))
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(values(pointsOf(context), 'calls'), [2])
})

for (const yaml of [
  '',
  'histogram: {exponential: {max_size: 5}}',
  'aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA',
  'calls_dimensions: [{name: c}]\nevents: {enabled: true, dimensions: [{name: a}]}\nexemplars: {enabled: true}',
  'aggregation_cardinality_limit: 1\nresource_metrics_cache_size: 1',
])
  test(`over a reload counts go on as if nothing had happened: ${yaml.replaceAll('\n', ', ')}`, async () => {
    const batches = Array.from({ length: 6 }, (_, i) =>
      traces(
        [
          span({
            name: 'a',
            endUnixNano: BigInt(2 + i) * 1_000_000n,
            attributes: { c: i % 2 },
            events: [{ name: 'e' }],
          }),
          span({ name: `b${i % 3}`, traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }),
        ],
        { 'service.name': `s${i % 2}` },
      ),
    )
    const played = async (reloads: boolean): Promise<unknown> => {
      let { instance, context, handle, flush } = await open(yaml)
      const all: PlainPoint[] = []
      for (const [i, batch] of batches.entries()) {
        await handle(batch)
        all.push(...(await flush()))
        if (!reloads || i !== 2) continue
        const state = await instance.save!()
        const emitted = context.recorded.emitted.length
        await instance.shutdown?.(AbortSignal.timeout(1_000))
        assert.equal(context.recorded.emitted.length, emitted, 'what was handed on is not sent')
        const next = build(factory, `metrics_flush_interval: 1s\n${yaml}`)
        await next.context.clock.advance(3_000)
        await next.instance.restore!(state)
        await next.instance.start?.()
        ;({ instance, context, handle } = next)
        flush = async () => {
          const before = next.context.recorded.emitted.length
          await next.context.clock.advance(1_000)
          return pointsOf(next.context, before)
        }
      }
      return all
    }
    assert.deepEqual(await played(true), await played(false))
  })

for (const yaml of [
  '',
  'histogram: {exponential: {}}',
  'aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA',
  '{aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA, histogram: {exponential: {}}}',
])
  test(`spans that come while a flush is written belong to the next one: ${yaml}`, async () => {
    const { context, clock, handle } = await open(yaml.replace(/^\{(.*)\}$/, '$1').replace(', h', '\nh'))
    // Each look at the time is later than a slice lasts, so that other work gets in wherever it may.
    let ms = 0
    clock.nowMs = () => (ms += 1_000)
    const batch = traces(Array.from({ length: 1_000 }, (_, i) => span({ name: `call ${i}` })))
    const { emitted } = context.recorded
    for (let flush = 1; flush <= 2; flush++) {
      await handle(batch)
      const advanced = clock.advance(1_000)
      // Comes once the flush is under way.
      for (let i = 0; i < 3; i++) await setImmediate()
      assert.equal(emitted.length, flush - 1)
      await handle(batch)
      await advanced
      while (emitted.length < flush) await setImmediate()
    }
    const isDelta = yaml.includes('DELTA')
    const counts = (from: number, metric: string) =>
      [
        ...new Set(
          pointsOf(context, from)
            .filter((point) => point.metric === metric)
            .map(({ value }) => value),
        ),
      ].join()
    assert.equal(counts(1, 'calls'), isDelta ? '2' : '3')
    assert.equal(counts(1, 'duration'), isDelta ? '2' : '3')
    assert.equal(counts(0, 'duration'), isDelta ? '1,2' : '1,3')
  })

test('under settings that make other series, a reload sends the last counts of the old ones', async () => {
  const { handle, instance } = await open('')
  await handle(traces([span(), span()]))
  const state = await instance.save!()
  const next = build(factory, 'dimensions: [{name: a}]')
  await next.instance.restore!(state)
  await next.instance.start?.()
  await next.context.clock.advance(0)
  assert.deepEqual(values(pointsOf(next.context), 'calls'), [2])
  assert.equal(next.context.recorded.gauges.get('otelcol_connector_spanmetrics_series')!(), 0)
})

test('settings that change nothing about series let them go on', async () => {
  const { handle, instance } = await open('')
  await handle(traces([span(), span()]))
  const state = await instance.save!()
  const next = build(factory, 'metrics_flush_interval: 5s\nmax_series: 7')
  await next.instance.restore!(state)
  await next.instance.start?.()
  await next.handle(traces([span()]))
  await next.context.clock.advance(10_000)
  assert.deepEqual(values(pointsOf(next.context), 'calls'), [0, 3])
})

describeRefusals(factory, [
  ['dimensions: [{name: service.name}]', 'failed validating dimensions: duplicate dimension name "service.name"'],
  ['dimensions: [{name: a}, {name: a}]', 'failed validating dimensions: duplicate dimension name "a"'],
  ['calls_dimensions: [{name: a}, {name: a}]', 'failed validating calls dimensions: duplicate dimension name "a"'],
  [
    'histogram: {dimensions: [{name: a}, {name: a}]}',
    'failed validating histogram dimensions: duplicate dimension name "a"',
  ],
  ['events: {enabled: true}', 'failed validating event dimensions: no dimensions configured for events'],
  [
    'events: {enabled: true, dimensions: [{name: a}, {name: a}]}',
    'failed validating event dimensions: duplicate dimension name "a"',
  ],
  [
    'dimensions: [{name: http.method, glob: "http.*"}]',
    'dimension entry must set only one of `name` or `glob`, got both: name="http.method" glob="http.*"',
  ],
  ['dimensions: [{}]', 'dimension entry must set one of `name` or `glob`'],
  ['dimensions: [{glob: "db.*", default: x}]', '`default` is not supported on `glob` dimension "db.*"'],
  ['dimensions: [{glob: "db.["}]', 'invalid dimension glob "db.[": unexpected end of input'],
  ['dimensions: [{glob: "service.*"}]', 'duplicate dimension name "service.name" conflicting with glob "service.*"'],
  [
    'dimensions: [{name: http.method}, {glob: "http.*"}]',
    'duplicate dimension name "http.method" conflicting with glob "http.*"',
  ],
  [
    'histogram: {explicit: {buckets: [10ms]}, exponential: {max_size: 10}}',
    'use either `explicit` or `exponential` buckets histogram',
  ],
  ['histogram: {unit: h}', 'unknown Unit "h", allowed units are "ms" and "s"'],
  ['metrics_flush_interval: -1s', 'invalid metrics_flush_interval: -1s, the duration should be positive'],
  ['metrics_flush_interval: 0s', 'invalid metrics_flush_interval: 0s, the duration should be positive'],
  ['metrics_expiration: -1s', 'invalid metrics_expiration: -1s, the duration should be positive'],
  ['series_expiration: -1s', 'invalid series_expiration: -1s, the duration should be positive'],
  [
    '{aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA, metric_timestamp_cache_size: 0}',
    'invalid delta timestamp cache size: 0, the maximum number of the items in the cache should be positive',
  ],
  ['aggregation_cardinality_limit: -1', 'invalid aggregation_cardinality_limit: -1, the limit should be positive'],
  [
    'exemplars: {enabled: true, max_per_data_point: -1}',
    'invalid max_per_data_point: -1, the value should be positive',
  ],
  ['resource_metrics_cache_size: 0', 'must provide a positive size'],
])

describeAccepted(factory, [
  'events: {enabled: false}',
  'dimensions: [{name: http.service_name}, {name: http.status_code}]',
  'dimensions: [{name: http.method}, {glob: "db.*"}]',
  'metric_timestamp_cache_size: 0',
  'aggregation_temporality: CUMULATIVE',
  'dimensions_cache_size: 500',
])

const globs: readonly (readonly [glob: string, matches: readonly string[], others: readonly string[]])[] = [
  ['db.*', ['db.name', 'db.'], ['db', 'db.a.b', 'xdb.a']],
  ['db.**', ['db.name', 'db.a.b'], ['db']],
  ['k8s.*.name', ['k8s.pod.name'], ['k8s.pod.label.name', 'k8s..x.name']],
  ['db.**.name', ['db.a.name', 'db.a.b.name'], ['db.name']],
  ['a?c', ['abc'], ['a.c', 'ac']],
  ['[abc].x', ['a.x', 'c.x'], ['d.x']],
  ['[!abc].x', ['d.x'], ['a.x']],
  ['[a-c]x', ['bx'], ['dx']],
  ['{http,db}.name', ['http.name', 'db.name'], ['x.name']],
  ['a,b', ['a,b'], ['a', 'b']],
  [String.raw`a\*b`, ['a*b'], ['axb']],
  ['a+(b)$', ['a+(b)$'], ['aab']],
]
for (const [glob, matches, others] of globs)
  test(`the glob ${glob}`, () => {
    const pattern = compileGlob(glob)
    assert.ok(pattern instanceof RegExp)
    assert.deepEqual(
      [...matches, ...others].filter((name) => pattern.test(name)),
      matches,
    )
  })
