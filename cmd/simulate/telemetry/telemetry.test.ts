import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import * as stable from '@opentelemetry/semantic-conventions'
import * as incubating from '@opentelemetry/semantic-conventions/incubating'
import type { Batch, Logs, Metrics, Span, Traces } from '../../../pipeline/data/telemetry.ts'
import { parseScenario } from '../scenario/read.ts'
import { prepare } from '../scenario/run.ts'
import { readTopology } from '../topology/read.ts'

const shop = join(import.meta.dirname, '../../../examples/topologies/shop.yaml')
const startMs = Date.UTC(2026, 10, 21, 10)
const conventions: ReadonlySet<string> = new Set<string>(
  Object.values({ ...stable, ...incubating }).filter((value) => typeof value === 'string'),
)
/** What a fault shows, and a database without an index among them. */
const eventful = `
name: eventful
duration: 150s
observation: { lostSpans: 0, lateShare: 0, missedScrapes: 0 }
events:
  - { at: 1m, fault: { type: lost_index, query: paydb/find_open_payments } }
  - { at: 1m, fault: { type: errors, operation: catalog/GetProduct, share: 0.3 } }
  - { at: 1m, fault: { type: errors, operation: psp/authorize, share: 0.3 } }
  - { at: 2m, benign: { type: deploy, service: ads, version: 1.1.0 } }`

let eventfulPlayed: Promise<readonly Batch[]> | undefined
/** Once for all who look at it. */
const theEventful = () => (eventfulPlayed ??= played(eventful))

async function played(text: string, seed = 1): Promise<readonly Batch[]> {
  const sent: Batch[] = []
  const scenario = parseScenario(text, 'test.yaml')
  const { world, exports } = prepare({
    topology: await readTopology(shop),
    scenario,
    seed,
    startMs,
    send: (batch) => sent.push(batch),
  })
  world.runUntil(scenario.duration)
  exports.flushAll()
  return sent
}
const traces = (sent: readonly Batch[]) =>
  sent.filter((batch) => batch.signal === 'traces').map((batch) => batch as Traces)
const spansOf = (sent: readonly Batch[]) => traces(sent).flatMap((batch) => [...batch])
const metricsOf = (sent: readonly Batch[]) =>
  sent.filter((batch) => batch.signal === 'metrics').map((batch) => batch as Metrics)
const logsOf = (sent: readonly Batch[]) => sent.filter((batch) => batch.signal === 'logs').map((batch) => batch as Logs)

const textOf = (value: unknown) => (typeof value === 'string' ? value : assert.fail(`${typeof value} is no text`))

test('the same seed gives the same bytes, another one others', async () => {
  const text = eventful.replace(
    'lostSpans: 0, lateShare: 0, missedScrapes: 0',
    'lostSpans: 0.02, lateShare: 0.1, missedScrapes: 0.1',
  )
  const bytes = async (seed: number) => {
    const hash = createHash('sha256')
    for (const { chunks } of await played(text, seed)) for (const chunk of chunks) hash.update(chunk)
    return hash.digest('hex')
  }
  const first = await bytes(3)
  assert.equal(await bytes(3), first)
  assert.notEqual(await bytes(4), first)
})

/** What the conventions require of a span, by what it is. */
const required: Readonly<Record<string, readonly string[]>> = {
  'http server': [
    'http.request.method',
    'url.path',
    'url.scheme',
    'http.route',
    'http.response.status_code',
    'server.address',
  ],
  'rpc server': ['rpc.system.name', 'rpc.method', 'rpc.response.status_code', 'server.address'],
  'rpc client': ['rpc.system.name', 'rpc.method', 'rpc.response.status_code', 'server.address', 'server.port'],
  'db client': ['db.system.name', 'db.operation.name', 'server.address', 'server.port'],
  'messaging producer': [
    'messaging.system',
    'messaging.destination.name',
    'messaging.operation.type',
    'messaging.operation.name',
  ],
  'messaging consumer': [
    'messaging.system',
    'messaging.destination.name',
    'messaging.operation.type',
    'messaging.operation.name',
  ],
}
const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']

function sortOf({ attributes, kind }: Span): string {
  const names = [...attributes.entries()].map(([name]) => name)
  const family = ['http', 'rpc', 'db', 'messaging'].find((prefix) =>
    names.some((name) => name.startsWith(`${prefix}.`)),
  )
  return `${family} ${kinds[kind]}`
}

test('spans are named and described as the semantic conventions say', async () => {
  const spans = spansOf(await theEventful())
  const seen = new Map<string, number>()
  for (const span of spans) {
    const sort = sortOf(span)
    seen.set(sort, (seen.get(sort) ?? 0) + 1)
    for (const name of required[sort] ?? assert.fail(`what is a ${sort}?`)) {
      assert.ok(span.attributes.has(name), `${sort} ${span.name} has no ${name}`)
    }
    for (const [name] of span.attributes.entries()) assert.ok(conventions.has(name), `${name} is no convention`)
    for (const [name] of span.resource.attributes.entries())
      assert.ok(conventions.has(name), `${name} is no convention`)
    assert.equal(
      span.status.code === 2,
      span.attributes.has('error.type') && !(span.kind === 2 && span.attributes.get('error.type') === 'rate_limited'),
    )
    assert.ok(span.endUnixNano >= span.startUnixNano)
  }
  assert.deepEqual([...seen.keys()].sort(), Object.keys(required).sort())
  const query = spans.find(({ attributes }) => attributes.get('db.query.summary') === 'SELECT payments')
  assert.equal(query?.name, 'SELECT payments')
  assert.match(textOf(query?.attributes.get('db.query.text')), /customer_id = \$1/)
  assert.ok(spans.some(({ events }) => events.some(({ name }) => name === 'exception')))
})

test('metrics of the instances have the names, units and attributes of the conventions', async () => {
  const points = metricsOf(await theEventful()).flatMap((batch) => [...batch])
  const own = points.filter(({ scope }) => scope.name === 'vigil.simulated.instrumentation')
  const units = new Map<string, string>()
  for (const point of own) {
    units.set(point.metric.name, point.metric.unit)
    assert.ok(conventions.has(point.metric.name), `${point.metric.name} is no convention`)
    for (const [name] of point.attributes.entries()) assert.ok(conventions.has(name), `${name} is no convention`)
    assert.ok(point.startUnixNano > 0n && point.startUnixNano <= point.timeUnixNano)
  }
  assert.deepEqual(Object.fromEntries(units), {
    'db.client.connection.count': '{connection}',
    'db.client.connection.max': '{connection}',
    'db.client.connection.pending_requests': '{request}',
    'db.client.operation.duration': 's',
    'http.server.active_requests': '{request}',
    'http.server.request.duration': 's',
    'messaging.client.operation.duration': 's',
    'messaging.process.duration': 's',
    'process.cpu.time': 's',
    'process.memory.usage': 'By',
    'rpc.client.call.duration': 's',
    'rpc.server.call.duration': 's',
  })
  const scraped = new Set(points.filter((point) => !own.includes(point)).map(({ metric }) => metric.name))
  for (const name of [
    'k8s.pod.cpu.usage',
    'k8s.deployment.available',
    'system.cpu.utilization',
    'postgresql.rows_read',
    'redis.keyspace.hits',
    'kafka.consumer_group.lag_sum',
  ]) {
    assert.ok(scraped.has(name), name)
  }
})

test('counters only grow while an instance lives', async () => {
  const last = new Map<string, bigint>()
  for (const { metric, resource, attributes, distribution } of metricsOf(await theEventful()).flatMap((batch) => [
    ...batch,
  ])) {
    if (distribution === undefined) continue
    const key = JSON.stringify([resource.attributes.get('service.instance.id'), metric.name, [...attributes.entries()]])
    assert.ok(distribution.count >= (last.get(key) ?? 0n), key)
    last.set(key, distribution.count)
  }
  assert.ok(last.size > 50)
})

test('logs belong to the spans in which they were written, and a failure is an error with its type', async () => {
  const sent = await theEventful()
  const ids = new Set(spansOf(sent).map(({ traceId, spanId }) => traceId + spanId))
  const records = logsOf(sent).flatMap((batch) => [...batch])
  // A span that is still open at the end is never sent.
  const late = BigInt(startMs + 140_000) * 1_000_000n
  const linked = records.filter(({ spanId, timeUnixNano }) => spanId !== '' && timeUnixNano < late)
  assert.ok(linked.length > 100)
  for (const { traceId, spanId } of linked) assert.ok(ids.has(traceId + spanId))
  const failures = records.filter(
    ({ severityNumber, body }) => severityNumber === 17 && textOf(body).includes('GetProduct failed'),
  )
  assert.ok(failures.some(({ attributes }) => attributes.get('exception.type') === 'IllegalStateException'))
  assert.ok(
    records.some(({ body }) => textOf(body).startsWith('duration: ')),
    'the database tells of slow statements',
  )
  assert.ok(records.some(({ attributes }) => attributes.get('k8s.event.reason') === 'deploy'))
})

test('a sampling head writes its threshold, and what it leaves out is left out whole', async () => {
  const half = 'name: half\nduration: 2m\nobservation: { sampling: 0.5, lostSpans: 0, lateShare: 0 }'
  const spans = spansOf(await played(half))
  assert.deepEqual([...new Set(spans.map(({ traceState }) => traceState))], ['ot=th:8'])
  for (const { traceId } of spans) assert.ok(BigInt(`0x${traceId.slice(18)}`) >= 1n << 55n)
})

test('a service that has gone silent works on, and says nothing', async () => {
  const silent = 'name: silent\nduration: 3m\nevents: [{ at: 1m, fault: { type: telemetry_loss, service: catalog } }]'
  const sent = await played(silent)
  const after = (nanos: bigint) => nanos > BigInt(startMs + 70_000) * 1_000_000n
  const spans = spansOf(sent).filter(({ startUnixNano }) => after(startUnixNano))
  const ofCatalog = spans.filter(({ resource }) => resource.attributes.get('service.name') === 'catalog')
  assert.equal(ofCatalog.length, 0)
  const callers = spans.filter(({ kind, attributes }) => kind === 3 && attributes.get('server.address') === 'catalog')
  assert.ok(callers.length > 100 && callers.filter(({ status }) => status.code === 2).length < callers.length / 20)
})
