import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { ConfigError } from '../../pipeline/config/config.ts'
import { newLogs, newTraces, spanEvent } from '../../pipeline/data/builders.ts'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import type { Logs, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, `trace_statements: ['set(span.name, "x")']`)
await describeUpstream(factory, import.meta.dirname)

const twoStyles = 'configuring multiple configuration styles is not supported'
const broken = (context: string) =>
  `[{context: ${context}, statements: ['set(name, "bear" where attributes["http.path"] == "/animal"']}]`
const unknown = (context: string) =>
  `[{context: ${context}, statements: ['not_a_function(attributes, ["http.method"])']}]`
describeRefusals(factory, [
  [`trace_statements: ${broken('span')}`, '1:18: unexpected "where"', '1:49'],
  [`metric_statements: ${broken('datapoint')}`, '1:18: '],
  [`log_statements: ${broken('log')}`, '1:18: '],
  [`trace_statements: ${unknown('span')}`, 'undefined function "not_a_function"'],
  [`metric_statements: ${unknown('metric')}`, 'undefined function "not_a_function"'],
  [`log_statements: ${unknown('log')}`, 'undefined function "not_a_function"'],
  ['trace_statements: [{context: test, statements: []}]', 'unknown context test', '1:30'],
  ['trace_statements: [{context: log, statements: []}]', 'unknown context log', '1:30'],
  ['log_statements: [{context: profile, statements: []}]', 'unknown context profile'],
  ['error_mode: test', 'unknown error mode test', '1:13'],
  ['trace_statements: [{error_mode: test}]', 'unknown error mode test', '1:33'],
  [`trace_statements: ['set(span.name, "a")', {statements: ['set(span.name, "a")']}]`, twoStyles],
  ['trace_statements: [null]', 'invalid trace_statements item: empty statement list items are not supported'],
  ['metric_statements: [null]', 'invalid metric_statements item: empty statement list items are not supported'],
  ['log_statements: [null]', 'invalid log_statements item: empty statement list items are not supported'],
  [`trace_statements: ['set(attributes["a"], 1)']`, 'cannot infer the context', '1:20'],
  [`trace_statements: ['set(span.name, "a")', 'set(attributes["a"], 1)']`, 'write span.attributes', '1:43'],
  [
    `trace_statements: ['set(log.body, "a")']`,
    'no path begins with a context (resource, scope, span, spanevent); found log',
  ],
  [
    `log_statements: [{conditions: ['log.bodi == 1'], statements: ['set(log.body, 1)']}]`,
    'did you mean "body"?',
    '1:32',
  ],
  [`log_statements: ['IsMatch(log.body, "a")']`, ''],
  ['profile_statements: ["set(profile.a, 1)"]', 'profiles pass through this build unopened'],
  ['flatten_data: true', "'flatten_data' requires the 'transform.flatten.logs' feature gate to be enabled"],
  ['flatten: {log: true}', "'flatten.log' requires the 'transform.flatten.logs' feature gate to be enabled"],
])

const contexts = {
  trace_statements: ['span', 'spanevent', 'scope', 'resource'],
  metric_statements: ['metric', 'datapoint', 'exemplar', 'scope', 'resource'],
  log_statements: ['log', 'scope', 'resource'],
}
for (const [key, names] of Object.entries(contexts))
  for (const name of names)
    test(`${key}, ${name}: paths in conditions have a prefix, unless the context is given`, () => {
      const group = (prefix: string, condition: string, context = '') =>
        build(
          factory,
          `${key}: [{${context} statements: ['set(${prefix}cache["test"], "pass")'], conditions: ['${condition}cache["test"] == ""']}]`,
        )
      group(`${name}.`, `${name}.`)
      assert.throws(() => group(`${name}.`, ''), /missing context name for path "cache"/)
      group('', '', `context: ${name},`)
      group('', `${name}.`, `context: ${name},`)
    })

test('every broken statement is told at once, with its line and a mark where it is wrong', () =>
  assert.throws(
    () =>
      build(
        factory,
        `
trace_statements:
  - sett(span.name, "a")
  - set(span.nme, "a") where span.kind == SPAN_KIND_SERVR
  - set(span.name, "a"
log_statements:
  - conditions: [log.body = 1]
    statements: ['set(log.body, Concatt(["a"], ""))']
`,
      ),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(
        error.problems.map(({ path, position, message }) => {
          const [first, text, mark] = message.split('\n')
          return `${position?.line} ${path.split('::').slice(2).join(' ')} ${first?.split(' ')[0]} ${text?.slice(mark?.indexOf('^')).slice(0, 4)}`
        }),
        [
          '3 trace_statements 0 1:1: sett',
          '4 trace_statements 1 1:10: nme,',
          '4 trace_statements 1 1:39: SPAN',
          '5 trace_statements 2 1:19: ',
          '7 log_statements 0 conditions 0 1:10: = 1',
          '8 log_statements 0 statements 0 1:15: Conc',
        ],
      )
      return true
    },
  ))

test('a statement that fails under propagate leaves the payload with the sender, unchanged', async () => {
  const { handle } = build(
    factory,
    `{error_mode: propagate, trace_statements: ['set(span.name, "b")', 'set(span.attributes["x"], ParseJSON("["))']}`,
  )
  const input = newTraces().span({ name: 'a' }).build()
  await assert.rejects(handle(input), (error) => {
    assert.ok(error instanceof Rejected && error.retryable)
    assert.match(error.message, /^failed to execute statement: set\(span.attributes\["x"\], ParseJSON\("\["\)\), /)
    return true
  })
  assert.deepEqual(
    [...input].map(({ name }) => name),
    ['a'],
  )
})

for (const [mode, lines] of [
  ['ignore', 2],
  ['silent', 0],
] as const)
  test(`under ${mode} the statements after one that fails run`, async () => {
    const { handle, context } = build(
      factory,
      `{error_mode: ${mode}, trace_statements: ['set(span.attributes["x"], ParseJSON("["))', 'set(span.name, "b")']}`,
    )
    const builder = newTraces()
    for (let i = 0; i < 20; i++) builder.span({ name: 'a' })
    const output = (await handle(builder.build())) as Traces
    assert.ok([...output].every(({ name }) => name === 'b'))
    assert.equal(context.recorded.lines.length, lines)
  })

test('statements that stand alone run after the groups before them', async () => {
  const yaml = `
trace_statements:
  - {context: span, statements: ['set(name, Concat([name, "1"], ""))']}
  - set(span.name, Concat([span.name, "2"], ""))
`
  const output = (await build(factory, yaml).handle(newTraces().span({ name: 's' }).build())) as Traces
  assert.deepEqual(
    [...output].map(({ name }) => name),
    ['s12'],
  )
})

test('a shared cache lasts for the payload, by context; any other is empty for each item', async () => {
  const counting = (shared: boolean) => `
trace_statements:
  - shared_cache: ${shared}
    statements:
      - set(span.cache["n"], 0) where span.cache["n"] == nil
      - set(span.cache["n"], span.cache["n"] + 1)
  - shared_cache: ${shared}
    statements: ['set(span.attributes["n"], span.cache["n"])']
`
  const counted = async (shared: boolean) => {
    const { handle } = build(factory, counting(shared))
    const input = newTraces().span({ name: 'a' }).span({ name: 'b' }).build()
    await handle(input)
    return [...((await handle(input)) as Traces)].map(({ attributes }) => attributes.get('n'))
  }
  assert.deepEqual(await counted(true), [2, 2])
  assert.deepEqual(await counted(false), [undefined, undefined])
})

test('a batch that no statement changes is the same object', async () => {
  const { handle } = build(
    factory,
    `{trace_statements: ['set(span.name, "x") where span.kind == 7'], log_statements: ['set(log.body, "x") where false']}`,
  )
  for (const batch of [
    newTraces()
      .span({ name: 'a', events: [spanEvent({ name: 'e' })] })
      .build(),
    newLogs().record({}).build(),
  ])
    assert.equal(await handle(batch), batch)
})

const moveHost = `log_statements: [{context: log, statements: ['set(resource.attributes["host.name"], attributes["host.name"])', 'delete_key(attributes, "host.name")']}]`
const hosts = () => {
  const builder = newLogs().resource({ zone: 'a' }, { schemaUrl: 'r' }).scope('s', { version: '1', schemaUrl: 'u' })
  for (const host of ['one', 'two', 'one']) builder.record({ body: `of ${host}`, attributes: { 'host.name': host } })
  return builder
    .scope('other')
    .record({ attributes: { 'host.name': 'one' } })
    .build()
}

test('without flattening the last record decides about the resource that all share', async () => {
  const output = (await build(factory, moveHost).handle(hosts())) as Logs
  assert.deepEqual(
    [...output].map(({ resource }) => resource.attributes.get('host.name')),
    ['one', 'one', 'one', 'one'],
  )
})

for (const key of ['flatten_data: true', 'flatten: {log: true}'])
  test(`with ${key} each record has a resource of its own, and equal ones are one again`, async () => {
    const gate = { id: 'transform.flatten.logs', enabled: true, stage: 'Alpha', description: '' }
    const { handle } = build(factory, `${key}\n${moveHost}`, { engine: { featureGates: [gate] } })
    const output = JSON.parse(writeJson((await handle(hosts())) as Logs)) as {
      resourceLogs: {
        schemaUrl: string
        resource: { attributes: { key: string; value: { stringValue: string } }[] }
        scopeLogs: {
          schemaUrl?: string
          scope: { name: string; version?: string }
          logRecords: { body?: { stringValue: string } }[]
        }[]
      }[]
    }
    assert.deepEqual(
      output.resourceLogs.map(({ resource, schemaUrl, scopeLogs }) => [
        schemaUrl,
        resource.attributes.map(({ value }) => value.stringValue),
        scopeLogs.map(({ scope, schemaUrl: url, logRecords }) => [
          scope.name,
          scope.version,
          url,
          logRecords.map(({ body }) => body?.stringValue),
        ]),
      ]),
      [
        [
          'r',
          ['a', 'one'],
          [
            ['s', '1', 'u', ['of one', 'of one']],
            ['other', undefined, undefined, [undefined]],
          ],
        ],
        ['r', ['a', 'two'], [['s', '1', 'u', ['of two']]]],
      ],
    )
  })

test('a payload without records survives flattening', async () => {
  const gate = { id: 'transform.flatten.logs', enabled: true, stage: 'Alpha', description: '' }
  const { handle } = build(factory, `flatten: {log: true}\n${moveHost}`, { engine: { featureGates: [gate] } })
  assert.equal(((await handle(newLogs().resource({ a: 1 }).build())) as Logs).count, 0)
})
