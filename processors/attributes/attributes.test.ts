import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newTraces } from '../../pipeline/data/builders.ts'
import type { Origin, Signal, Traces } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'actions: [{key: team, value: payments, action: upsert}]')
await describeUpstream(factory, import.meta.dirname)

const refused = (yaml: string, words: string, signals: readonly Signal[] = ['traces']) =>
  assert.throws(
    () => build(factory, yaml, { signals }),
    (error) => error instanceof Error && (error.message.includes(words) || assert.equal(error.message, words)),
  )

suite('actions that upstream refuses (TestInvalidConfig)', () => {
  const refusals: readonly (readonly [string, string])[] = [
    [
      '{key: one, action: delete}, {value: 123, action: upsert}',
      'due to missing required field "key" at the 1-th action',
    ],
    [
      '{key: invalid, action: invalid}',
      '"invalid" (0-th action): error creating AttrProc due to unsupported action "invalid"',
    ],
    ['{key: k}', 'due to unsupported action ""'],
    ['{action: hash}', '(at least one of "key" and "pattern" have to be used) at the 0-th action'],
    [
      '{key: k, action: insert}',
      'Either field "value", "from_attribute", "from_context", or "default_value" must be specified',
    ],
    ['{key: k, value: null, action: insert}', 'Either field "value", "from_attribute"'],
    ['{key: k, value: 123, from_attribute: aa, action: upsert}', 'due to multiple value sources being set'],
    [
      '{key: k, pattern: "(?P<a>.*?)$", from_attribute: aa, action: insert}',
      'Action "insert" does not use the "pattern" field',
    ],
    [
      '{key: k, value: 1, converted_type: int, action: update}',
      'Action "update" does not use the "converted_type" field',
    ],
    ['{key: k, value: 1, action: delete}', 'Action "delete" does not use "value" or "from_attribute" field'],
    ['{pattern: "(", action: hash}', 'Field "pattern" has invalid pattern: "("'],
    ['{key: aa, action: extract}', 'due to missing required field "pattern" for action "extract"'],
    [
      '{key: k, pattern: "(?P<a>.*?)$", value: value, action: extract}',
      'Action "extract" does not use a value source field',
    ],
    [
      '{key: k, pattern: "(?P<a>.*?)$", from_attribute: aa, action: extract}',
      'Action "extract" does not use a value source field',
    ],
    [
      '{key: aa, pattern: "(?P<invalid.regex>.*?)$", action: extract}',
      'Field "pattern" has invalid pattern: "(?P<invalid.regex>.*?)$"',
    ],
    ['{key: aa, pattern: ".*$", action: extract}', 'Field "pattern" contains no named matcher groups'],
    [
      '{key: aa, pattern: "(?P<a>.*)/(.*)$", action: extract}',
      'Field "pattern" contains at least one unnamed matcher group',
    ],
    ['{key: k, pattern: x, action: convert}', 'Action "convert" does not use value sources or "pattern" field'],
    ['{key: k, action: convert}', 'due to missing required field "converted_type" for action "convert"'],
    ['{key: k, converted_type: float, action: convert}', 'due to invalid value "float" in field "converted_type"'],
  ]
  for (const [actions, words] of refusals) test(actions, () => refused(`actions: [${actions}]`, words))
  test('no actions', () => refused('{}', 'missing required field "actions"'))
})

suite('what to include that upstream refuses', () => {
  const refusals: readonly (readonly [Signal, string, string])[] = [
    [
      'traces',
      '{match_type: strict}',
      'at least one of "attributes", "libraries",  or "resources" field must be specified',
    ],
    [
      'traces',
      '{match_type: strict, log_bodies: [x], span_names: [x]}',
      'log_bodies should not be specified for trace spans',
    ],
    ['traces', '{match_type: strict, metric_names: [x]}', 'metric_names should not be specified for trace spans'],
    [
      'traces',
      '{match_type: wrong, services: [x]}',
      "error creating service name filters: unrecognized match_type: 'wrong', valid types are: [regexp strict]",
    ],
    ['traces', '{services: [x]}', "unrecognized match_type: ''"],
    ['traces', '{match_type: regexp, services: ["["]}', 'error creating service name filters: '],
    [
      'traces',
      '{match_type: strict, span_kinds: [server]}',
      'span_kinds string must match one of the standard span kinds',
    ],
    [
      'traces',
      '{match_type: regexp, attributes: [{key: a, value: 1}]}',
      'match_type=regexp for "a" only supports Str, but found Int',
    ],
    [
      'traces',
      '{match_type: strict, attributes: [{value: 1}]}',
      "error creating attribute filters: can't have empty key",
    ],
    [
      'logs',
      '{match_type: strict, span_names: [x]}',
      'services, span_names, span_kinds and metric_names are not valid for log records',
    ],
    ['logs', '{match_type: strict}', 'field must be specified'],
    ['metrics', '{match_type: strict, attributes: [{key: a}]}', 'are not valid for metrics'],
    ['metrics', '{match_type: strict}', 'at least one of "metric_names" or "resources" field must be specified'],
  ]
  for (const [signal, include, words] of refusals)
    test(`${signal} ${include}`, () =>
      refused(`include: ${include}\nactions: [{key: a, action: delete}]`, words, [signal]))
})

suite('from_context (TestFromContext)', () => {
  const origin: Origin = {
    address: '192.168.1.1:4317',
    metadata: new Map([
      ['single', ['one']],
      ['several', ['first', 'second']],
    ]),
    auth: { subject: 'jane', groups: ['a', 'b'], claims: { deep: 1 } },
  }
  const cases: readonly (readonly [string, string | undefined, Origin?])[] = [
    ['unknown', undefined],
    ['unknown', undefined, { metadata: new Map() }],
    ['single', 'one'],
    ['several', 'first;second'],
    ['metadata.Single', 'one'],
    ['auth.subject', 'jane'],
    ['auth.groups', 'a;b'],
    ['auth.claims', undefined],
    ['auth.unknown', undefined],
    ['auth.subject', undefined, { metadata: new Map() }],
    ['client.address', '192.168.1.1'],
    ['client.address', '::1', { metadata: new Map(), address: '[::1]:80' }],
    ['client.address', '10.0.0.1', { metadata: new Map(), address: '::ffff:10.0.0.1' }],
    ['client.address', '', { metadata: new Map() }],
  ]
  for (const [name, expected, from = origin] of cases)
    test(`${name} is ${expected}`, async () => {
      const { handle } = build(factory, `actions: [{key: k, from_context: ${name}, action: insert}]`)
      const output = (await handle(newTraces(from).span({ name: 's' }).build())) as Traces
      assert.equal([...output][0]?.attributes.get('k'), expected)
    })
})

test('the engine keeps batches apart that differ in what from_context reads', () => {
  const yaml = {
    actions: ['metadata.X-Tenant', 'auth.subject', 'plain', 'client.address', ''].map((from_context) => ({
      from_context,
    })),
  }
  assert.deepEqual(factory.reads?.(factory.config.parse(yaml)), { metadata: ['x-tenant', 'plain'], auth: ['subject'] })
})

test('a batch that nothing applies to goes on as it is', async () => {
  const { handle } = build(
    factory,
    'include: {match_type: strict, services: [x]}\nactions: [{key: a, value: 1, action: upsert}]',
    { signals: ['traces'] },
  )
  const batch = newTraces().resource({ 'service.name': 'y' }).span({ name: 's' }).build()
  assert.equal(await handle(batch), batch)
})
