/** Statements over batches: every context, what is written above the items, and what happens on errors. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { newLogs, newMetrics, newTraces, spanEvent } from '../data/builders.ts'
import type { Batch, Logs, Metrics, Traces, Value } from '../data/telemetry.ts'
import { double } from '../data/value.ts'
import { compileConditions, compileStatements, type ErrorMode } from './compile.ts'
import { Frame } from './frame.ts'
import { any } from './functions/params.ts'
import { converter } from './functions/signature.ts'
import { Runner } from './run.ts'
import { testHost } from './testing.ts'

function run<B extends Batch>(batch: B, statements: readonly string[], errorMode: ErrorMode = 'propagate'): B {
  return new Runner(compileStatements(statements, 'infer'), { host: testHost(), errorMode }).run(batch)
}

function twoServices(): Traces {
  const span = {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '0102030405060708',
    kind: 2,
    startUnixNano: 1n,
    endUnixNano: 5n,
  }
  const events = [spanEvent({ name: 'one', attributes: { n: 1 } }), spanEvent({ name: 'two' })]
  return newTraces()
    .resource({ 'service.name': 'a' })
    .scope('lib')
    .span({ ...span, name: 'first', attributes: { a: 'x', list: [1, 2], map: { deep: true } }, events })
    .span({ ...span, name: 'second', traceState: 'k=v,l=w', parentSpanId: '0000000000000001' })
    .resource({ 'service.name': 'b' })
    .scope('lib')
    .span({ ...span, name: 'third', status: { code: 2, message: 'bad' } })
    .build()
}

const attributesOf = (of: { readonly attributes: { entries(): Iterable<[string, Value]> } }) =>
  Object.fromEntries(of.attributes.entries())

/** Each editor on the first span, whose attributes are { a: 'x', list: [1, 2], map: { deep: true } }. */
const editors: readonly (readonly [statement: string, expected: Readonly<Record<string, unknown>>])[] = [
  ['set(span.attributes["b"], span.name)', { a: 'x', list: [1, 2], map: { deep: true }, b: 'first' }],
  ['set(span.attributes["b"], nil)', { a: 'x', list: [1, 2], map: { deep: true } }],
  [
    'set(span.attributes["map"]["other"]["x"], 1.0)',
    { a: 'x', list: [1, 2], map: { deep: true, other: { x: double(1) } } },
  ],
  ['set(span.attributes["new"][2], "c")', { a: 'x', list: [1, 2], map: { deep: true }, new: [null, null, 'c'] }],
  ['set(span.attributes["list"][1], 7)', { a: 'x', list: [1, 7], map: { deep: true } }],
  ['set(span.attributes, {"only": 1})', { only: 1 }],
  ['append(span.attributes["list"], 3)', { a: 'x', list: [1, 2, 3], map: { deep: true } }],
  ['append(span.attributes["a"], values=["y", "z"])', { a: ['x', 'y', 'z'], list: [1, 2], map: { deep: true } }],
  ['delete_index(span.attributes["list"], 0)', { a: 'x', list: [2], map: { deep: true } }],
  ['delete_key(span.attributes["map"], "deep")', { a: 'x', list: [1, 2], map: {} }],
  ['delete_matching_keys(span.attributes, "^l|m")', { a: 'x' }],
  ['keep_keys(span.attributes, ["a", "zz"])', { a: 'x' }],
  ['keep_matching_keys(span.attributes, "(?i)A")', { a: 'x', map: { deep: true } }],
  ['limit(span.attributes, 1, ["list"])', { list: [1, 2] }],
  ['merge_maps(span.attributes, {"a": 1, "b": 2}, "insert")', { a: 'x', list: [1, 2], map: { deep: true }, b: 2 }],
  ['merge_maps(span.attributes, {"a": 1, "b": 2}, "upsert")', { a: 1, list: [1, 2], map: { deep: true }, b: 2 }],
  ['flatten(span.attributes, "p")', { 'p.a': 'x', 'p.list.0': 1, 'p.list.1': 2, 'p.map.deep': true }],
  ['flatten(span.attributes, resolve_conflicts=true)', { a: 'x', list: 1, 'list.0': 2, 'map.deep': true }],
  ['flatten(span.attributes, depth=0)', { a: 'x', list: [1, 2], map: { deep: true } }],
  ['truncate_all(span.attributes, 0)', { a: '', list: [1, 2], map: { deep: true } }],
  ['stringify_all(span.attributes)', { a: 'x', list: '[1,2]', map: '{"deep":true}' }],
  ['replace_pattern(span.attributes["a"], "(x)", "<$$1$1>")', { a: '<$1x>', list: [1, 2], map: { deep: true } }],
  [
    'replace_pattern(span.attributes["a"], "x", "y", ToUpperCase, "[%s]")',
    { a: '[Y]', list: [1, 2], map: { deep: true } },
  ],
  ['replace_match(span.attributes["a"], "?", "z", ToUpperCase)', { a: 'Z', list: [1, 2], map: { deep: true } }],
  ['replace_all_patterns(span.attributes, "key", "^(.)$", "k.$1")', { 'k.a': 'x', list: [1, 2], map: { deep: true } }],
  ['replace_all_matches(span.attributes, "*", "gone")', { a: 'gone', list: [1, 2], map: { deep: true } }],
]

test('editors change attributes as upstream does', () => {
  for (const [statement, expected] of editors) {
    const [first] = run(twoServices(), [`${statement} where span.name == "first"`])
    assert.deepEqual(attributesOf(first!), expected, statement)
  }
})

test('every path of a span is read and written', () => {
  const edited = run(twoServices(), [
    'set(span.attributes["id"], span.trace_id.string) where span.name == "second"',
    'set(span.attributes["state"], span.trace_state["l"]) where span.name == "second"',
    'set(span.trace_state["k"], "new") where span.name == "second"',
    'set(span.status.code, STATUS_CODE_OK) where span.status.code == STATUS_CODE_ERROR',
    'set(span.kind.string, "Client") where span.name == "third"',
    'set(span.parent_span_id, SpanID("00000000000000ff")) where IsRootSpan()',
    'set(span.end_time_unix_nano, span.start_time_unix_nano + 41)',
    'set(span.cache["n"], span.name)',
    'set(span.name, Concat([span.cache["n"], span.kind.string], "/"))',
  ])
  const [first, second, third] = edited
  assert.deepEqual(
    [second!.attributes.get('id'), second!.attributes.get('state'), second!.traceState],
    ['0102030405060708090a0b0c0d0e0f10', 'w', 'k=new,l=w'],
  )
  assert.deepEqual({ ...third!.status }, { code: 1, message: 'bad' })
  assert.deepEqual([first!.name, third!.name, third!.kind], ['first/Server', 'third/Client', 3])
  assert.deepEqual(
    [first!.parentSpanId, second!.parentSpanId, first!.endUnixNano],
    ['00000000000000ff', '0000000000000001', 42n],
  )
})

test('what a span writes to its resource and scope is seen by the next one and lands there alone', () => {
  const edited = run(twoServices(), [
    'set(resource.attributes["seen"], span.name) where resource.attributes["seen"] == nil',
    'set(span.attributes["seen"], resource.attributes["seen"])',
    'set(scope.version, "2") where span.name == "third"',
  ])
  const spans = [...edited]
  assert.deepEqual(
    spans.map(({ resource }) => resource.attributes.get('seen')),
    ['first', 'first', 'third'],
  )
  assert.deepEqual(
    spans.map(({ attributes }) => attributes.get('seen')),
    ['first', 'first', 'third'],
  )
  assert.deepEqual(
    spans.map(({ scope }) => scope.version),
    ['', '', '2'],
  )
})

test('events of spans are edited; what was not touched stays', () => {
  const edited = run(twoServices(), [
    'set(spanevent.attributes["i"], spanevent.event_index) where spanevent.name == "two" and span.name == "first"',
  ])
  const [first] = edited
  assert.deepEqual(
    first!.events.map((event) => [event.name, attributesOf(event)]),
    [
      ['one', { n: 1 }],
      ['two', { i: 1 }],
    ],
  )
  const batch = twoServices()
  assert.equal(run(batch, ['set(spanevent.name, "x") where false']), batch)
})

test('resources and scopes are edited in contexts of their own', () => {
  const [first] = run(twoServices(), [
    'set(resource.attributes["b"], resource.attributes["service.name"])',
    'delete_key(resource.attributes, "service.name")',
  ])
  assert.deepEqual(attributesOf(first!.resource), { b: 'a' })
  const spans = [...run(twoServices(), ['set(scope.name, resource.attributes["service.name"])'])]
  assert.deepEqual(
    spans.map(({ scope }) => scope.name),
    ['a', 'a', 'b'],
  )
})

function someLogs(): Logs {
  return newLogs()
    .record({ body: { a: [1, { b: 'c' }] }, severityNumber: 9, timeUnixNano: 7n })
    .record({ body: 'text', severityText: 'INFO' })
    .build()
}

test('bodies of logs are maps, lists or text', () => {
  const logs = [
    ...run(someLogs(), [
      'set(log.attributes["inner"], log.body["a"][1]["b"]) where IsMap(log.body)',
      'set(log.body["a"][0], true) where IsMap(log.body)',
      'set(log.body.string, ToUpperCase(log.body.string)) where IsString(log.body)',
      'set(log.severity_number, SEVERITY_NUMBER_ERROR2) where log.severity_text == "INFO"',
      'set(log.observed_time, log.time)',
    ]),
  ]
  assert.deepEqual(
    logs.map(({ body }) => body),
    [{ a: [true, { b: 'c' }] }, 'TEXT'],
  )
  assert.deepEqual(
    logs.map(({ severityNumber, observedUnixNano }) => [severityNumber, observedUnixNano]),
    [
      [9, 7n],
      [18, 0n],
    ],
  )
  assert.equal(logs[0]!.attributes.get('inner'), 'c')
})

function someMetrics(): Metrics {
  return newMetrics()
    .sum('requests', [{ value: 3, attributes: { a: 1 } }, { value: double(4) }], {
      monotonic: true,
      temporality: 'delta',
    })
    .histogram('time', [{ count: 3, sum: 1.5, bounds: [1, 2], counts: [1, 1, 1] }])
    .build()
}

test('metrics and their points', () => {
  const named = run(someMetrics(), [
    'set(metric.name, Concat(["x", metric.name], ".")) where metric.type == METRIC_DATA_TYPE_SUM and metric.is_monotonic == true and metric.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA',
  ])
  const points = [
    ...run(named, [
      'set(datapoint.value_int, datapoint.value_int * 2) where metric.name == "x.requests" and datapoint.attributes["a"] == 1',
      'set(datapoint.value_double, 1.0) where datapoint.value_double == 4.0',
      'set(datapoint.attributes["second"], datapoint.bucket_counts[1]) where datapoint.count == 3',
      'set(datapoint.attributes["bound"], datapoint.explicit_bounds[0]) where datapoint.sum > 1',
    ]),
  ]
  assert.deepEqual(
    points.map(({ metric, value }) => [metric.name, value]),
    [
      ['x.requests', 6],
      ['x.requests', double(1)],
      ['time', undefined],
    ],
  )
  assert.deepEqual(attributesOf(points[2]!), { second: 1, bound: double(1) })
})

test('the error mode decides about a failure', () => {
  const statements = ['set(span.attributes["n"], Int("x") + 1)', 'set(span.attributes["ok"], true)']
  assert.throws(() => run(twoServices(), statements), /failed to execute statement: set\(span.attributes\["n"\]/)
  for (const errorMode of ['ignore', 'silent'] as const) {
    const lines: unknown[] = []
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: string, fields?: object) => void lines.push(fields),
      isEnabled: () => true,
      with: () => logger,
    }
    const runner = new Runner(compileStatements(statements, 'infer'), { host: testHost(), errorMode, logger })
    assert.ok([...runner.run(twoServices())].every(({ attributes }) => attributes.get('ok') === true))
    assert.equal(runner.failures.count, 3)
    // Never a line for each item.
    assert.equal(lines.length, errorMode === 'ignore' ? 1 : 0)
  }
})

test('conditions run on read views', () => {
  const { items } = compileConditions(['span.attributes["a"] == "x" or span.status.message == "bad"'], 'infer')
  const frame = new Frame(testHost())
  const kept = twoServices().filter((span) => !items[0]!.test(frame.enterSpan(span)))
  assert.deepEqual(
    Array.from(kept, ({ name }) => name),
    ['second'],
  )
})

test('a processor adds functions of its own, by context', () => {
  const twice = converter('Twice', { value: any }, ({ value }) => (frame) => [value(frame), value(frame)])
  const functions = (context: string) => (context === 'span' ? [twice] : [])
  const { context } = compileStatements(['set(resource.attributes["x"], Twice(1))'], 'infer', { functions })
  assert.equal(context, 'span')
  assert.throws(
    () => compileStatements(['set(log.body, Twice(1))'], 'infer', { functions }),
    /undefined function "Twice"/,
  )
})

/** Different kinds are unequal and have no order; numbers compare as numbers; nil equals nil. */
const comparisons: readonly (readonly [string, boolean])[] = [
  ['1 == 1.0', true],
  ['1 < 1.5', true],
  ['"a" < "b"', true],
  ['"1" == 1', false],
  ['"1" != 1', true],
  ['"1" < 2', false],
  ['true > false', true],
  ['nil == nil', true],
  ['nil <= nil', true],
  ['nil < nil', false],
  ['span.attributes["none"] == nil', true],
  ['span.attributes["none"] != nil', false],
  ['span.attributes["none"] < 1', false],
  ['0x01 < 0x02', true],
  ['[1, 2] == [1, 2]', true],
  ['[1] == [1.0]', false],
  ['{"a": [1]} == {"a": [1]}', true],
  ['{"a": 1} < {"a": 2}', false],
  ['9223372036854775807 > 9223372036854775806', true],
  ['Duration("1m") == Duration("60s")', true],
  ['Unix(1) < Unix(2)', true],
  ['span.trace_id == TraceID(0x0102030405060708090a0b0c0d0e0f10)', true],
  ['span.trace_id != "0102030405060708090a0b0c0d0e0f10"', true],
  ['"\uffee" < "\u{1f600}"', true],
  ['not true or true', true],
  ['true and not false', true],
]

test('comparisons follow the rules of the language', () => {
  const frame = new Frame(testHost())
  for (const [condition, expected] of comparisons) {
    const compiled = compileConditions([condition], 'span').items[0]!
    const [first] = twoServices()
    assert.equal(compiled.test(frame.enterSpan(first!)), expected, condition)
  }
})
