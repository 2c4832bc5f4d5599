/** A span on the wire, and its events and links. Each property is found when asked for. */
import { WireAttributes } from './attributes.ts'
import {
  fixed32Field,
  fixed64Field,
  hexField,
  int32Field,
  messageEnd,
  messageField,
  messageRanges,
  textField,
  varintField,
} from './field.ts'
import { readOnly } from './read-only.ts'
import type { Attributes, In, Resource, Scope, Span, SpanEvent, SpanLink, SpanStatus } from './telemetry.ts'

const editing = 'batch.edit((span) => ...)'

export class SpanView implements Span, In {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
  protected readonly place: In

  constructor(b: Uint8Array, start: number, end: number, place: In) {
    this.b = b
    this.start = start
    this.end = end
    this.place = place
  }

  get resource(): Resource {
    return this.place.resource
  }
  get scope(): Scope {
    return this.place.scope
  }
  get traceId(): string {
    return hexField(this.b, this.start, this.end, 10)
  }
  get spanId(): string {
    return hexField(this.b, this.start, this.end, 18)
  }
  get traceState(): string {
    return textField(this.b, this.start, this.end, 26)
  }
  get parentSpanId(): string {
    return hexField(this.b, this.start, this.end, 34)
  }
  get name(): string {
    return textField(this.b, this.start, this.end, 42)
  }
  get kind(): number {
    return int32Field(this.b, this.start, this.end, 48)
  }
  get startUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 57)
  }
  get endUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 65)
  }
  get attributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 74)
  }
  get droppedAttributesCount(): number {
    return varintField(this.b, this.start, this.end, 80)
  }
  get events(): readonly SpanEvent[] {
    return views(this.b, messageRanges(this.b, this.start, this.end, 90), SpanEventView)
  }
  get droppedEventsCount(): number {
    return varintField(this.b, this.start, this.end, 96)
  }
  get links(): readonly SpanLink[] {
    return views(this.b, messageRanges(this.b, this.start, this.end, 106), SpanLinkView)
  }
  get droppedLinksCount(): number {
    return varintField(this.b, this.start, this.end, 112)
  }
  get status(): SpanStatus {
    const start = messageField(this.b, this.start, this.end, 122)
    const end = messageEnd
    return Object.freeze({
      code: int32Field(this.b, start, end, 24),
      message: textField(this.b, start, end, 18),
    })
  }
  get flags(): number {
    return fixed32Field(this.b, this.start, this.end, 133)
  }
}
readOnly(SpanView, 'span', editing)

export class SpanEventView implements SpanEvent {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number

  constructor(b: Uint8Array, start: number, end: number) {
    this.b = b
    this.start = start
    this.end = end
  }

  get timeUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 9)
  }
  get name(): string {
    return textField(this.b, this.start, this.end, 18)
  }
  get attributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 26)
  }
  get droppedAttributesCount(): number {
    return varintField(this.b, this.start, this.end, 32)
  }
}
readOnly(SpanEventView, 'event', 'an event of your own (spanEvent({...})) and assign the whole list to span.events')

export class SpanLinkView implements SpanLink {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number

  constructor(b: Uint8Array, start: number, end: number) {
    this.b = b
    this.start = start
    this.end = end
  }

  get traceId(): string {
    return hexField(this.b, this.start, this.end, 10)
  }
  get spanId(): string {
    return hexField(this.b, this.start, this.end, 18)
  }
  get traceState(): string {
    return textField(this.b, this.start, this.end, 26)
  }
  get attributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 34)
  }
  get droppedAttributesCount(): number {
    return varintField(this.b, this.start, this.end, 40)
  }
  get flags(): number {
    return fixed32Field(this.b, this.start, this.end, 53)
  }
}
readOnly(SpanLinkView, 'link', 'a link of your own (spanLink({...})) and assign the whole list to span.links')

/** The views of the messages that stand in `ranges`, pairs of start and end. */
export function views<V>(
  b: Uint8Array,
  ranges: readonly number[],
  View: new (b: Uint8Array, start: number, end: number) => V,
): readonly V[] {
  const list: V[] = []
  for (let i = 0; i < ranges.length; i += 2) list.push(new View(b, ranges[i]!, ranges[i + 1]!))
  return list
}
