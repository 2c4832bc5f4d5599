import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs, Value } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import factory from './index.ts'

describeContract(factory, 'emit_wildcards: true')

async function open(yaml: string, options: TestContextOptions = {}) {
  const built = build(factory, yaml, options)
  await built.instance.start?.()
  const annotate = async (...records: Parameters<ReturnType<typeof newLogs>['record']>[0][]) => {
    const builder = newLogs().resource({ 'service.name': 'a' })
    for (const record of records) builder.record(record)
    const result = (await built.handle(builder.build())) as Logs
    return [...result].map(({ attributes }) => Object.fromEntries(attributes.entries()))
  }
  return { ...built, annotate, lines: (...bodies: Value[]) => annotate(...bodies.map((body) => ({ body }))) }
}
const templates = (all: readonly Record<string, Value>[]) => all.map((one) => one['log.template'])

test('a record gets its template and the id of it, and keeps all else', async () => {
  const { annotate, context } = await open('{}')
  const [first, second] = await annotate(
    { body: 'user ada logged in from 10.0.0.1', attributes: { a: 1 } },
    { body: 'user bob logged in from 10.0.0.2' },
  )
  assert.deepEqual(first, {
    a: 1,
    'log.template': 'user ada logged in from <*>',
    'log.template.id': second!['log.template.id'],
  })
  assert.equal(second!['log.template'], 'user <*> logged in from <*>')
  assert.match(second!['log.template.id'] as string, /^[0-9a-f]{16}$/)
  assert.equal(context.recorded.sums.get('otelcol_processor_drain_log_records_annotated'), 2)
  assert.equal(context.recorded.gauges.get('otelcol_processor_drain_clusters_active')?.(), 1)
})

test('a record without a text goes on as it came, counted', async () => {
  const { annotate, context } = await open('{}')
  assert.deepEqual(await annotate({ attributes: { a: 1 } }, { body: '' }), [{ a: 1 }, {}])
  assert.equal(context.recorded.sums.get('otelcol_processor_drain_log_records_unannotated'), 2)
})

suite('where the text stands', () => {
  const cases: readonly (readonly [string, string, Value, string])[] = [
    ['a text', '{}', 'took 5 ms', 'took <*> ms'],
    ['a map', '{}', { level: 'info', msg: 'took 5 ms' }, 'took <*> ms'],
    ['a map without any of the usual fields', '{}', { n: 5 }, '{"n":<*>}'],
    ['the field that is asked for', 'body_field: what', { what: 'took 5 ms', message: 'other' }, 'took <*> ms'],
    ['a field that is no text', 'body_field: n', { n: 5 }, '<*>'],
    ['a field that is not there: all of it', 'body_field: what', { n: 5 }, '{"n":<*>}'],
    ['JSON in a text', '{}', '{"level":"info","message":"took 5 ms"}', 'took <*> ms'],
    ['what only looks like JSON', '{}', '{"message": 5 ms}', '{"message": <*> ms}'],
    ['a number', '{}', 5, '<*>'],
  ]
  for (const [name, yaml, body, template] of cases)
    test(name, async () => assert.deepEqual(templates(await (await open(yaml)).lines(body)), [template]))

  test('an attribute, else the body', async () => {
    const { annotate } = await open('attribute: exception.message')
    const all = await annotate(
      { body: 'it failed', attributes: { 'exception.message': 'no route to 10.0.0.1' } },
      { body: 'took 5 ms' },
    )
    assert.deepEqual(templates(all), ['no route to <*>', 'took <*> ms'])
  })
})

test('under upstream’s name it sets upstream’s attributes, and those only', async () => {
  const { lines } = await open('emit_wildcards: true', { id: 'drain/app' })
  assert.deepEqual(await lines('took 5 ms'), [
    { 'log.record.template': 'took <*> ms', 'log.record.template.wildcards': ['5'] },
  ])
})

test('attributes can be named, and the id left out', async () => {
  const { lines } = await open(
    '{template_attribute: t, id_attribute: "", emit_wildcards: true, wildcards_attribute: w}',
  )
  assert.deepEqual(await lines('took 5 ms of 7'), [{ t: 'took <*> ms of <*>', w: ['5', '7'] }])
})

test('masking rules name what they match, in the template and on the record', async () => {
  const { lines } = await open(
    String.raw`{masking_rules: [{name: ip, pattern: '\d+\.\d+\.\d+\.\d+'}, {name: user, pattern: 'u-[a-z]+'}], id_attribute: ""}`,
  )
  assert.deepEqual(await lines('u-ada came from 10.0.0.1'), [
    {
      'log.template': '<user> came from <ip>',
      'log.record.template.parameter.ip': '10.0.0.1',
      'log.record.template.parameter.user': 'u-ada',
    },
  ])
})

test('extra delimiters divide words', async () => {
  const { lines } = await open('extra_delimiters: ["~~"]')
  assert.deepEqual(templates(await lines('a~~5~~b')), ['a <*> b'])
})

test('seeds are known before the first record', async () => {
  const { lines, context } = await open(
    '{seed_templates: ["user <*> logged in from <*>", "", " "], seed_logs: [policy=lax is on, policy=strict is on]}',
  )
  assert.equal(context.recorded.gauges.get('otelcol_processor_drain_clusters_active')?.(), 2)
  assert.deepEqual(templates(await lines('user ada logged in from 10.0.0.1', 'policy=lax is on')), [
    'user <*> logged in from <*>',
    'policy=<*> is on',
  ])
})

test('while it warms up records go on without a template', async () => {
  const { lines, context } = await open('warmup_min_clusters: 2')
  assert.deepEqual(templates(await lines('one line', 'one line', 'another thing', 'one line')), [
    undefined,
    undefined,
    'another thing',
    'one line',
  ])
  assert.equal(context.recorded.sums.get('otelcol_processor_drain_log_records_unannotated'), 2)
})

test('more templates than max_clusters push old ones out, counted', async () => {
  const { lines, context } = await open('max_clusters: 2')
  await lines('one line', 'another thing', 'and a third', 'then number four is here')
  assert.equal(context.recorded.gauges.get('otelcol_processor_drain_clusters_active')?.(), 2)
  assert.equal(context.recorded.gauges.get('otelcol_processor_drain_clusters_evicted')?.(), 2)
})

test('a reload goes on with what was learned, under the new settings', async () => {
  const before = await open('{}')
  await before.lines('policy=strict is on', 'policy=lax is on')
  const state = await before.instance.save!()
  const { instance, handle } = build(factory, 'template_attribute: t')
  await instance.restore?.(state)
  await instance.start?.()
  const [record] = [...((await handle(newLogs().resource({}).record({ body: 'policy=lax is on' }).build())) as Logs)]
  assert.equal(record?.attributes.get('t'), 'policy=<*> is on')
})

describeRefusals(factory, [
  ['tree_depth: 2', 'tree_depth must be >= 3, got 2'],
  ['merge_threshold: 1.5', 'merge_threshold must be in [0.0, 1.0], got 1.500000'],
  ['warmup_min_clusters: -1', 'warmup_min_clusters must be >= 0, got -1'],
  ['{warmup_min_clusters: 5, max_clusters: 4}', 'warmup_min_clusters must be at most max_clusters (4)'],
  ['save_interval: 1m', 'save_interval requires storage to be set'],
  ['{save_interval: -1s, storage: file_storage}', 'save_interval must be >= 0'],
  ['masking_rules: [{pattern: a}]', 'masking_rules[0]: name must not be empty'],
  [
    'masking_rules: [{name: "*", pattern: a}]',
    `masking_rules[0]: name must not be "*" (reserved for Drain's wildcard)`,
  ],
  ['masking_rules: [{name: "a b", pattern: a}]', 'must not contain angle brackets or whitespace'],
  ['masking_rules: [{name: a}]', 'masking_rules[0]: pattern must not be empty'],
  ['masking_rules: [{name: a, pattern: "("}]', 'is not a valid regexp'],
  ['min_values: 1', 'min_values'],
])

test('a storage that is not there stops the start and says what to add', async () => {
  const { instance } = build(factory, 'storage: file_storage')
  await assert.rejects(async () => instance.start?.(), /no storage extension "file_storage": add one like file_storage/)
})
