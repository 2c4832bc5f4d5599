import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { referenceType } from '../../pipeline/data/proto/reference.ts'
import { generatedSignals, newPayloads } from './payloads.ts'

const now = Date.UTC(2026, 0, 2)
const settings = { seed: 7, service: undefined, startedUnixMs: now - 60_000 }

/** As protobufjs reads it, 64-bit integers as texts. */
function decode(signal: 'traces' | 'metrics' | 'logs', body: Uint8Array): never {
  const type = referenceType(signal)
  return type.toObject(type.decode(body), { longs: String }) as never
}

interface Span {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentSpanId?: Uint8Array
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}
function spansOf(body: Uint8Array): Span[] {
  const request = decode('traces', body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }
  return request.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
}
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')

for (const signal of generatedSignals) {
  describe(signal, () => {
    test('the same seed gives the same bytes, another seed others', () => {
      const [a, b, c] = [settings, settings, { ...settings, seed: 8 }].map((given) => newPayloads(signal, given))
      assert.deepEqual(a!(100, now), b!(100, now))
      assert.notDeepEqual(a!(100, now), c!(100, now))
    })
    test('each payload differs from the one before', () => {
      const next = newPayloads(signal, settings)
      assert.notDeepEqual(next(50, now), next(50, now))
    })
    test('is valid OTLP: re-encoded by protobufjs it has the same length', () => {
      const body = newPayloads(signal, settings)(333, now)
      const type = referenceType(signal)
      assert.equal(type.encode(type.decode(body)).finish().length, body.length)
    })
  })
}

test('a request holds exactly as many spans as asked for', () => {
  const next = newPayloads('traces', settings)
  assert.deepEqual(
    [1, 7, 100, 1000].map((count) => spansOf(next(count, now)).length),
    [1, 7, 100, 1000],
  )
})

test('a request holds exactly as many log records as asked for', () => {
  const next = newPayloads('logs', settings)
  const count = (body: Uint8Array) =>
    (decode('logs', body) as { resourceLogs: { scopeLogs: { logRecords: unknown[] }[] }[] }).resourceLogs
      .flatMap((resource) => resource.scopeLogs)
      .reduce((sum, scope) => sum + scope.logRecords.length, 0)
  assert.deepEqual(
    [1, 3, 100, 1000].map((items) => count(next(items, now))),
    [1, 3, 100, 1000],
  )
})

interface Points {
  readonly dataPoints: { readonly count?: string; readonly bucketCounts?: string[] }[]
}
type Metric = Record<'sum' | 'gauge' | 'histogram' | 'exponentialHistogram', Points | undefined>
function metricsOf(body: Uint8Array): Metric[] {
  const request = decode('metrics', body) as { resourceMetrics: { scopeMetrics: { metrics: Metric[] }[] }[] }
  return request.resourceMetrics.flatMap((resource) => resource.scopeMetrics.flatMap((scope) => scope.metrics))
}
const dataOf = (metric: Metric) => metric.sum ?? metric.gauge ?? metric.histogram ?? metric.exponentialHistogram

test('a request holds exactly as many data points as asked for, of every shape', () => {
  const next = newPayloads('metrics', settings)
  const count = (body: Uint8Array) =>
    metricsOf(body).reduce((sum, metric) => sum + dataOf(metric)!.dataPoints.length, 0)
  assert.deepEqual(
    [1, 9, 100, 1000].map((items) => count(next(items, now))),
    [1, 9, 100, 1000],
  )
  const shapes = new Set(metricsOf(next(1000, now)).flatMap((metric) => Object.keys(metric)))
  for (const shape of ['sum', 'gauge', 'histogram', 'exponentialHistogram']) assert.ok(shapes.has(shape), shape)
})

test('the buckets of a histogram add up to its count', () => {
  const metrics = metricsOf(newPayloads('metrics', settings)(1000, now))
  for (const { dataPoints } of metrics.flatMap((metric) => metric.histogram ?? []))
    for (const { count, bucketCounts } of dataPoints)
      assert.equal(
        bucketCounts!.reduce((sum, inBucket) => sum + Number(inBucket), 0),
        Number(count),
      )
})

test('every parent is in the same trace and encloses the begin of its child', () => {
  const spans = spansOf(newPayloads('traces', settings)(800, now))
  const byId = new Map(spans.map((span) => [hex(span.spanId), span]))
  assert.equal(byId.size, 800)
  for (const span of spans) {
    assert.ok(BigInt(span.endTimeUnixNano) > BigInt(span.startTimeUnixNano))
    if (hex(span.parentSpanId) === '') continue
    const parent = byId.get(hex(span.parentSpanId))
    assert.equal(hex(parent?.traceId), hex(span.traceId))
    assert.ok(BigInt(parent!.startTimeUnixNano) <= BigInt(span.startTimeUnixNano))
  }
})

test('times are nanoseconds from the given moment', () => {
  const [span] = spansOf(newPayloads('traces', settings)(1, now))
  const afterNs = BigInt(span!.startTimeUnixNano) - BigInt(now) * 1_000_000n
  assert.ok(afterNs >= 0n && afterNs < 1_000_000_000n, String(afterNs))
})

test('a named service is the only one', () => {
  const body = newPayloads('traces', { ...settings, service: 'billing' })(200, now)
  const text = Buffer.from(body).toString('latin1')
  assert.match(text, /billing/)
  assert.doesNotMatch(text, /frontend/)
})
