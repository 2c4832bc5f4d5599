/** A log record on the wire. Each property is found when asked for. */
import { readValueField, WireAttributes } from './attributes.ts'
import { fixed32Field, fixed64Field, hexField, int32Field, textField, varintField } from './field.ts'
import { readOnly } from './read-only.ts'
import type { Attributes, In, LogRecord, Resource, Scope, Value } from './telemetry.ts'

export class LogRecordView implements LogRecord, In {
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
  get timeUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 9)
  }
  get observedUnixNano(): bigint {
    return fixed64Field(this.b, this.start, this.end, 89)
  }
  get severityNumber(): number {
    return int32Field(this.b, this.start, this.end, 16)
  }
  get severityText(): string {
    return textField(this.b, this.start, this.end, 26)
  }
  get body(): Value {
    return readValueField(this.b, this.start, this.end, 42)
  }
  get attributes(): Attributes {
    return new WireAttributes(this.b, this.start, this.end, 50)
  }
  get droppedAttributesCount(): number {
    return varintField(this.b, this.start, this.end, 56)
  }
  get flags(): number {
    return fixed32Field(this.b, this.start, this.end, 69)
  }
  get traceId(): string {
    return hexField(this.b, this.start, this.end, 74)
  }
  get spanId(): string {
    return hexField(this.b, this.start, this.end, 82)
  }
  get eventName(): string {
    return textField(this.b, this.start, this.end, 98)
  }
}
readOnly(LogRecordView, 'record', 'batch.edit((record) => ...)')
