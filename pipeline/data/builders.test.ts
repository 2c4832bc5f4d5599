import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { logsPayload, metricsPayload, tracesPayload } from '../testing/payloads.ts'
import { noOrigin } from './batch.ts'
import { newLogs, newMetrics, newTraces } from './builders.ts'
import { comparable, decode } from './otlp.arbitrary.ts'
import { referenceType } from './proto/reference.ts'
import { readOtlp } from './read-otlp.ts'
import { double } from './value.ts'

describe('builders', () => {
  it('write what protobufjs reads', () => {
    const traces = newTraces()
      .resource({ 'service.name': 'cart' }, { schemaUrl: 'r' })
      .scope('lib', { version: '1', attributes: { a: true }, schemaUrl: 's' })
      .span({ name: 'a', kind: 2, startUnixNano: 1n, status: { code: 2, message: 'm' }, attributes: { n: -5, d: 0.5 } })
      .span({ name: 'b' })
      .resource()
      .span({ name: 'c' })
      .build()
    assert.equal(traces.count, 3)
    assert.deepEqual(comparable(decode('traces', traces.chunks)), {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'cart' } }], entityRefs: [] },
          scopeSpans: [
            {
              scope: { name: 'lib', version: '1', attributes: [{ key: 'a', value: { boolValue: true } }] },
              spans: [
                {
                  name: 'a',
                  kind: 2,
                  startTimeUnixNano: 1n,
                  attributes: [
                    { key: 'n', value: { intValue: -5n } },
                    { key: 'd', value: { doubleValue: 0.5 } },
                  ],
                  events: [],
                  links: [],
                  status: { code: 2, message: 'm' },
                },
                { name: 'b', attributes: [], events: [], links: [] },
              ],
              schemaUrl: 's',
            },
          ],
          schemaUrl: 'r',
        },
        { scopeSpans: [{ spans: [{ name: 'c', attributes: [], events: [], links: [] }] }] },
      ],
    })
  })

  it('make metrics of every type', () => {
    const batch = newMetrics()
      .gauge('g', [{ value: double(1), exemplars: [{ value: 2, timeUnixNano: 3n, filteredAttributes: { a: 'b' } }] }], {
        unit: 's',
        description: 'd',
        metadata: { m: 1 },
      })
      .sum('s', [{ value: 5 }, { value: -(2n ** 63n) }], { monotonic: true, temporality: 'delta' })
      .histogram('h', [{ count: 3, sum: 1.5, min: 0, max: 1, bounds: [1, 2], counts: [1, 1, 1] }])
      .exponentialHistogram('e', [
        {
          count: 2n,
          scale: -3,
          zeroCount: 1,
          zeroThreshold: 0.1,
          positive: { offset: -7, counts: [300, 2n ** 64n - 1n] },
          negative: { counts: [1] },
        },
      ])
      .summary('q', [{ count: 1, sum: 2, quantiles: [{ quantile: 0.5, value: 9 }] }])
      .build()
    assert.equal(batch.count, 6)
    const points = [...readOtlp('metrics', batch.chunks[0]!, 'proto', noOrigin)]
    assert.deepEqual(
      points.map((p) => [p.metric.name, p.metric.type, p.metric.temporality, p.metric.monotonic, p.value]),
      [
        ['g', 'gauge', 'none', false, double(1)],
        ['s', 'sum', 'delta', true, 5],
        ['s', 'sum', 'delta', true, -(2n ** 63n)],
        ['h', 'histogram', 'cumulative', false, undefined],
        ['e', 'exponential_histogram', 'cumulative', false, undefined],
        ['q', 'summary', 'none', false, undefined],
      ],
    )
    assert.deepEqual(
      [points[0]!.metric.unit, points[0]!.metric.description, points[0]!.metric.metadata.get('m')],
      ['s', 'd', 1],
    )
    assert.deepEqual(
      points[0]!.exemplars.map((e) => [e.value, e.timeUnixNano, e.filteredAttributes.get('a')]),
      [[2, 3n, 'b']],
    )
    const [h, e, q] = points.slice(3).map((p) => p.distribution!)
    assert.deepEqual(
      [h!.count, h!.sum, h!.min, h!.max, [...h!.bounds], [...h!.counts]],
      [3n, 1.5, 0, 1, [1, 2], [1n, 1n, 1n]],
    )
    assert.deepEqual(e!.exponential, {
      scale: -3,
      zeroCount: 1n,
      zeroThreshold: 0.1,
      positive: { offset: -7, counts: BigUint64Array.of(300n, 2n ** 64n - 1n) },
      negative: { offset: 0, counts: BigUint64Array.of(1n) },
    })
    assert.deepEqual([q!.sum, q!.quantiles], [2, [{ quantile: 0.5, value: 9 }]])
  })

  it('refuse a wrong id and keep nothing of the item', () => {
    const builder = newLogs().record({ body: 'one' })
    assert.throws(() => builder.record({ traceId: 'xyz' }), /32 hexadecimal digits/)
    assert.deepEqual(
      [...builder.build()].map((r) => r.body),
      ['one'],
    )
  })

  it('an empty builder builds an empty batch', () => {
    assert.deepEqual([newTraces().build().count, newTraces().build().byteLength], [0, 0])
  })
})

describe('realistic payloads', () => {
  for (const make of [tracesPayload, logsPayload, metricsPayload]) {
    it(`${make.name}: protobufjs reads and writes the same bytes, and equal seeds are equal`, () => {
      const batch = make(200, { seed: 7 })
      const type = referenceType(batch.signal)
      assert.equal(batch.count, 200)
      assert.equal(type.encode(type.decode(batch.chunks[0]!)).finish().length, batch.byteLength)
      assert.deepEqual(make(200, { seed: 7 }).chunks, batch.chunks)
      assert.notDeepEqual(make(200, { seed: 8 }).chunks, batch.chunks)
    })
  }
})

describe('what the OpenTelemetry JS SDK sends', () => {
  const resource = { attributes: { 'service.name': 'sdk' } }
  const instrumentationScope = { name: 'lib', version: '1.0.0', schemaUrl: 'https://example.com' }
  const context = { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '0102030405060708', traceFlags: 1 }
  const span = {
    name: 'GET /',
    kind: 1,
    spanContext: () => context,
    startTime: [1_732_358_400, 123_456_789],
    endTime: [1_732_358_401, 1],
    status: { code: 2, message: 'bad' },
    attributes: { text: 'x', whole: 3, part: 0.25, flag: true, list: ['a', 'b'] },
    links: [{ context, attributes: { l: 1 } }],
    events: [{ name: 'e', time: [1_732_358_400, 5], attributes: {} }],
    duration: [0, 1],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 1,
    droppedEventsCount: 2,
    droppedLinksCount: 3,
  }

  it('traces', () => {
    type Spans = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0]
    const proto = ProtobufTraceSerializer.serializeRequest([span] as unknown as Spans)!
    const json = JsonTraceSerializer.serializeRequest([span] as unknown as Spans)!
    for (const [body, format] of [
      [proto, 'proto'],
      [json, 'json'],
    ] as const) {
      const batch = readOtlp('traces', body, format, noOrigin)
      const [read] = batch
      assert.equal(batch.count, 1)
      assert.deepEqual(
        [
          read!.name,
          read!.traceId,
          read!.spanId,
          read!.startUnixNano,
          { ...read!.status },
          read!.scope.name,
          read!.droppedLinksCount,
        ],
        ['GET /', context.traceId, context.spanId, 1_732_358_400_123_456_789n, { code: 2, message: 'bad' }, 'lib', 3],
      )
      assert.deepEqual(Object.fromEntries(read!.attributes.entries()), {
        text: 'x',
        whole: 3,
        part: 0.25,
        flag: true,
        list: ['a', 'b'],
      })
      assert.equal(read!.resource.attributes.get('service.name'), 'sdk')
      assert.equal(read!.links[0]!.attributes.get('l'), 1)
    }
  })

  it('logs', () => {
    const record = {
      hrTime: [1, 2],
      hrTimeObserved: [3, 4],
      spanContext: context,
      severityText: 'INFO',
      severityNumber: 9,
      body: { deep: [1, 'two'] },
      resource,
      instrumentationScope,
      attributes: { a: 1 },
      droppedAttributesCount: 0,
    }
    type Records = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0]
    const [read] = readOtlp(
      'logs',
      ProtobufLogsSerializer.serializeRequest([record] as unknown as Records)!,
      'proto',
      noOrigin,
    )
    assert.deepEqual(
      [read!.body, read!.timeUnixNano, read!.observedUnixNano, read!.traceId],
      [{ deep: [1, 'two'] }, 1_000_000_002n, 3_000_000_004n, context.traceId],
    )
  })

  it('metrics', () => {
    const metrics = {
      resource,
      scopeMetrics: [
        {
          scope: instrumentationScope,
          metrics: [
            {
              descriptor: { name: 'm', description: 'd', unit: '1', valueType: 1, type: 'COUNTER' },
              aggregationTemporality: 1,
              dataPointType: 3,
              isMonotonic: true,
              dataPoints: [{ startTime: [1, 0], endTime: [2, 0], attributes: { a: 'b' }, value: 1.5 }],
            },
          ],
        },
      ],
    }
    type Collected = Parameters<typeof ProtobufMetricsSerializer.serializeRequest>[0]
    const [read] = readOtlp(
      'metrics',
      ProtobufMetricsSerializer.serializeRequest(metrics as unknown as Collected)!,
      'proto',
      noOrigin,
    )
    assert.deepEqual(
      [
        read!.metric.name,
        read!.metric.type,
        read!.metric.monotonic,
        read!.value,
        read!.timeUnixNano,
        read!.attributes.get('a'),
      ],
      ['m', 'sum', true, 1.5, 2_000_000_000n, 'b'],
    )
  })
})
