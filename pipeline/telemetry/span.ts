/** A span of the engine's own work, and how it knows its parent. */
import { randomFillSync } from 'node:crypto'
import { newTraces, type TracesBuilder } from '../data/builders.ts'
import type { Traces, Value } from '../data/telemetry.ts'
import type { OwnResource } from './own-resource.ts'

export interface SpanContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits. */
  readonly spanId: string
  readonly isSampled: boolean
  /** Named by a request, not made here. */
  readonly isRemote: boolean
}
export interface OwnSpan extends SpanContext {
  readonly name: string
  readonly parent: SpanContext | undefined
  /** What it was merged from, where that is more than one. */
  readonly links: readonly SpanContext[]
  readonly startMs: number
  /** 0 while it runs. */
  endMs: number
  attributes: Readonly<Record<string, Value>>
  readonly events: {
    readonly name: string
    readonly atMs: number
    readonly attributes: Readonly<Record<string, Value>>
  }[]
  error: string | undefined
}

/** W3C Trace Context, level 1: anything else than a whole, valid header is no parent. */
export function parseTraceparent(header: string): SpanContext | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header.trim())
  if (match === null) return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', rest] = match
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1, isRemote: true }
}

const pool = Buffer.alloc(4_096)
let used = pool.length

/** Never all zeros: that is no id. */
export function newId(bytes: 8 | 16): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const id = pool.toString('hex', used, used + bytes)
  used += bytes
  return /^0+$/.test(id) ? newId(bytes) : id
}

/** Milliseconds since 1970, to the microsecond. */
export function preciseNowMs(): number {
  return performance.timeOrigin + performance.now()
}

const internalKind = 1
const errorCode = 2

export function spansToOtlp(spans: readonly OwnSpan[], resource: OwnResource): Traces {
  const builder = newTraces().resource(resource.attributes)
  builder.scope(resource.scope, { version: resource.version })
  for (const span of spans) addSpan(builder, span)
  return builder.build()
}

function addSpan(builder: TracesBuilder, span: OwnSpan): void {
  builder.span({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parent === undefined ? {} : { parentSpanId: span.parent.spanId }),
    name: span.name,
    kind: internalKind,
    startUnixNano: nanos(span.startMs),
    endUnixNano: nanos(span.endMs),
    attributes: span.attributes,
    events: span.events.map(({ name, atMs, attributes }) => ({ name, timeUnixNano: nanos(atMs), attributes })),
    links: span.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
    ...(span.error === undefined ? {} : { status: { code: errorCode, message: span.error } }),
    flags: span.isSampled ? 1 : 0,
  })
}

function nanos(ms: number): bigint {
  return BigInt(Math.round(ms * 1e3)) * 1_000n
}
