/** Short words for spans, and for the points that come of them. */
import { newTraces } from '../../pipeline/data/builders.ts'
import type { SpanInit } from '../../pipeline/data/items.ts'
import type { Metrics, Origin, Traces, Value } from '../../pipeline/data/telemetry.ts'
import { isDouble } from '../../pipeline/data/value.ts'
import { build } from '../../pipeline/testing/build.ts'
import type { TestContext, TestContextOptions } from '../../pipeline/testing/context.ts'
import { entityId, readEntity } from '../../pipeline/vocabulary/entity.ts'
import { paneAttributes } from '../../pipeline/vocabulary/panes.ts'
import factory from './index.ts'

/** Of the fake clock: the begin of a pane. */
export const startNano = 1_700_000_000_000_000_000n

export const kindNumbers = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

/** Times in seconds from `startNano`; a span without parent is a root. */
export interface Span {
  readonly trace?: number
  readonly id: number
  readonly parent?: number
  readonly kind?: keyof typeof kindNumbers
  readonly service: string
  readonly instance?: string
  readonly name?: string
  readonly at?: number
  readonly for?: number
  readonly failed?: boolean
  readonly attributes?: Readonly<Record<string, Value>>
  readonly resource?: Readonly<Record<string, Value>>
  readonly traceState?: string
}

export function batchOf(spans: readonly Span[], origin?: Origin): Traces {
  const builder = newTraces(origin)
  for (const span of spans) {
    const instance = span.instance === undefined ? {} : { 'service.instance.id': span.instance }
    builder.resource({ 'service.name': span.service, ...instance, ...span.resource }).span(initOf(span))
  }
  return builder.build()
}

function initOf(span: Span): SpanInit {
  const { trace = 1, id, parent, kind = 'server', name = 'work', at = 0, failed = false } = span
  const startUnixNano = startNano + nanos(at)
  return {
    traceId: idText(trace, 32),
    spanId: idText(id, 16),
    ...(parent === undefined ? {} : { parentSpanId: idText(parent, 16) }),
    name,
    kind: kindNumbers[kind],
    startUnixNano,
    endUnixNano: startUnixNano + nanos(span.for ?? 1),
    status: failed ? { code: 2 } : {},
    ...(span.attributes === undefined ? {} : { attributes: span.attributes }),
    ...(span.traceState === undefined ? {} : { traceState: span.traceState }),
  }
}

function idText(n: number, digits: number): string {
  return `f${n.toString(16).padStart(digits - 1, '0')}`
}

function nanos(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9))
}

export async function open(yaml = '{}', options: TestContextOptions = {}) {
  const built = build(factory, yaml, { signals: ['traces'], ...options })
  await built.instance.start?.()
  return {
    ...built,
    clock: built.context.clock,
    send: (spans: readonly Span[]) => built.handle(batchOf(spans)),
    /** Long enough for every trace to be complete, and what is counted to go on. */
    settle: () => built.context.clock.advance(20_000),
  }
}

/** By metric without its prefix, entity id (`overflow <kind>` where there was no room) and seconds at which the pane begins; sums over the points. */
export type Sums = Readonly<Record<string, number>>

/** The value of a number, the sum of a histogram's values. */
export function sumsOf(context: TestContext, ...metrics: readonly string[]): Sums {
  return summed(context, metrics, ({ value, distribution }) => distribution?.sum ?? numberOf(value))
}

/** The value of a number, how many values a histogram has. */
export function countsOf(context: TestContext, ...metrics: readonly string[]): Sums {
  return summed(context, metrics, ({ distribution, value }) => Number(distribution?.count ?? numberOf(value)))
}

type Point = Metrics extends Iterable<infer P> ? P : never

export function pointsOf({ recorded }: Pick<TestContext, 'recorded'>): readonly Point[] {
  return recorded.emitted.flatMap(({ batch }) => [...(batch as Metrics)])
}

export function keyOf(point: Point): string {
  const { metric, resource, attributes, startUnixNano } = point
  const entity = readEntity(resource.attributes, attributes)!
  const isOverflow = attributes.has('otel.metric.overflow')
  const crossed = attributes.get(paneAttributes.crossed)
  const parts = [
    metric.name.replace('vigil.trace.', ''),
    isOverflow ? `overflow ${entity.kind}` : entityId(entity),
    ...(crossed === undefined ? [] : [`by ${crossed as string}`]),
    ...(startUnixNano === startNano ? [] : [`at ${Number(startUnixNano - startNano) / 1e9}`]),
  ]
  return parts.join(' ')
}

function summed(context: TestContext, metrics: readonly string[], read: (point: Point) => number): Sums {
  const sums: Record<string, number> = {}
  for (const point of pointsOf(context)) {
    if (!metrics.includes(point.metric.name.replace('vigil.trace.', ''))) continue
    const key = keyOf(point)
    sums[key] = Number(((sums[key] ?? 0) + read(point)).toFixed(9))
  }
  return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function numberOf(value: unknown): number {
  return isDouble(value) ? value.double : Number(value)
}
