/** What a record is found by: one walk over the wire, without an object an item. */
import { ResourceView } from '../../pipeline/data/place.ts'
import { cursor, skip, u32, uvarint } from '../../pipeline/data/wire.ts'
import { serviceId } from '../../pipeline/vocabulary/crossing.ts'
import type { RecordedSignal } from './record.ts'

/** By message: the tags of the trace id and of the times, and their order does not matter. */
const fields = {
  traces: { traceId: 10, from: 57, until: 65 },
  logs: { traceId: 74, from: 9, until: 89 },
} as const
const groupTag = 10
const scopeTag = 18
const itemTag = 18
const nanosPerMs = 1e6

export class Scan {
  fromMs = Number.POSITIVE_INFINITY
  untilMs = Number.NEGATIVE_INFINITY
  /** `entityId`s */
  readonly services = new Set<string>()
  /** Spans that last longer than the threshold. */
  slow = 0
  private readonly slowNanos: number
  private traces = new Uint32Array(256)
  private size = 0

  constructor(slowNanos = Number.POSITIVE_INFINITY) {
    this.slowNanos = slowNanos
  }

  /** A checked request. Metrics have no trace ids, and their times are those of whoever records them. */
  add(signal: RecordedSignal, b: Uint8Array): void {
    for (let p = 0; p < b.length; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== groupTag) continue
      uvarint(b, at)
      const start = cursor
      this.services.add(serviceId(new ResourceView(b, start, p)))
      if (signal !== 'metrics') this.addGroup(signal, b, start, p)
    }
  }

  addTime(ms: number): void {
    if (ms < this.fromMs) this.fromMs = ms
    if (ms > this.untilMs) this.untilMs = ms
  }

  /** Sorted, each once. */
  traceMarks(): Uint32Array {
    const sorted = this.traces.slice(0, this.size).sort()
    let kept = 0
    for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[kept++] = sorted[i]!
    return sorted.slice(0, kept)
  }

  private addGroup(signal: 'traces' | 'logs', b: Uint8Array, start: number, end: number): void {
    for (let p = start; p < end; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== scopeTag) continue
      uvarint(b, at)
      for (let q = cursor; q < p; ) {
        const itemIs = uvarint(b, q)
        const itemAt = cursor
        q = skip(b, itemAt, itemIs & 7)
        if (itemIs !== itemTag) continue
        uvarint(b, itemAt)
        this.addItem(signal, b, cursor, q)
      }
    }
  }

  private addItem(signal: 'traces' | 'logs', b: Uint8Array, start: number, end: number): void {
    const tags = fields[signal]
    let from = 0
    let until = 0
    for (let p = start; p < end; ) {
      let tag = b[p++]!
      if (tag > 127) {
        tag = uvarint(b, p - 1)
        p = cursor
      }
      if (tag === tags.traceId && b[p] === 16) {
        this.addTrace(markAt(b, p + 1))
        p += 17
      } else if (tag === tags.from) {
        from = u32(b, p + 4) * 0x1_0000_0000 + u32(b, p)
        p += 8
      } else if (tag === tags.until) {
        until = u32(b, p + 4) * 0x1_0000_0000 + u32(b, p)
        p += 8
        // Attributes come behind it, and are most of a span.
        if (signal === 'traces' && from > 0) break
      } else p = skip(b, p, tag & 7)
    }
    if (signal === 'traces' && until - from >= this.slowNanos) this.slow++
    const first = from > 0 ? from : until
    if (first > 0) this.addTime(first / nanosPerMs)
    if (signal === 'traces' && until > 0) this.addTime(until / nanosPerMs)
  }

  private addTrace(mark: number): void {
    // Spans of a trace mostly stand together.
    if (this.size > 0 && this.traces[this.size - 1] === mark) return
    if (this.size === this.traces.length) {
      const larger = new Uint32Array(this.size * 2)
      larger.set(this.traces)
      this.traces = larger
    }
    this.traces[this.size++] = mark
  }
}

/** Thirty-two bits of a trace id: two ids rarely have the same, and who has read the record knows better. */
export function markOf(traceId: string): number {
  return markAt(Buffer.from(traceId, 'hex'), 0)
}

function markAt(b: Uint8Array, p: number): number {
  return (u32(b, p) ^ u32(b, p + 4) ^ u32(b, p + 8) ^ u32(b, p + 12)) >>> 0
}
