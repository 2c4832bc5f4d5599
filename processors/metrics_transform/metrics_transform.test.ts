import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { writeJson } from '../../pipeline/data/json/write-json.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Batch, Metrics } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(
  factory,
  'transforms: [{include: ".*", match_type: regexp, action: update, operations: [{action: add_label, new_label: a, new_value: b}]}]',
)
await describeUpstream(factory, import.meta.dirname)

interface Json {
  readonly [name: string]: unknown
}
/** One line a case: the settings, and the metrics of one scope before and after. From upstream's table of tests. */
interface TableCase {
  readonly name: string
  readonly transforms: readonly Json[]
  readonly in: readonly Json[]
  readonly out: readonly Json[]
}

const table = readFileSync(join(import.meta.dirname, 'testdata/table.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as TableCase)

function metricsOf(resourceMetrics: readonly Json[]): Metrics {
  return readOtlp('metrics', Buffer.from(JSON.stringify({ resourceMetrics })), 'json', {
    metadata: new Map(),
  }) as Metrics
}
function jsonOf(batch: Batch): Json[] {
  return ((JSON.parse(writeJson(batch)) as Json)['resourceMetrics'] ?? []) as Json[]
}
async function transformed(yaml: string, resourceMetrics: readonly Json[]) {
  const { handle, context } = build(factory, yaml)
  return { output: (await handle(metricsOf(resourceMetrics))) as Metrics, context }
}

suite("upstream's table", () => {
  for (const { name, transforms, in: before, out } of table)
    test(name, async () => {
      const { output } = await transformed(JSON.stringify({ transforms }), [{ scopeMetrics: [{ metrics: before }] }])
      const expected = jsonOf(metricsOf(out.length === 0 ? [] : [{ scopeMetrics: [{ metrics: out }] }]))
      assert.deepEqual(sorted(jsonOf(output)), sorted(expected))
    })
})

/** The order of attributes means nothing, and that of points is the chance of Go's maps. */
function sorted(part: unknown, key?: string): unknown {
  if (Array.isArray(part)) {
    const items = part.map((item) => sorted(item))
    return key === 'attributes' || key === 'dataPoints' ? items.sort(byText) : items
  }
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, sorted(value, name)]))
}
function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}

const golden = sharedPath('corpus/golden/processor_metricstransform/testdata/operation_group')
const groupings: Readonly<Record<string, string>> = {
  metric_group_by_strict_name: '[{include: foo/metric, action: group, group_resource_labels: {resource.type: foo}}]',
  metric_group_regex_multiple_empty_resource: `[
    {include: ^container.(.*)$, match_type: regexp, action: group, group_resource_labels: {resource.type: container}},
    {include: ^k8s.pod.(.*)$, match_type: regexp, action: group, group_resource_labels: {resource.type: k8s.pod}},
  ]`,
}
for (const [name, transforms] of Object.entries(groupings))
  test(`golden: ${name}`, { skip: skipWithout(golden) }, async () => {
    const read = (which: string) => {
      const text = readFileSync(join(golden, `${name}_${which}.yaml`), 'utf8')
      return (parse(text) as Json)['resourceMetrics'] as Json[]
    }
    const { output } = await transformed(`transforms: ${transforms}`, read('in'))
    assert.deepEqual(sorted(jsonOf(output)), sorted(jsonOf(metricsOf(read('out')))))
  })

const one = (point: Json, type = 'gauge'): Json[] => [
  { scopeMetrics: [{ metrics: [{ name: 'm', [type]: { dataPoints: [point] } }] }] },
]
const update = (rest: string) => `transforms: [{include: m, action: update, ${rest}}]`

test('a batch that nothing is done to is the same batch', async () => {
  const { handle } = build(factory, 'transforms: [{include: nobody, action: update, new_name: x}]')
  const batch = metricsOf(one({ asInt: '1' }))
  assert.equal(await handle(batch), batch)
})

test('{{version}} is the version of this program', async () => {
  const yaml = update('operations: [{action: add_label, new_label: v, new_value: "v{{version}}"}]')
  const { output } = await transformed(yaml, one({ asInt: '1' }))
  assert.equal([...output][0]?.attributes.get('v'), 'v0.0.0')
})

test('points that are dropped are counted', async () => {
  const label = (value: string) => [{ key: 'a', value: { stringValue: value } }]
  const points = [
    { asInt: '1', attributes: label('x') },
    { asInt: '2', attributes: label('y') },
  ]
  const metrics = [{ scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints: points } }] }] }]
  const deleting = await transformed(
    update('operations: [{action: delete_label_value, label: a, label_value: x}]'),
    metrics,
  )
  assert.deepEqual(deleting.context.recorded.drops, [{ items: 1, reason: 'deleted_label_value', intent: 'intended' }])
  const grouping = await transformed(
    'transforms: [{include: m, action: group, group_resource_labels: {g: h}, experimental_match_labels: {a: x}}]',
    metrics,
  )
  assert.deepEqual(grouping.context.recorded.drops, [{ items: 1, reason: 'not_matched', intent: 'intended' }])
  assert.equal(grouping.output.count, 1)
})

test('what cannot be combined stays, and is logged once in a while', async () => {
  const metrics = ['gauge', 'sum'].map((type, i) => ({ name: `m${i}`, [type]: { dataPoints: [{ asInt: '1' }] } }))
  const batch = metricsOf([{ scopeMetrics: [{ metrics }] }])
  const { handle, context } = build(
    factory,
    'transforms: [{include: "^m", match_type: regexp, action: combine, new_name: all, aggregation_type: sum}]',
  )
  for (let i = 0; i < 5; i++) assert.equal(await handle(batch), batch)
  assert.deepEqual(
    context.recorded.lines.map(({ fields }) => fields['error']),
    ['metrics cannot be combined as they are of different types: m0 (gauge) and m1 (sum)'],
  )
})

test('summaries are not aggregated, nor combined', async () => {
  const summary = one({ count: '1', sum: 2, attributes: [{ key: 'a', value: { stringValue: 'x' } }] }, 'summary')
  const aggregated = await transformed(
    update('operations: [{action: aggregate_labels, label_set: [], aggregation_type: sum}]'),
    summary,
  )
  assert.deepEqual(jsonOf(aggregated.output), jsonOf(metricsOf(summary)))
  assert.match(String(aggregated.context.recorded.lines[0]?.fields['error']), /aggregate_labels is not supported/)
  const combined = await transformed(
    'transforms: [{include: m, action: combine, new_name: n, aggregation_type: sum}]',
    summary,
  )
  assert.deepEqual(jsonOf(combined.output), jsonOf(metricsOf(summary)))
})

test('a group that took no part gives no label (upstream panics)', async () => {
  const yaml =
    'transforms: [{include: "^(?P<a>m)(?P<b>x)?$", match_type: regexp, action: combine, new_name: n, aggregation_type: sum}]'
  const { output } = await transformed(yaml, one({ asInt: '1' }))
  assert.deepEqual([...[...output][0]!.attributes.entries()], [['a', 'm']])
})

const overlapping: readonly (readonly [string, Json, Json, Json])[] = [
  ['equal', { offset: 2, bucketCounts: ['1', '2'] }, { offset: 2, bucketCounts: ['3', '4', '5'] }, { offset: 2, bucketCounts: ['4', '6', '5'] }],
  ['lower', { offset: 2, bucketCounts: ['1', '2'] }, { offset: 0, bucketCounts: ['1', '0', '1'] }, { bucketCounts: ['1', '0', '2', '2'] }],
  ['higher', { offset: 0, bucketCounts: ['1'] }, { offset: 3, bucketCounts: ['1'] }, { bucketCounts: ['1', '0', '0', '1'] }],
  ['none', { offset: 2, bucketCounts: ['1', '2'] }, {}, { offset: 2, bucketCounts: ['1', '2'] }],
] // biome-ignore format: a table
for (const [name, a, b, expected] of overlapping)
  test(`buckets of exponential histograms are added where they belong: offset ${name}`, async () => {
    const point = (positive: Json, label: string) => ({
      count: '1',
      scale: 1,
      positive,
      attributes: [{ key: 'a', value: { stringValue: label } }],
    })
    const dataPoints = [point(a, 'x'), point(b, 'y')]
    const { output } = await transformed(
      update('operations: [{action: aggregate_labels, label_set: [], aggregation_type: sum}]'),
      [{ scopeMetrics: [{ metrics: [{ name: 'm', exponentialHistogram: { dataPoints } }] }] }],
    )
    const [merged] = [...output]
    const text = JSON.stringify(jsonOf(output))
    assert.equal(merged?.distribution?.count, 2n)
    assert.ok(text.includes(JSON.stringify(expected)), text)
  })

describeRefusals(
  factory,
  [
    ['{}', 'missing required field "include"'],
    ['{include: a, match_type: x}', '"match_type" must be in ["strict" "regexp"]'],
    ['{include: "(", match_type: regexp, action: update}', '"include", '],
    ['{include: a}', '"action" must be in ["insert" "update" "combine" "group"]'],
    ['{include: a, action: insert}', 'missing required field "new_name" while "action" is insert'],
    ['{include: a, action: combine}', 'missing required field "new_name" while "action" is combine'],
    [
      '{include: a, action: combine, new_name: b}',
      'missing required field "aggregation_type" while "action" is combine',
    ],
    ['{include: a, action: group}', 'missing required field "group_resource_labels" while "action" is group'],
    [
      '{include: a, action: combine, new_name: b, aggregation_type: x}',
      '"aggregation_type" must be in ["sum" "mean" "min" "max" "median" "count"]',
    ],
    ['{include: a, action: update, submatch_case: x}', '"submatch_case" must be in ["lower" "upper"]'],
    ['{include: a, action: update, operations: [{action: x}]}', 'operation 1: "action" must be in ["add_label"'],
    [
      '{include: a, action: update, operations: [{action: update_label}]}',
      'operation 1: missing required field "label" while "action" is update_label',
    ],
    [
      '{include: a, action: update, operations: [{action: add_label}]}',
      'operation 1: missing required field "new_label" while "action" is add_label',
    ],
    [
      '{include: a, action: update, operations: [{action: add_label, new_label: b}]}',
      'operation 1: missing required field "new_value" while "action" is add_label',
    ],
    [
      '{include: a, action: update, operations: [{action: experimental_scale_value}]}',
      'operation 1: missing required field "experimental_scale" while "action" is experimental_scale_value',
    ],
    [
      '{include: a, action: update, operations: [{action: toggle_scalar_data_type}, {action: aggregate_labels, aggregation_type: x}]}',
      'operation 2: "aggregation_type" must be in',
    ],
    ['{include: a, metric_name: b, action: update}', 'has invalid keys: metric_name'],
  ],
  { whole: (yaml) => `transforms: [${yaml}]` },
)

const configs = sharedPath('corpus/component_configs/processor_metricstransform')
test("upstream's configurations are taken and refused as there", { skip: skipWithout(configs) }, () => {
  for (const file of readdirSync(configs)) {
    const bodies = parse(readFileSync(join(configs, file), 'utf8')) as Readonly<Record<string, unknown>>
    for (const body of Object.values(bodies)) {
      const make = () => build(factory, stringify(body))
      if (file.includes('invalid')) assert.throws(make, file)
      else make()
    }
  }
})
