/** Walks a batch item by item, with a frame that stands on each: for components that only look, with conditions and values of OTTL. */
import { rewriteMetrics } from '../data/metric-rewrite.ts'
import { type ProfileItem, profilesOf } from '../data/profile-items.ts'
import type {
  Editable,
  In,
  LogRecord,
  Logs,
  Metrics,
  Origin,
  Point,
  Profiles,
  Resource,
  Scope,
  Span,
  SpanEvent,
  Traces,
} from '../data/telemetry.ts'
import { EventDraft } from './event-draft.ts'
import { Frame, type Host } from './frame.ts'
import { MetricRewriting } from './metric-rewriting.ts'

/** Called for what it has a method for. `place` counts the resources of the batch, as they stand there, from 0. */
export interface TracesVisitor {
  span?(span: Span & In, place: number, frame: Frame): void
  event?(event: SpanEvent, span: Span & In, place: number, frame: Frame): void
}
export interface LogsVisitor {
  log(log: LogRecord & In, place: number, frame: Frame): void
}
export interface ProfilesVisitor {
  profile(profile: ProfileItem, place: number, frame: Frame): void
}
export interface MetricsVisitor {
  /** `where` the metric stands. */
  metric?(where: In, place: number, frame: Frame): void
  point?(point: Point & In, place: number, frame: Frame): void
}

export function visitTraces(batch: Traces, host: Host, visitor: TracesVisitor): void {
  const places = new Places()
  const frame = frameOf(batch, host)
  for (const span of batch) {
    const place = places.of(span.resource)
    if (visitor.span !== undefined) {
      frame.enterSpan(span)
      visitor.span(span, place, frame)
    }
    if (visitor.event === undefined) continue
    for (const [i, event] of span.events.entries()) {
      frame.enterEvent(span, new EventDraft(event), i)
      visitor.event(event, span, place, frame)
    }
  }
}

export function visitLogs(batch: Logs, host: Host, visitor: LogsVisitor): void {
  const places = new Places()
  const frame = frameOf(batch, host)
  for (const log of batch) {
    frame.enterLog(log)
    visitor.log(log, places.of(log.resource), frame)
  }
}

/** First all metrics, those without points too, then all points. */
export function visitMetrics(batch: Metrics, host: Host, visitor: MetricsVisitor): void {
  const places = new Places()
  if (visitor.metric !== undefined) {
    const frame = frameOf(batch, host)
    // Nothing is rewritten: the drafts know their points, which functions of conditions ask for.
    rewriteMetrics(batch, (group) => {
      for (const metric of group.metrics) {
        frame.enterRewriting(new MetricRewriting(group, metric))
        visitor.metric?.(group, places.of(group.resource), frame)
      }
    })
  }
  if (visitor.point === undefined) return
  const frame = frameOf(batch, host)
  for (const point of batch) {
    frame.enterPoint(point)
    visitor.point(point, places.of(point.resource), frame)
  }
}

/** The frame stands on the scope: OTTL has no context for profiles. */
export function visitProfiles(batch: Profiles, host: Host, visitor: ProfilesVisitor): void {
  const frame = frameOf(batch, host)
  let place = -1
  let last: Resource | undefined
  for (const profile of profilesOf(batch)) {
    if (profile.resource !== last) place++
    last = profile.resource
    frame.ownScope = profile.scope as Editable<Scope>
    frame.enterResource(profile.resource)
    visitor.profile(profile, place, frame)
  }
}

/** One for each walk: an item of one kind hides those of others. */
function frameOf({ origin }: { readonly origin: Origin }, host: Host): Frame {
  const frame = new Frame(host)
  frame.origin = origin
  return frame
}

/** Numbers for resources: the place where one stands on the wire is the same in every walk, its view is not. */
class Places {
  private readonly byChunk = new Map<Uint8Array, Map<number, number>>()
  private last: Resource | undefined
  private lastPlace = 0
  private count = 0

  of(resource: Resource): number {
    if (resource === this.last) return this.lastPlace
    this.last = resource
    const { b, holderStart } = resource as unknown as { readonly b: Uint8Array; readonly holderStart: number }
    let inChunk = this.byChunk.get(b)
    if (inChunk === undefined) {
      inChunk = new Map()
      this.byChunk.set(b, inChunk)
    }
    let place = inChunk.get(holderStart)
    if (place === undefined) {
      place = this.count++
      inChunk.set(holderStart, place)
    }
    this.lastPlace = place
    return place
  }
}
