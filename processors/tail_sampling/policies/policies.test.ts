/** Upstream's tables of internal/sampling/*_test.go, each case through the whole processor: a trace goes in, its time comes, it is there or not. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newTraces } from '../../../pipeline/data/builders.ts'
import type { SpanInit } from '../../../pipeline/data/items.ts'
import type { Traces } from '../../../pipeline/data/telemetry.ts'
import { build } from '../../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../../pipeline/testing/context.ts'
import factory from '../index.ts'
import { hashLimit } from './probabilistic.ts'

interface Content {
  readonly resource?: Readonly<Record<string, string | number | bigint | boolean>>
  readonly scope?: string
  readonly spans?: readonly Partial<SpanInit>[]
}

const traceId = '0102030405060708090a0b0c0d0e0f10'
const gate = {
  engine: {
    featureGates: [
      { id: 'processor.tailsamplingprocessor.usetracestate', enabled: true, stage: 'Alpha', description: '' },
    ],
  },
} satisfies TestContextOptions

function traceOf({ resource = {}, scope = '', spans = [{}] }: Content, id = traceId): Traces {
  const builder = newTraces().resource(resource).scope(scope)
  for (const span of spans) builder.span({ name: 'span', traceId: id, spanId: '0102030405060708', ...span })
  return builder.build()
}

/** The names of the spans that were sampled, tick by tick. */
function open(policies: string, options: TestContextOptions = {}) {
  const { handle, context, instance } = build(factory, `{decision_wait: 1s, policies: ${policies}}`, options)
  return {
    context,
    start: () => instance.start?.(),
    handle,
    /** Until all that came before is decided. */
    async decided(): Promise<readonly string[]> {
      const before = context.recorded.emitted.length
      await context.clock.advance(2_000)
      return context.recorded.emitted
        .slice(before)
        .flatMap(({ batch }) => [...(batch as Traces)].map(({ name }) => name))
        .sort()
    },
  }
}

async function isSampled(policy: string, content: Content, options: TestContextOptions = {}, id = traceId) {
  const sampler = open(`[${policy}]`, options)
  await sampler.start()
  await sampler.handle(traceOf(content, id))
  const names = await sampler.decided()
  return names.length > 0
}

type Case = readonly [title: string, policy: string, content: Content, wanted: boolean]
function table(title: string, cases: readonly Case[], options: TestContextOptions = {}): void {
  suite(title, () => {
    for (const [name, policy, content, wanted] of cases)
      test(name, async () => assert.equal(await isSampled(policy, content, options), wanted))
  })
}

const ms = 1_000_000n
const now = 1_700_000_000_000_000_000n
const lasting = (millis: number, from = 0): Partial<SpanInit> => ({
  startUnixNano: now + BigInt(from) * ms,
  endUnixNano: now + BigInt(from + millis) * ms,
})

test('always_sample keeps', async () => assert.equal(await isSampled('{name: a, type: always_sample}', {}), true))

const over5s = '{name: l, type: latency, latency: {threshold_ms: 5000}}'
const between = '{name: l, type: latency, latency: {threshold_ms: 5000, upper_threshold_ms: 10000}}'
table('latency', [
  ['shorter', over5s, { spans: [lasting(4_500)] }, false],
  ['equal', over5s, { spans: [lasting(5_000)] }, false],
  ['longer', over5s, { spans: [lasting(5_001)] }, true],
  ['longer only as a whole', over5s, { spans: [lasting(3_000), lasting(3_000, 2_500)] }, true],
  ['bounded: shorter', between, { spans: [lasting(4_500)] }, false],
  ['bounded: equal to the lower bound', between, { spans: [lasting(5_000)] }, false],
  ['bounded: within', between, { spans: [lasting(5_001)] }, true],
  ['bounded: above', between, { spans: [lasting(10_001)] }, false],
  ['bounded: equal to the upper bound', between, { spans: [lasting(10_000)] }, true],
  ['bounded: as a whole', between, { spans: [lasting(3_000), lasting(3_000, 2_500)] }, true],
  ['without a section, anything of a millisecond', '{name: l, type: latency}', { spans: [lasting(1)] }, true],
  ['an end before the start is not long', over5s, { spans: [{ startUnixNano: now, endUnixNano: 0n }] }, false],
  ['longer than 53 bits of nanoseconds', over5s, { spans: [{ startUnixNano: 1n, endUnixNano: now }] }, true],
])

const truth = (invert: boolean) =>
  `{name: b, type: boolean_attribute, boolean_attribute: {key: example, value: true, invert_match: ${invert}}}`
table('boolean_attribute', [
  ['another key', truth(false), { spans: [{ attributes: { non_matching: true } }] }, false],
  ['another value', truth(false), { spans: [{ attributes: { example: false } }] }, false],
  ['the value', truth(false), { spans: [{ attributes: { example: true } }] }, true],
  ['the value of the resource', truth(false), { resource: { example: true } }, true],
  ['inverted: another key', truth(true), { spans: [{ attributes: { non_matching: true } }] }, true],
  ['inverted: another value', truth(true), { spans: [{ attributes: { example: false } }] }, true],
  ['inverted: the value', truth(true), { spans: [{ attributes: { example: true } }] }, false],
  ['a number counts as false', truth(false).replace('value: true', 'value: false'), { resource: { example: 8 } }, true],
])

const [min, max] = [-(2 ** 31), 2 ** 31 - 1]
const number = (bounds: string) => `{name: n, type: numeric_attribute, numeric_attribute: {key: example, ${bounds}}}`
const int32 = number(`min_value: ${min}, max_value: ${max}`)
const notInt32 = number(`min_value: ${min}, max_value: ${max}, invert_match: true`)
const ofSpan = (value: number): Content => ({ spans: [{ attributes: { example: value } }] })
const ofResource = (value: number): Content => ({
  resource: { example: value },
  spans: [{ attributes: { non_matching: min } }],
})
table('numeric_attribute', [
  ['another key', int32, { spans: [{ attributes: { non_matching: min } }] }, false],
  ['at the lower bound', int32, ofSpan(min), true],
  ['of the resource, at the lower bound', int32, ofResource(min), true],
  ['at the upper bound', int32, ofSpan(max), true],
  ['of the resource, at the upper bound', int32, ofResource(max), true],
  ['below', int32, ofSpan(min - 1), false],
  ['of the resource, below', int32, ofResource(min - 1), false],
  ['above', int32, ofSpan(max + 1), false],
  ['of the resource, above', int32, ofResource(max + 1), false],
  ['inverted: another key', notInt32, { spans: [{ attributes: { non_matching: min } }] }, true],
  ['inverted: at the lower bound', notInt32, ofSpan(min), false],
  ['inverted: of the resource, at the lower bound', notInt32, ofResource(min), false],
  ['inverted: at the upper bound', notInt32, ofSpan(max), false],
  ['inverted: of the resource, at the upper bound', notInt32, ofResource(max), false],
  ['inverted: below', notInt32, ofSpan(min - 1), true],
  ['inverted: of the resource, below', notInt32, ofResource(min - 1), true],
  ['inverted: above', notInt32, ofSpan(max + 1), true],
  ['inverted: of the resource, above', notInt32, ofResource(max + 1), true],
  ['only a lower bound: above', number('min_value: 100'), ofSpan(200), true],
  ['only a lower bound: below', number('min_value: 100'), ofSpan(50), false],
  ['only an upper bound: below', number('max_value: 100'), ofSpan(50), true],
  ['only an upper bound: above', number('max_value: 100'), ofSpan(200), false],
  ['both bounds: within', number('min_value: 100, max_value: 200'), ofSpan(150), true],
  ['both bounds: below', number('min_value: 100, max_value: 200'), ofSpan(50), false],
  ['both bounds: above', number('min_value: 100, max_value: 200'), ofSpan(250), false],
  ['inverted, only a lower bound', number('min_value: 100, invert_match: true'), ofSpan(200), false],
  ['inverted, only an upper bound', number('max_value: 100, invert_match: true'), ofSpan(50), false],
  ['a negative lower bound', number('min_value: -100'), ofSpan(-50), true],
  ['a double counts as 0', number('max_value: 100'), ofSpan(1000.5), true],
])

const text = (keys: string) => `{name: s, type: string_attribute, string_attribute: {key: example, ${keys}}}`
const [exact, notExact] = [text('values: [value]'), text('values: [value], invert_match: true')]
const notList = text('values: [first_value, value, last_value], invert_match: true')
const regex = (values: string, more = '') => text(`values: [${values}], enabled_regex_matching: true${more}`)
const health: Content = { spans: [{ attributes: { example: 'grpc.health.v1.HealthCheck' } }] }
const span = (key: string, value: string): Content => ({ spans: [{ attributes: { [key]: value } }] })
const inverted = ', invert_match: true, cache_max_size: 128'
table('string_attribute', [
  ['another key of the resource', exact, { resource: { non_matching: 'value' } }, false],
  ['another value of the resource', exact, { resource: { example: 'non_matching' } }, false],
  ['the value of the resource', exact, { resource: { example: 'value' } }, true],
  ['another key', exact, span('nonmatching', 'value'), false],
  ['another value', exact, span('example', 'nonmatching'), false],
  ['the value', exact, span('example', 'value'), true],
  ['regex', regex('"v[0-9]+.HealthCheck$"', ', cache_max_size: 128'), health, true],
  ['regex that does not match', regex('"v[a-z]+.HealthCheck$"', ', cache_max_size: 128'), health, false],
  ['regex without the size of a cache', regex('"v[0-9]+.HealthCheck$"'), health, true],
  ['plain text as regex', regex('value'), { resource: { example: 'value' } }, true],
  ['regex without values', regex(''), health, false],
  ['inverted: another key of the resource', notExact, { resource: { non_matching: 'value' } }, true],
  ['inverted: another value of the resource', notExact, { resource: { example: 'non_matching' } }, true],
  ['inverted: another value than a list has', notList, { resource: { example: 'non_matching' } }, true],
  ['inverted: the value of the resource', notExact, { resource: { example: 'value' } }, false],
  ['inverted: a value of a list', notList, { resource: { example: 'value' } }, false],
  ['inverted: another key', notExact, span('nonmatching', 'value'), true],
  ['inverted: another value', notExact, span('example', 'nonmatching'), true],
  ['inverted: another value of the span than a list has', notList, span('example', 'nonmatching'), true],
  ['inverted: the value of a span', notExact, span('example', 'value'), false],
  ['inverted: a value of a list, of a span', notList, span('example', 'value'), false],
  ['inverted regex', regex('"v[0-9]+.HealthCheck$"', inverted), health, false],
  ['inverted regexes', regex('"^http", "v[0-9]+.HealthCheck$", "metrics$"', inverted), health, false],
  ['inverted regex that does not match', regex('"v[a-z]+.HealthCheck$"', inverted), health, true],
  ['inverted regexes that do not match', regex('"^http", "v[a-z]+.HealthCheck$", "metrics$"', inverted), health, true],
  ['inverted plain text as regex', regex('value', inverted), { resource: { example: 'value' } }, false],
  ['inverted plain texts as regex', regex('first_value, value', inverted), { resource: { example: 'value' } }, false],
  ['inverted regex without values', regex('', inverted), health, true],
])

test('more texts than the cache of a regex holds are matched all the same', async () => {
  const sampler = open(`[${regex('"^yes"', ', cache_max_size: 2')}]`)
  await sampler.start()
  for (let i = 0; i < 10; i++) {
    const example = i % 2 === 0 ? `yes ${i}` : `no ${i}`
    await sampler.handle(traceOf({ spans: [{ name: example, attributes: { example } }] }, idOf(i, 1)))
  }
  assert.deepEqual(await sampler.decided(), ['yes 0', 'yes 2', 'yes 4', 'yes 6', 'yes 8'])
})

const codes = (names: string) => `{name: c, type: status_code, status_code: {status_codes: [${names}]}}`
const status = (...all: number[]): Content => ({ spans: all.map((code) => ({ status: { code } })) })
table('status_code', [
  ['no span with ERROR', codes('ERROR'), status(1, 0, 1), false],
  ['neither OK nor ERROR', codes('OK, ERROR'), status(0, 0), false],
  ['UNSET', codes('UNSET'), status(0), true],
  ['OK or UNSET', codes('OK, UNSET'), status(2, 1), true],
  ['a span with ERROR', codes('ERROR'), status(1, 2, 0), true],
  ['a span with UNSET', codes('UNSET'), status(2, 0), true],
  ['one of several', codes('ERROR, UNSET'), status(1, 2), true],
  ['none', codes('UNSET, ERROR'), status(1), false],
  ['OK', codes('OK'), status(1), true],
])

const count = (bounds: string) => `{name: c, type: span_count, span_count: {${bounds}}}`
const spans = (n: number): Content => ({ spans: Array.from({ length: n }, () => ({})) })
const spanCounts: readonly Case[] = [
  ['fewer than the least', count('min_spans: 3'), spans(1), false],
  ['the least', count('min_spans: 3'), spans(3), true],
  ['more than the least', count('min_spans: 3'), spans(4), true],
  ['fewer than the most', count('max_spans: 20'), spans(1), true],
  ['the most', count('max_spans: 20'), spans(20), true],
  ['more than the most', count('max_spans: 20'), spans(21), false],
  ['below the range', count('min_spans: 3, max_spans: 20'), spans(1), false],
  ['the lower end of the range', count('min_spans: 3, max_spans: 20'), spans(3), true],
  ['within the range', count('min_spans: 3, max_spans: 20'), spans(10), true],
  ['the upper end of the range', count('min_spans: 3, max_spans: 20'), spans(20), true],
  ['above the range', count('min_spans: 3, max_spans: 20'), spans(21), false],
]
table('span_count', spanCounts)
suite('span_count over several requests', () => {
  for (const [title, policy, content, wanted] of spanCounts)
    test(title, async () => {
      const sampler = open(`[${policy}]`)
      await sampler.start()
      for (const one of content.spans ?? []) await sampler.handle(traceOf({ spans: [one] }))
      assert.equal((await sampler.decided()).length > 0, wanted)
    })
})

const state = (values: string) => `{name: t, type: trace_state, trace_state: {key: example, values: [${values}]}}`
const carrying = (...states: string[]): Content => ({ spans: states.map((traceState) => ({ traceState })) })
table('trace_state', [
  ['another key', state('value'), carrying('non_matching=value'), false],
  ['another value', state('value'), carrying('example=non_matching'), false],
  ['the value', state('value'), carrying('example=value'), true],
  ['no values', state(''), carrying('example=value'), false],
  ['several members, none of them it', state('value'), carrying('example=non_matching,non_matching=value'), false],
  ['several members', state('value'), carrying('example=value,non_matching=value'), true],
  ['several values, none of them it', state('value1, value2'), carrying('example=non_matching'), false],
  ['several values', state('value1, value2'), carrying('example=value1'), true],
  ['what is no tracestate', state('value'), carrying('example=value,=='), false],
])

table('trace_flags', [
  ['sampled', '{name: f, type: trace_flags}', { spans: [{ flags: 1 }] }, true],
  ['not sampled', '{name: f, type: trace_flags}', { spans: [{ flags: 0 }] }, false],
  ['other flags', '{name: f, type: trace_flags}', { spans: [{ flags: 0x300 }] }, false],
])

const ottl = (of: string) => `{name: o, type: ottl_condition, ottl_condition: {error_mode: ignore, ${of}}}`
const attrs: Content = {
  spans: [{ attributes: { k1: 'v1', k2: 'v2' }, events: [{ name: 'e', attributes: { ek: 'ev' } }] }],
}
table('ottl_condition', [
  ['of a span', ottl(`span: ['attributes["k1"] == "v1"']`), attrs, true],
  ['of a span that it is not', ottl(`span: ['attributes["k1"] != "v1"']`), attrs, false],
  ['inequality', ottl(`span: ['attributes["k1"] != "v2"']`), attrs, true],
  ['of an event', ottl(`spanevent: ['attributes["ek"] == "ev"']`), attrs, true],
  ['of the name of an event', ottl(`spanevent: ['name != "another"']`), attrs, true],
  ['neither', ottl(`span: ['attributes["k1"] == "x"'], spanevent: ['attributes["ek"] == "x"']`), attrs, false],
  ['with its context', ottl(`span: ['span.attributes["k1"] == "v1"']`), attrs, true],
  ['inequality with its context', ottl(`span: ['span.attributes["k1"] != "v2"']`), attrs, true],
  ['of an event with its context', ottl(`spanevent: ['spanevent.attributes["ek"] == "ev"']`), attrs, true],
  ['of the name of an event with its context', ottl(`spanevent: ['spanevent.name != "x"']`), attrs, true],
  ['both spellings', ottl(`span: ['attributes["k1"] == "x"', 'span.attributes["k2"] == "v2"']`), attrs, true],
  ['of the resource', ottl(`span: ['resource.attributes["a"] == "b"']`), { resource: { a: 'b' } }, true],
  [
    'of the resource, for an event',
    ottl(`spanevent: ['resource.attributes["a"] == "b"']`),
    { resource: { a: 'b' }, spans: [{ events: [{ name: 'e' }] }] },
    true,
  ],
  ['of the scope', ottl(`span: ['scope.name == "my-scope"']`), { scope: 'my-scope' }, true],
  ['of the scope, old name', ottl(`span: ['instrumentation_scope.name == "my-scope"']`), { scope: 'my-scope' }, true],
])

test('error_mode propagate makes a failing condition an error of the policy, and the others decide', async () => {
  const failing = 'span: [\'Double("x") / 0.0 == 1.0\']'
  for (const [mode, errors] of [
    ['ignore', undefined],
    ['propagate', 1],
  ] as const) {
    const policy = `{name: o, type: ottl_condition, ottl_condition: {error_mode: ${mode}, ${failing}}}`
    const sampler = open(`[${policy}, {name: all, type: always_sample}]`)
    await sampler.start()
    await sampler.handle(traceOf({}))
    assert.equal((await sampler.decided()).length, 1)
    const { sums } = sampler.context.recorded
    assert.equal(sums.get('otelcol_processor_tail_sampling_sampling_policy_evaluation_error'), errors)
  }
})

const share = (percent: number, salt = '') =>
  `{name: p, type: probabilistic, probabilistic: {sampling_percentage: ${percent}, hash_salt: "${salt}"}}`
suite('probabilistic', () => {
  for (const [percent, salt, wanted] of [
    [100, '', 100],
    [0, '', 0],
    [25, '', 25],
    [33, '', 33],
    [33, 'test-salt', 33],
    [-50, '', 0],
    [150, '', 100],
  ] as const)
    test(`${percent} % ${salt}`, async () => {
      const total = 5_000
      const sampler = open(`[${share(percent, salt)}]`)
      await sampler.start()
      const builder = newTraces()
      for (let i = 0; i < total; i++) builder.span({ name: 's', traceId: randomId() })
      await sampler.handle(builder.build())
      const kept = ((await sampler.decided()).length / total) * 100
      assert.ok(Math.abs(kept - wanted) <= 2, `${kept} %`)
    })

  // What hash/fnv and math/big give, for ids that are close to the limit.
  test('decides as Go does, bit by bit', async () => {
    for (const [id, percent, wanted] of goDecisions)
      assert.equal(await isSampled(share(percent), {}, {}, id), wanted, id)
  })
})

/** Computed by Go: FNV-1a of default-hash-seed and the id, against MaxUint64 * ratio. */
const goDecisions: readonly (readonly [string, number, boolean])[] = [
  ['61626bc1b4d24a70bcf66438fe2f9da4', 1, false],
  ['b4458b29a076231427fc3ccf83c58ba9', 1, false],
  ['ef74c4c879f4f12bc18af7e5a72783de', 1, true],
  ['eebcce6a021bc403801d9bc2d097a67d', 1, true],
  ['de1c1c649f9ad704161ae800ef47ce45', 10, true],
  ['bb4505bd18044d181f45abb19f588949', 10, true],
  ['09df10808b96bb835ed1bb5300c3010d', 10, false],
  ['c37ab8dd1a25cb16485950f8b2664010', 10, false],
  ['ee2f3e78b709678adba3afadbb0d1c99', 33.3, true],
  ['8aa2535794e3e84517cdb93cd96b2951', 33.3, true],
  ['70a14f206d98f764ab943e778ef605ac', 33.3, false],
  ['2f2a5127e16c3c2d70131ee62412860a', 33.3, false],
  ['92c7c68c2bd2d26f8f1b2ffa162d6bcd', 50, false],
  ['2faab790a225e8153e159ec25296190c', 50, false],
  ['18f2891333d6afcf766d8ea3ea5a383e', 50, true],
  ['26483afdc08cd8351be244f99c0a56d5', 50, true],
  ['562cfe3aa6b29611675ec881282245e0', 99.9, false],
  ['f18a56c3f9eb445f6c90dc92b79697db', 99.9, true],
  ['2cc9c643a0353d447305c891ca2f15c2', 99.9, true],
  ['3add4a3d0c2d4758be91dfadc8ae080f', 99.9, false],
  ['5fc93a43d704598171fb0a767d353e00', 0.1, false],
  ['01a2257c8fcc8a9b47482c30a8dc1c29', 0.1, true],
  ['3b0fc493bf787e441ffae76c832eecc3', 0.1, false],
  ['140e28a9ff083597078c2004a57c884c', 0.1, true],
]

test('the limit of a percentage is the whole number that Go gives', () => {
  for (const [percent, limit] of [
    [1, 184467440737095519n],
    [10, 1844674407370955263n],
    [33.3, 6142765776545279999n],
    [50, 9223372036854775807n],
    [99.9, 18428297329635844095n],
    [0.1, 18446744073709551n],
    [12.345678, 2277375624824263679n],
  ] as const) {
    const [high, low] = hashLimit(percent / 100)
    assert.equal((BigInt(high) << 32n) | BigInt(low), limit)
  }
})

const [most, low] = ['ffffffffffffff', '40000000000000']
const zeros = ''
suite('probabilistic with usetracestate', () => {
  for (const [title, percent, states, wanted] of [
    ['most random, 50 %', 50, [`ot=rv:${most}`], true],
    ['not very random, 50 %', 50, [`ot=rv:${low}`], false],
    ['0 % never', 0, [`ot=rv:${most}`], false],
    ['100 % always', 100, [`ot=rv:${low}`], true],
    ['a threshold that came is not asked', 100, [`ot=th:8;rv:${most}`], true],
    ['a threshold that came is not asked, low randomness', 100, [`ot=th:8;rv:${low}`], true],
    ['0 % with th:0', 0, [`ot=th:0;rv:${most}`], false],
    ['several spans', 50, [`ot=th:0;rv:${most}`, `ot=th:8;rv:${most}`], true],
    ['randomness of a later span', 50, ['ot=th:e', `ot=rv:${most}`], true],
    ['what is no tracestate is hashed', 100, ['ot=not_a_valid_key$'], true],
    ['what is no randomness is hashed', 100, ['ot=rv:zzzzzzzzzzzzzz'], true],
    ['no tracestate is hashed', 100, [''], true],
    ['0 % with both', 0, [`ot=th:8;rv:${most}`], false],
  ] as const)
    test(title, async () => assert.equal(await isSampled(share(percent), carrying(...states), gate, zeros), wanted))

  test('the share of random values is the percentage', async () => {
    const total = 5_000
    const sampler = open(`[${share(25)}]`, gate)
    await sampler.start()
    const builder = newTraces()
    for (let i = 0; i < total; i++)
      builder.span({ name: 's', traceId: randomId(), traceState: `ot=rv:${randomId().slice(0, 14)}` })
    await sampler.handle(builder.build())
    const kept = ((await sampler.decided()).length / total) * 100
    assert.ok(Math.abs(kept - 25) <= 2, `${kept} %`)
  })

  test('without the gate the tracestate is not read', async () =>
    assert.equal(await isSampled(share(100), carrying('ot=th:fffff;rv:00000000000000')), true))
})

suite('rate_limiting', () => {
  const rate = (perSecond: number, burst: number) =>
    `[{name: r, type: rate_limiting, rate_limiting: {spans_per_second: ${perSecond}, burst_capacity: ${burst}}}]`
  const traces = async (policies: string, sizes: readonly number[]) => {
    const sampler = open(policies)
    await sampler.start()
    for (const [i, size] of sizes.entries())
      await sampler.handle(traceOf({ spans: spans(size).spans!.map(() => ({ name: `${i}` })) }, idOf(i + 1, 1)))
    return [...new Set(await sampler.decided())]
  }
  test('a burst is kept, and what comes after it is not', async () =>
    assert.deepEqual(await traces(rate(3, 3), [3, 1]), ['0']))
  test('a trace larger than the burst never is', async () => assert.deepEqual(await traces(rate(3, 2), [3]), []))
  test('the burst is twice the rate where it is not set', async () =>
    assert.deepEqual(await traces(rate(2, 0), [1, 1, 1, 1, 1]), ['0', '1', '2', '3']))
  test('it refills as time goes', async () => {
    const sampler = open(rate(4, 2))
    await sampler.start()
    const two = (id: number) => traceOf({ spans: [{ name: `${id}` }, { name: `${id}` }] }, idOf(id, 1))
    await sampler.handle(two(1))
    await sampler.handle(two(2))
    assert.deepEqual(await sampler.decided(), ['1', '1'])
    await sampler.handle(two(3))
    assert.deepEqual(await sampler.decided(), ['3', '3'])
  })
})

suite('bytes_limiting', () => {
  const size = traceOf({}).byteLength
  for (const [title, perSecond, burst, traces, wanted] of [
    ['within the burst', size / 2, size * 2, 1, 1],
    ['the whole burst', size / 2, size, 1, 1],
    ['larger than the burst', size, size - 1, 1, 0],
    ['several within the burst', size, size * 3, 2, 2],
    ['more than the burst', size / 2, size + 1, 2, 1],
    ['the burst is twice the rate where it is not set', size, 0, 3, 2],
  ] as const)
    test(title, async () => {
      const limits = `bytes_per_second: ${Math.trunc(perSecond)}, burst_capacity: ${burst}`
      const sampler = open(`[{name: b, type: bytes_limiting, bytes_limiting: {${limits}}}]`)
      await sampler.start()
      for (let i = 0; i < traces; i++) await sampler.handle(traceOf({}, idOf(i + 1, 1)))
      assert.equal((await sampler.decided()).length, wanted)
    })
})

suite('limits with usetracestate keep the most random traces', () => {
  type Trace = readonly [name: string, randomness: number, spans: number, service?: string]
  const run = async (policies: string, rounds: readonly (readonly Trace[])[]) => {
    const sampler = open(policies, gate)
    await sampler.start()
    const kept: (readonly string[])[] = []
    for (const round of rounds) {
      for (const [i, [name, randomness, size, service = '']] of round.entries())
        await sampler.handle(
          traceOf(
            { spans: spans(size).spans!.map(() => ({ name, attributes: { svc: service } })) },
            idOf(i + 1 + kept.length * 10, randomness),
          ),
        )
      kept.push([...new Set(await sampler.decided())])
    }
    const states = sampler.context.recorded.emitted.flatMap(({ batch }) =>
      [...(batch as Traces)].map(({ traceState }) => traceState),
    )
    return { kept, states: [...new Set(states)] }
  }
  const limit = (perSecond: number, burst: number) =>
    `{name: r, type: rate_limiting, rate_limiting: {spans_per_second: ${perSecond}, burst_capacity: ${burst}}}`
  const th = (threshold: number) => [`ot=th:${threshold.toString(16).padStart(14, '0').replace(/0+$/, '')}`]

  test('the threshold is one above the first that does not fit', async () =>
    assert.deepEqual(
      await run(`[${limit(5, 5)}]`, [
        [
          ['a', 100, 2],
          ['b', 50, 2],
          ['c', 10, 2],
        ],
      ]),
      {
        kept: [['a', 'b']],
        states: th(11),
      },
    ))
  test('all of them where all fit', async () =>
    assert.deepEqual(
      await run(`[${limit(10, 10)}]`, [
        [
          ['a', 100, 2],
          ['b', 50, 2],
        ],
      ]),
      {
        kept: [['a', 'b']],
        states: ['ot=th:0'],
      },
    ))
  test('never a trace larger than the burst', async () =>
    assert.deepEqual((await run(`[${limit(2, 2)}]`, [[['a', 100, 5]]])).kept, [[]]))
  test('which does not push out those that fit', async () =>
    assert.deepEqual(
      (
        await run(`[${limit(10, 10)}]`, [
          [
            ['d', 200, 20],
            ['a', 100, 3],
            ['c', 50, 3],
          ],
        ])
      ).kept,
      [['a', 'c']],
    ))
  test('of different sizes', async () =>
    assert.deepEqual(
      await run(`[${limit(3, 3)}]`, [
        [
          ['a', 100, 2],
          ['b', 50, 1],
          ['c', 10, 2],
        ],
      ]),
      {
        kept: [['a', 'b']],
        states: th(11),
      },
    ))
  test('those of equal randomness all or none', async () =>
    assert.deepEqual(
      await run(`[${limit(2, 2)}]`, [
        [
          ['a', 100, 1],
          ['b', 50, 1],
          ['c', 50, 1],
          ['d', 10, 1],
        ],
      ]),
      {
        kept: [['a']],
        states: th(51),
      },
    ))
  test('what a round leaves, the next has', async () => {
    const perHour = limit(1, 4)
    const { kept } = await run(`[${perHour}]`, [
      [
        ['a', 100, 1],
        ['b', 90, 1],
        ['b2', 89, 1],
        ['b3', 88, 1],
      ],
      [
        ['high', 100, 1],
        ['mid', 50, 1],
        ['low', 10, 1],
      ],
    ])
    assert.deepEqual(kept, [
      ['a', 'b', 'b2', 'b3'],
      ['high', 'mid'],
    ])
  })
  const only = '{name: s, type: string_attribute, string_attribute: {key: svc, values: [keep]}}'
  for (const parts of [`${only}, ${limit(2, 2)}`, `${limit(2, 2)}, ${only}`])
    test(`in and, those that pass the others: ${parts.slice(0, 20)}...`, async () => {
      const policies = `[{name: x, type: and, and: {and_sub_policy: [${parts}]}}]`
      const traces: readonly Trace[] = [
        ['d', 200, 1, 'other'],
        ['a', 150, 1, 'keep'],
        ['b', 100, 1, 'keep'],
        ['c', 50, 1, 'keep'],
      ]
      assert.deepEqual((await run(policies, [traces])).kept, [['a', 'b']])
    })
  test('dropped traces spend nothing', async () => {
    const drop = `{name: no, type: drop, drop: {drop_sub_policy: [${only}]}}`
    assert.deepEqual(
      (
        await run(`[${limit(1, 1)}, ${drop}]`, [
          [
            ['d', 200, 1, 'keep'],
            ['a', 100, 1],
          ],
        ])
      ).kept,
      [['a']],
    )
  })
  test('in composite, as without the gate', async () => {
    const parts = `composite_sub_policy: [${limit(1, 1)}], max_total_spans_per_second: 100`
    const { kept, states } = await run(`[{name: x, type: composite, composite: {${parts}}}]`, [
      [
        ['a', 10, 1],
        ['b', 100, 1],
      ],
    ])
    assert.deepEqual(kept, [['a']])
    assert.deepEqual(states, ['ot=th:0'])
  })
})

const yes = '{name: yes, type: always_sample}'
const never = share(0)
const joined = (type: string, parts: string) => `{name: x, type: ${type}, ${type}: {${type}_sub_policy: ${parts}}}`
table('and, not, drop', [
  ['and: all', joined('and', `[${yes}, ${exact}]`), span('example', 'value'), true],
  ['and: one does not', joined('and', `[${yes}, ${exact}]`), span('example', 'x'), false],
  ['and: inverted', joined('and', `[${notExact}]`), span('example', 'x'), true],
  ['and: inverted, matched', joined('and', `[${notExact}]`), span('example', 'value'), false],
  ['and: nothing', joined('and', '[]'), {}, true],
  ['not: of what keeps', joined('not', yes), {}, false],
  ['not: of what does not', joined('not', never), {}, true],
  ['and with not', joined('and', `[${yes}, ${joined('not', never)}]`), {}, true],
  ['drop: all', `${joined('drop', `[${exact}]`)}, ${yes.replace('yes', 'z')}`, span('example', 'value'), false],
  ['drop: one does not', `${joined('drop', `[${exact}]`)}, ${yes.replace('yes', 'z')}`, span('example', 'x'), true],
  ['drop: inverted', `${joined('drop', `[${notExact}]`)}, ${yes.replace('yes', 'z')}`, span('example', 'x'), false],
  [
    'drop, wherever it stands',
    `${yes.replace('yes', 'z')}, ${joined('drop', `[${exact}]`)}`,
    span('example', 'value'),
    false,
  ],
  ['a probabilistic part', joined('and', `[${yes}, ${never}]`), {}, false],
])

suite('composite', () => {
  const composite = (total: number, rates: string, parts: string) =>
    `[{name: c, type: composite, composite: {max_total_spans_per_second: ${total}, rate_allocation: [${rates}], composite_sub_policy: [${parts}]}}]`
  const tag = '{name: tag, type: numeric_attribute, numeric_attribute: {key: tag, min_value: 1, max_value: 100}}'
  const run = async (policies: string, tags: readonly number[], options: TestContextOptions = {}) => {
    const sampler = open(policies, options)
    await sampler.start()
    for (const [i, value] of tags.entries())
      await sampler.handle(traceOf({ spans: [{ name: `${i}`, attributes: { tag: value } }] }, idOf(i + 1, 1)))
    return { kept: await sampler.decided(), sampler }
  }
  test('nothing that no part keeps', async () =>
    assert.deepEqual((await run(composite(10, '', `${tag}, ${never}`), [1_001])).kept, []))
  test('the first part that keeps decides', async () =>
    assert.deepEqual(
      (
        await run(
          composite(3, '{policy: tag, percent: 34}, {policy: yes, percent: 34}', `${tag}, ${yes}`),
          [10, 11, 1_001],
        )
      ).kept,
      ['0', '2'],
    ))
  test('a part without a percentage has an equal share', async () =>
    assert.equal((await run(composite(10, '', `${tag}, ${yes}`), Array(10).fill(1_001))).kept.length, 5))
  test('a part that rate_allocation leaves out has one too', async () =>
    assert.equal(
      (await run(composite(10, '{policy: tag, percent: 25}', `${tag}, ${yes}`), Array(10).fill(1_001))).kept.length,
      5,
    ))
  test('an inverted part keeps', async () =>
    assert.equal((await run(composite(10, '', `${exact}, ${notExact}`), [1])).kept.length, 1))
  test('a second later it keeps again', async () => {
    const { kept, sampler } = await run(composite(10, '', yes), Array(20).fill(1))
    assert.equal(kept.length, 10)
    await sampler.handle(traceOf({}, idOf(99, 1)))
    assert.equal((await sampler.decided()).length, 1)
  })
  test('recordpolicy says which part kept the trace', async () => {
    const { id } = gate.engine.featureGates[0]!
    const recordPolicy = { ...gate.engine.featureGates[0]!, id: id.replace('usetracestate', 'recordpolicy') }
    const { sampler } = await run(composite(10, '', `${tag}, ${yes}`), [1_001], {
      engine: { featureGates: [recordPolicy] },
    })
    const [item] = sampler.context.recorded.emitted[0]!.batch as Traces
    assert.deepEqual(Object.fromEntries(item!.scope.attributes.entries()), {
      'tailsampling.composite_policy': 'yes',
      'tailsampling.policy': 'c',
    })
  })
})

/** With a randomness in its last 56 bits, and a number that makes it another trace. */
function idOf(number: number, randomness: number): string {
  return number.toString(16).padStart(2, '0').padEnd(18, '0') + randomness.toString(16).padStart(14, '0')
}

let seed = 7
function randomId(): string {
  let id = ''
  while (id.length < 32) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    id += (seed >>> 8).toString(16).padStart(6, '0').slice(-4)
  }
  return id
}
