import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { Rejected } from '../../pipeline/component.ts'
import { newLogs, newTraces } from '../../pipeline/data/builders.ts'
import type { Batch, Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { goldenPoints, type Json, readGolden, sortedAttributes } from '../../pipeline/testing/golden.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, 'logs: [{name: n, sum: {value: "1"}}]')
await describeUpstream(factory, import.meta.dirname)

const golden = sharedPath('corpus/golden/connector_signaltometrics/testdata')
const configs = sharedPath('corpus/component_configs/connector_signaltometrics')
const instanceId = '627cc493-f310-47de-96bd-71410b7dec09'
const sections = { traces: 'spans', metrics: 'datapoints', logs: 'logs' } as const
const cases: readonly (readonly [keyof typeof sections, string, string?, string?])[] = [
  ['traces', 'sum'],
  ['traces', 'histograms'],
  ['traces', 'exponential_histograms'],
  ['traces', 'metric_identity'],
  ['traces', 'gauge'],
  ['traces', 'path_context'],
  ['traces', 'ottl_expression', 'x-dynamic-resource-attributes', 'resource.foo'],
  ['traces', 'ottl_expression_priority', 'x-dynamic-attrs', 'db.system'],
  ['metrics', 'sum'],
  ['metrics', 'histograms'],
  ['metrics', 'exponential_histograms'],
  ['metrics', 'gauge'],
  ['logs', 'sum'],
  ['logs', 'histograms'],
  ['logs', 'exponential_histograms'],
  ['logs', 'metric_identity'],
  ['logs', 'gauge'],
]
for (const [signal, name, header, text] of cases) {
  const beside = join(golden, signal, name, 'config.yaml')
  const config = existsSync(beside) ? beside : join(configs, `${signal}__${name}__config.yaml`)
  const files = [config, join(golden, signal, `${signal}.yaml`), join(golden, signal, name, 'output.yaml')] as const
  test(`golden: ${signal} ${name}`, { skip: skipWithout(...files) }, async () => {
    const [body] = Object.values(parse(readFileSync(config, 'utf8')) as Readonly<Record<string, unknown>>)
    const { handle, context } = build(factory, stringify(body), { engine: { instanceId } })
    const metadata = new Map(header === undefined || text === undefined ? [] : [[header, [text]]])
    await handle(readGolden(signal, files[1]).withOrigin({ metadata }))
    const lines = context.recorded.emitted.flatMap(({ batch }) => linesOf(batch))
    assert.deepEqual(lines.sort(), linesOf(readGolden('metrics', files[2])).sort())
  })
}

/** One line a point, without times, which upstream does not compare either. */
function linesOf(batch: Batch): string[] {
  return goldenPoints(batch).map(({ resource, scope, name, description, unit, type, rest, attributes, point }) => {
    const { timeUnixNano: _time, ...values } = point
    const ofResource = withoutCounter((resource['attributes'] ?? []) as readonly Json[])
    return JSON.stringify([ofResource, scope, name, description, unit, type, rest, withoutCounter(attributes), values])
  })
}
/** Without what says who counted: older versions had more of it, under other names. */
function withoutCounter(attributes: readonly Json[]): unknown {
  return sortedAttributes(attributes.filter(({ key }) => !/^signal_?to_?metrics\./.test(String(key))))
}

test("upstream's configurations are taken and refused as there", { skip: skipWithout(configs) }, () => {
  for (const file of readdirSync(configs)) {
    const bodies = parse(readFileSync(join(configs, file), 'utf8')) as Readonly<Record<string, Json | null>>
    for (const body of Object.values(bodies)) {
      const { profiles: _profiles, ...rest } = body ?? {}
      const make = () => build(factory, stringify(rest))
      if (file.includes('valid_full') || !file.startsWith('configs__')) make()
      else assert.throws(make, file)
    }
  }
})

test('the resource says which process counted, so that two never write one series', async () => {
  const { handle, context } = build(factory, 'logs: [{name: n, sum: {value: "1"}}]', { engine: { instanceId } })
  await handle(newLogs().resource({ a: 1 }).record({}).build())
  const [point] = context.recorded.emitted.flatMap(({ batch }) => [...(batch as Metrics)])
  assert.deepEqual(Object.fromEntries(point!.resource.attributes.entries()), {
    a: 1,
    'signal_to_metrics.service.instance.id': instanceId,
  })
})

async function derived(yaml: string, records: readonly Readonly<Record<string, Value>>[]) {
  const { handle, context } = build(factory, yaml)
  const builder = newLogs().resource({ r: 1 })
  for (const attributes of records) builder.record({ attributes })
  await handle(builder.build())
  const points = context.recorded.emitted.flatMap(({ batch }) => [...(batch as Metrics)])
  return { points, context }
}

test('an item whose value fails refuses the batch, or is left out', async () => {
  const yaml = 'logs: [{name: n, sum: {value: \'Int(log.attributes["v"])\'}}]'
  const records = [{ v: 1 }, { v: [1] }, { v: 2 }]
  await assert.rejects(derived(yaml, records), (error) => error instanceof Rejected && error.retryable)
  const ignored = await derived(`{${yaml}, error_mode: ignore}`, records)
  assert.deepEqual(
    ignored.points.map(({ value }) => value),
    [3],
  )
  assert.equal(ignored.context.recorded.lines[0]?.message, 'a metric failed')
  const silent = await derived(`{${yaml}, error_mode: silent}`, records)
  assert.deepEqual([silent.points[0]?.value, silent.context.recorded.lines], [3, []])
})

test('a double among ints makes the sum a double (upstream panics)', async () => {
  const { points } = await derived('logs: [{name: n, sum: {value: \'log.attributes["v"]\'}}]', [
    { v: 1 },
    { v: 2.5 },
    { v: 2 },
  ])
  assert.deepEqual(points[0]?.value, 5.5)
})

test('required, optional and defaulted attributes', async () => {
  const yaml =
    'logs: [{name: n, sum: {value: "1"}, attributes: [{key: a}, {key: b, optional: true}, {key: c, default_value: 7}]}]'
  const { points } = await derived(yaml, [{ a: 1 }, { a: 1, b: 2 }, { b: 2 }, { a: 1, c: 7 }, { a: double(1) }])
  assert.deepEqual(
    points.map(({ attributes, value }) => [Object.fromEntries(attributes.entries()), value]),
    [
      [{ a: 1, c: 7 }, 2],
      [{ a: 1, b: 2, c: 7 }, 1],
      [{ a: double(1), c: 7 }, 1],
    ],
  )
})

test('spans count as many as their sampling says', async () => {
  const { handle, context } = build(factory, 'spans: [{name: n, sum: {value: AdjustedCount()}}]')
  await handle(newTraces().span({ name: 'a', traceState: 'ot=th:8' }).span({ name: 'b' }).build())
  const [point] = context.recorded.emitted.flatMap(({ batch }) => [...(batch as Metrics)])
  assert.deepEqual(point?.value, double(3))
})

describeRefusals(factory, [
  ['{}', 'no configuration provided, at least one should be specified'],
  ['logs: [{sum: {value: "1"}}]', 'failed to validate logs configuration: missing required metric name'],
  ['logs: [{name: n}]', 'exactly one of the metrics must be defined, 0 found'],
  ['logs: [{name: n, sum: {value: "1"}, gauge: {value: "1"}}]', 'exactly one of the metrics must be defined, 2 found'],
  ['logs: [{name: n, sum: {value: "1"}, attributes: [{}]}]', 'exactly one of key or keys_expression must be set'],
  [
    'logs: [{name: n, sum: {value: "1"}, attributes: [{key: a}, {key: a}]}]',
    'duplicate key found in attributes config: a',
  ],
  [
    'logs: [{name: n, sum: {value: "1"}, attributes: [{key: a, optional: true, default_value: 1}]}]',
    'only one of default_value or optional should be set',
  ],
  ['logs: [{name: n, sum: {}}]', 'sum validation failed: value must be defined'],
  ['logs: [{name: n, gauge: {}}]', 'gauge validation failed: value must be defined'],
  ['logs: [{name: n, histogram: {}}]', 'histogram validation failed: value OTTL statement is required'],
  ['logs: [{name: n, exponential_histogram: {value: "1", max_size: 1}}]', 'invalid histogram size: 1'],
  ['logs: [{name: n, sum: {value: "not OTTL ("}}]', 'sum::value'],
  ['logs: [{name: n, sum: {value: "1"}, conditions: [nope]}]', 'conditions::0'],
  [
    'logs: [{name: n, gauge: {value: \'ExtractGrokPatterns(body, "%{NUMBER:a}")\'}}]',
    'a single key selector[key] is required',
  ],
  ['{logs: [{name: n, sum: {value: "1"}}], error_mode: x}', 'unknown error mode x'],
])
