import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { noOrigin } from './batch.ts'
import { type Decoded, decode, otlpRequest, toBigint } from './otlp.arbitrary.ts'
import { readOtlp } from './read-otlp.ts'
import { list, type ReferenceItem, referenceItems } from './reference-batch.ts'
import type { Attributes, Distribution, In, Metric, Value } from './telemetry.ts'
import { double, isDouble } from './value.ts'

const runs = { numRuns: 200 }

// What protobufjs decoded, in our words.
const hex = (bytes: unknown) =>
  bytes === undefined || bytes === null ? '' : Buffer.from(bytes as Uint8Array).toString('hex')
const text = (value: unknown) => (value ?? '') as string
const number = (value: unknown) => (value ?? 0) as number
const optional = (value: unknown) => (value ?? undefined) as number | undefined
const big = (value: unknown) => (value === undefined || value === null ? 0n : toBigint(value))
const int = (value: unknown) => {
  const wide = toBigint(value)
  return wide >= BigInt(Number.MIN_SAFE_INTEGER) && wide <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wide) : wide
}
const real = (value: number) => (Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? double(value) : value)
const own = (message: Decoded, name: string) => Object.hasOwn(message, name) && message[name] !== null

function value(any: Decoded | undefined | null): Value {
  if (any === undefined || any === null) return null
  if (own(any, 'stringValue')) return any['stringValue'] as string
  if (own(any, 'boolValue')) return any['boolValue'] as boolean
  if (own(any, 'intValue')) return int(any['intValue'])
  if (own(any, 'doubleValue')) return real(any['doubleValue'] as number)
  if (own(any, 'bytesValue')) return new Uint8Array(any['bytesValue'] as Uint8Array)
  if (own(any, 'arrayValue')) return list(any['arrayValue'] as Decoded, 'values').map(value)
  if (!own(any, 'kvlistValue')) return null
  const map: Record<string, Value> = {}
  for (const [key, of] of attributes(any['kvlistValue'] as Decoded, 'values'))
    if (!Object.hasOwn(map, key)) map[key] = of
  return map
}
function attributes(message: Decoded | undefined, name = 'attributes'): [string, Value][] {
  return list(message ?? {}, name).map((kv) => [text(kv['key']), value(kv['value'] as Decoded)])
}
function place({ resourceHolder, scopeHolder }: ReferenceItem) {
  const resource = (resourceHolder['resource'] ?? {}) as Decoded
  const scope = (scopeHolder['scope'] ?? {}) as Decoded
  return {
    resource: [attributes(resource), number(resource['droppedAttributesCount']), text(resourceHolder['schemaUrl'])],
    scope: [
      text(scope['name']),
      text(scope['version']),
      attributes(scope),
      number(scope['droppedAttributesCount']),
      text(scopeHolder['schemaUrl']),
    ],
  }
}

// The same of a view.
const entries = (of: Attributes) => {
  const all = [...of.entries()]
  assert.equal(of.size, all.length)
  const seen = new Set<string>()
  for (const [key, first] of all) {
    if (seen.has(key)) continue
    seen.add(key)
    assert.deepEqual(of.get(key), first)
    assert.ok(of.has(key))
    assert.equal(of.type(key), typeName(first))
  }
  assert.equal(of.get('no such attribute'), undefined)
  assert.equal(of.has('no such attribute'), false)
  return all
}
function typeName(of: Value) {
  if (of === null) return 'empty'
  if (typeof of === 'bigint') return 'int'
  if (typeof of === 'number') return Number.isInteger(of) && Math.abs(of) < 2 ** 63 ? 'int' : 'double'
  if (typeof of === 'string') return 'string'
  if (typeof of === 'boolean') return 'bool'
  if (isDouble(of)) return 'double'
  return of instanceof Uint8Array ? 'bytes' : Array.isArray(of) ? 'array' : 'map'
}
const placeOf = ({ resource: r, scope: s }: In) => ({
  resource: [entries(r.attributes), r.droppedAttributesCount, r.schemaUrl],
  scope: [s.name, s.version, entries(s.attributes), s.droppedAttributesCount, s.schemaUrl],
})

it('a span reads as protobufjs decodes it', () => {
  fc.assert(
    fc.property(otlpRequest('traces'), (bytes) => {
      const expected = referenceItems('traces', decode('traces', [bytes])).map((reference) => {
        const s = reference.item
        const status = (s['status'] ?? {}) as Decoded
        return {
          ...place(reference),
          ids: [hex(s['traceId']), hex(s['spanId']), hex(s['parentSpanId']), text(s['traceState'])],
          what: [text(s['name']), number(s['kind']), number(s['flags'])],
          times: [big(s['startTimeUnixNano']), big(s['endTimeUnixNano'])],
          attributes: attributes(s),
          dropped: [s['droppedAttributesCount'], s['droppedEventsCount'], s['droppedLinksCount']].map(number),
          status: { code: number(status['code']), message: text(status['message']) },
          events: list(s, 'events').map((e) => [
            big(e['timeUnixNano']),
            text(e['name']),
            attributes(e),
            number(e['droppedAttributesCount']),
          ]),
          links: list(s, 'links').map((l) => [
            hex(l['traceId']),
            hex(l['spanId']),
            text(l['traceState']),
            attributes(l),
            number(l['droppedAttributesCount']),
            number(l['flags']),
          ]),
        }
      })
      const got = [...readOtlp('traces', bytes, 'proto', noOrigin)].map((s) => ({
        ...placeOf(s),
        ids: [s.traceId, s.spanId, s.parentSpanId, s.traceState],
        what: [s.name, s.kind, s.flags],
        times: [s.startUnixNano, s.endUnixNano],
        attributes: entries(s.attributes),
        dropped: [s.droppedAttributesCount, s.droppedEventsCount, s.droppedLinksCount],
        status: { ...s.status },
        events: s.events.map((e) => [e.timeUnixNano, e.name, entries(e.attributes), e.droppedAttributesCount]),
        links: s.links.map((l) => [
          l.traceId,
          l.spanId,
          l.traceState,
          entries(l.attributes),
          l.droppedAttributesCount,
          l.flags,
        ]),
      }))
      assert.deepEqual(got, expected)
    }),
    runs,
  )
})

it('a log record reads as protobufjs decodes it', () => {
  fc.assert(
    fc.property(otlpRequest('logs'), (bytes) => {
      const expected = referenceItems('logs', decode('logs', [bytes])).map((reference) => {
        const r = reference.item
        return {
          ...place(reference),
          body: value(r['body'] as Decoded),
          severity: [number(r['severityNumber']), text(r['severityText'])],
          times: [big(r['timeUnixNano']), big(r['observedTimeUnixNano'])],
          ids: [hex(r['traceId']), hex(r['spanId']), text(r['eventName'])],
          attributes: attributes(r),
          rest: [number(r['droppedAttributesCount']), number(r['flags'])],
        }
      })
      const got = [...readOtlp('logs', bytes, 'proto', noOrigin)].map((r) => ({
        ...placeOf(r),
        body: r.body,
        severity: [r.severityNumber, r.severityText],
        times: [r.timeUnixNano, r.observedUnixNano],
        ids: [r.traceId, r.spanId, r.eventName],
        attributes: entries(r.attributes),
        rest: [r.droppedAttributesCount, r.flags],
      }))
      assert.deepEqual(got, expected)
    }),
    runs,
  )
})

const types = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponentialHistogram: 'exponential_histogram',
  summary: 'summary',
} as const

function metricOf({ metric, data }: ReferenceItem): Omit<Metric, 'metadata'> & { metadata: [string, Value][] } {
  const holder = metric![data!] as Decoded
  return {
    name: text(metric!['name']),
    unit: text(metric!['unit']),
    description: text(metric!['description']),
    monotonic: holder['isMonotonic'] === true,
    type: types[data!],
    temporality: (['none', 'delta', 'cumulative'] as const)[number(holder['aggregationTemporality'])]!,
    metadata: attributes(metric, 'metadata'),
  }
}
function pointValue(p: Decoded) {
  if (own(p, 'asInt')) return int(p['asInt'])
  return own(p, 'asDouble') ? real(p['asDouble'] as number) : undefined
}
function buckets(of: unknown) {
  const b = (of ?? {}) as Decoded
  return { offset: number(b['offset']), counts: BigUint64Array.from(list(b, 'bucketCounts').map(toBigint)) }
}
function distribution({ item: p, data }: ReferenceItem): Distribution | undefined {
  if (data === 'gauge' || data === 'sum') return undefined
  return {
    count: big(p['count']),
    sum: data === 'summary' ? number(p['sum']) : optional(p['sum']),
    min: optional(p['min']),
    max: optional(p['max']),
    bounds: Float64Array.from(list(p, 'explicitBounds') as unknown as number[]),
    counts: BigUint64Array.from(data === 'histogram' ? list(p, 'bucketCounts').map(toBigint) : []),
    exponential:
      data !== 'exponentialHistogram'
        ? undefined
        : {
            scale: number(p['scale']),
            zeroCount: big(p['zeroCount']),
            zeroThreshold: number(p['zeroThreshold']),
            positive: buckets(p['positive']),
            negative: buckets(p['negative']),
          },
    quantiles: list(p, 'quantileValues').map((q) => ({ quantile: number(q['quantile']), value: number(q['value']) })),
  }
}

it('a data point of any type reads as protobufjs decodes it', () => {
  fc.assert(
    fc.property(otlpRequest('metrics'), (bytes) => {
      const expected = referenceItems('metrics', decode('metrics', [bytes])).map((reference) => {
        const p = reference.item
        const isNumber = reference.data === 'gauge' || reference.data === 'sum'
        return {
          ...place(reference),
          metric: metricOf(reference),
          times: [big(p['startTimeUnixNano']), big(p['timeUnixNano'])],
          flags: number(p['flags']),
          attributes: attributes(p),
          value: isNumber ? pointValue(p) : undefined,
          distribution: distribution(reference),
          exemplars: list(p, 'exemplars').map((e) => [
            big(e['timeUnixNano']),
            pointValue(e),
            hex(e['traceId']),
            hex(e['spanId']),
            attributes(e, 'filteredAttributes'),
          ]),
        }
      })
      const got = [...readOtlp('metrics', bytes, 'proto', noOrigin)].map((p) => {
        const { name, unit, description, monotonic, type, temporality, metadata } = p.metric
        return {
          ...placeOf(p),
          metric: { name, unit, description, monotonic, type, temporality, metadata: entries(metadata) },
          times: [p.startUnixNano, p.timeUnixNano],
          flags: p.flags,
          attributes: entries(p.attributes),
          value: p.value,
          distribution: p.distribution,
          exemplars: p.exemplars.map((e) => [
            e.timeUnixNano,
            e.value,
            e.traceId,
            e.spanId,
            entries(e.filteredAttributes),
          ]),
        }
      })
      assert.deepEqual(got, expected)
    }),
    { numRuns: 300 },
  )
})

it('read views refuse writes and say where writing is allowed', () => {
  const batch = readOtlp('traces', Uint8Array.of(10, 4, 18, 2, 18, 0), 'proto', noOrigin)
  const [span] = batch as unknown as Iterable<
    Record<string, unknown> & { attributes: { set(key: string, value: unknown): void } }
  >
  assert.throws(
    () => (span!['name'] = 'x'),
    /span\.name is read-only here: set it inside batch\.edit\(\(span\) => \.\.\.\)/,
  )
  assert.throws(() => span!.attributes.set('a', 1), /attributes are read-only here/)
  assert.throws(() => ((span!['status'] as { code: number }).code = 2), TypeError)
})
