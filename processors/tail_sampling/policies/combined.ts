/** Policies that are made of policies. */
import type { Clock } from '../../../pipeline/component.ts'
import { always } from '../../../pipeline/sampling/threshold.ts'
import type { TraceView } from '../trace-view.ts'
import type { Budget, Policy, Stateful } from './policy.ts'

export function and(parts: readonly Policy[]): Policy {
  const limits = parts.filter(({ budget }) => budget !== undefined)
  const decide: Policy['decide'] = (trace) => {
    let threshold: string = always
    for (const part of parts) {
      trace.threshold = always
      if (part.decide(trace) === 'not_sampled') return 'not_sampled'
      if (trace.threshold > threshold) threshold = trace.threshold
    }
    trace.threshold = threshold
    return 'sampled'
  }
  return limits.length === 0 ? { decide } : { decide, budget: budgetBehind(parts, limits) }
}

/** Only traces that all other parts keep use up the budget of a limit. */
function budgetBehind(parts: readonly Policy[], limits: readonly Policy[]): Budget {
  const filters = parts.filter(({ budget }) => budget === undefined)
  const passes = (trace: TraceView): boolean => {
    try {
      return filters.every((filter) => filter.decide(trace) === 'sampled')
    } catch {
      // The decision itself fails too, and is counted there.
      return false
    }
  }
  return {
    begin: () => {
      for (const { budget } of limits) budget!.begin()
    },
    see: (trace) => {
      if (passes(trace)) for (const { budget } of limits) budget!.see(trace)
    },
    settle: () => {
      for (const { budget } of limits) budget!.settle()
    },
  }
}

export function not(part: Policy): Policy {
  return {
    decide(trace) {
      const decision = part.decide(trace)
      trace.threshold = always
      return decision === 'sampled' ? 'not_sampled' : 'sampled'
    },
  }
}

export function drop(parts: readonly Policy[]): Policy {
  return {
    decide(trace) {
      for (const part of parts) if (part.decide(trace) === 'not_sampled') return 'not_sampled'
      return 'dropped'
    },
  }
}

export interface CompositePart {
  readonly name: string
  readonly policy: Policy
  readonly spansPerSecond: number
}

/** The first part that would keep a trace decides: it is kept if the share of that part, in this second, has room for it. */
export class Composite implements Policy, Stateful {
  private readonly clock: Clock
  private readonly parts: readonly CompositePart[]
  private readonly maxSpansPerSecond: number
  private readonly sampled: number[]
  private second = 0

  constructor(clock: Clock, maxSpansPerSecond: number, parts: readonly CompositePart[]) {
    this.clock = clock
    this.maxSpansPerSecond = maxSpansPerSecond
    this.parts = parts
    this.sampled = parts.map(() => 0)
  }

  decide(trace: TraceView) {
    const second = Math.floor(Number(this.clock.nowUnixNano()) / 1e9)
    if (second !== this.second) {
      this.second = second
      this.sampled.fill(0)
    }
    for (let i = 0; i < this.parts.length; i++) {
      const { policy, spansPerSecond, name } = this.parts[i]!
      const decision = policy.decide(trace)
      trace.threshold = always
      if (decision !== 'sampled') continue
      const spans = this.sampled[i]! + trace.spanCount
      // A smaller trace may still find room.
      if (spans > spansPerSecond || spans > this.maxSpansPerSecond) return 'not_sampled'
      this.sampled[i] = spans
      trace.compositePolicy = name
      return 'sampled'
    }
    return 'not_sampled'
  }

  save(): unknown {
    return {
      second: this.second,
      sampled: Object.fromEntries(this.parts.map(({ name }, i) => [name, this.sampled[i]])),
    }
  }

  restore(state: unknown): void {
    const { second, sampled } = state as { second: number; sampled: Readonly<Record<string, number>> }
    this.second = second
    for (const [i, { name }] of this.parts.entries()) this.sampled[i] = sampled[name] ?? 0
  }
}
