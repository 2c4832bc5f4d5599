import type { Context } from '../../../pipeline/component.ts'
import { type CompiledCondition, compileConditions } from '../../../pipeline/ottl/compile.ts'
import { EventDraft } from '../../../pipeline/ottl/event-draft.ts'
import { Failures } from '../../../pipeline/ottl/failures.ts'
import { Frame } from '../../../pipeline/ottl/frame.ts'
import type { PolicySettings } from '../policies-config.ts'
import type { Policy } from './policy.ts'

type Settings = NonNullable<PolicySettings['ottl_condition']>

/** Throws a CompileError. */
export function compileBoth({ span, spanevent }: Settings) {
  return {
    ofSpans: compileConditions(span, 'span').items,
    ofEvents: compileConditions(spanevent, 'spanevent').items,
  }
}

export function ottlCondition(settings: Settings, context: Context): Policy {
  const { ofSpans, ofEvents } = compileBoth(settings)
  const frame = new Frame({ nowUnixNano: () => context.clock.nowUnixNano(), random: context.random })
  const mode = settings.error_mode === '' ? 'silent' : settings.error_mode
  const failures = new Failures(mode, context.logger)
  const holds = (condition: CompiledCondition): boolean => {
    try {
      return condition.test(frame)
    } catch (error) {
      if (mode === 'propagate') throw new Error(`failed to eval condition: ${condition.text}`, { cause: error })
      failures.add(condition.text, error)
      return false
    }
  }
  return {
    decide({ spans }) {
      for (let i = 0; i < spans.length; i++) {
        const span = spans[i]!
        if (ofSpans.length > 0) {
          frame.enterSpan(span)
          for (const condition of ofSpans) if (holds(condition)) return 'sampled'
        }
        if (ofEvents.length === 0) continue
        for (const [e, event] of span.events.entries()) {
          frame.enterEvent(span, new EventDraft(event), e)
          for (const condition of ofEvents) if (holds(condition)) return 'sampled'
        }
      }
      return 'not_sampled'
    },
  }
}
