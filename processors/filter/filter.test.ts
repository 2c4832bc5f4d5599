import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { Rejected } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs, newMetrics, newTraces, spanEvent } from '../../pipeline/data/builders.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(
  factory,
  `
trace_conditions: ['span.name == "span 1"']
metric_conditions: ['metric.name == "gauge 1"']
log_conditions: ['log.body == "record 1"']
`,
)
await describeUpstream(factory, import.meta.dirname)

const twoStyles = 'configuring multiple configuration styles is not supported'
describeRefusals(factory, [
  [
    'traces: {span: ["kind == 1"]}\nspans: {include: {match_type: strict, services: [a]}}',
    'cannot use "traces.resource", "traces.span", "traces.spanevent" and the span settings "spans.include", "spans.exclude" at the same time',
  ],
  [
    'metrics: {metric: ["name == \\"a\\""], include: {match_type: strict, metric_names: [a]}}',
    'cannot use "metrics.resource", "metrics.metric", "metrics.datapoint" and the settings "metrics.include", "metrics.exclude" at the same time',
  ],
  [
    'logs: {log_record: ["body == 1"], exclude: {match_type: strict, bodies: [a]}}',
    'cannot use "logs.resource", "logs.log" and the settings "logs.include", "logs.exclude" at the same time',
  ],
  [
    'trace_conditions: [span.kind == 1]\ntraces: {resource: []}',
    'cannot use context inferred trace conditions "trace_conditions" and the settings "traces.resource", "traces.span", "traces.spanevent" at the same time',
  ],
  [
    'metric_conditions: [metric.unit == ""]\nmetrics: {include: {match_type: strict, metric_names: [a]}}',
    'cannot use context inferred metric conditions "metric_conditions" and the settings',
  ],
  [
    'log_conditions: [log.body == 1]\nlogs: {exclude: {match_type: strict, bodies: [a]}}',
    'cannot use context inferred log conditions "log_conditions" and the settings',
  ],
  ['error_mode: test', 'unknown error mode test', '1:13'],
  ['log_conditions: [{context: abc, conditions: []}]', 'unknown context abc', '1:28'],
  ['log_conditions: [{context: span, conditions: []}]', 'unknown context span', '1:28'],
  ['log_conditions: [null]', 'condition cannot be empty'],
  ['log_conditions: [log.body == 1, {conditions: [log.body == 1]}]', twoStyles],
  ['log_conditions: [{conditions: [log.body == 1]}, log.body == 1]', twoStyles],
  ['traces: {span: ["attributes[test] == 1"]}', '1:12: ', '1:17'],
  ['traces: {spanevent: ["nme == 1"]}', 'did you mean "name"?', '1:22'],
  ['metrics: {metric: ["resource.attributes[test] == 1"]}', '1:21: '],
  ['metrics: {datapoint: ["attributes[test] == 1"]}', '1:12: '],
  ['logs: {log_record: ["attributes[test] == 1"]}', '1:12: '],
  ['trace_conditions: ["invalid_syntax_here =="]', 'unexpected end of the text'],
  ['metric_conditions: ["invalid_function() == 1"]', 'must start with an uppercase letter'],
  ['log_conditions: ["malformed condition without quotes"]', '1:11: '],
  [
    'trace_conditions: ["log.body == 1"]',
    'no path begins with a context (resource, scope, span, spanevent); found log',
  ],
  [
    'trace_conditions: ["HasAttrKeyOnDatapoint(\\"a\\") and span.kind == 1"]',
    'undefined function "HasAttrKeyOnDatapoint"',
  ],
  ['traces: {span: ["set(name, \\"a\\")"]}', ''],
  ['metrics: {include: {match_type: expr, expressions: ["HasLabel(\\"a\\")"]}}', 'expr-lang', '1:33'],
  [
    'metrics: {include: {match_type: none, metric_names: [a]}}',
    "unrecognized match_type: 'none', valid types are: [regexp strict]",
  ],
  ['metrics: {include: {match_type: regexp, metric_names: ["("]}}', 'missing closing )'],
  ['spans: {include: {match_type: strict}}', 'field must be specified'],
  ['logs: {include: {severity_number: {min: loud}}}', "'loud' is not a valid severity", '1:41'],
  ['profiles: {profile: ["name == 1"]}', 'profiles pass through this build unopened'],
  ['profile_conditions: ["profile.a == 1"]', 'profiles pass through this build unopened'],
])

test('every broken condition of a configuration is told at once, each at its place', () =>
  assert.throws(
    () =>
      build(
        factory,
        `
error_mode: loud
traces:
  span: ['kind = 1', 'nme == ""']
log_conditions:
  - conditions: [log.bodi == ""]
`,
      ),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(
        error.problems.map(({ path, position }) => `${position?.line}:${position?.column} ${path}`),
        [
          '2:13 processors::filter::error_mode',
          '4:10 processors::filter::traces::span::0',
          '4:22 processors::filter::traces::span::1',
          '6:18 processors::filter::log_conditions::0::conditions::0',
        ],
      )
      return true
    },
  ))

test('what goes is counted under the names of upstream, and as dropped on purpose', async () => {
  const yaml = `
trace_conditions: ['span.name == "a"']
metric_conditions: [datapoint.value_int == 1]
log_conditions: ['log.body == "a"']
`
  const { handle, context } = build(factory, yaml, { id: 'filter/x' })
  await handle(newTraces().span({ name: 'a' }).span({ name: 'b' }).span({ name: 'a' }).build())
  await handle(
    newMetrics()
      .gauge('g', [{ value: 1 }, { value: 2 }])
      .build(),
  )
  await handle(newLogs().record({ body: 'b' }).build())
  const name = (noun: string) => `otelcol_processor_filter_${noun}.filtered{filter="filter/x"}`
  assert.deepEqual(
    [...context.recorded.sums],
    [
      [name('spans'), 2],
      [name('datapoints'), 1],
    ],
  )
  assert.deepEqual(context.recorded.drops, [
    { items: 2, reason: 'filtered', intent: 'intended' },
    { items: 1, reason: 'filtered', intent: 'intended' },
  ])
})

test('a batch from which nothing goes is the same object', async () => {
  const { handle } = build(
    factory,
    `
trace_conditions: ['span.name == "x"', 'spanevent.name == "x"', 'scope.name == "x"']
metric_conditions: ['metric.name == "x"', 'datapoint.value_int == 7']
log_conditions: ['log.body == "x"']
`,
  )
  const batches = [
    newTraces()
      .span({ name: 'a', events: [spanEvent({ name: 'e' })] })
      .build(),
    newMetrics()
      .sum('s', [{ value: 1 }])
      .build(),
    newLogs().record({ body: 'a' }).build(),
  ]
  for (const batch of batches) assert.equal(await handle(batch), batch)
})

test('resources and scopes that came empty go, and those that lose all they have', async () => {
  const { handle } = build(factory, `trace_conditions: ['span.name == "a"']`)
  const input = newTraces().resource({ n: 1 }).scope('empty').resource({ n: 2 }).scope('s').span({ name: 'a' }).build()
  const output = (await handle(input)) as Traces
  assert.deepEqual([output.count, output.byteLength], [0, 0])
})

test('under propagate the payload is refused, so that the sender keeps it', async () => {
  const { handle, context } = build(factory, `{error_mode: propagate, traces: {span: ['ParseJSON(name) == 1']}}`)
  await assert.rejects(handle(newTraces().span({ name: '[' }).build()), (error) => {
    assert.ok(error instanceof Rejected && error.retryable)
    assert.match(error.message, /^failed to eval condition: ParseJSON\(name\) == 1, /)
    return true
  })
  assert.deepEqual(context.recorded.drops, [])
})

const modes = [
  ['ignore', 3],
  ['silent', 0],
] as const
for (const [mode, lines] of modes)
  test(`under ${mode} a condition that fails counts as one that does not hold, and ${lines === 0 ? 'nothing' : 'some of it'} is logged`, async () => {
    const { handle, context } = build(
      factory,
      `{error_mode: ${mode}, traces: {span: ['ParseJSON(name) == 1', 'name == "b"']}}`,
    )
    const builder = newTraces().span({ name: 'b' })
    for (let i = 0; i < 120; i++) builder.span({ name: 'a' })
    const output = (await handle(builder.build())) as Traces
    assert.equal(output.count, 120)
    assert.equal(context.recorded.lines.length, lines)
  })

test('a group after one that takes span events away sees what is left; the conditions of one group see all', async () => {
  const input = newTraces()
    .span({ name: 'a', events: [spanEvent({ name: 'e' })] })
    .build()
  const conditions = `['spanevent.name == "e"', 'Len(span.events) == 0']`
  const left = async (yaml: string) => ((await build(factory, yaml).handle(input)) as Traces).count
  assert.equal(
    await left(`trace_conditions: [{conditions: ['spanevent.name == "e"']}, {conditions: ['Len(span.events) == 0']}]`),
    0,
  )
  assert.equal(await left(`trace_conditions: ${conditions}`), 1)
})

const corpus = sharedPath('corpus/component_configs/processor_filter')

test('of the configurations of upstream only the invalid one is refused', { skip: skipWithout(corpus) }, () => {
  let loaded = 0
  for (const file of readdirSync(corpus)) {
    const bodies = parse(readFileSync(join(corpus, file), 'utf8')) as Record<string, unknown>
    for (const body of Object.values(bodies)) {
      const load = () => build(factory, stringify(body ?? {}))
      if (file === 'config_invalid.yaml') assert.throws(load, /missing closing \)/)
      else load()
      loaded++
    }
  }
  assert.equal(loaded, 25)
})
