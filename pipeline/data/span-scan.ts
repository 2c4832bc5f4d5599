/**
 * What an aggregation reads of a span, found in one pass over its bytes and left where it stands: no object a span. Where `columns` will not do:
 * those have no tracestate, no events and no typed values, and their dictionary keeps every text that it ever saw.
 */
import { cursor, find, skip, u32, uvarint } from './wire.ts'

const absent = -1

export class SpanScan {
  /** Of the attribute in each slot: where its AnyValue stands; start is -1 where the span has none. */
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
  nameStart = 0
  nameEnd = 0
  kind = 0
  status = 0
  stateStart = 0
  stateEnd = 0
  /** Where they stand; -1 where it has none of their length. */
  traceIdAt = absent
  spanIdAt = absent
  parentIdAt = absent
  durationNanos = 0
  /** The events, as pairs of start and end; the first `eventCount * 2` count. */
  events: number[] = []
  eventCount = 0
  private readonly names: readonly Uint8Array[]
  /** Slots by the length of their name. */
  private readonly byLength: (number[] | undefined)[] = []
  private readonly wantsEvents: boolean

  constructor(names: readonly string[], wantsEvents: boolean) {
    this.names = names.map((name) => new TextEncoder().encode(name))
    for (const [slot, { length }] of this.names.entries()) (this.byLength[length] ??= []).push(slot)
    this.valueStart = new Int32Array(names.length)
    this.valueEnd = new Int32Array(names.length)
    this.wantsEvents = wantsEvents
  }

  /** Reads the span in [p, stop). */
  read(b: Uint8Array, p: number, stop: number): void {
    const { valueStart } = this
    for (let i = 0; i < valueStart.length; i++) valueStart[i] = absent
    this.nameStart = this.nameEnd = this.stateStart = this.stateEnd = 0
    this.kind = this.status = this.eventCount = 0
    this.traceIdAt = this.spanIdAt = this.parentIdAt = absent
    const wantsAttributes = valueStart.length > 0
    let lo = 0
    let hi = 0
    let endLo = 0
    let endHi = 0
    while (p < stop) {
      let tag = b[p++]!
      if (tag > 127) {
        tag = uvarint(b, p - 1)
        p = cursor
      }
      if ((tag & 7) === 2) {
        let length = b[p++]!
        if (length > 127) {
          length = uvarint(b, p - 1)
          p = cursor
        }
        const end = p + length
        if (tag === 74) {
          if (wantsAttributes) this.attribute(b, p, end)
        } else if (tag === 42) {
          this.nameStart = p
          this.nameEnd = end
        } else if (tag === 10) {
          if (length === 16) this.traceIdAt = p
        } else if (tag === 18) {
          if (length === 8) this.spanIdAt = p
        } else if (tag === 34) {
          if (length === 8) this.parentIdAt = p
        } else if (tag === 26) {
          this.stateStart = p
          this.stateEnd = end
        } else if (tag === 122) this.status = statusCode(b, p, end)
        else if (tag === 90 && this.wantsEvents) {
          const at = this.eventCount++ * 2
          this.events[at] = p
          this.events[at + 1] = end
        }
        p = end
      } else if (tag === 57) {
        lo = u32(b, p)
        hi = u32(b, p + 4)
        p += 8
      } else if (tag === 65) {
        endLo = u32(b, p)
        endHi = u32(b, p + 4)
        p += 8
      } else if (tag === 48) {
        this.kind = uvarint(b, p)
        p = cursor
      } else p = skip(b, p, tag & 7)
    }
    // A span that ends before it starts has no duration.
    this.durationNanos = Math.max((endHi - hi) * 0x1_0000_0000 + (endLo - lo), 0)
  }

  /** Takes the KeyValue in [start, end). */
  private attribute(b: Uint8Array, start: number, end: number): void {
    let from = start
    let length = 0
    if (b[start] === 10) {
      length = b[start + 1]!
      from = start + 2
      if (length > 127) {
        length = uvarint(b, start + 1)
        from = cursor
      }
    } else {
      const at = find(b, start, end, 10)
      if (at >= 0) {
        length = uvarint(b, at)
        from = cursor
      }
    }
    const slots = this.byLength[length]
    if (slots === undefined) return
    next: for (const slot of slots) {
      const name = this.names[slot]!
      for (let i = length - 1; i >= 0; i--) if (b[from + i] !== name[i]) continue next
      // Of equal keys the first counts.
      if (this.valueStart[slot] !== absent) return
      const at = b[from + length] === 18 && b[start] === 10 ? from + length + 1 : find(b, start, end, 18)
      if (at < 0) {
        this.valueStart[slot] = this.valueEnd[slot] = 0
        return
      }
      const size = uvarint(b, at)
      this.valueStart[slot] = cursor
      this.valueEnd[slot] = cursor + size
      return
    }
  }
}

function statusCode(b: Uint8Array, p: number, end: number): number {
  const at = find(b, p, end, 24)
  return at < 0 ? 0 : uvarint(b, at)
}
