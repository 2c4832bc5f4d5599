import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { parse } from 'yaml'
import { Rejected } from '../../pipeline/component.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { LogRecordInit } from '../../pipeline/data/items.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Logs, Origin } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { zoneNamed } from '../../pipeline/ottl/time.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { sharedPath, skipWithout } from '../../pipeline/testing/shared-files.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import { parseField } from './fields.ts'
import factory from './index.ts'
import { secondsText } from './seconds-text.ts'

describeContract(factory, 'interval: 10s')
await describeUpstream(factory, import.meta.dirname)

const deadline = () => AbortSignal.timeout(1_000)
const refuse = () => {
  throw new Rejected('full', { retryable: true })
}

function logsOf(records: readonly LogRecordInit[], origin?: Origin): Logs {
  const builder = newLogs(origin).resource({ 'service.name': 'shop' }).scope('lib')
  for (const record of records) builder.record(record)
  return builder.build()
}
const bodies = (...texts: string[]) => logsOf(texts.map((body) => ({ body })))
const from = (tenant: string): Origin => ({ metadata: new Map([['tenant', [tenant]]]) })

async function open(yaml: string, options: TestContextOptions = {}) {
  const { instance, context, handle } = build(factory, yaml, options)
  await instance.start?.()
  return { instance, context, handle, clock: context.clock }
}
/** Batch by batch: bodies with their counts. */
const emitted = ({ recorded }: TestContext) =>
  recorded.emitted.map(({ batch }) =>
    [...(batch as Logs)].map((record) => [record.body, record.attributes.get('log_count')]),
  )
const records = ({ recorded }: TestContext) => recorded.emitted.flatMap(({ batch }) => [...(batch as Logs)])

test('one record goes on for all that are the same, with their number and their times', async () => {
  const { context, handle, clock } = await open('{interval: 10s, timezone: America/New_York}')
  await handle(logsOf([{ body: 'a', timeUnixNano: 5n, traceId: '1'.repeat(32) }, { body: 'b' }]))
  await clock.advance(4_000)
  await handle(logsOf([{ body: 'a', timeUnixNano: 6n, observedUnixNano: 7n }]))
  assert.deepEqual(emitted(context), [])
  await clock.advance(6_000)
  assert.deepEqual(emitted(context), [
    [
      ['a', 2],
      ['b', 1],
    ],
  ])
  const [first] = records(context)
  assert.deepEqual(Object.fromEntries(first!.attributes.entries()), {
    log_count: 2,
    first_observed_timestamp: '2023-11-14T17:13:20-05:00',
    last_observed_timestamp: '2023-11-14T17:13:24-05:00',
  })
  assert.equal(first?.timeUnixNano, 1_700_000_010_000_000_000n)
  assert.equal(first?.observedUnixNano, 1_700_000_000_000_000_000n)
  assert.equal(first?.traceId, '1'.repeat(32))
  assert.deepEqual(context.recorded.drops, [{ items: 1, reason: 'duplicate', intent: 'intended' }])
  assert.equal(context.recorded.sums.get('otelcol_dedup_processor_aggregated_logs'), 2)
  await clock.advance(10_000)
  assert.equal(emitted(context).length, 1, 'an interval without records sends nothing')
})

const pairs: readonly (readonly [string, LogRecordInit, LogRecordInit, boolean])[] = [
  ['equal but for times and ids', { body: 'a', timeUnixNano: 1n }, { body: 'a', spanId: '1'.repeat(16) }, true],
  ['another body', { body: 'a' }, { body: 'b' }, false],
  ['1 and "1"', { body: 1 }, { body: '1' }, false],
  ['1 and 1.0', { body: 1 }, { body: double(1) }, false],
  ['the same map in another order', { body: { a: 1, b: [2] } }, { body: { b: [2], a: 1 } }, true],
  ['attributes in another order', { attributes: { a: 1, b: 2 } }, { attributes: { b: 2, a: 1 } }, true],
  ['an attribute more', { attributes: { a: 1 } }, { attributes: { a: 1, b: 2 } }, false],
  ['another severity number', { severityNumber: 9 }, { severityNumber: 10 }, false],
  ['another severity text', { severityText: 'INFO' }, { severityText: 'info' }, false],
  ['another event name', { eventName: 'x' }, { eventName: 'y' }, true],
]
for (const [name, first, second, isSame] of pairs)
  test(`${isSame ? 'the same' : 'not the same'}: ${name}`, async () => {
    const { context, handle, clock } = await open('{}')
    await handle(logsOf([first, second]))
    await handle(logsOf([second, first]))
    await clock.advance(10_000)
    assert.equal(records(context).length, isSame ? 1 : 2)
  })

test('records of other resources and scopes are others; a scope is its name, version and attributes', async () => {
  const { context, handle, clock } = await open('{}')
  const builder = newLogs()
  for (const service of ['a', 'b', 'a'])
    for (const version of ['1', '2'])
      builder.resource({ 'service.name': service }).scope('lib', { version, schemaUrl: 'x' }).record({ body: 'same' })
  builder.scope('lib', { version: '2', attributes: { a: 1 } }).record({ body: 'same' })
  await handle(builder.build())
  await clock.advance(10_000)
  assert.deepEqual(
    records(context).map(({ resource, scope, attributes }) => [
      resource.attributes.get('service.name'),
      scope.version,
      scope.attributes.size,
      attributes.get('log_count'),
    ]),
    [
      ['a', '1', 0, 2],
      ['a', '2', 0, 2],
      ['a', '2', 1, 1],
      ['b', '1', 0, 1],
      ['b', '2', 0, 1],
    ],
  )
})

test('excluded fields are not compared and do not go on', async () => {
  const { context, handle, clock } = await open(
    String.raw`exclude_fields: [attributes.bool, attributes.nested.ip, "body.nested\\.map.bool", body.not.there]`,
  )
  const record = (n: number): LogRecordInit => ({
    body: { safe: 10, 'nested.map': { bool: n } },
    attributes: { bool: n, str: 's', nested: { ip: n, port: 80 } },
  })
  await handle(logsOf([record(1), record(2)]))
  await clock.advance(10_000)
  const [only, ...others] = records(context)
  assert.equal(others.length, 0)
  assert.deepEqual(only?.body, { safe: 10, 'nested.map': {} })
  const { str, nested, bool, log_count } = Object.fromEntries(only!.attributes.entries())
  assert.deepEqual({ str, nested, bool, log_count }, { str: 's', nested: { port: 80 }, bool: undefined, log_count: 2 })
})

test('all attributes can be excluded', async () => {
  const { context, handle, clock } = await open('exclude_fields: [attributes]')
  await handle(logsOf([{ body: 'a', attributes: { x: 1, y: 2 } }, { body: 'a' }]))
  await clock.advance(10_000)
  const [only] = records(context)
  assert.deepEqual(
    [...only!.attributes.entries()].map(([key]) => key),
    ['log_count', 'first_observed_timestamp', 'last_observed_timestamp'],
  )
})

const included: readonly (readonly [string, LogRecordInit, LogRecordInit, boolean])[] = [
  ['attributes.id', { body: 'a', attributes: { id: 1 } }, { body: 'b', attributes: { id: 1 } }, true],
  ['attributes.id', { body: 'a', attributes: { id: 1 } }, { body: 'a', attributes: { id: 2 } }, false],
  ['attributes.id', { attributes: { id: 1 } }, { attributes: { id: '1' } }, true],
  ['body.id', { body: { id: 'x', at: 1 } }, { body: { id: 'x', at: 2 } }, true],
  ['body.a.b', { body: { a: { b: 'x' }, at: 1 } }, { body: { a: { b: 'x' }, at: 2 } }, true],
  ['body.id', { body: 'text' }, { body: 'text' }, true],
  ['body.id', { body: 'text' }, { body: 'other' }, false],
  ['attributes', { body: 'a', attributes: { x: 1 } }, { body: 'b', attributes: { x: 1 } }, true],
]
for (const [field, first, second, isSame] of included)
  test(`include_fields: [${field}]: ${JSON.stringify([first, second])} ${isSame ? 'are' : 'are not'} the same`, async () => {
    const { context, handle, clock } = await open(`include_fields: [${field}]`)
    await handle(logsOf([first, second]))
    await clock.advance(10_000)
    assert.equal(records(context).length, isSame ? 1 : 2)
  })

test('records that meet no condition go on at once', async () => {
  const { context, handle, clock } = await open(`conditions: ['attributes["ID"] == 1', 'log.attributes["ID"] == 3']`)
  await handle(logsOf([1, 2, 1, 3, 2].map((ID) => ({ body: `${ID}`, attributes: { ID } }))))
  assert.deepEqual(emitted(context), [
    [
      ['2', undefined],
      ['2', undefined],
    ],
  ])
  await clock.advance(10_000)
  assert.deepEqual(emitted(context)[1], [
    ['1', 2],
    ['3', 1],
  ])
  const untouched = logsOf([{ body: 'x', attributes: { ID: 2 } }])
  assert.equal(await handle(untouched), untouched)
})

test('a condition that fails is logged, and its record goes on at once', async () => {
  const { context, handle, clock } = await open(`conditions: ['Int(body["a"]) == 1', 'log.severity_number == 9']`)
  await handle(logsOf([{ body: 'no map', severityNumber: 9 }, { body: { a: 1 } }]))
  assert.deepEqual(emitted(context), [[['no map', undefined]]])
  assert.equal(context.recorded.lines[0]?.message, 'a condition failed')
  await clock.advance(10_000)
  assert.equal(records(context).length, 2)
})

test('what is refused at once was not counted, so that the sender may repeat it', async () => {
  let isFull = true
  const { context, handle, clock } = await open(`conditions: ['attributes["ID"] == 1']`, {
    accept: () => {
      if (isFull) refuse()
    },
  })
  const batch = logsOf([1, 2].map((ID) => ({ body: `${ID}`, attributes: { ID } })))
  await assert.rejects(handle(batch), (error) => error instanceof Rejected && error.retryable)
  isFull = false
  await handle(batch)
  await clock.advance(10_000)
  assert.deepEqual(emitted(context), [[['2', undefined]], [['1', 1]]])
})

test('what is refused later is lost and counted', async () => {
  const { context, handle, clock } = await open('{}', { accept: refuse })
  await handle(bodies('a', 'b'))
  await clock.advance(10_000)
  assert.deepEqual(context.recorded.drops, [{ items: 2, reason: 'refused_downstream', intent: 'lost' }])
})

test('what is held at shutdown goes on', async () => {
  const { context, handle, instance } = await open('interval: 1h')
  await handle(bodies('a', 'a'))
  await instance.shutdown?.(deadline())
  assert.deepEqual(emitted(context), [[['a', 2]]])
})

for (const [yaml, why] of [
  ['max_records: 2', 'max_records'],
  ['max_bytes: 3000', 'max_bytes'],
] as const)
  test(`${why}: all goes on early, and nothing is lost`, async () => {
    const { context, handle, instance } = await open(`{interval: 1h, ${yaml}}`)
    await handle(bodies('a', 'b', 'a', 'c', 'd', 'e', 'f', 'g', 'h', 'a'))
    assert.ok(emitted(context).length >= 1)
    assert.equal(context.recorded.sums.get('otelcol_dedup_processor_early_exports'), emitted(context).length)
    await instance.shutdown?.(deadline())
    const dropped = context.recorded.drops.reduce((sum, { items }) => sum + items, 0)
    assert.equal(records(context).length + dropped, 10)
  })

test('a reload goes on counting, with the new settings', async () => {
  const before = await open('interval: 1h')
  await before.handle(bodies('a', 'a', 'b'))
  const state = await before.instance.save!()
  await before.instance.shutdown?.(deadline())
  assert.deepEqual(emitted(before.context), [])
  const { instance, context, handle } = build(factory, 'interval: 1s')
  await instance.restore?.(state)
  await instance.start?.()
  await handle(bodies('a'))
  await context.clock.advance(1_000)
  assert.deepEqual(emitted(context), [
    [
      ['a', 3],
      ['b', 1],
    ],
  ])
})

test('records of senders who differ in what is read further on are never the same', async () => {
  const { context, handle, clock } = await open('{}', {
    originKey: ({ metadata }) => metadata.get('tenant')?.[0] ?? '',
  })
  for (const tenant of ['a', 'b', 'a']) await handle(logsOf([{ body: 'x' }], from(tenant)))
  await clock.advance(10_000)
  assert.deepEqual(
    context.recorded.emitted.map(({ batch }) => [batch.origin.metadata.get('tenant'), emitted(context).length]),
    [
      [['a'], 2],
      [['b'], 2],
    ],
  )
})

test('metadata_keys keep senders apart, up to a limit', async () => {
  const { context, handle, clock } = await open('{metadata_keys: [Tenant], metadata_cardinality_limit: 2}')
  for (const tenant of ['a', 'b', 'a']) await handle(logsOf([{ body: 'x' }], from(tenant)))
  await assert.rejects(
    handle(logsOf([{ body: 'x' }], from('c'))),
    (error) => error instanceof Rejected && !error.retryable,
  )
  await clock.advance(10_000)
  assert.deepEqual(emitted(context), [[['x', 2]], [['x', 1]]])
  assert.deepEqual(context.recorded.emitted[0]?.batch.origin.metadata.get('tenant'), ['a'])
})

describeRefusals(factory, [
  ['log_count_attribute: ""', 'log_count_attribute must be set'],
  ['interval: 0s', 'interval must be greater than 0'],
  ['interval: -1s', 'interval must be greater than 0'],
  ['timezone: not a timezone', 'timezone is invalid: unknown time zone not a timezone'],
  ['exclude_fields: [body]', 'cannot exclude the entire body'],
  ['exclude_fields: [not.value]', 'an excludefield must start with body or attributes'],
  ['exclude_fields: ["body\\\\.x"]', 'an excludefield must start with body or attributes'],
  ['exclude_fields: [body.a, body.a]', 'duplicate exclude_field body.a'],
  ['include_fields: [body]', 'cannot include the entire body'],
  ['include_fields: [not.valid]', 'an include_fields must start with body or attributes'],
  ['include_fields: [body.a, body.a]', 'duplicate include_fields body.a'],
  ['{include_fields: [body.a], exclude_fields: [body.b]}', 'cannot define both exclude_fields and include_fields'],
  ['metadata_keys: [A, a]', 'duplicate entry in metadata_keys: "a" (case-insensitive)'],
  ['conditions: [nope(]', 'conditions'],
  ['max_records: 0', 'max_records must be greater than 0'],
])

test('a dot in a key is escaped', () => {
  const keys = (text: string) => parseField(`body.${text}`).keys
  assert.deepEqual(
    [keys('one'), keys('a.b.c'), keys('a\\.b'), keys('a\\.b.c')],
    [['one'], ['a', 'b', 'c'], ['a.b'], ['a.b', 'c']],
  )
})

test('times are written as Go writes them', () => {
  const at = (zone: string) => secondsText(1_728_069_707_998_122_000n, zoneNamed(zone)!)
  assert.deepEqual(
    [at('UTC'), at('Europe/London'), at('Africa/Abidjan'), at('Asia/Kolkata'), at('America/St_Johns')],
    [
      '2024-10-04T19:21:47Z',
      '2024-10-04T20:21:47+01:00',
      '2024-10-04T19:21:47Z',
      '2024-10-05T00:51:47+05:30',
      '2024-10-04T16:51:47-02:30',
    ],
  )
})

const golden = sharedPath('corpus/golden/processor_logdedup/testdata/input')
const skip = skipWithout(golden)
const goldenCases: readonly (readonly [string, string, string, readonly (readonly unknown[])[]])[] = [
  ['basicLogs', 'exclude_fields: [attributes.remove_me]', 'body', [['Body of the log', 2]]],
  ['conditionLogs', `conditions: ['(attributes["ID"] == 1)']`, 'ID', [[1, 2]]],
  [
    'conditionLogs',
    `conditions: ['attributes["ID"] == 1', 'attributes["ID"] == 3']`,
    'ID',
    [
      [1, 2],
      [3, 2],
    ],
  ],
  ['includeFieldsLogs', 'include_fields: [attributes.dedup_key]', 'unique_id', [[1, 2]]],
  ['includeFieldsLogs', 'include_fields: [body.dedup_key]', 'unique_id', [[1, 2]]],
  ['includeFieldsLogs', 'include_fields: [attributes.dedup_key, body.dedup_key]', 'unique_id', [[1, 2]]],
]
for (const [name, yaml, shown, expected] of goldenCases)
  test(`golden ${name}: ${yaml}`, { skip }, async () => {
    const body = JSON.stringify(parse(readFileSync(join(golden, `${name}.yaml`), 'utf8')))
    const { context, handle, clock } = await open(yaml)
    const input = readOtlp('logs', Buffer.from(body), 'json', { metadata: new Map() })
    await handle(input)
    await clock.advance(10_000)
    const counted = records(context).filter(({ attributes }) => attributes.has('log_count'))
    assert.deepEqual(
      counted.map((one) => [shown === 'body' ? one.body : one.attributes.get(shown), one.attributes.get('log_count')]),
      expected,
    )
    const total = expected.reduce((sum, [, count]) => sum + (count as number), 0)
    assert.equal(records(context).length - counted.length, input.count - total)
  })

for (const yaml of ['interval: 1s', 'interval: 1s\nexclude_fields: [attributes.gone]'])
  test(`what comes while records are written waits for the next interval, and all arrive once: ${yaml}`, async () => {
    const { instance, context, handle } = build(factory, yaml)
    await instance.start?.()
    // Each look at the time is later than a slice lasts, so that other work gets in wherever it may.
    let ms = 0
    context.clock.nowMs = () => (ms += 1_000)
    const records = (word: string) => {
      const builder = newLogs().resource({ 'service.name': 'shop' })
      for (let i = 0; i < 2_000; i++) builder.record({ body: `${word} ${i}`, attributes: { gone: i } })
      return builder.build()
    }
    await handle(records('first'))
    const advanced = context.clock.advance(1_000)
    for (let i = 0; i < 3; i++) await setImmediate()
    assert.equal(context.recorded.emitted.length, 0)
    await handle(records('second'))
    await advanced
    const { emitted } = context.recorded
    while (emitted.length < 1) await setImmediate()
    await instance.shutdown?.(AbortSignal.timeout(5_000))
    const bodies = emitted.map(({ batch }) => [...(batch as Logs)].map(({ body }) => body))
    assert.deepEqual(
      bodies.map((all) => [all[0], all.length, new Set(all).size, all.at(-1)]),
      [
        ['first 0', 2_000, 2_000, 'first 1999'],
        ['second 0', 2_000, 2_000, 'second 1999'],
      ],
    )
  })
