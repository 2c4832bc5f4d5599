/** Batches as no well-meaning SDK sends them: extremes of every number, names that are empty or twice there, messages without what they are about. */
import { readOtlp } from '../data/read-otlp.ts'
import type { Batch, Signal } from '../data/telemetry.ts'

const ints = ['0', '1', '-1', '5', '9223372036854775807', '-9223372036854775808', '9007199254740993']
const doubles = [0, -0, 1.5, -1, 'NaN', 'Infinity', '-Infinity', 1e308, -1e308, 5e-324]
const times = ['0', '1', '1700000000000000000', '1699999999000000000', '18446744073709551615', '9223372036854775808']
const counts = ['0', '1', '7', '18446744073709551615', '9223372036854775808', '9007199254740993']
const keys = [
  'service.name',
  'http.method',
  'a',
  '',
  '\0',
  '𝒳',
  'host.name',
  'exception.type',
  'peer.service',
  '__proto__',
]
const texts = ['', 'x', 'GET', '\0', '😀', 'y'.repeat(3_000), '10.0.0.1', '{"a":1}', '1', '"', '\n']
const traceIds = ['', '0'.repeat(32), '0af7651916cd43dd8448eb211c80319c', 'f'.repeat(32)]
const spanIds = ['', '0'.repeat(16), 'b7ad6b7169203331', 'a'.repeat(16)]
const traceStates = ['', 'ot=th:8', 'ot=th:0;rv:zz', 'x', 'ot=th:ffffffffffffff', ',,,', `ot=${'a'.repeat(300)}`]
const bounds = [[], [0], [1, 2, 3], [3, 2, 1], ['NaN'], ['-Infinity', 0, 'Infinity'], [1, 1]]
const bucketCounts = [[], ['1'], ['1', '2', '3', '4'], ['0', '18446744073709551615', '1', '1']]
const offsets = [0, 1, -1, 2_147_483_647, -2_147_483_648]
const scales = [0, 1, 20, -10, -11, 2_147_483_647, -2_147_483_648]

/** `random` is uniform in [0, 1). */
export function hostileBatch(signal: Exclude<Signal, 'profiles'>, random: () => number): Batch {
  const pick = <T>(list: readonly T[]): T => list[Math.trunc(random() * list.length)] as T
  const is = (share: number) => random() < share
  const upTo = <T>(most: number, make: () => T): T[] => Array.from({ length: Math.trunc(random() * (most + 1)) }, make)

  const value = (depth: number): object =>
    pick<() => object>([
      () => ({}),
      () => ({ stringValue: pick(texts) }),
      () => ({ intValue: pick(ints) }),
      () => ({ doubleValue: pick(doubles) }),
      () => ({ boolValue: is(0.5) }),
      () => ({ bytesValue: pick(['', 'AAEC']) }),
      () => ({ arrayValue: { values: depth > 3 ? [] : upTo(3, () => value(depth + 1)) } }),
      () => ({
        kvlistValue: { values: depth > 3 ? [] : upTo(3, () => ({ key: pick(keys), value: value(depth + 1) })) },
      }),
    ])()
  const attributes = () => upTo(5, () => ({ key: pick(keys), ...(is(0.95) && { value: value(0) }) }))
  const ids = () => ({ traceId: pick(traceIds), spanId: pick(spanIds) })
  const number = () => (is(0.5) ? { asInt: pick(ints) } : { asDouble: pick(doubles) })

  const event = () => ({ name: pick(['exception', '']), timeUnixNano: pick(times), attributes: attributes() })
  const span = () => ({
    ...ids(),
    parentSpanId: pick(spanIds),
    traceState: pick(traceStates),
    name: pick(texts),
    kind: pick([0, 2, 3, 77]),
    startTimeUnixNano: pick(times),
    endTimeUnixNano: pick(times),
    flags: pick([0, 4_294_967_295]),
    attributes: attributes(),
    events: upTo(2, event),
    links: upTo(2, () => ({ ...ids(), attributes: attributes() })),
    ...(is(0.5) && { status: { code: pick([0, 1, 2, 9]), message: pick(texts) } }),
  })
  const log = () => ({
    ...ids(),
    timeUnixNano: pick(times),
    observedTimeUnixNano: pick(times),
    severityNumber: pick([0, 1, 9, 24, 99]),
    severityText: pick(texts),
    ...(is(0.9) && { body: value(0) }),
    attributes: attributes(),
  })
  const point = () => ({
    attributes: is(0.5) ? [{ key: 'a', value: { stringValue: 'x' } }] : attributes(),
    startTimeUnixNano: pick(times),
    timeUnixNano: pick(times),
    flags: pick([0, 0, 0, 1, 4_294_967_295]),
    exemplars: upTo(1, () => ({ ...ids(), ...number(), timeUnixNano: pick(times), filteredAttributes: attributes() })),
  })
  const distribution = () => ({
    ...point(),
    count: pick(counts),
    ...(is(0.8) && { sum: pick(doubles) }),
    ...(is(0.4) && { min: pick(doubles), max: pick(doubles) }),
  })
  const numbers = () => upTo(3, () => ({ ...point(), ...(is(0.9) && number()) }))
  const buckets = () => ({ offset: pick(offsets), bucketCounts: pick(bucketCounts) })
  const exponential = () => ({
    ...distribution(),
    scale: pick(scales),
    zeroCount: pick(counts),
    zeroThreshold: pick([0, 1, 'NaN', -1]),
    ...(is(0.8) && { positive: buckets() }),
    ...(is(0.6) && { negative: buckets() }),
  })
  const quantile = () => ({ quantile: pick([0, 0.5, 1, 'NaN', 7]), value: pick(doubles) })
  const metric = () => {
    const aggregationTemporality = pick([0, 1, 2, 7])
    const data = pick<() => object>([
      () => ({}),
      () => ({ gauge: { dataPoints: numbers() } }),
      () => ({ sum: { dataPoints: numbers(), isMonotonic: is(0.8), aggregationTemporality } }),
      () => ({
        histogram: {
          dataPoints: upTo(3, () => ({
            ...distribution(),
            bucketCounts: pick(bucketCounts),
            explicitBounds: pick(bounds),
          })),
          aggregationTemporality,
        },
      }),
      () => ({ exponentialHistogram: { dataPoints: upTo(3, exponential), aggregationTemporality } }),
      () => ({
        summary: {
          dataPoints: upTo(2, () => ({
            ...point(),
            count: pick(counts),
            sum: pick(doubles),
            quantileValues: upTo(3, quantile),
          })),
        },
      }),
    ])
    return { name: pick(['m', 'requests', '']), unit: pick(['', 's']), ...data() }
  }

  const [resources, scopes, items, make] = {
    traces: ['resourceSpans', 'scopeSpans', 'spans', span] as const,
    logs: ['resourceLogs', 'scopeLogs', 'logRecords', log] as const,
    metrics: ['resourceMetrics', 'scopeMetrics', 'metrics', metric] as const,
  }[signal]
  const scope = () => ({
    ...(is(0.9) && { scope: { name: pick(texts), version: pick(texts), attributes: attributes() } }),
    [items]: upTo<object>(5, make),
  })
  const resource = () => ({
    ...(is(0.9) && { resource: { attributes: attributes() } }),
    [scopes]: upTo(2, scope),
    schemaUrl: pick(['', 'https://opentelemetry.io/schemas/1.2.0']),
  })
  const body = Buffer.from(JSON.stringify({ [resources]: upTo(3, resource) }))
  return readOtlp(signal, body, 'json', { metadata: new Map() })
}
