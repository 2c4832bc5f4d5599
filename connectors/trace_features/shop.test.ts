/** The simulator's shop: what is counted is what its spans say, counted again from their JSON in another way. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { TestContext } from '../../pipeline/testing/context.ts'
import { entityId } from '../../pipeline/vocabulary/entity.ts'
import { paneNanos } from '../../pipeline/vocabulary/panes.ts'
import { numberOf, open, pointsOf } from './spans.fixture.ts'

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status?: { readonly code?: number }
  readonly attributes: readonly Attribute[]
}
interface Seen {
  readonly span: Span
  readonly start: bigint
  readonly end: bigint
  readonly of: Readonly<Record<string, string>>
  readonly says: Readonly<Record<string, string>>
}

const lines: string[] = []
const seen: Seen[] = []
let context: TestContext

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-'))
  try {
    const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
    const file = join(folder, 'shop.jsonl')
    const settings = [
      '--seed',
      '7',
      '--speed',
      '0',
      '--duration',
      '15s',
      '--start',
      '2026-11-21T10:00:00Z',
      '--file',
      file,
    ]
    execFileSync(process.execPath, [at('cmd/main.ts'), 'simulate', at('examples/topologies/shop.yaml'), ...settings])
    lines.push(...readFileSync(file, 'utf8').split('\n'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const { handle, clock, settle, context: used } = await open('{ wait: 30s }')
  context = used
  for (const line of lines) {
    if (!line.includes('"resourceSpans"')) continue
    read(line)
    await handle(readOtlp('traces', Buffer.from(line), 'json', noOrigin))
    await clock.advance(100)
  }
  await clock.advance(60_000)
  await settle()
})

function texts(attributes: readonly Attribute[]): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]))
}

function read(line: string): void {
  const { resourceSpans } = JSON.parse(line) as {
    resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Span[] }[] }[]
  }
  for (const { resource, scopeSpans } of resourceSpans)
    for (const { spans } of scopeSpans)
      for (const span of spans)
        seen.push({
          span,
          start: BigInt(span.startTimeUnixNano),
          end: BigInt(span.endTimeUnixNano),
          of: texts(resource.attributes),
          says: texts(span.attributes),
        })
}

function serviceId(of: Seen['of']): string {
  return entityId(entityOf(of, 'service', '', of['service.name']!))
}
function entityOf(of: Seen['of'], kind: 'service' | 'operation' | 'instance', service: string, name: string) {
  const cluster = of['k8s.cluster.name'] ?? ''
  const environment = of['deployment.environment.name'] ?? ''
  return { kind, cluster, environment, namespace: of['service.namespace'] ?? '', service, name }
}

class Sums {
  readonly map = new Map<string, number>()
  add(id: string, at: bigint, by: number): void {
    const key = `${id} ${at / paneNanos}`
    this.map.set(key, (this.map.get(key) ?? 0) + by)
  }
}

/** By entity id, or what else tells points apart, and pane. */
function counted(
  metric: string,
  kinds: readonly string[],
  idOf?: (attributes: Seen['says']) => string,
): Map<string, number> {
  const sums = new Sums()
  for (const { metric: of, attributes, resource, startUnixNano, value, distribution } of pointsOf(context)) {
    const says = Object.fromEntries(attributes.entries()) as Record<string, string>
    if (of.name !== metric || !kinds.includes(says['vigil.entity.kind']!)) continue
    const from = Object.fromEntries(resource.attributes.entries()) as Record<string, string>
    const kind = says['vigil.entity.kind'] as 'service' | 'operation' | 'instance'
    const name = says['vigil.entity.name']!
    const id =
      idOf?.(says) ?? entityId(entityOf(from, kind, kind === 'service' ? '' : (from['service.name'] ?? ''), name))
    sums.add(id, startUnixNano, distribution === undefined ? numberOf(value) : distribution.sum!)
  }
  return sums.map
}

function same(actual: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort())
  for (const [key, value] of expected)
    assert.ok(Math.abs(actual.get(key)! - value) < 1e-6, `${key}: ${actual.get(key)} instead of ${value}`)
}

const isEntry = ({ span }: Seen) => span.kind === 2 || span.kind === 5
const seconds = ({ start, end }: Seen) => Number(end - start) / 1e9
const entities = (one: Seen): string[] => {
  const { of, span } = one
  const name = of['service.name']!
  return [
    serviceId(of),
    entityId(entityOf(of, 'operation', name, span.name)),
    entityId(entityOf(of, 'instance', name, of['service.instance.id']!)),
  ]
}
const kinds = ['service', 'operation', 'instance']

test('the shop has spans of every kind that is counted', () => {
  assert.ok(seen.length > 10_000, String(seen.length))
  assert.deepEqual(new Set(seen.map(({ span }) => span.kind)), new Set([2, 3, 4, 5]))
})

test('requests, errors and durations of services, operations and instances', () => {
  const [requests, errors, durations] = [new Sums(), new Sums(), new Sums()]
  for (const one of seen.filter((each) => isEntry(each)))
    for (const id of entities(one)) {
      requests.add(id, one.end, 1)
      if (one.span.status?.code === 2) errors.add(id, one.end, 1)
      durations.add(id, one.end, seconds(one))
    }
  same(counted('vigil.trace.requests', kinds), requests.map)
  same(counted('vigil.trace.sampled', kinds), requests.map)
  same(counted('vigil.trace.errors', kinds), errors.map)
  same(counted('vigil.trace.duration', kinds), durations.map)
})

test('calls of databases and caches, and who made them', () => {
  const edges = new Sums()
  for (const { says, of, end } of seen) {
    const system = says['db.system.name']
    if (system === undefined) continue
    const kind = system === 'redis' ? 'cache' : 'database'
    const cluster = `${of['k8s.cluster.name']}/${of['deployment.environment.name']}/`
    edges.add(`${serviceId(of)} to ${kind}:${cluster}/${says['server.address']}`, end, 1)
  }
  const found = counted('vigil.trace.requests', ['edge'], (says) =>
    ['database', 'cache'].includes(says['vigil.edge.type']!)
      ? `${says['vigil.edge.source']} to ${says['vigil.edge.target']}`
      : 'other',
  )
  same(new Map([...found].filter(([key]) => !key.startsWith('other'))), edges.map)
})

test('calls between services, their errors and time on the network', () => {
  const byParent = Map.groupBy(
    seen.filter(({ span }) => span.kind === 2),
    ({ span }) => `${span.traceId} ${span.parentSpanId}`,
  )
  const [calls, failed, gaps] = [new Sums(), new Sums(), new Sums()]
  let unanswered = 0
  for (const one of seen) {
    if (one.span.kind !== 3 || one.says['db.system.name'] !== undefined) continue
    const [server] = byParent.get(`${one.span.traceId} ${one.span.spanId}`) ?? []
    if (server === undefined) unanswered++
    // A service answers at its own name here, whether or not this request reached it.
    const answering = server ?? seen.find(({ of }) => of['service.name'] === one.says['server.address'])!
    const id = `${serviceId(one.of)} to ${serviceId(answering.of)}`
    calls.add(id, one.end, 1)
    if (one.span.status?.code === 2) failed.add(id, one.end, 1)
    if (server !== undefined) gaps.add(id, one.end, Math.max(0, seconds(one) - seconds(server)))
  }
  assert.ok(unanswered > 0, 'some requests got lost or were refused')
  const idOf = (says: Seen['says']) =>
    says['vigil.edge.type'] === 'call' ? `${says['vigil.edge.source']} to ${says['vigil.edge.target']}` : 'other'
  const of = (metric: string) =>
    new Map([...counted(metric, ['edge'], idOf)].filter(([key]) => !key.startsWith('other')))
  same(of('vigil.trace.requests'), calls.map)
  same(of('vigil.trace.errors'), failed.map)
  same(of('vigil.trace.network_gap'), gaps.map)
})

test('own time of services', () => {
  const byParent = Map.groupBy(seen, ({ span }) => `${span.traceId} ${span.parentSpanId}`)
  const byTrace = Map.groupBy(seen, ({ span }) => span.traceId)
  const own = new Sums()
  for (const one of seen.filter((each) => isEntry(each))) {
    const children = byParent.get(`${one.span.traceId} ${one.span.spanId}`) ?? []
    const trace = byTrace.get(one.span.traceId)!
    // Somebody called it, and the span of that call was lost.
    const orphans = trace.filter(
      ({ span }) =>
        span.kind === 2 && span.parentSpanId && !trace.some((other) => other.span.spanId === span.parentSpanId),
    )
    const lies = ({ start, end }: { start: bigint; end: bigint }) =>
      end - start <= one.end - one.start && start + end > 2n * one.start && start + end < 2n * one.end
    const unknown = orphans.filter((orphan) => orphan !== one && lies(orphan))
    // Nanosecond by nanosecond would be the definition; between two ends of intervals nothing changes.
    const cuts = [one.start, one.end, ...[...children, ...unknown].flatMap(({ start, end }) => [start, end])]
      .filter((at) => at >= one.start && at <= one.end)
      .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    let free = 0n
    let isUnknown = false
    for (const [i, from] of cuts.slice(0, -1).entries()) {
      const to = cuts[i + 1]!
      const isCovered = children.some(({ start, end, span }) => span.kind !== 5 && start <= from && end >= to)
      if (isCovered) continue
      free += to - from
      if (to > from && unknown.some(({ start, end }) => start <= from && end >= to)) isUnknown = true
    }
    if (!isUnknown) own.add(serviceId(one.of), one.end, Number(free) / 1e9)
  }
  same(counted('vigil.trace.self_time', ['service']), own.map)
})

test('how many requests of users crossed which service, and how many of them failed', () => {
  const [crossings, failed] = [new Sums(), new Sums()]
  for (const trace of Map.groupBy(seen, ({ span }) => span.traceId).values()) {
    const root = trace.find(({ span }) => !span.parentSpanId)
    if (root === undefined || !isEntry(root)) continue
    const services = trace.filter((each) => isEntry(each)).map(({ of }) => serviceId(of))
    // A call that was lost still went to the service of that name.
    for (const { span, says } of trace)
      if (
        span.kind === 3 &&
        says['db.system.name'] === undefined &&
        !trace.some(({ span: s }) => s.parentSpanId === span.spanId)
      )
        services.push(serviceId(seen.find(({ of }) => of['service.name'] === says['server.address'])!.of))
    for (const id of new Set(services)) {
      crossings.add(`${root.span.name} by ${id}`, root.end, 1)
      if (root.span.status?.code === 2) failed.add(`${root.span.name} by ${id}`, root.end, 1)
    }
  }
  const of = (metric: string) =>
    new Map(
      [
        ...counted(metric, ['operation'], (says) => `${says['vigil.entity.name']} by ${says['vigil.crossed.entity']}`),
      ].filter(([key]) => key.includes(' by service:')),
    )
  same(of('vigil.trace.crossings'), crossings.map)
  same(of('vigil.trace.crossing_errors'), failed.map)
})
