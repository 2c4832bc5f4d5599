import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Rejected } from '../../pipeline/component.ts'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { SpanInit } from '../../pipeline/data/items.ts'
import type { Batch, Origin, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'policies: [{name: all, type: always_sample}]')
await describeUpstream(factory, import.meta.dirname)

const traceId = (n: number) => n.toString(16).padStart(32, '0')

/** A span of each of these traces, named as its trace and its place in the call; `span` adds to each. */
function batchOf(traces: readonly number[], span: Partial<SpanInit> = {}, origin?: Origin): Traces {
  const builder = newTraces(origin).resource({ 'service.name': 'shop' }).scope('lib')
  for (const [i, n] of traces.entries())
    builder.span({
      name: `${n}.${i}`,
      traceId: traceId(n),
      spanId: '00000000000000ab',
      parentSpanId: '00000000000000ff',
      ...span,
    })
  return builder.build()
}
const names = (batch: Batch) => [...(batch as Traces)].map(({ name }) => name)
const emitted = ({ recorded }: TestContext) => recorded.emitted.map(({ batch }) => names(batch))
const flat = (context: TestContext) => emitted(context).flat().sort()
const scopes = ({ recorded }: TestContext) =>
  recorded.emitted.map(({ batch }) => {
    const [item] = batch as Traces
    return Object.fromEntries(item!.scope.attributes.entries())
  })
const metric = ({ recorded }: TestContext, name: string) => recorded.sums.get(`otelcol_processor_tail_sampling_${name}`)
const gauge = ({ recorded }: TestContext, name: string) =>
  recorded.gauges.get(`otelcol_processor_tail_sampling_${name}`)?.()
const gates = (...names: string[]): TestContextOptions => ({
  engine: {
    featureGates: names.map((name) => ({
      id: `processor.tailsamplingprocessor.${name}`,
      enabled: true,
      stage: 'Alpha',
      description: '',
    })),
  },
})

async function open(yaml: string, options: TestContextOptions = {}) {
  const { instance, context, handle } = build(factory, yaml, options)
  await instance.start?.()
  return { instance, context, handle, clock: context.clock }
}
const all = '{name: all, type: always_sample}'
const errors = '{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}'
const none = '{name: none, type: probabilistic, probabilistic: {sampling_percentage: 0}}'
const metrics = '{name: metrics, type: string_attribute, string_attribute: {key: url.path, values: [/metrics]}}'
const dropMetrics = `{name: drop, type: drop, drop: {drop_sub_policy: [${metrics}]}}`
const error: Partial<SpanInit> = { status: { code: 2 } }

test('a limit that writes thresholds is kept where memory runs out while traces are decided', async () => {
  const limit = '{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 1, burst_capacity: 10}}'
  const { context, handle, clock } = await open(
    `{decision_wait: 1s, max_bytes: 290000, policies: [${limit}]}`,
    gates('usetracestate'),
  )
  const numbers = (from: number) => Array.from({ length: 40 }, (_, i) => from + i * 0x0123_4567_89ab)
  await handle(batchOf(numbers(1)))
  await clock.advance(1_000)
  // Each look at the time is later than a slice lasts, so that other work gets in between any two traces.
  let ms = 1_000
  clock.nowMs = () => (ms += 5)
  const advanced = clock.advance(1_500)
  for (let i = 0; i < 20; i++) await setImmediate()
  assert.equal(flat(context).length, 0, 'nothing is decided yet')
  await handle(batchOf(numbers(2)))
  await advanced
  for (let i = 0; i < 500; i++) await setImmediate()
  const secondsPassed = (ms - 1_000) / 1_000
  assert.ok(flat(context).length <= 10 + secondsPassed, `${flat(context).length} spans in ${secondsPassed} s`)
})

suite('when a trace is decided', () => {
  test('decision_wait after its first span, at the next tick, with all its spans in one batch', async () => {
    const { context, handle, clock } = await open(`{decision_wait: 3s, policies: [${all}]}`)
    await handle(batchOf([1, 2]))
    await clock.advance(2_000)
    await handle(batchOf([1]))
    await clock.advance(1_500)
    assert.deepEqual(emitted(context), [])
    await clock.advance(500)
    assert.deepEqual(flat(context), ['1.0', '1.0', '2.1'])
    assert.equal(context.recorded.emitted.length, 1)
  })

  test('a decision_wait below a second is a second', async () => {
    const { context, handle, clock } = await open(`{decision_wait: 10ms, policies: [${all}]}`)
    await handle(batchOf([1]))
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['1.0'])
  })

  test('sooner when its root came', async () => {
    const { context, handle, clock } = await open(
      `{decision_wait: 60s, decision_wait_after_root_received: 2s, policies: [${all}]}`,
    )
    await handle(batchOf([1, 2]))
    await clock.advance(1_000)
    await handle(batchOf([1], { parentSpanId: '', name: 'root' }))
    await clock.advance(2_000)
    assert.deepEqual(emitted(context), [])
    await clock.advance(1_000)
    assert.deepEqual(flat(context), ['1.0', 'root'])
    await clock.advance(60_000)
    assert.deepEqual(flat(context), ['1.0', '2.1', 'root'])
    assert.equal(metric(context, 'sampling_trace_dropped_too_early'), undefined)
  })

  test('a root that comes late does not put it off', async () => {
    const { context, handle, clock } = await open(
      `{decision_wait: 2s, decision_wait_after_root_received: 10s, policies: [${all}]}`,
    )
    await handle(batchOf([1], { parentSpanId: '' }))
    await clock.advance(3_000)
    assert.deepEqual(flat(context), ['1.0'])
  })

  test('at shutdown, with the spans that are there', async () => {
    const { context, handle, instance } = await open(`{decision_wait: 60s, policies: [${errors}]}`)
    await handle(batchOf([1]))
    await handle(batchOf([2], error))
    await instance.shutdown?.(AbortSignal.timeout(1_000))
    assert.deepEqual(flat(context), ['2.0'])
    assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'not_sampled', intent: 'intended' }])
  })

  test('never, where pending traces are dropped at shutdown', async () => {
    const { context, handle, instance } = await open(
      `{decision_wait: 60s, drop_pending_traces_on_shutdown: true, policies: [${all}]}`,
    )
    await handle(batchOf([1, 1]))
    await instance.shutdown?.(AbortSignal.timeout(1_000))
    assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'pending_at_shutdown', intent: 'intended' }])
  })

  test('what is not sent at the deadline of the shutdown is lost and counted', async () => {
    const { context, handle, instance } = await open(`{decision_wait: 60s, policies: [${all}]}`)
    await handle(batchOf([1, 1]))
    await instance.shutdown?.(AbortSignal.abort())
    assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'shutdown_deadline', intent: 'lost' }])
  })
})

suite('which decision', () => {
  const decided = async (yaml: string, batches: readonly Traces[], options: TestContextOptions = {}) => {
    const { context, handle, clock } = await open(`{decision_wait: 1s, ${yaml}}`, options)
    for (const batch of batches) await handle(batch)
    await clock.advance(2_000)
    return context
  }

  test('sampled when one policy samples', async () =>
    assert.deepEqual(flat(await decided(`policies: [${none}, ${all}]`, [batchOf([1])])), ['1.0']))
  test('not sampled when none does', async () =>
    assert.deepEqual(flat(await decided(`policies: [${none}, ${errors}]`, [batchOf([1])])), []))
  test('not sampled without policies', async () =>
    assert.deepEqual(flat(await decided('num_shards: 1', [batchOf([1])])), []))

  test('dropped when one drops, also by a span that comes later; no other policy is asked', async () => {
    for (const strategy of ['trace-complete', 'span-ingest']) {
      const context = await decided(`sampling_strategy: ${strategy}, policies: [${all}, ${dropMetrics}]`, [
        batchOf([1]),
        batchOf([1], { attributes: { 'url.path': '/metrics' } }),
      ])
      assert.deepEqual(flat(context), [])
      assert.equal(metric(context, 'count_traces_sampled{decision="dropped",policy="drop",sampled="false"}'), 1)
      assert.equal(metric(context, 'sampling_policy_execution_count{policy="all"}'), undefined)
      assert.deepEqual(context.recorded.drops.at(-1), { items: 2, reason: 'dropped_by_policy', intent: 'intended' })
    }
  })

  test('sample_on_first_match asks no more', async () => {
    const context = await decided(`sample_on_first_match: true, policies: [${none}, ${all}, ${errors}]`, [batchOf([1])])
    assert.equal(metric(context, 'sampling_policy_execution_count{policy="none"}'), 1)
    assert.equal(metric(context, 'sampling_policy_execution_count{policy="errors"}'), undefined)
  })

  test('recordpolicy writes the policy that sampled', async () => {
    const gate = gates('recordpolicy')
    assert.deepEqual(scopes(await decided(`policies: [${none}, ${all}, ${errors}]`, [batchOf([1], error)], gate)), [
      { 'tailsampling.policy': 'all' },
    ])
    const context = await decided(`policies: [${errors}, ${all}]`, [batchOf([1]), batchOf([2], error)], gate)
    assert.deepEqual(scopes(context), [{ 'tailsampling.policy': 'all' }, { 'tailsampling.policy': 'errors' }])
  })

  test('of several policies that sample it is the one that keeps the most traces', async () => {
    const share = (name: string, percent: number) =>
      `{name: ${name}, type: probabilistic, probabilistic: {sampling_percentage: ${percent}}}`
    const randomness = { traceState: 'ot=rv:ffffffffffffff' }
    const context = await decided(
      `policies: [${share('quarter', 25)}, ${share('half', 50)}]`,
      [batchOf([1], randomness)],
      gates('recordpolicy', 'usetracestate'),
    )
    assert.deepEqual(scopes(context), [{ 'tailsampling.policy': 'half' }])
    const [item] = context.recorded.emitted[0]!.batch as Traces
    assert.equal(item!.traceState, 'ot=rv:ffffffffffffff;th:8')
  })
})

suite('the sampling threshold (usetracestate)', () => {
  const half = '{name: half, type: probabilistic, probabilistic: {sampling_percentage: 50}}'
  const written = async (policies: string, states: readonly string[], options = gates('usetracestate')) => {
    const { context, handle, clock } = await open(`{decision_wait: 1s, policies: [${policies}]}`, options)
    const builder = newTraces()
    // The last 56 bits of this id are as random as can be.
    for (const traceState of states) builder.span({ name: 's', traceId: 'f'.repeat(32), traceState })
    await handle(builder.build())
    await clock.advance(2_000)
    const spans = context.recorded.emitted.flatMap(({ batch }) => [...(batch as Traces)])
    return { states: spans.map(({ traceState }) => traceState), context }
  }
  test('of a share is written, beside what is there', async () =>
    assert.deepEqual((await written(half, ['ot=rv:abcdef01234567,vendor=x', 'ot=th:4'])).states, [
      'ot=rv:abcdef01234567;th:8,vendor=x',
      'ot=th:8',
    ]))
  test('is never lowered', async () =>
    assert.deepEqual((await written(half, ['ot=rv:ffffffffffffff;th:c'])).states, ['ot=rv:ffffffffffffff;th:c']))
  test('is 0 where a policy samples all', async () => assert.deepEqual((await written(all, [''])).states, ['ot=th:0']))
  test('is not written to what is no tracestate, which is counted', async () => {
    const { states, context } = await written(all, ['ot=bad$', 'ot=also_bad$', ''])
    assert.deepEqual(states, ['ot=bad$', 'ot=also_bad$', 'ot=th:0'])
    assert.equal(metric(context, 'count_spans_with_unparseable_tracestate'), 2)
  })
  test('is not written without the gate', async () => assert.deepEqual((await written(all, [''], {})).states, ['']))
  test('late spans get it too, from memory and from the cache', async () => {
    for (const cache of ['', 'decision_cache: {sampled_cache_size: 10},']) {
      const { context, handle, clock } = await open(
        `{decision_wait: 1s, ${cache} policies: [${half}]}`,
        gates('usetracestate'),
      )
      const span = { traceState: 'ot=rv:ffffffffffffff' }
      await handle(batchOf([1], span))
      await clock.advance(2_000)
      await handle(batchOf([1], span))
      const [first, late] = context.recorded.emitted.map(({ batch }) => [...(batch as Traces)][0]!.traceState)
      assert.equal(first, 'ot=rv:ffffffffffffff;th:8')
      assert.equal(late, first)
    }
  })
})

suite('late spans', () => {
  test('of a sampled trace go on at once, those of another are dropped', async () => {
    const { context, handle, clock } = await open(`{decision_wait: 1s, policies: [${errors}]}`)
    await handle(batchOf([1], error))
    await handle(batchOf([2]))
    await clock.advance(2_000)
    assert.equal(gauge(context, 'sampling_traces_on_memory'), 2)
    await clock.advance(7_000)
    const late = batchOf([1])
    assert.equal(await handle(late), late)
    assert.equal(await handle(batchOf([2])), 'held')
    assert.deepEqual(context.recorded.drops.at(-1), { items: 1, reason: 'not_sampled', intent: 'intended' })
    assert.equal(metric(context, 'sampling_late_span_age'), 2)
    await handle(batchOf([1, 2, 3]))
    assert.deepEqual(emitted(context).at(-1), ['1.0'])
  })

  test('hear the decision from the cache, and the trace has left the memory', async () => {
    const caches = 'decision_cache: {sampled_cache_size: 10, non_sampled_cache_size: 10}'
    const { context, handle, clock } = await open(
      `{decision_wait: 1s, ${caches}, policies: [${errors}, ${dropMetrics}]}`,
      gates('recordpolicy'),
    )
    await handle(batchOf([1], error))
    await handle(batchOf([2]))
    await handle(batchOf([3], { attributes: { 'url.path': '/metrics' } }))
    await clock.advance(2_000)
    assert.equal(gauge(context, 'sampling_traces_on_memory'), 0)
    assert.equal(metric(context, 'sampling_trace_removal_age'), 3)
    await handle(batchOf([1, 2, 2, 3]))
    assert.deepEqual(emitted(context), [['1.0'], ['1.0']])
    assert.deepEqual(scopes(context)[1], { 'tailsampling.policy': 'errors', 'tailsampling.cached_decision': true })
    assert.equal(metric(context, 'early_releases_from_cache_decision{sampled="true"}'), 1)
    assert.equal(metric(context, 'early_releases_from_cache_decision{sampled="false"}'), 3)
    assert.equal(metric(context, 'new_trace_id_received'), 3)
  })

  test('of a trace that a policy dropped are dropped', async () => {
    const { context, handle, clock } = await open(`{decision_wait: 1s, policies: [${all}, ${dropMetrics}]}`)
    await handle(batchOf([3], { attributes: { 'url.path': '/metrics' } }))
    await clock.advance(2_000)
    await handle(batchOf([3]))
    assert.deepEqual(context.recorded.drops.at(-1), { items: 1, reason: 'dropped_by_policy', intent: 'intended' })
  })
})

suite('more traces than num_traces', () => {
  test('the oldest goes; it was lost if it was not decided', async () => {
    const { context, handle, clock } = await open(`{decision_wait: 1s, num_traces: 2, policies: [${all}]}`)
    await handle(batchOf([1, 1, 2, 3]))
    assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'evicted', intent: 'lost' }])
    assert.equal(gauge(context, 'sampling_traces_on_memory'), 2)
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['2.2', '3.3'])
    assert.equal(metric(context, 'sampling_trace_dropped_too_early'), 1)
    await handle(batchOf([4, 5]))
    assert.equal(context.recorded.drops.length, 1, 'decided traces make room without loss')
  })

  test('block_on_overflow lets the sender wait until traces are decided', async () => {
    const { context, handle, clock } = await open(
      `{decision_wait: 1s, num_traces: 2, block_on_overflow: true, policies: [${all}]}`,
    )
    let isTaken = false
    const waiting = handle(batchOf([1, 2, 3])).then(() => (isTaken = true))
    await clock.advance(1_000)
    assert.equal(isTaken, false)
    await clock.advance(1_000)
    await waiting
    assert.deepEqual(flat(context), ['1.0', '2.1'])
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['1.0', '2.1', '3.2'])
    assert.deepEqual(context.recorded.drops, [])
  })

  test('a sender that waits at shutdown is heard', async () => {
    const { context, handle, instance } = await open(
      `{decision_wait: 60s, num_traces: 1, block_on_overflow: true, policies: [${all}]}`,
    )
    const waiting = handle(batchOf([1, 2]))
    const done = instance.shutdown?.(AbortSignal.timeout(1_000))
    await waiting
    await done
    const { drops } = context.recorded
    assert.equal(flat(context).length + drops.reduce((sum, { items }) => sum + items, 0), 2)
  })
})

suite('more bytes than max_bytes', () => {
  test('the oldest are decided before their time, and nothing is lost', async () => {
    const { context, handle } = await open(`{decision_wait: 60s, max_bytes: 1MiB, policies: [${errors}]}`)
    const large = { attributes: { text: 'x'.repeat(10_000) } }
    for (let n = 1; n <= 200; n++) await handle(batchOf([n], n % 2 === 0 ? { ...large, ...error } : large))
    const decided = metric(context, 'traces_decided_early')!
    assert.ok(decided > 100 && decided < 200, `${decided} decided early`)
    assert.ok(gauge(context, 'held_bytes')! < 2 * 1024 * 1024)
    assert.equal(flat(context)[0], '10.0')
    assert.equal(flat(context).length, Math.floor(decided / 2))
    assert.deepEqual([...new Set(context.recorded.drops.map(({ reason }) => reason))], ['not_sampled'])
  })

  test('spans between the dead are moved together, so that the memory is what is held', async () => {
    // Short traces around a few long ones leave slabs behind in which little is alive.
    const { context, handle, clock } = await open(
      `{decision_wait: 100s, decision_wait_after_root_received: 1s, max_bytes: 0, policies: [${all}]}`,
    )
    const large = { attributes: { text: 'x'.repeat(5_000) } }
    for (let n = 1; n <= 2_000; n++) await handle(batchOf([n], n % 20 === 0 ? large : { ...large, parentSpanId: '' }))
    assert.ok(gauge(context, 'held_bytes')! > 10_000_000)
    await clock.advance(3_000)
    assert.equal(flat(context).length, 1_900)
    assert.ok(gauge(context, 'held_bytes')! < 5 * 1024 * 1024, `${gauge(context, 'held_bytes')} bytes`)
    await clock.advance(100_000)
    assert.equal(flat(context).length, 2_000)
    const texts = context.recorded.emitted.flatMap(({ batch }) =>
      [...(batch as Traces)].map(({ attributes }) => attributes.get('text')),
    )
    assert.ok(texts.every((text) => text === 'x'.repeat(5_000)))
  })

  test('a trace larger than a slab is whole', async () => {
    const { context, handle, clock } = await open(`{decision_wait: 1s, policies: [${all}]}`)
    await handle(batchOf([1, 2, 1], { attributes: { text: 'y'.repeat(300_000) } }))
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['1.0', '1.2', '2.1'])
  })
})

test('maximum_trace_size_bytes drops a trace at once, and its late spans', async () => {
  for (const cache of ['', 'decision_cache: {non_sampled_cache_size: 10},']) {
    const { context, handle, clock } = await open(
      `{decision_wait: 1s, ${cache} maximum_trace_size_bytes: 300, policies: [${all}]}`,
    )
    await handle(batchOf([1, 2]))
    await handle(batchOf([1], { attributes: { text: 'x'.repeat(400) } }))
    assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'too_large', intent: 'intended' }])
    assert.equal(metric(context, 'traces_dropped_too_large'), 1)
    await handle(batchOf([1]))
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['2.1'])
    assert.equal(metric(context, 'sampling_trace_dropped_too_early'), undefined)
  }
})

suite('span-ingest', () => {
  const yaml = (policies: string, more = '') =>
    `{decision_wait: 2s, sampling_strategy: span-ingest, ${more} policies: [${policies}]}`

  test('each batch is judged when it comes; what came before goes along', async () => {
    const { context, handle } = await open(yaml(errors))
    await handle(batchOf([1]))
    assert.deepEqual(emitted(context), [])
    await handle(batchOf([1], error))
    assert.deepEqual(emitted(context), [['1.0', '1.0']])
    await handle(batchOf([1, 2]))
    assert.deepEqual(emitted(context).at(-1), ['1.0'])
    assert.equal(metric(context, 'global_count_traces_sampled{decision="sampled",sampled="true"}'), 1)
    assert.equal(metric(context, 'sampling_decision_timer_latency'), 3)
  })

  test('only the batch is looked at', async () => {
    const both = `{name: both, type: and, and: {and_sub_policy: [${errors}, ${metrics}]}}`
    const { context, handle } = await open(yaml(both))
    await handle(batchOf([1], error))
    await handle(batchOf([1], { attributes: { 'url.path': '/metrics' } }))
    assert.deepEqual(emitted(context), [])
  })

  test('what nothing sampled is not sampled when its time comes, and no policy is asked again', async () => {
    const { context, handle, clock } = await open(yaml(errors))
    await handle(batchOf([1]))
    await clock.advance(3_000)
    assert.equal(metric(context, 'sampling_policy_execution_count{policy="errors"}'), 1)
    assert.equal(metric(context, 'global_count_traces_sampled{decision="not_sampled",sampled="false"}'), 1)
    assert.equal(gauge(context, 'sampling_traces_on_memory'), 0)
    assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'not_sampled', intent: 'intended' }])
  })

  test('a policy that drops is final', async () => {
    const { context, handle } = await open(yaml(dropMetrics))
    await handle(batchOf([1]))
    await handle(batchOf([1], { attributes: { 'url.path': '/metrics' } }))
    assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'dropped_by_policy', intent: 'intended' }])
  })

  test('num_traces and max_bytes make room all the same', async () => {
    const { context, handle, clock } = await open(yaml(errors, 'num_traces: 1,'))
    await handle(batchOf([1, 2]))
    assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'evicted', intent: 'lost' }])
    await clock.advance(3_000)
    assert.equal(context.recorded.drops.length, 2)
  })
})

suite('what it counts', () => {
  const counted = async (id: string, options: TestContextOptions = {}) => {
    const { context, handle, clock } = await open(`{decision_wait: 1s, policies: [${all}, ${errors}]}`, {
      id,
      ...options,
    })
    await handle(batchOf([1, 1]))
    await handle(batchOf([2], error))
    await clock.advance(2_000)
    return context
  }
  test('traces by policy and decision', async () => {
    const context = await counted('tail_sampling')
    const expected = {
      'count_traces_sampled{decision="sampled",policy="all",sampled="true"}': 2,
      'count_traces_sampled{decision="sampled",policy="errors",sampled="true"}': 1,
      'count_traces_sampled{decision="not_sampled",policy="errors",sampled="false"}': 1,
      'global_count_traces_sampled{decision="sampled",sampled="true"}': 2,
      'sampling_policy_execution_count{policy="all"}': 2,
      'sampling_policy_execution_time_sum{policy="all"}': 0,
      new_trace_id_received: 2,
      sampling_decision_timer_latency: 2,
    }
    for (const [name, value] of Object.entries(expected)) assert.equal(metric(context, name), value, name)
    assert.equal(gauge(context, 'sampling_traces_on_memory'), 2)
  })
  test('with the name of the component, where it has one', async () =>
    assert.equal(
      metric(
        await counted('tail_sampling/eu'),
        'count_traces_sampled{decision="sampled",policy="eu.all",sampled="true"}',
      ),
      2,
    ))
  test('spans and bytes behind their gates', async () => {
    const series = (name: string) => `count_${name}_sampled{decision="sampled",policy="all",sampled="true"}`
    assert.equal(metric(await counted('tail_sampling'), series('spans')), undefined)
    assert.equal(metric(await counted('tail_sampling', gates('metricstatcountspanssampled')), series('spans')), 3)
    const bytes = metric(await counted('tail_sampling', gates('metricstatcountbytessampled')), series('bytes'))!
    const framing = 2
    assert.equal(bytes, batchOf([1, 1]).byteLength + batchOf([2], error).byteLength - 2 * framing)
  })
})

test('what the next component refuses is lost and counted', async () => {
  const { context, handle, clock } = await open(`{decision_wait: 1s, policies: [${all}]}`, {
    accept: () => {
      throw new Rejected('full', { retryable: true })
    },
  })
  await handle(batchOf([1, 1]))
  await clock.advance(2_000)
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'refused_downstream', intent: 'lost' }])
})

test('spans of senders who differ in what is read further on are never one batch', async () => {
  const { context, handle, clock } = await open(`{decision_wait: 1s, policies: [${all}]}`, {
    originKey: ({ metadata }) => metadata.get('tenant')?.[0] ?? '',
  })
  const of = (tenant: string): Origin => ({ metadata: new Map([['tenant', [tenant]]]) })
  await handle(batchOf([1], {}, of('a')))
  await handle(batchOf([1, 2], {}, of('b')))
  await clock.advance(2_000)
  const tenants = context.recorded.emitted.map(({ batch }) => [batch.origin.metadata.get('tenant'), names(batch)])
  assert.deepEqual(tenants, [
    [['a'], ['1.0']],
    [['b'], ['1.0', '2.1']],
  ])
})

test('spans without a trace id are one trace', async () => {
  const { context, handle, clock } = await open(
    `{decision_wait: 1s, policies: [{name: c, type: span_count, span_count: {min_spans: 2}}]}`,
  )
  await handle(batchOf([1, 1], { traceId: '' }))
  await clock.advance(2_000)
  assert.deepEqual(flat(context), ['1.0', '1.1'])
})

suite('over a reload', () => {
  const reload = async (
    before: string,
    after: string,
    run: (one: Awaited<ReturnType<typeof open>>) => Promise<void>,
  ) => {
    const one = await open(before)
    await run(one)
    const state = await one.instance.save!()
    const sent = one.context.recorded.emitted.length
    await one.instance.shutdown?.(AbortSignal.timeout(1_000))
    assert.equal(one.context.recorded.emitted.length, sent, 'what was saved is not sent')
    const { instance, context, handle } = build(factory, after)
    await instance.restore!(state)
    await instance.start?.()
    return { instance, context, handle, clock: context.clock }
  }

  test('held traces are decided when they would have been, by the new policies', async () => {
    const { context, clock } = await reload(
      `{decision_wait: 3s, policies: [${none}]}`,
      `{decision_wait: 30s, policies: [${all}]}`,
      async ({ handle, clock }) => {
        await handle(batchOf([1, 1]))
        await clock.advance(2_000)
        await handle(batchOf([2], {}, { metadata: new Map([['tenant', ['a']]]) }))
      },
    )
    await clock.advance(1_000)
    assert.deepEqual(flat(context), [])
    await clock.advance(1_000)
    assert.deepEqual(flat(context), ['1.0', '1.1'])
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['1.0', '1.1', '2.0'])
    assert.deepEqual(context.recorded.emitted[1]!.batch.origin.metadata.get('tenant'), ['a'])
  })

  test('decisions stay, in memory and in the caches', async () => {
    const caches = 'decision_cache: {sampled_cache_size: 10, non_sampled_cache_size: 10},'
    for (const cache of ['', caches]) {
      const yaml = `{decision_wait: 1s, ${cache} policies: [${errors}]}`
      const { context, handle } = await reload(yaml, yaml, async ({ handle, clock }) => {
        await handle(batchOf([1], error))
        await handle(batchOf([2]))
        await clock.advance(2_000)
      })
      await handle(batchOf([1, 2, 3]))
      assert.deepEqual(flat(context), ['1.0'])
    }
  })

  test('limits go on where they were', async () => {
    const yaml =
      '{decision_wait: 1s, policies: [{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 1, burst_capacity: 5}}]}'
    const { context, handle, clock } = await reload(yaml, yaml, async ({ handle, clock }) => {
      await handle(batchOf([1, 1, 1, 1, 1]))
      await clock.advance(2_000)
    })
    await handle(batchOf([2, 2, 2, 2, 2]))
    await handle(batchOf([3, 3]))
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['3.0', '3.1'])
  })

  test('fewer traces than before: the oldest make room', async () => {
    const { context, clock } = await reload(
      `{decision_wait: 1s, policies: [${all}]}`,
      `{decision_wait: 1s, num_traces: 1, policies: [${all}]}`,
      async ({ handle }) => void (await handle(batchOf([1, 2, 3]))),
    )
    await clock.advance(2_000)
    assert.deepEqual(flat(context), ['3.2'])
    assert.deepEqual(context.recorded.drops, [
      { items: 1, reason: 'evicted', intent: 'lost' },
      { items: 1, reason: 'evicted', intent: 'lost' },
    ])
  })
})

test('every span goes on or is counted, whatever comes, in whatever order', async () => {
  let seed = 42
  const next = (n: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (seed >>> 8) % n
  }
  const settings = [
    'num_traces: 20',
    'num_traces: 20, decision_cache: {sampled_cache_size: 5, non_sampled_cache_size: 5}',
    'max_bytes: 300000',
    'max_bytes: 300000, decision_wait_after_root_received: 1s, maximum_trace_size_bytes: 20000',
    'sampling_strategy: span-ingest, num_traces: 30',
  ]
  for (const yaml of settings) {
    const { context, handle, clock, instance } = await open(
      `{decision_wait: 2s, ${yaml}, policies: [${errors}, ${dropMetrics}]}`,
    )
    let [taken, returned] = [0, 0]
    for (let round = 0; round < 150; round++) {
      const traces = Array.from({ length: 1 + next(20) }, () => next(60))
      const batch = batchOf(traces, {
        status: { code: next(12) === 0 ? 2 : 0 },
        parentSpanId: next(3) === 0 ? '' : '00000000000000ff',
        attributes: { 'url.path': next(20) === 0 ? '/metrics' : '/', text: 'x'.repeat(next(1_000)) },
      })
      taken += batch.count
      const answer = await handle(batch)
      if (typeof answer === 'object') returned += answer.count
      await clock.advance(next(700))
    }
    await instance.shutdown?.(AbortSignal.timeout(5_000))
    const dropped = context.recorded.drops.reduce((sum, { items }) => sum + items, 0)
    assert.equal(returned + flat(context).length + dropped, taken, yaml)
    assert.equal(gauge(context, 'sampling_traces_on_memory'), 0)
    assert.ok(gauge(context, 'held_bytes')! < 3 * 1024 * 1024, 'memory is given back')
  }
})

suite('refused', () => {
  const policies = (policy: string) => `policies: [${policy}]`
  const refusals: readonly (readonly [string, string])[] = [
    [
      'sampling_strategy: sometimes',
      'invalid sampling_strategy "sometimes", expected one of "trace-complete" or "span-ingest"',
    ],
    ['num_shards: 257', 'num_shards (257) must not exceed 256'],
    ['{num_shards: 2, tail_storage: some/thing}', 'num_shards greater than 1 is not supported with tail_storage'],
    ['tail_storage: some/thing', 'tail_storage is not supported'],
    [policies('{type: always_sample}'), 'policy name cannot be empty'],
    [policies(`${all}, ${all}`), 'duplicate policy name "all"'],
    [
      policies('{name: x, type: magic}'),
      'failed to create policy evaluator for "x": unknown sampling policy type magic',
    ],
    [policies('{name: x}'), 'unknown sampling policy type ;'],
    [
      policies('{name: x, type: and, and: {and_sub_policy: [{name: y, type: composite}]}}'),
      'unknown sampling policy type composite',
    ],
    [policies('{name: x, type: not}'), 'unknown sampling policy type'],
    [policies('{name: x, type: status_code}'), 'expected at least one status code to filter on'],
    [
      policies('{name: x, type: status_code, status_code: {status_codes: [BAD]}}'),
      'unknown status code "BAD", supported: OK, ERROR, UNSET',
    ],
    [policies('{name: x, type: numeric_attribute}'), 'at least one of min_value or max_value must be set'],
    [
      policies('{name: x, type: string_attribute, string_attribute: {values: ["["], enabled_regex_matching: true}}'),
      'invalid regex `[`',
    ],
    [policies('{name: x, type: ottl_condition}'), 'expected at least one OTTL condition to filter on'],
    [
      policies('{name: x, type: ottl_condition, ottl_condition: {span: [\'bad.attributes["x"] == "y"\']}}'),
      'failed to create policy evaluator for "x"',
    ],
    [policies('{name: x, type: latency, latency: {threshold: 1}}'), 'has invalid keys: threshold'],
    ...[
      '{name: x, type: rate_limiting, rate_limiting: {spans_per_second: 1}}',
      '{name: x, type: latency, latency: {upper_threshold_ms: 1}}',
      '{name: x, type: span_count, span_count: {max_spans: 1}}',
      '{name: x, type: and, and: {and_sub_policy: [{name: y, type: bytes_limiting}]}}',
      '{name: x, type: drop, drop: {drop_sub_policy: [{name: y, type: rate_limiting}]}}',
      '{name: x, type: not, not: {not_sub_policy: {name: y, type: rate_limiting}}}',
      '{name: x, type: composite, composite: {composite_sub_policy: [{name: y, type: rate_limiting}]}}',
    ].map(
      (policy) =>
        [
          `{sampling_strategy: span-ingest, policies: [${policy}]}`,
          'sampling_strategy "span-ingest" requires all policies to be stateless, but policy "x" is stateful',
        ] as const,
    ),
  ]
  for (const [yaml, words] of refusals)
    test(yaml, () =>
      assert.throws(
        () => build(factory, yaml),
        (error) => error instanceof Error && error.message.includes(words),
      ),
    )
})

test('what most likely is not meant is said at the start', async () => {
  const warned = async (yaml: string, options: TestContextOptions = {}) =>
    (await open(yaml, options)).context.recorded.lines.map(({ message }) => message)
  assert.match(
    (await warned('policies: [{name: x, type: latency, latncy: {threshold_ms: 1}}]')).join(),
    /nothing reads/,
  )
  const parts = `composite_sub_policy: [${all}, ${errors}], policy_order: [errors, all]`
  assert.match((await warned(`policies: [{name: x, type: composite, composite: {${parts}}}]`)).join(), /policy_order/)
  assert.match((await warned('sample_on_first_match: true', gates('usetracestate'))).join(), /sample_on_first_match/)
  assert.deepEqual(await warned(`policies: [${all}]`), [])
})
