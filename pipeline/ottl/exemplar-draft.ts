/** An exemplar of a point that statements may change; the changed list is assigned to the point as a whole. */
import type { Double, Exemplar } from '../data/telemetry.ts'
import { AttributesDraft } from './attributes-draft.ts'

export class ExemplarDraft implements Exemplar {
  readonly filteredAttributes: AttributesDraft
  private readonly of: Exemplar
  private isChanged = false
  private newTime: bigint | undefined
  private newValue: number | bigint | Double | undefined
  private newTraceId: string | undefined
  private newSpanId: string | undefined

  constructor(of: Exemplar) {
    this.of = of
    this.filteredAttributes = new AttributesDraft(of.filteredAttributes)
  }

  get timeUnixNano(): bigint {
    return this.newTime ?? this.of.timeUnixNano
  }
  set timeUnixNano(time: bigint) {
    this.newTime = time
    this.isChanged = true
  }
  get value(): number | bigint | Double | undefined {
    return this.newValue ?? this.of.value
  }
  set value(value: number | bigint | Double) {
    this.newValue = value
    this.isChanged = true
  }
  get traceId(): string {
    return this.newTraceId ?? this.of.traceId
  }
  set traceId(id: string) {
    this.newTraceId = id
    this.isChanged = true
  }
  get spanId(): string {
    return this.newSpanId ?? this.of.spanId
  }
  set spanId(id: string) {
    this.newSpanId = id
    this.isChanged = true
  }

  /** What stands in the point now: the exemplar itself when nothing was set, unknown fields included. */
  get result(): Exemplar {
    return this.isChanged || this.filteredAttributes.isChanged ? this : this.of
  }
}
