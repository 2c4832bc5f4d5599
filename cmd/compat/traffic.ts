/** Varied OTLP from a seed: services that call each other, logs that repeat themselves, series of every kind that restart now and then. */

export type TrafficSignal = 'traces' | 'metrics' | 'logs'
type Json = Record<string, unknown>

const requests = 12
const startUnixNano = 1_700_000_000_000_000_000n
const secondNano = 1_000_000_000n
const services = ['checkout', 'cart', 'payment', 'mail-1', 'mail-2']
const operations = [
  'GET /cart/7',
  'GET /cart/8',
  'POST /pay',
  'SELECT users',
  'publish mail',
  '/api/v1/document/42/update',
]

/** Requests in OTLP JSON, always the same ones. */
export function traffic(signal: TrafficSignal): string[] {
  const make = { traces: tracesOf, metrics: metricsOf, logs: logsOf }[signal]
  const chance = new Chance(20_251_123)
  return Array.from({ length: requests }, (_, i) => JSON.stringify(make(chance, i)))
}

class Chance {
  private state: number

  constructor(seed: number) {
    this.state = seed
  }

  /** Mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  is(share: number): boolean {
    return this.next() < share
  }

  hex(bytes: number): string {
    return Array.from({ length: bytes }, () => this.below(256).toString(16).padStart(2, '0')).join('')
  }
}

function resourceOf(chance: Chance, service: string): Json {
  const attributes: Json[] = [
    text('service.name', service),
    text('deployment.environment.name', chance.of(['prod', 'dev'])),
  ]
  if (service !== 'mail-2') attributes.push(text('host.name', `pod-${service}`))
  if (chance.is(0.3)) attributes.push({ key: 'service.shard', value: { intValue: String(chance.below(3)) } })
  return { attributes }
}

function attributesOf(chance: Chance): Json[] {
  const all: Json[] = [
    text('http.request.method', chance.of(['GET', 'POST', 'DELETE'])),
    { key: 'http.response.status_code', value: { intValue: chance.of(['200', '200', '200', '404', '503']) } },
    text('url.path', chance.of(['/cart/7', '/cart/8', '/pay', '/api/v1/document/42/update'])),
    { key: 'cache.hit', value: { boolValue: chance.is(0.5) } },
    { key: 'load', value: { doubleValue: chance.below(1000) / 8 } },
    { key: 'tags', value: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '2' }] } } },
    { key: 'user', value: { kvlistValue: { values: [text('id', `u${chance.below(5)}`), text('tier', 'gold')] } } },
    text('email', `jane${chance.below(9)}@example.com`),
    text('card', '4111111111111111'),
    text('region', chance.of(['eu', 'us', ''])),
  ]
  return all.filter(() => chance.is(0.7))
}

function scopeOf(chance: Chance): Json {
  return chance.of([{}, { name: 'lib', version: '1.2.0' }, { name: 'other', attributes: [text('scoped', 'yes')] }])
}

function tracesOf(chance: Chance, round: number): Json {
  const traces = Array.from({ length: 8 }, () => callsOf(chance, round)).flat()
  const byService = Map.groupBy(traces, ({ service }) => service)
  return {
    resourceSpans: [...byService].map(([service, spans]) => ({
      resource: resourceOf(chance, service),
      scopeSpans: [...Map.groupBy(spans, (_, i) => i % 2)].map(([, some]) => ({
        scope: scopeOf(chance),
        spans: some.map(({ span }) => span),
      })),
    })),
  }
}

/** One trace: a client calls a server, which may call on. */
function callsOf(chance: Chance, round: number): { service: string; span: Json }[] {
  const traceId = chance.hex(16)
  const made: { service: string; span: Json }[] = []
  let parentSpanId = ''
  const depth = 1 + chance.below(5)
  for (let level = 0; level < depth; level++) {
    const service = chance.of(services)
    for (const kind of level === 0 ? [2] : [chance.of([3, 4]), chance.of([2, 5])]) {
      const spanId = chance.hex(8)
      made.push({
        service: kind > 2 ? service : chance.of(services),
        span: spanOf(chance, { traceId, spanId, parentSpanId, kind, round }),
      })
      parentSpanId = spanId
    }
    if (chance.is(0.4))
      made.push({ service, span: spanOf(chance, { traceId, spanId: chance.hex(8), parentSpanId, kind: 1, round }) })
  }
  return made
}

interface Call {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly kind: number
  readonly round: number
}

function spanOf(chance: Chance, { traceId, spanId, parentSpanId, kind, round }: Call): Json {
  const start = startUnixNano + BigInt(round) * secondNano + BigInt(chance.below(1e9))
  // Halves of milliseconds, so that sums of durations have no rounding in them.
  const end = start + BigInt(chance.below(6000)) * 500_000n
  const span: Json = {
    traceId,
    spanId,
    name: chance.of(operations),
    kind,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    attributes: attributesOf(chance),
  }
  if (parentSpanId !== '') span['parentSpanId'] = parentSpanId
  const status = chance.below(4)
  if (status === 1) span['status'] = { code: 1 }
  if (status === 2) span['status'] = { code: 2, message: 'broken' }
  if (chance.is(0.2)) span['traceState'] = chance.of(['ot=th:8', 'ot=th:c;rv:abcdef01234567', 'vendor=1'])
  if (chance.is(0.3))
    span['events'] = [exceptionOf(chance, end), { timeUnixNano: String(start), name: 'retry', attributes: [] }]
  if (chance.is(0.2))
    span['links'] = [{ traceId: chance.hex(16), spanId: chance.hex(8), attributes: [text('why', 'batch')] }]
  return span
}

function exceptionOf(chance: Chance, time: bigint): Json {
  const type = chance.of(['TimeoutError', 'TypeError'])
  return {
    timeUnixNano: String(time),
    name: 'exception',
    attributes: [
      text('exception.type', type),
      text('exception.message', `${type} while paying`),
      text('exception.stacktrace', 'at a\nat b'),
    ],
  }
}

function logsOf(chance: Chance, round: number): Json {
  return {
    resourceLogs: services.map((service) => ({
      resource: resourceOf(chance, service),
      scopeLogs: [0, 1].map(() => ({
        scope: scopeOf(chance),
        logRecords: Array.from({ length: 6 }, (_, i) => recordOf(chance, round, i)),
      })),
    })),
  }
}

function recordOf(chance: Chance, round: number, i: number): Json {
  const severity = chance.of([0, 5, 9, 9, 13, 17])
  const record: Json = {
    timeUnixNano: String(startUnixNano + BigInt(round) * secondNano + BigInt(i)),
    severityNumber: severity,
    body: chance.of([
      { stringValue: 'started' },
      { stringValue: `user jane${chance.below(3)}@example.com paid with 4111111111111111` },
      { stringValue: '{"level":"warn","code":7}' },
      { kvlistValue: { values: [text('message', 'from a map'), { key: 'code', value: { intValue: '7' } }] } },
      { intValue: '42' },
    ]),
    attributes: attributesOf(chance),
  }
  if (severity > 0) record['severityText'] = ['', 'DEBUG', 'INFO', 'WARN', 'ERROR'][(severity + 3) >> 2] ?? ''
  if (chance.is(0.5)) record['traceId'] = chance.hex(16)
  if (chance.is(0.5)) record['spanId'] = chance.hex(8)
  if (chance.is(0.3)) record['eventName'] = 'paid'
  return record
}

/** Each round carries every series on; in round 6 those that add up start again. */
function metricsOf(chance: Chance, round: number): Json {
  return {
    resourceMetrics: services.slice(0, 3).map((service) => ({
      resource: { attributes: [text('service.name', service), text('host.name', `pod-${service}`)] },
      scopeMetrics: [{ scope: { name: 'meter', version: '2' }, metrics: everyMetric(chance, round) }],
    })),
  }
}

function everyMetric(chance: Chance, round: number): Json[] {
  const since = round < 6 ? round : round - 6
  const start = startUnixNano + (round < 6 ? 0n : 60n * secondNano)
  const time = startUnixNano + BigInt(10 * (round + 1)) * secondNano
  const delta = time - 10n * secondNano
  const points = (of: (host: number) => Json, from: bigint | undefined = start): Json[] =>
    [0, 1, 2].map((host) => ({
      attributes: [
        text('state', ['idle', 'busy', 'wait'][host] ?? ''),
        { key: 'cpu', value: { intValue: String(host % 2) } },
      ],
      ...(from === undefined ? {} : { startTimeUnixNano: String(from) }),
      timeUnixNano: String(time),
      ...of(host),
    }))
  const int = (n: number) => ({ asInt: String(n) })
  const grown = (host: number) => (since + 1) * (host + 1) * 4
  const buckets = (scale: number, host: number) => [1, 2, 3, 4].map((n) => String(n * scale * (host + 1)))
  const histogram = (scale: number) => (host: number) => ({
    count: String(10 * scale * (host + 1)),
    sum: 25 * scale * (host + 1),
    min: 0.5,
    max: 9,
    bucketCounts: buckets(scale, host),
    explicitBounds: [1, 2, 5],
  })
  const exponential = (scale: number) => (host: number) => ({
    count: String(11 * scale * (host + 1)),
    sum: 25 * scale * (host + 1),
    scale: 1,
    zeroCount: String(scale * (host + 1)),
    positive: { offset: -1, bucketCounts: buckets(scale, host) },
    negative: {},
  })
  const sum = (name: string, dataPoints: Json[], aggregationTemporality: number, isMonotonic: boolean): Json => ({
    name,
    description: `The ${name}`,
    unit: '1',
    sum: { dataPoints, aggregationTemporality, isMonotonic },
  })
  return [
    sum(
      'requests',
      points((host) => int(grown(host))),
      2,
      true,
    ),
    sum(
      'bytes',
      points((host) => ({ asDouble: grown(host) / 8 })),
      2,
      true,
    ),
    sum(
      'requests.delta',
      points(() => int(chance.below(9)), delta),
      1,
      true,
    ),
    sum(
      'queue',
      points(() => int(chance.below(9) - 4)),
      2,
      false,
    ),
    {
      name: 'temperature',
      unit: 'Cel',
      gauge: { dataPoints: points(() => ({ asDouble: chance.below(64) / 4 }), undefined) },
    },
    { name: 'system.cpu.usage', gauge: { dataPoints: points((host) => int(host * 10 + round), undefined) } },
    { name: 'latency', unit: 'ms', histogram: { dataPoints: points(histogram(since + 1)), aggregationTemporality: 2 } },
    {
      name: 'latency.delta',
      unit: 's',
      histogram: { dataPoints: points(histogram(1), delta), aggregationTemporality: 1 },
    },
    { name: 'size', exponentialHistogram: { dataPoints: points(exponential(since + 1)), aggregationTemporality: 2 } },
    {
      name: 'size.delta',
      exponentialHistogram: { dataPoints: points(exponential(1), delta), aggregationTemporality: 1 },
    },
    {
      name: 'rpc',
      summary: {
        dataPoints: points((host) => ({
          count: String(grown(host)),
          sum: grown(host) / 2,
          quantileValues: [
            { quantile: 0.5, value: 1.5 },
            { quantile: 0.99, value: 8 },
          ],
        })),
      },
    },
  ]
}

function text(key: string, value: string): Json {
  return { key, value: { stringValue: value } }
}
