/** A trace as policies see it: views on the bytes that are held, found once and shared by all policies. */
import { ResourceView, ScopeView } from '../../pipeline/data/place.ts'
import { SpanView } from '../../pipeline/data/span.ts'
import type { In, Resource, Scope } from '../../pipeline/data/telemetry.ts'
import { cursor, skip, uvarint } from '../../pipeline/data/wire.ts'
import { always } from '../../pipeline/sampling/threshold.ts'

/** One is used for all traces, one after another. */
export class TraceView {
  traceId = ''
  spanCount = 0
  /** As OTLP. */
  sizeBytes = 0
  readonly spans: SpanView[] = []
  readonly resources: Resource[] = []
  /** Of the policy that decides: below which randomness it does not keep a trace. */
  threshold: string = always
  /** The part of a composite policy that kept it. */
  compositePolicy: string | undefined

  begin(traceId: string, spanCount: number): this {
    this.traceId = traceId
    this.spanCount = spanCount
    this.sizeBytes = 0
    this.spans.length = 0
    this.resources.length = 0
    this.threshold = always
    this.compositePolicy = undefined
    return this
  }

  /** A checked request, in [start, end). */
  add(b: Uint8Array, start: number, end: number): void {
    this.sizeBytes += end - start
    for (let p = start; p < end; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== 10) continue
      uvarint(b, at)
      this.addResourceSpans(b, cursor, p)
    }
  }

  private addResourceSpans(b: Uint8Array, start: number, end: number): void {
    const resource = new ResourceView(b, start, end)
    this.resources.push(resource)
    for (let p = start; p < end; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== 18) continue
      uvarint(b, at)
      this.addScopeSpans(b, cursor, p, resource)
    }
  }

  private addScopeSpans(b: Uint8Array, start: number, end: number, resource: Resource): void {
    const place = new Place(b, start, end, resource)
    for (let p = start; p < end; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== 18) continue
      uvarint(b, at)
      this.spans.push(new SpanView(b, cursor, p, place))
    }
  }
}

class Place implements In {
  readonly resource: Resource
  private readonly b: Uint8Array
  private readonly start: number
  private readonly end: number
  private view: Scope | undefined

  constructor(b: Uint8Array, start: number, end: number, resource: Resource) {
    this.b = b
    this.start = start
    this.end = end
    this.resource = resource
  }

  get scope(): Scope {
    return (this.view ??= new ScopeView(this.b, this.start, this.end))
  }
}
