/**
 * Spans of one instance as OTLP, straight from what the world recorded: no hexadecimal, no bigints, no objects per span. What an operation always says of
 * itself is encoded once. The bytes are those that the builders would write from `spanInit`.
 */
import { fromChunks } from '../../../pipeline/data/batch.ts'
import { fixed32, messages, text, varint, writeAttributes, writeEvent } from '../../../pipeline/data/items.ts'
import type { Traces } from '../../../pipeline/data/telemetry.ts'
import { type Writer, written } from '../../../pipeline/data/writer.ts'
import type { SpanRecord } from '../world/observer.ts'
import type { Operation } from '../world/service.ts'
import { enveloped, type Scope, scopeBytes, writeUnixNano } from './envelope.ts'
import { eventsOf, flagsOf, isFailed, kinds, spanAttributes, spanName } from './spans.ts'

interface Encoded {
  readonly name: Uint8Array
  readonly attributes: Uint8Array
}

/** Of operations by kind of span, where all went well at the first attempt. */
type Known = Map<SpanRecord['kind'], Encoded>

const failedStatus = written((to) => {
  const before = to.size
  varint(to, 24, 2)
  to.message(122, before)
})

export class SpanWriter {
  private readonly startMs: number
  private readonly traceState: Uint8Array
  private readonly scope: Uint8Array
  private readonly known = new Map<Operation, Known>()

  constructor(startMs: number, traceState: string, scope: Scope) {
    this.startMs = startMs
    this.traceState = written((to) => text(to, 26, traceState))
    this.scope = scopeBytes(scope)
  }

  write(resource: Uint8Array, spans: readonly SpanRecord[]): Traces {
    const chunk = enveloped(resource, this.scope, (to) => {
      for (let i = spans.length - 1; i >= 0; i--) {
        const before = to.size
        this.writeSpan(to, spans[i]!)
        to.message(18, before)
      }
    })
    return fromChunks('traces', [chunk], [spans.length])
  }

  private writeSpan(to: Writer, span: SpanRecord): void {
    const { trace, id, parent } = span
    const { skewMs } = span.instance.machine
    fixed32(to, 133, flagsOf(span))
    if (isFailed(span)) to.bytes(failedStatus)
    const events = eventsOf(span, this.startMs)
    if (events !== undefined) messages(to, 90, events, writeEvent)
    const isUsual = span.outcome === 'ok' && span.attempt === 1 && span.topic === undefined
    const encoded = isUsual ? this.encodedOf(span) : encode(span)
    to.bytes(encoded.attributes)
    writeUnixNano(to, this.startMs, span.endMs + skewMs)
    to.varint(65)
    writeUnixNano(to, this.startMs, span.startMs + skewMs)
    to.varint(57)
    to.varint(kinds[span.kind])
    to.varint(48)
    to.bytes(encoded.name)
    if (parent !== undefined) {
      word(to, parent[1])
      word(to, parent[0])
      to.varint(8)
      to.varint(34)
    }
    to.bytes(this.traceState)
    word(to, id[1])
    word(to, id[0])
    to.varint(8)
    to.varint(18)
    word(to, trace.id[3])
    word(to, trace.id[2])
    word(to, trace.id[1])
    word(to, trace.id[0])
    to.varint(16)
    to.varint(10)
  }

  private encodedOf(span: SpanRecord): Encoded {
    let known = this.known.get(span.operation)
    if (known === undefined) this.known.set(span.operation, (known = new Map<SpanRecord['kind'], Encoded>()))
    let encoded = known.get(span.kind)
    if (encoded === undefined) known.set(span.kind, (encoded = encode(span)))
    return encoded
  }
}

/** Not on the shared writer: that one is in the middle of a batch. */
function encode(span: SpanRecord): Encoded {
  return {
    name: written((to) => text(to, 42, spanName(span))),
    attributes: written((to) => writeAttributes(to, 74, spanAttributes(span))),
  }
}

/** A word of an id: its highest byte first. */
function word(to: Writer, n: number): void {
  to.fixed32(((n >>> 24) | ((n >>> 8) & 0xff00) | ((n << 8) & 0xff_0000) | (n << 24)) >>> 0)
}
