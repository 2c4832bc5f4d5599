/**
 * Realistic OTLP traffic, deterministic by seed: a small shop with a few services, HTTP and database spans, access logs and runtime metrics.
 * About 550 bytes a span, 330 a log record, 260 a data point. For benchmarks, tests and `vigil generate`.
 */
import { newLogs, newMetrics, newTraces, spanEvent, spanLink } from '../data/builders.ts'
import type { SpanInit } from '../data/items.ts'
import type { Logs, Metrics, Traces, Value } from '../data/telemetry.ts'
import { double } from '../data/value.ts'

export interface PayloadOptions {
  /** Equal seeds give equal payloads. */
  readonly seed?: number
  /** Of the first item; the others follow within milliseconds. */
  readonly startUnixNano?: bigint
  readonly services?: readonly string[]
}

type Random = () => number

const defaultServices = ['checkout', 'frontend-web']
const defaultStart = 1_732_358_400_000_000_000n
const schemaUrl = 'https://opentelemetry.io/schemas/1.27.0'
const routes = [
  '/api/v1/users/{id}',
  '/api/v1/orders',
  '/api/v1/orders/{id}',
  '/cart',
  '/checkout',
  '/healthz',
  '/login',
]
const methods = ['GET', 'POST', 'PUT', 'DELETE']
const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36'
const query = 'SELECT id, name, price FROM orders WHERE user_id = $1 AND created_at > $2 ORDER BY created_at LIMIT 50'

/** mulberry32: 32 bits of state, uniform in [0, 1). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export function tracesPayload(spans: number, options: PayloadOptions = {}): Traces {
  const { random, start, services } = setUp(options, 1)
  const traceIds = Array.from({ length: Math.max(1, spans >> 3) }, () => hex(random, 32))
  const builder = newTraces()
  for (const [scope, items] of scopes(spans, services, ['io.opentelemetry.http', 'io.opentelemetry.db'])) {
    if (scope.first) builder.resource(resource(random, scope.service), { schemaUrl })
    builder.scope(scope.name, { version: '2.4.0', schemaUrl })
    for (let i = 0; i < items; i++)
      builder.span(span(random, start + BigInt((scope.from + i) * 37_000), pick(random, traceIds)))
  }
  return builder.build()
}

export function logsPayload(records: number, options: PayloadOptions = {}): Logs {
  const { random, start, services } = setUp(options, 2)
  const builder = newLogs()
  for (const [scope, items] of scopes(records, services, ['com.shop.Access', 'com.shop.Worker'])) {
    if (scope.first) builder.resource(resource(random, scope.service), { schemaUrl })
    builder.scope(scope.name, { version: '2.4.0' })
    for (let i = 0; i < items; i++) {
      const time = start + BigInt((scope.from + i) * 50_000)
      const severityNumber = pick(random, [9, 9, 9, 13, 17])
      const user = `user-${whole(random, 1e5)}`
      builder.record({
        timeUnixNano: time,
        observedUnixNano: time + 90_000n,
        severityNumber,
        severityText: severityNumber === 17 ? 'ERROR' : severityNumber === 13 ? 'WARN' : 'INFO',
        body: `request ${hex(random, 8)} handled by worker ${whole(random, 32)} for ${user} in ${(random() * 100).toFixed(2)} ms`,
        attributes: {
          'log.logger': scope.name,
          'thread.name': `worker-${whole(random, 32)}`,
          'thread.id': whole(random, 64),
          'http.route': pick(random, routes),
          'enduser.id': user,
          'app.retry': random() < 0.1,
        },
        traceId: hex(random, 32),
        spanId: hex(random, 16),
        flags: 1,
      })
    }
  }
  return builder.build()
}

export function metricsPayload(points: number, options: PayloadOptions = {}): Metrics {
  const { random, start, services } = setUp(options, 3)
  const builder = newMetrics()
  const startUnixNano = start - 3_600_000_000_000n
  for (const [scope, items] of scopes(points, services, ['io.opentelemetry.runtime', 'io.opentelemetry.http'])) {
    if (scope.first) builder.resource(resource(random, scope.service), { schemaUrl })
    builder.scope(scope.name, { version: '2.4.0' })
    for (let i = 0; i < items; i += 8) {
      const many = Math.min(8, items - i)
      const common = (k: number) => ({
        timeUnixNano: start + BigInt(scope.from + i) * 1000n,
        startUnixNano,
        attributes: {
          'http.request.method': pick(random, methods),
          'http.route': routes[k % routes.length]!,
          'http.response.status_code': pick(random, [200, 200, 404, 500]),
          'server.address': 'shop.example.com',
          'url.scheme': 'https',
        },
      })
      const each = <P>(make: (k: number) => P): P[] => Array.from({ length: many }, (_, k) => make(k))
      const name = (kind: string) => `shop.${kind}.${i >> 5}`
      switch ((i >> 3) % 4) {
        case 0:
          builder.gauge(
            name('memory.usage'),
            each((k) => ({ ...common(k), value: double(random() * 1e9) })),
            { unit: 'By' },
          )
          break
        case 1:
          builder.sum(
            name('requests'),
            each((k) => ({ ...common(k), value: whole(random, 1e6) })),
            {
              unit: '{request}',
              monotonic: true,
            },
          )
          break
        case 2:
          builder.histogram(
            name('duration'),
            each((k) => ({ ...common(k), ...histogram(random) })),
            { unit: 's' },
          )
          break
        default:
          builder.exponentialHistogram(
            name('latency'),
            each((k) => ({ ...common(k), ...exponential(random) })),
            {
              unit: 's',
              temporality: 'delta',
            },
          )
      }
    }
  }
  return builder.build()
}

function setUp(options: PayloadOptions, salt: number) {
  return {
    random: seeded((options.seed ?? 1) * 7919 + salt),
    start: options.startUnixNano ?? defaultStart,
    services: options.services ?? defaultServices,
  }
}

/** Deals the items out to two scopes of each service. */
function* scopes(items: number, services: readonly string[], names: readonly string[]) {
  const holders = services.flatMap((service) => names.map((name, k) => ({ service, name, first: k === 0 })))
  let from = 0
  for (const [k, holder] of holders.entries()) {
    const to = Math.round(((k + 1) * items) / holders.length)
    yield [{ ...holder, from }, to - from] as const
    from = to
  }
}

function resource(random: Random, service: string): Record<string, Value> {
  return {
    'service.name': service,
    'service.namespace': 'shop',
    'service.version': `1.14.${whole(random, 9)}`,
    'service.instance.id': `${hex(random, 8)}-${hex(random, 4)}-${hex(random, 12)}`,
    'deployment.environment.name': 'production',
    'k8s.namespace.name': 'shop-prod',
    'k8s.pod.name': `${service}-${hex(random, 10)}-${hex(random, 5)}`,
    'k8s.node.name': `ip-10-0-${whole(random, 255)}-${whole(random, 255)}.ec2.internal`,
    'host.arch': 'amd64',
    'process.pid': whole(random, 60_000),
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'go',
    'telemetry.sdk.version': '1.30.0',
    'cloud.region': 'eu-west-1',
  }
}

function span(random: Random, startUnixNano: bigint, traceId: string): SpanInit {
  const isDb = random() < 0.35
  const failed = random() < 0.05
  const route = pick(random, routes)
  const method = pick(random, methods)
  const operation = pick(random, ['SELECT', 'INSERT', 'UPDATE'])
  const table = pick(random, ['orders', 'users', 'products'])
  const endUnixNano = startUnixNano + BigInt(200_000 + Math.floor(random() ** 4 * 8e8))
  const attributes = isDb ? dbAttributes(random, operation, table) : httpAttributes(random, method, route, failed)
  return {
    traceId,
    spanId: hex(random, 16),
    parentSpanId: random() < 0.85 ? hex(random, 16) : '',
    name: isDb ? `${operation} shop.${table}` : `${method} ${route}`,
    kind: isDb ? 3 : 2,
    startUnixNano,
    endUnixNano,
    attributes,
    flags: 257,
    events: random() < 0.12 ? [event(random, endUnixNano, failed)] : [],
    links: random() < 0.02 ? [spanLink({ traceId: hex(random, 32), spanId: hex(random, 16) })] : [],
    status: failed ? { code: 2, message: 'internal error' } : { code: random() < 0.3 ? 1 : 0 },
  }
}

function httpAttributes(random: Random, method: string, route: string, failed: boolean): Record<string, Value> {
  return {
    'http.request.method': method,
    'http.route': route,
    'url.path': route.replace('{id}', String(whole(random, 1e6))),
    'url.scheme': 'https',
    'http.response.status_code': failed ? 500 : 200,
    'server.address': 'shop.example.com',
    'server.port': 443,
    'client.address': `10.${whole(random, 255)}.${whole(random, 255)}.${whole(random, 255)}`,
    'user_agent.original': agent,
    'network.protocol.version': '1.1',
    'app.cache.hit': random() < 0.5,
    'app.score': random(),
    'enduser.id': `user-${whole(random, 1e5)}`,
    'app.currency': random() < 0.1 ? 'é€' : 'EUR',
  }
}

function dbAttributes(random: Random, operation: string, table: string): Record<string, Value> {
  return {
    'db.system.name': pick(random, ['postgresql', 'redis', 'mysql', 'mongodb']),
    'db.namespace': 'shop',
    'db.operation.name': operation,
    'db.collection.name': table,
    'db.query.text': query,
    'server.address': `db-${whole(random, 5)}.shop.internal`,
    'server.port': 5432,
    'network.transport': 'tcp',
    'thread.name': `worker-${whole(random, 32)}`,
    'thread.id': whole(random, 64),
    'db.response.returned_rows': whole(random, 50),
  }
}

function event(random: Random, timeUnixNano: bigint, failed: boolean) {
  if (!failed)
    return spanEvent({
      name: 'message',
      timeUnixNano,
      attributes: { 'message.type': 'SENT', 'message.id': whole(random, 1e4) },
    })
  return spanEvent({
    name: 'exception',
    timeUnixNano,
    attributes: {
      'exception.type': 'java.lang.IllegalStateException',
      'exception.message': 'connection reset by peer',
      'exception.stacktrace': 'at com.shop.Order.run(Order.java:42)\n'.repeat(10),
    },
  })
}

function histogram(random: Random) {
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
  const counts = Array.from({ length: bounds.length + 1 }, () => whole(random, 1000))
  const count = counts.reduce((sum, n) => sum + n, 0)
  return { count, sum: count * random(), min: 0.001, max: 7.5, bounds, counts }
}

function exponential(random: Random) {
  const counts = Array.from({ length: 20 }, () => whole(random, 500))
  const zeroCount = whole(random, 10)
  const count = counts.reduce((sum, n) => sum + n, zeroCount)
  return { count, sum: count * random(), scale: 3, zeroCount, positive: { offset: -12, counts } }
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[whole(random, from.length)]!
}

function whole(random: Random, below: number): number {
  return Math.floor(random() * below)
}

function hex(random: Random, digits: number): string {
  let text = ''
  while (text.length < digits) text += whole(random, 0x1_0000_0000).toString(16).padStart(8, '0')
  return text.slice(0, digits)
}
