import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rejected } from '../../pipeline/component.ts'
import { newLogs, newMetrics, newTraces, spanEvent } from '../../pipeline/data/builders.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Metrics } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext } from '../../pipeline/testing/context.ts'
import { describeContract } from '../../pipeline/testing/contract.ts'
import { describeRefusals } from '../../pipeline/testing/refusals.ts'
import { describeUpstream } from '../../pipeline/testing/upstream/describe.ts'
import factory from './index.ts'

describeContract(factory, `logs: {mine: {conditions: ['IsMatch(body, "x")']}}`)
await describeUpstream(factory, import.meta.dirname)

/** Name, attributes, count of each point. */
const counted = ({ recorded }: TestContext) =>
  recorded.emitted.flatMap(({ batch }) =>
    [...(batch as Metrics)].map(({ metric, attributes, value }) => [
      metric.name,
      Object.fromEntries(attributes.entries()),
      value,
    ]),
  )

test('a connector that takes several signals keeps them apart', async () => {
  const { handle, context } = build(
    factory,
    `{spans: {s: {conditions: ['resource.attributes["a"] == 1']}}, logs: {l: {conditions: ['resource.attributes["a"] == 2']}}}`,
  )
  await handle(newTraces().resource({ a: 1 }).span({ name: 's' }).build())
  await handle(newLogs().resource({ a: 2 }).record({ body: 'x' }).build())
  await handle(newTraces().resource({ a: 2 }).span({ name: 's' }).build())
  assert.deepEqual(counted(context), [
    ['s', {}, 1],
    ['l', {}, 1],
  ])
})

test('a count spans the times of all items of its resource, counted or not', async () => {
  const { handle, context } = build(factory, `logs: {odd: {conditions: ['log.attributes["n"] == 1']}}`)
  const builder = newLogs().resource({})
  for (const [n, timeUnixNano] of [[1, 50n], [2, 0n], [3, 20n], [4, 70n]] as const) // biome-ignore format: one line
    builder.record({ timeUnixNano, attributes: { n } })
  await handle(
    builder
      .resource({ later: 1 })
      .record({ attributes: { n: 1 } })
      .build(),
  )
  assert.deepEqual(
    [...(context.recorded.emitted[0]!.batch as Metrics)].map((point) => [point.startUnixNano, point.timeUnixNano]),
    [
      [20n, 70n],
      [context.clock.nowUnixNano(), context.clock.nowUnixNano()],
    ],
  )
})

const inheritance: readonly (readonly [string, object, object, object, unknown])[] = [
  ['the item before its scope', { k: 'item' }, { k: 'scope' }, { k: 'resource' }, 'item'],
  ['the scope before its resource', {}, { k: 'scope' }, { k: 'resource' }, 'scope'],
  ['the resource before the default', {}, {}, { k: 'resource' }, 'resource'],
  ['the default', {}, {}, {}, 'nobody'],
  ['an int', { k: 5 }, {}, {}, 5],
  ['a double', { k: double(5) }, {}, {}, double(5)],
  ['a boolean', { k: false }, {}, {}, false],
  ['an empty string', { k: '' }, { k: 'scope' }, {}, ''],
  ['what is there and empty', { k: null }, { k: 'scope' }, {}, null],
  ['a list', { k: [1, 'a'] }, {}, {}, [1, 'a']],
]
for (const [name, own, scope, resource, expected] of inheritance)
  test(`an attribute is that of ${name}`, async () => {
    const { handle, context } = build(factory, 'logs: {n: {attributes: [{key: k, default_value: nobody}]}}')
    const batch = newLogs()
      .resource(resource as Record<string, string>)
      .scope('s', { attributes: scope as Record<string, string> })
      .record({ attributes: own as Record<string, string> })
      .build()
    await handle(batch)
    assert.deepEqual(counted(context), [['n', { k: expected }, 1]])
  })

test('values of different types are counted apart', async () => {
  const { handle, context } = build(factory, 'logs: {n: {attributes: [{key: k}]}}')
  const builder = newLogs().resource({})
  for (const k of [1, '1', double(1), 1, true, 'true']) builder.record({ attributes: { k } })
  await handle(builder.build())
  assert.deepEqual(
    counted(context).map(([, , count]) => count),
    [2, 1, 1, 1, 1],
  )
})

test('a metric without a type counts and refuses nothing', async () => {
  const { handle, context } = build(factory, '{}')
  await handle(newMetrics().resource({}).gauge('g', []).build())
  assert.deepEqual(counted(context), [['metric.count', {}, 1]])
})

test('nothing counted is nothing sent', async () => {
  const { handle, context } = build(factory, `{spans: {s: {conditions: ['span.name == "nobody"']}}}`)
  await handle(newTraces().resource({}).span({ name: 'x' }).build())
  await handle(newTraces().build())
  assert.equal(context.recorded.emitted.length, 0)
  await handle(
    newTraces()
      .resource({})
      .span({ events: [spanEvent({ name: 'e' })] })
      .build(),
  )
  assert.deepEqual(counted(context), [['trace.span.event.count', {}, 1]])
})

describeRefusals(factory, [
  ...['spans', 'spanevents', 'metrics', 'datapoints', 'logs', 'profiles'].flatMap((kind) => [
    [`${kind}: {"": {}}`, `${kind}: metric name missing`] as const,
    [`${kind}: {x: {conditions: [invalid condition]}}`, `${kind}::x::conditions::0`] as const,
  ]),
  [`profiles: {x: {conditions: ['profile.duration_unix_nano > 1']}}`, 'profiles::x::conditions::0'],
  [`profiles: {x: {conditions: ['attributes["a"] == 1']}}`, 'profiles::x::conditions::0'],
  ['metrics: {x: {attributes: [{key: a}]}}', 'metrics attributes not supported: metric "x"'],
  ['spans: {x: {attributes: [{key: ""}]}}', 'spans attributes: metric "x": attribute key missing'],
  [`spans: {x: {conditions: ['unknown.attributes["a"] == 1']}}`, 'spans::x::conditions::0'],
])

test('paths may have the name of their context, or none', () => {
  build(
    factory,
    `{
      spans: {a: {conditions: ['span.attributes["a"] == "b"', 'resource.attributes["a"] == "x"', 'attributes["a"] != nil']}},
      spanevents: {a: {conditions: ['spanevent.attributes["a"] == "b"']}},
      metrics: {a: {conditions: ['metric.name == "x"']}},
      datapoints: {a: {conditions: ['datapoint.attributes["a"] == "b"']}},
      logs: {a: {conditions: ['log.severity_number >= SEVERITY_NUMBER_ERROR']}},
    }`,
  )
})

test('profiles are counted by their attributes, whose names and texts stand in the dictionary', async () => {
  const request = {
    resourceProfiles: [
      {
        resource: { attributes: [{ keyStrindex: 1, value: { stringValueStrindex: 2 } }] },
        scopeProfiles: [
          {
            scope: { name: 'lib', attributes: [{ key: 'a', value: { intValue: '5' } }] },
            profiles: [
              { timeUnixNano: '70', samples: [{}], attributeIndices: [0, 1] },
              { timeUnixNano: '50', samples: [{}], attributeIndices: [0] },
              { samples: [{}] },
            ],
          },
        ],
      },
    ],
    dictionary: {
      stringTable: ['', 'service', 'shop', 'kind', 'cpu', 'list'],
      attributeTable: [
        { keyStrindex: 3, value: { stringValueStrindex: 4 } },
        { keyStrindex: 5, value: { arrayValue: { values: [{ stringValueStrindex: 2 }, { boolValue: true }] } } },
      ],
    },
  }
  const { handle, context } = build(
    factory,
    `profiles: {
      all: {conditions: ['resource.attributes["service"] == "shop"', 'scope.name == "x"']},
      by.kind: {attributes: [{key: kind}, {key: list, default_value: none}, {key: a}]},
      none: {conditions: ['scope.name == "x"']},
    }`,
  )
  await handle(readOtlp('profiles', Buffer.from(JSON.stringify(request)), 'json', { metadata: new Map() }))
  assert.deepEqual(counted(context), [
    ['all', {}, 3],
    ['by.kind', { kind: 'cpu', list: ['shop', true], a: 5 }, 1],
    ['by.kind', { kind: 'cpu', list: 'none', a: 5 }, 1],
  ])
  const [point] = [...(context.recorded.emitted[0]!.batch as Metrics)]
  assert.deepEqual(
    [point?.startUnixNano, point?.timeUnixNano, point?.resource.attributes.get('service')],
    [50n, 70n, 'shop'],
  )
})

test('a profile that points nowhere refuses its batch', async () => {
  const request = { resourceProfiles: [{ scopeProfiles: [{ profiles: [{ attributeIndices: [9] }] }] }] }
  const { handle } = build(factory, '{}')
  await assert.rejects(
    handle(readOtlp('profiles', Buffer.from(JSON.stringify(request)), 'json', { metadata: new Map() })),
    (error) => error instanceof Rejected && error.message.includes('attribute 9'),
  )
})
