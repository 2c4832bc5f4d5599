/** Steps over traces: whole spans first, then their events. */
import type { In, Span, Traces } from '../../pipeline/data/telemetry.ts'
import { EventDraft } from '../../pipeline/ottl/event-draft.ts'
import type { Host } from '../../pipeline/ottl/frame.ts'
import { anyOf, filterItems, newFrame } from './items.ts'
import type { Step, Test } from './steps.ts'

export function filterTraces(batch: Traces, step: Step, host: Host): Traces {
  const kept = filterItems(batch, step, host, (frame, span: Span & In) => frame.enterSpan(span))
  const isEventGone = anyOf(step.part)
  return isEventGone === undefined ? kept : withoutEvents(kept, isEventGone, host)
}

function withoutEvents(batch: Traces, isGone: Test, host: Host): Traces {
  const frame = newFrame(host, batch.origin)
  return batch.edit((span) => {
    const { events } = span
    if (events.length === 0) return
    const kept = events.filter((event, i) => !isGone(frame.enterEvent(span, new EventDraft(event), i)))
    if (kept.length < events.length) span.events = kept
  })
}
