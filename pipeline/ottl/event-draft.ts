/** An event of a span that statements may change; the changed list is assigned to the span as a whole. */
import type { SpanEvent } from '../data/telemetry.ts'
import { AttributesDraft } from './attributes-draft.ts'

export class EventDraft {
  readonly attributes: AttributesDraft
  isChanged = false
  private readonly of: SpanEvent
  private newName: string | undefined
  private newTime: bigint | undefined
  private newDropped: number | undefined

  constructor(of: SpanEvent) {
    this.of = of
    this.attributes = new AttributesDraft(of.attributes)
  }

  get name(): string {
    return this.newName ?? this.of.name
  }
  set name(name: string) {
    this.newName = name
    this.isChanged = true
  }
  get timeUnixNano(): bigint {
    return this.newTime ?? this.of.timeUnixNano
  }
  set timeUnixNano(time: bigint) {
    this.newTime = time
    this.isChanged = true
  }
  get droppedAttributesCount(): number {
    return this.newDropped ?? this.of.droppedAttributesCount
  }
  set droppedAttributesCount(count: number) {
    this.newDropped = count
    this.isChanged = true
  }

  /** What stands in the span now: the event itself when nothing was set, unknown fields included. */
  get result(): SpanEvent {
    return this.isChanged || this.attributes.isChanged ? this : this.of
  }
}
