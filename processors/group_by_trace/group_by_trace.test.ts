import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Origin, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'wait_duration: 1s')
await describeUpstream(factory, import.meta.dirname)

const traceId = (n: number) => String(n).padStart(32, '0')

/** One span of each trace, named as its place in the call. */
function batchOf(traces: readonly number[], options: { parent?: string; origin?: Origin } = {}): Traces {
  const builder = newTraces(options.origin).resource({ 'service.name': 'shop' })
  for (const [i, n] of traces.entries())
    builder.span({
      name: `${n}.${i}`,
      traceId: traceId(n),
      spanId: '00000000000000ab',
      parentSpanId: options.parent ?? '',
    })
  return builder.build()
}
const emitted = ({ recorded }: TestContext) =>
  recorded.emitted.map(({ batch }) => [...(batch as Traces)].map(({ name }) => name))

async function open(yaml: string, options: TestContextOptions = {}) {
  const { instance, context, handle } = build(factory, yaml, options)
  await instance.start?.()
  return { instance, context, handle, clock: context.clock }
}
const sum = (context: TestContext, name: string) => context.recorded.sums.get(`otelcol_processor_groupbytrace_${name}`)

test('the spans of a trace go on together, wait_duration after the first', async () => {
  const { context, handle, clock } = await open('wait_duration: 10s')
  await handle(batchOf([1, 2, 1]))
  await clock.advance(4_000)
  await handle(batchOf([2, 3]))
  await clock.advance(5_999)
  assert.deepEqual(emitted(context), [])
  assert.equal(context.recorded.gauges.get('otelcol_processor_groupbytrace_num_traces_in_memory')?.(), 3)
  await clock.advance(1)
  assert.deepEqual(emitted(context), [
    ['1.0', '1.2'],
    ['2.1', '2.0'],
  ])
  await clock.advance(4_000)
  assert.deepEqual(emitted(context)[2], ['3.1'])
  assert.deepEqual([sum(context, 'traces_released'), sum(context, 'spans_released')], [3, 5])
})

test('a span that comes after its trace has gone waits anew', async () => {
  const { context, handle, clock } = await open('wait_duration: 1s')
  await handle(batchOf([1]))
  await clock.advance(1_000)
  await handle(batchOf([1]))
  await clock.advance(999)
  assert.equal(emitted(context).length, 1)
  await clock.advance(1)
  assert.equal(emitted(context).length, 2)
})

test('num_traces drops the oldest, counted', async () => {
  const { context, handle, clock } = await open('{wait_duration: 1s, num_traces: 2}')
  await handle(batchOf([1, 1, 2, 3]))
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'evicted', intent: 'lost' }])
  assert.equal(sum(context, 'traces_evicted'), 1)
  await clock.advance(1_000)
  assert.deepEqual(emitted(context), [['2.2'], ['3.3']])
})

test('max_bytes lets the oldest go early', async () => {
  const { context, handle } = await open('{wait_duration: 1h, max_bytes: 2000}')
  await handle(batchOf([1, 2, 3, 4, 5]))
  assert.ok(emitted(context).length >= 1, 'something went early')
  assert.ok(emitted(context).length < 5, 'not everything did')
  assert.deepEqual(emitted(context)[0], ['1.0'])
  assert.deepEqual(context.recorded.drops, [])
})

test('discard_orphans drops a trace without a root span', async () => {
  const { context, handle, clock } = await open('{wait_duration: 1s, discard_orphans: true}')
  await handle(batchOf([1, 2], { parent: '00000000000000ff' }))
  await handle(batchOf([2]))
  await clock.advance(1_000)
  assert.deepEqual(emitted(context), [['2.1', '2.0']])
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'orphan', intent: 'intended' }])
})

test('what waits at shutdown goes on', async () => {
  const { context, handle, instance } = await open('wait_duration: 1h')
  await handle(batchOf([1, 2]))
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(emitted(context), [['1.0'], ['2.1']])
})

test('what waits at a reload waits on in the next instance, at most as long as that says', async () => {
  const { context, handle, instance, clock } = await open('wait_duration: 10s')
  await handle(batchOf([1]))
  await clock.advance(4_000)
  await handle(batchOf([2]))
  const state = await instance.save?.()
  await instance.shutdown?.(AbortSignal.timeout(1_000))
  assert.deepEqual(emitted(context), [])
  const next = build(factory, 'wait_duration: 8s')
  await next.instance.restore?.(state!)
  await next.instance.start?.()
  await next.context.clock.advance(6_000)
  assert.deepEqual(emitted(next.context), [['1.0']])
  await next.context.clock.advance(2_000)
  assert.deepEqual(emitted(next.context), [['1.0'], ['2.0']])
})

test('what the next component refuses is lost and counted', async () => {
  const { context, handle, clock } = await open('wait_duration: 1s', {
    accept: () => {
      throw new Rejected('full', { retryable: true })
    },
  })
  await handle(batchOf([1, 1]))
  await clock.advance(1_000)
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'refused_downstream', intent: 'lost' }])
})

test('spans of senders who differ in what is read further on are never one batch', async () => {
  const { context, handle, clock } = await open('wait_duration: 1s', {
    originKey: ({ metadata }) => metadata.get('tenant')?.[0] ?? '',
  })
  const of = (tenant: string): Origin => ({ metadata: new Map([['tenant', [tenant]]]) })
  await handle(batchOf([1], { origin: of('a') }))
  await handle(batchOf([1], { origin: of('b') }))
  await clock.advance(1_000)
  assert.equal(emitted(context).length, 2)
})

describeRefusals(factory, [
  ['emit_strategy: span', 'unknown emit_strategy "span": valid values are "trace" and "service"'],
  ['emit_strategy: service', 'emit_strategy "service" is not supported'],
  ['store_on_disk: true', "option 'disk storage' not supported in this release"],
  ['num_traces: 0', 'num_traces must be greater than 0'],
])
