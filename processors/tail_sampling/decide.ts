/** What all policies together say of a trace, and the counts of what each said. */
import type { Clock, Context } from '../../pipeline/component.ts'
import { always } from '../../pipeline/sampling/threshold.ts'
import type { Logger } from '../../pipeline/telemetry/logger.ts'
import type { NamedPolicy } from './policies/compile.ts'
import type { Budget, Decision } from './policies/policy.ts'
import { newPolicyTelemetry } from './telemetry.ts'
import type { TraceView } from './trace-view.ts'

interface Settings {
  readonly isFirstMatch: boolean
  readonly countsSpans: boolean
  readonly countsBytes: boolean
}

interface Count {
  traces: number
  spans: number
  bytes: number
}

/** What a policy said since the last flush. */
class Tally {
  readonly policy: string
  readonly of: Readonly<Record<Decision, Count>> = { sampled: newCount(), not_sampled: newCount(), dropped: newCount() }
  executions = 0
  ms = 0

  constructor(policy: string) {
    this.policy = policy
  }
}

export class Decider {
  /** The policy by which the last trace was sampled or dropped, and its threshold. */
  policy = ''
  threshold: string = always
  /** Errors since the last flush. */
  errors = 0
  /** Limits that must see all traces that are due before they decide one. */
  readonly budgets: readonly Budget[]
  private readonly policies: readonly NamedPolicy[]
  private readonly drops: number
  private readonly isFirstMatch: boolean
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly tallies: readonly Tally[]
  private readonly telemetry: ReturnType<typeof newPolicyTelemetry>

  constructor(policies: readonly NamedPolicy[], settings: Settings, context: Context) {
    this.policies = policies
    this.budgets = policies.flatMap(({ policy }) => policy.budget ?? [])
    this.drops = policies.filter(({ isDrop }) => isDrop).length
    this.isFirstMatch = settings.isFirstMatch
    this.clock = context.clock
    this.logger = context.logger
    // As upstream: the name of the component, where it has one, tells apart policies of the same name.
    const name = context.id.split('/', 2)[1] ?? ''
    this.tallies = policies.map((policy) => new Tally(name === '' ? policy.name : `${name}.${policy.name}`))
    this.telemetry = newPolicyTelemetry(context, settings.countsSpans, settings.countsBytes)
  }

  decide(trace: TraceView, sizeBytes: number): Decision {
    return this.isDropped(trace, sizeBytes) ? 'dropped' : this.decideKept(trace, sizeBytes)
  }

  /** Only what policies of type `drop` say. */
  isDropped(trace: TraceView, sizeBytes: number): boolean {
    for (let i = 0; i < this.drops; i++) {
      if (this.ask(i, trace, sizeBytes) !== 'dropped') continue
      this.policy = this.policies[i]!.name
      return true
    }
    return false
  }

  /** Of a trace that is not dropped. */
  decideKept(trace: TraceView, sizeBytes: number): Decision {
    let isSampled = false
    this.policy = ''
    this.threshold = always
    for (let i = this.drops; i < this.policies.length; i++) {
      if (this.ask(i, trace, sizeBytes) !== 'sampled') continue
      // The policy that keeps the most counts: without the others the trace would be kept as often.
      if (!isSampled || trace.threshold < this.threshold) {
        this.threshold = trace.threshold
        this.policy = this.policies[i]!.name
      }
      isSampled = true
      if (this.isFirstMatch) break
    }
    return isSampled ? 'sampled' : 'not_sampled'
  }

  /** Of some of its spans: undefined where others may still change it. */
  decideEarly(trace: TraceView, sizeBytes: number): Decision | undefined {
    if (this.isDropped(trace, sizeBytes)) return 'dropped'
    // Spans that are still to come may be ones to drop.
    if (this.drops > 0) return undefined
    for (let i = 0; i < this.policies.length; i++) {
      if (this.ask(i, trace, sizeBytes) !== 'sampled') continue
      this.policy = this.policies[i]!.name
      this.threshold = trace.threshold
      return 'sampled'
    }
    return undefined
  }

  flush(): void {
    for (const tally of this.tallies) {
      if (tally.executions === 0) continue
      for (const decision of ['sampled', 'not_sampled', 'dropped'] as const) {
        const count = tally.of[decision]
        if (count.traces === 0) continue
        this.telemetry.said(tally.policy, decision, count)
        count.traces = 0
        count.spans = 0
        count.bytes = 0
      }
      // The rest is counted with the next round.
      const micros = Math.trunc(tally.ms * 1_000)
      this.telemetry.ran(tally.policy, tally.executions, micros)
      tally.executions = 0
      tally.ms -= micros / 1_000
    }
  }

  private ask(i: number, trace: TraceView, sizeBytes: number): Decision | undefined {
    const tally = this.tallies[i]!
    const startMs = this.clock.nowMs()
    trace.threshold = always
    try {
      const decision = this.policies[i]!.policy.decide(trace)
      const count = tally.of[decision]
      count.traces++
      count.spans += trace.spanCount
      count.bytes += sizeBytes
      return decision
    } catch (error) {
      this.errors++
      this.logger.debug('A sampling policy failed.', { policy: tally.policy, error })
      return undefined
    } finally {
      tally.ms += this.clock.nowMs() - startMs
      tally.executions++
    }
  }
}

function newCount(): Count {
  return { traces: 0, spans: 0, bytes: 0 }
}
