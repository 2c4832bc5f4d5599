/** What was decided since the last flush: metrics and drops are counted for many traces at once. */
import type { Context } from '../../pipeline/component.ts'
import type { Decider } from './decide.ts'
import type { Decision } from './policies/policy.ts'
import type { Telemetry } from './telemetry.ts'

export class RoundCounts {
  private readonly context: Context
  private readonly telemetry: Telemetry
  private readonly decider: Decider
  private readonly traces: Record<Decision, number> = { sampled: 0, not_sampled: 0, dropped: 0 }
  private readonly spans: Record<Decision, number> = { sampled: 0, not_sampled: 0, dropped: 0 }

  constructor(context: Context, telemetry: Telemetry, decider: Decider) {
    this.context = context
    this.telemetry = telemetry
    this.decider = decider
  }

  add(decision: Decision): void {
    this.traces[decision]++
  }

  /** Spans that do not go on. */
  addDropped(decision: 'not_sampled' | 'dropped', spans: number): void {
    this.spans[decision] += spans
  }

  flush(): void {
    const { traces, spans, decider, telemetry, context } = this
    for (const decision of ['sampled', 'not_sampled', 'dropped'] as const) {
      if (traces[decision] > 0) telemetry.decided(decision, traces[decision])
      traces[decision] = 0
    }
    if (spans.not_sampled > 0) context.dropped(spans.not_sampled, 'not_sampled', 'intended')
    if (spans.dropped > 0) context.dropped(spans.dropped, 'dropped_by_policy', 'intended')
    spans.not_sampled = 0
    spans.dropped = 0
    if (decider.errors > 0) telemetry.errors.add(decider.errors)
    decider.errors = 0
    decider.flush()
  }
}
