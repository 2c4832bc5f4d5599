import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { EventInit, SpanInit } from '../../pipeline/data/items.ts'
import type { Logs, Metrics, Signal, Traces, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, '{}')
await describeUpstream(factory, import.meta.dirname)

type Attributes = Readonly<Record<string, Value>>
const traceId = 'a'.repeat(32)
const spanId = 'b'.repeat(16)

function span(of: SpanInit = {}, ...events: readonly EventInit[]): SpanInit {
  return { name: 'pay', kind: 2, status: { code: 2 }, traceId, spanId, events, ...of }
}
const exception = (attributes: Attributes = { 'exception.type': 'E', 'exception.message': 'no' }): EventInit => ({
  name: 'exception',
  timeUnixNano: 5n,
  attributes,
})
function traces(spans: readonly SpanInit[], resource: Attributes = { 'service.name': 'shop' }): Traces {
  const builder = newTraces().resource(resource)
  for (const one of spans) builder.span(one)
  return builder.build()
}

async function open(yaml = '{}', options: TestContextOptions = {}) {
  const { instance, context, handle } = build(factory, yaml, { outputs: ['metrics'], ...options })
  await instance.start?.()
  return { instance, context, handle, clock: context.clock }
}
function last<S extends 'metrics' | 'logs'>({ recorded }: TestContext, signal: S): S extends 'logs' ? Logs : Metrics {
  return recorded.emitted.findLast((one) => one.signal === signal)!.batch as never
}
const counts = (context: TestContext) => [...last(context, 'metrics')].map(({ value }) => value)
const base = {
  'service.name': 'shop',
  'span.name': 'pay',
  'span.kind': 'SPAN_KIND_SERVER',
  'status.code': 'STATUS_CODE_ERROR',
}

const dimensionCases: readonly (readonly [
  name: string,
  yaml: string,
  ofSpan: Attributes,
  ofEvent: Attributes,
  ofResource: Attributes,
  expected: Attributes,
])[] = [
  [
    'the default ones',
    '{}',
    {},
    { 'exception.type': 'E', 'exception.message': 'm', x: 1 },
    {},
    { 'exception.type': 'E', 'exception.message': 'm' },
  ],
  ['none', 'dimensions: []', {}, { 'exception.type': 'E' }, {}, {}],
  ['a default', 'dimensions: [{name: foo, default: bar}]', {}, {}, {}, { foo: 'bar' }],
  ['nothing without a default', 'dimensions: [{name: foo}]', {}, {}, {}, {}],
  ['of the span', 'dimensions: [{name: foo}]', { foo: 99 }, {}, {}, { foo: 99 }],
  ['of the exception', 'dimensions: [{name: foo}]', {}, { foo: 99 }, {}, { foo: 99 }],
  ['of the resource', 'dimensions: [{name: foo}]', {}, {}, { foo: 99 }, { foo: 99 }],
  ['the span wins', 'dimensions: [{name: foo}]', { foo: 100 }, { foo: 99 }, { foo: 98 }, { foo: 100 }],
  ['the exception wins over the resource', 'dimensions: [{name: foo}]', {}, { foo: 99 }, { foo: 98 }, { foo: 99 }],
]
for (const [name, yaml, ofSpan, ofEvent, ofResource, expected] of dimensionCases)
  test(`dimensions: ${name}`, async () => {
    const { handle, context } = await open(yaml)
    await handle(traces([span({ attributes: ofSpan }, exception(ofEvent))], { 'service.name': 'shop', ...ofResource }))
    const [point] = [...last(context, 'metrics')]
    assert.deepEqual(Object.fromEntries(point!.attributes.entries()), { ...base, ...expected })
  })

test('counts go on from request to request, and each request sends them all', async () => {
  const { handle, context } = await open()
  await handle(traces([span({}, exception()), span({ name: 'other' }, exception())]))
  await handle(traces([span({}, exception(), exception(), { name: 'no exception' })]))
  assert.deepEqual(counts(context), [3, 1])
  await handle(traces([span()]))
  assert.deepEqual([counts(context), context.recorded.emitted.length], [[3, 1], 3])
})

test('what is joined to the same text is not the same series', async () => {
  const { handle, context } = await open('dimensions: [{name: a}, {name: b}]')
  await handle(traces([span({}, exception({ a: 'x' }), exception({ b: 'x' }))]))
  await handle(traces([span({ name: 'y' }, exception())], { 'service.name': 'shopp' }))
  await handle(traces([span({ name: 'py' }, exception())], { 'service.name': 'shop' }))
  assert.deepEqual(counts(context), [1, 1, 1, 1])
})

test('exemplars are those of the spans since the last metrics, with the count so far', async () => {
  const { handle, context } = await open('exemplars: {enabled: true}')
  await handle(traces([span({}, exception()), span({ traceId: '' }, exception()), span({}, exception())]))
  const [point] = [...last(context, 'metrics')]
  assert.deepEqual(
    point!.exemplars.map((exemplar) => [exemplar.traceId, exemplar.spanId, exemplar.value, exemplar.timeUnixNano]),
    [
      [traceId, spanId, double(1), point!.timeUnixNano],
      [traceId, spanId, double(3), point!.timeUnixNano],
    ],
  )
  await handle(traces([span()]))
  assert.deepEqual([...last(context, 'metrics')][0]!.exemplars, [])
})

test('a log record says all of the span, the stack trace, and the dimensions with their types', async () => {
  const { handle, context } = await open('dimensions: [{name: code}, {name: exception.type}]', { outputs: ['logs'] })
  const event = exception({ 'exception.type': 'E', 'exception.stacktrace': 'at a', code: 5 })
  await handle(
    newTraces()
      .resource({ 'service.name': 'shop' })
      .scope('lib', { version: '2', attributes: { x: 1 } })
      .span(span({ attributes: { own: true, 'span.name': 'replaced' } }, event))
      .span(span({}, exception({})))
      .build(),
  )
  const [first, second] = [...last(context, 'logs')]
  assert.deepEqual(
    [first!.timeUnixNano, first!.severityNumber, first!.severityText, first!.traceId, first!.spanId, first!.body],
    [5n, 17, 'ERROR', traceId, spanId, null],
  )
  assert.deepEqual([first!.scope.name, first!.scope.version, first!.scope.attributes.get('x')], ['lib', '2', 1])
  assert.equal(first!.resource.attributes.size, 0)
  assert.deepEqual(Object.fromEntries(first!.attributes.entries()), {
    own: true,
    ...base,
    code: 5,
    'exception.type': 'E',
    'exception.stacktrace': 'at a',
  })
  assert.equal(second!.attributes.get('exception.stacktrace'), '')
})

test('spans without exceptions make no logs', async () => {
  const { handle, context } = await open('{}', { outputs: ['logs'] })
  await handle(traces([span({}, { name: 'log' })]))
  assert.deepEqual(context.recorded.emitted, [])
})

test('refused logs go back to the sender, and the exceptions are then counted once', async () => {
  let isFull = true
  const { handle, context } = await open('{}', {
    outputs: ['logs', 'metrics'],
    accept: (_batch, signal: Signal) => {
      if (isFull && signal === 'logs') throw new Rejected('full', { retryable: true })
    },
  })
  const batch = traces([span({}, exception())])
  await assert.rejects(handle(batch), /full/)
  isFull = false
  await handle(batch)
  assert.deepEqual(counts(context), [1])
})

test('refused metrics do not reach the sender: the next ones count the same', async () => {
  const { handle, context } = await open('{}', {
    accept: () => {
      throw new Rejected('full', { retryable: true })
    },
  })
  await handle(traces([span({}, exception())]))
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'refused_downstream', intent: 'lost' }])
})

test('spans of a resource without service.name are counted as dropped', async () => {
  const { handle, context } = await open()
  await handle(traces([span({}, exception())], { host: 'h' }))
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'no_service_name', intent: 'intended' }])
})

test('there are never more series than max_series and one for what overflowed', async () => {
  const { handle, context } = await open('max_series: 2')
  for (let i = 0; i < 5; i++) await handle(traces([span({ name: `span ${i}` }, exception())]))
  assert.deepEqual(counts(context), [1, 1, 3])
  assert.equal(context.recorded.sums.get('otelcol_connector_exceptions_overflows'), 3)
})

test('a series that nothing came to for series_expiration is forgotten, and says since when it counts when it comes back', async () => {
  const { handle, context, clock } = await open('series_expiration: 10s')
  await handle(traces([span({}, exception())]))
  await clock.advance(10_000)
  await handle(traces([span({ name: 'other' }, exception())]))
  await clock.advance(5_000)
  await handle(traces([span({}, exception())]))
  const points = [...last(context, 'metrics')]
  assert.deepEqual(
    points.map(({ value, startUnixNano }) => [value, Number(startUnixNano - 1_700_000_000_000_000_000n) / 1e6]),
    [
      [1, 0],
      [1, 10_000],
    ],
  )
})

test('with metrics_flush_interval metrics go at intervals, and at shutdown', async () => {
  const { handle, context, clock, instance } = await open('metrics_flush_interval: 10s')
  await handle(traces([span({}, exception())]))
  assert.deepEqual(context.recorded.emitted, [])
  await clock.advance(10_000)
  assert.deepEqual(counts(context), [1])
  await handle(traces([span({}, exception())]))
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual([counts(context), context.recorded.emitted.length], [[2], 2])
})

test('over a reload counts go on; under other dimensions the last ones are sent', async () => {
  for (const [yaml, expected] of [
    ['metrics_flush_interval: 10s', [2]],
    ['{metrics_flush_interval: 10s, dimensions: [{name: x}]}', [1]],
  ] as const) {
    const first = await open('metrics_flush_interval: 10s')
    await first.handle(traces([span({}, exception())]))
    const state = await first.instance.save!()
    await first.instance.shutdown?.(AbortSignal.timeout(1_000))
    assert.deepEqual(first.context.recorded.emitted, [])
    const next = build(factory, yaml, { outputs: ['metrics'] })
    await next.instance.restore!(state)
    await next.instance.start?.()
    await next.context.clock.advance(0)
    assert.equal(next.context.recorded.emitted.length, expected[0] === 1 ? 1 : 0)
    await next.handle(traces([span({}, exception())]))
    await next.context.clock.advance(10_000)
    assert.deepEqual(counts(next.context), expected)
  }
})

describeRefusals(factory, [
  ['dimensions: [{name: service.name}]', 'duplicate dimension name "service.name"'],
  ['dimensions: [{name: a}, {name: a}]', 'duplicate dimension name "a"'],
  ['metrics_flush_interval: -1s', 'invalid metrics_flush_interval'],
])
