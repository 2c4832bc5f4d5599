/** CPU time of a span: counting, assembly, flushes and all: `node connectors/trace_features/trace_features.bench.ts`. */
import { newTraces } from '../../pipeline/data/builders.ts'
import type { SpanInit } from '../../pipeline/data/items.ts'
import type { Traces, Value } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import { cpuMicros } from '../../pipeline/testing/cpu-bench.ts'
import factory from './index.ts'

const spansPerBatch = 1_000
const spansPerSecond = 20_000
/** More than what is remembered of traces that are complete: each must be new when it comes again. */
const seconds = 6
const [server, client] = [2, 3]

interface Sender {
  readonly resource: Readonly<Record<string, Value>>
  readonly spans: SpanInit[]
}

function random(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

/** A second of traces of eight spans through four services of so many, each with two instances, four operations and three queries. */
class Load {
  private readonly services: number
  private readonly draw: () => number
  private readonly senders = new Map<string, Sender>()

  constructor(services: number) {
    this.services = services
    this.draw = random(services)
  }

  second(startNano: bigint): Traces[] {
    this.senders.clear()
    for (let left = spansPerSecond; left > 0; left -= 8) this.trace(startNano + BigInt(Math.floor(this.draw() * 1e9)))
    // As agents send: many spans of one instance, and few of any trace.
    const batches: Traces[] = []
    let builder = newTraces()
    let size = 0
    for (const { resource, spans } of this.senders.values()) {
      builder.resource(resource).scope('io.opentelemetry.http', { version: '2.4.0' })
      for (const span of spans) {
        builder.span(span)
        if (++size % spansPerBatch > 0) continue
        batches.push(builder.build())
        builder = newTraces().resource(resource).scope('io.opentelemetry.http', { version: '2.4.0' })
      }
    }
    return batches
  }

  private trace(startNano: bigint): void {
    const { draw, services } = this
    const traceId = this.hex(32)
    let parent = ''
    let start = startNano
    let length = 40_000_000n + BigInt(Math.floor(draw() * 4e7))
    // Users ask one service in twenty.
    let service = Math.floor(draw() * Math.max(4, services / 20))
    for (let depth = 0; depth < 4; depth++) {
      if (depth > 0) service = (service * 3 + 1 + Math.floor(draw() * 3)) % services
      const sender = this.sender(service, Math.floor(draw() * 2))
      const span = (kind: number, parentSpanId: string, name: string, attributes: Record<string, Value>) => {
        const times = { startUnixNano: start, endUnixNano: start + length }
        const spanId = this.hex(16)
        sender.spans.push({ traceId, spanId, parentSpanId, name, kind, flags: 1, ...times, attributes })
        start += 1_000_000n
        length -= 4_000_000n
        return spanId
      }
      const route = `/api/v1/things/${Math.floor(draw() * 4)}/{id}`
      const request = span(server, parent, `GET ${route}`, {
        'http.request.method': 'GET',
        'http.route': route,
        'url.scheme': 'https',
        'http.response.status_code': 200,
        'server.address': `service-${service}`,
        'server.port': 8080,
        'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
      })
      if (depth === 3)
        span(client, request, 'SELECT things', {
          'db.system.name': 'postgresql',
          'db.namespace': `db-${service >> 2}`,
          'server.address': 'db.internal',
          'server.port': 5432,
          'db.query.summary': `SELECT table_${Math.floor(draw() * 3)}`,
          'db.query.text': 'SELECT id, name, price FROM things WHERE user_id = $1 AND created_at > $2',
        })
      else
        parent = span(client, request, 'GET', {
          'http.request.method': 'GET',
          'server.address': 'gateway.internal',
          'server.port': 8080,
          'url.full': 'https://gateway.internal/api/v1/things/77',
          'http.response.status_code': 200,
        })
    }
  }

  private sender(service: number, instance: number): Sender {
    const name = `service-${service}-${instance}`
    let sender = this.senders.get(name)
    if (sender === undefined) {
      const resource = {
        'service.name': `service-${service}`,
        'service.namespace': 'shop',
        'service.version': '1.2.3',
        'service.instance.id': name,
        'k8s.pod.name': name,
        'k8s.cluster.name': 'main',
        'deployment.environment.name': 'production',
        'host.name': `node-${service % 20}`,
        'telemetry.sdk.language': 'java',
      }
      this.senders.set(name, (sender = { resource, spans: [] }))
    }
    return sender
  }

  private hex(digits: number): string {
    let text = ''
    while (text.length < digits)
      text += Math.floor(this.draw() * 2 ** 32)
        .toString(16)
        .padStart(8, '0')
    return text
  }
}

async function measure(services: number): Promise<void> {
  const load = new Load(services)
  const pool = Array.from({ length: seconds }, (_, i) =>
    load.second(1_700_000_000_000_000_000n + BigInt(i) * 1_000_000_000n),
  ).flat()
  const { instance, handle, context } = build(factory, '{ wait: 1s }', { signals: ['traces'] })
  const { recorded, clock } = context
  await instance.start?.()
  let points = 0
  let spans = 0
  const countPoints = () => {
    for (const { batch } of recorded.emitted.splice(0)) points += batch.count
  }
  // A flush each five seconds tells of 100,000 spans.
  const round = async (number: number) => {
    const batch = pool[number % pool.length]!
    spans += batch.count
    // A batch keeps its columns: each must be read anew, as live ones are.
    await handle(batch.withOrigin({ metadata: new Map() }))
    if (number % 5 === 4) await clock.advance((5 * 1_000 * spansPerBatch) / spansPerSecond)
    if (recorded.emitted.length > 4) countPoints()
  }
  for (let i = 0; i < 2 * pool.length; i++) await round(i)
  const micros = (await cpuMicros(round, { windowMs: 600, windows: 5, warmUpRounds: 1 })) / spansPerBatch
  countPoints()
  let entities = 0
  for (const [name, read] of recorded.gauges) if (name.includes('_entities{')) entities += read()
  const columns = [
    `${entities} entities`.padStart(15),
    `${micros.toFixed(2)} us/span`.padStart(14),
    `${Math.round(1_000 / micros)} k spans/s`.padStart(16),
    `${((points / spans) * 1_000).toFixed(0)} points per 1,000 spans`.padStart(28),
  ]
  console.log(columns.join(''))
}

for (const services of [8, 80, 800]) await measure(services)
