import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Metrics, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'
import { goText } from './numbers.ts'

describeContract(factory, `logs: {mine: {source_attribute: n, conditions: ['IsMatch(body, "x")']}}`)
await describeUpstream(factory, import.meta.dirname)

async function sumOf(yaml: string, records: readonly Readonly<Record<string, Value>>[]) {
  const { handle, context } = build(factory, yaml)
  const builder = newLogs().resource({})
  for (const attributes of records) builder.record({ attributes })
  await handle(builder.build())
  const points = context.recorded.emitted.flatMap(({ batch }) => [...(batch as Metrics)])
  return points.map(({ value, attributes }) => [value, Object.fromEntries(attributes.entries())])
}

test('numbers are added, whatever their type; what is no number is 0', async () => {
  const values = [1, 2.5, double(3), '4.5', '1e1', '0x1p1', 'x', '', true, [9], null, 2n ** 60n - 2n ** 60n]
  assert.deepEqual(await sumOf('logs: {s: {source_attribute: n}}', [...values.map((n) => ({ n })), {}]), [
    [double(23), {}],
  ])
})

test('a sum by several attributes is multiplied by their number, as upstream has it', async () => {
  const yaml = 'logs: {s: {source_attribute: n, attributes: [{key: a}, {key: b, default_value: 7}]}}'
  const records = [
    { n: 1.5, a: 'x' },
    { n: 2, a: 'x', b: 7 },
    { n: 5, a: 'x' },
  ]
  assert.deepEqual(await sumOf(yaml, records), [
    [double(13), { a: 'x', b: 7 }],
    [double(4), { a: 'x', b: '7' }],
  ])
})

test('an item whose attribute is empty, zero or no text is left out', async () => {
  const yaml = 'logs: {s: {source_attribute: n, attributes: [{key: a, default_value: d}]}}'
  const records = ['', 0, double(0), false, [1], 'x'].map((a) => ({ n: 1, a }))
  assert.deepEqual(await sumOf(yaml, [...records, { n: 2 }]), [
    [double(1), { a: 'x' }],
    [double(2), { a: 'd' }],
  ])
})

test('doubles are written as Go writes them', () => {
  const cases: readonly (readonly [number, string])[] = [
    [100_000_000, '1e+08'],
    [1_234_567, '1.234567e+06'],
    [123_456, '123456'],
    [0.0001, '0.0001'],
    [0.000_01, '1e-05'],
    [1e22, '1e+22'],
    [1.5e300, '1.5e+300'],
    [-1_234_567.5, '-1.2345675e+06'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NaN, 'NaN'],
  ]
  assert.deepEqual(
    cases.map(([value]) => goText(value)),
    cases.map(([, text]) => text),
  )
})

describeRefusals(factory, [
  ...['spans', 'spanevents', 'metrics', 'datapoints', 'logs'].flatMap((kind) => [
    [`${kind}: {"": {source_attribute: n}}`, `${kind}: metric name missing`] as const,
    [`${kind}: {x: {}}`, `${kind}: metric source_attribute missing`] as const,
    [`${kind}: {x: {source_attribute: n, conditions: [invalid condition]}}`, `${kind}::x::conditions::0`] as const,
  ]),
  ['metrics: {x: {source_attribute: n, attributes: [{key: a}]}}', 'metrics attributes not supported: metric "x"'],
  ['logs: {x: {source_attribute: n, attributes: [{}]}}', 'logs attributes: metric "x": attribute key missing'],
])

test('several problems of one metric are told at once', () =>
  assert.throws(
    () => build(factory, 'logs: {"": {attributes: [{key: ""}], conditions: [invalid condition]}}'),
    (error) =>
      error instanceof Error &&
      ['metric name missing', 'source_attribute missing', 'conditions', 'attribute key missing'].every((words) =>
        error.message.includes(words),
      ),
  ))
