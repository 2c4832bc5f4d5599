/** Decides traces, and sees to it that their spans go on or are counted. */
import type { Context } from '../../pipeline/component.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { always } from '../../pipeline/sampling/threshold.ts'
import { inSlices } from '../../pipeline/slices.ts'
import type { Config } from './config.ts'
import { Decider } from './decide.ts'
import { DecisionCache } from './decision-cache.ts'
import type { FeatureGates } from './feature-gates.ts'
import type { Part } from './held-spans.ts'
import { type Mark, newMark, noMark } from './mark.ts'
import { Outgoing } from './outgoing.ts'
import { compilePolicies } from './policies/compile.ts'
import type { IncidentPolicy } from './policies/incident.ts'
import type { Decision, Stateful } from './policies/policy.ts'
import { RoundCounts } from './round-counts.ts'
import type { Telemetry } from './telemetry.ts'
import type { Trace } from './trace.ts'
import type { TraceTable } from './trace-table.ts'
import { TraceView } from './trace-view.ts'

export class Decisions {
  readonly sampledCache: DecisionCache
  readonly notSampledCache: DecisionCache
  readonly stateful: ReadonlyMap<string, Stateful>
  readonly incidents: readonly IncidentPolicy[]
  readonly outgoing: Outgoing
  readonly counts: RoundCounts
  /** Each batch of spans is decided when it comes. */
  readonly atIngest: boolean
  private readonly context: Context
  private readonly gates: FeatureGates
  private readonly table: TraceTable
  private readonly telemetry: Telemetry
  private readonly decider: Decider
  private readonly view = new TraceView()
  /** The round of a limit that writes thresholds. */
  private budgeting: Promise<void> = Promise.resolve()

  constructor(settings: Config, gates: FeatureGates, context: Context, table: TraceTable, telemetry: Telemetry) {
    this.context = context
    this.gates = gates
    this.table = table
    this.telemetry = telemetry
    this.atIngest = settings.sampling_strategy === 'span-ingest'
    const { all, stateful, incidents } = compilePolicies(settings.policies, context, gates.usesTraceState)
    this.stateful = stateful
    this.incidents = incidents
    this.decider = new Decider(
      all,
      {
        isFirstMatch: settings.sample_on_first_match,
        countsSpans: gates.countsSpans,
        countsBytes: gates.countsBytes,
      },
      context,
    )
    this.sampledCache = new DecisionCache(settings.decision_cache.sampled_cache_size)
    this.notSampledCache = new DecisionCache(settings.decision_cache.non_sampled_cache_size)
    this.counts = new RoundCounts(context, telemetry, this.decider)
    this.outgoing = new Outgoing(
      context,
      (part) => table.held.release(part),
      (spans) => telemetry.unparseable.add(spans),
    )
  }

  /** Those of the batch `number` that nobody has decided meanwhile. */
  decideAll(traces: readonly Trace[], number: number, deadline?: AbortSignal): Promise<void> {
    const { decider } = this
    if (this.atIngest) return this.decideEach(traces, number, (trace) => this.giveUp(trace), deadline)
    if (decider.budgets.length === 0) {
      const run = (trace: Trace) => this.conclude(trace, decider.decide(this.viewOf(trace), trace.sizeBytes))
      return this.decideEach(traces, number, run, deadline)
    }
    // What is decided early may come while the tick is at work, and two at once would set each other's thresholds.
    const decided = this.budgeting.then(() => this.decideWithBudgets(traces, number, deadline))
    this.budgeting = decided.catch(() => {})
    return decided
  }

  /** The linked parts are what just came of the trace; once it is decided, they are part of what goes on. */
  decideAtIngest(trace: Trace, first: Part): void {
    const { clock } = this.context
    const startMs = clock.nowMs()
    trace.decidedMs = startMs
    const view = this.view.begin(trace.id, trace.spanCount)
    for (let part: Part | undefined = first; part !== undefined; part = part.next)
      view.add(part.bytes, part.start, part.end)
    const decision = this.decider.decideEarly(view, trace.sizeBytes)
    this.telemetry.timerMs.record(Math.trunc(clock.nowMs() - startMs))
    if (decision === undefined) return
    for (let part: Part | undefined = first, next: Part | undefined; part !== undefined; part = next) {
      next = part.next
      part.next = undefined
      trace.add(part)
    }
    this.conclude(trace, decision)
  }

  /** Without a policy where the trace was not sampled, without a threshold where none is to be written. */
  settle(trace: Trace, outcome: Decision, policy: string, threshold: string): void {
    trace.outcome = outcome
    trace.policy = policy
    trace.threshold = threshold
    const cache = outcome === 'sampled' ? this.sampledCache : this.notSampledCache
    this.table.settled(trace, cache.put(trace.id, { policy, threshold }))
  }

  cachedMark(policy: string, threshold: string): Mark {
    const { recordsPolicy, usesTraceState } = this.gates
    if (!recordsPolicy && !usesTraceState) return noMark
    return newMark({
      policy: recordsPolicy ? policy : '',
      isCached: recordsPolicy,
      threshold: usesTraceState ? threshold : undefined,
    })
  }

  /** Sends a trace on that no longer waits, or never did here; unless it was sent before, or will be, or a policy drops it. True = it is sent. */
  recover(traceId: string, spans: Traces, policy: string): boolean {
    const trace = this.table.traces.get(traceId)
    if (trace !== undefined && trace.outcome !== 'not_sampled') return false
    if (trace === undefined && this.sampledCache.get(traceId) !== undefined) return false
    const view = this.view.begin(traceId, spans.count)
    for (const chunk of spans.chunks) view.add(chunk, 0, chunk.length)
    if (this.decider.isDropped(view, view.sizeBytes)) return false
    const mark = newMark({
      policy: this.gates.recordsPolicy ? policy : '',
      threshold: this.gates.usesTraceState ? always : undefined,
    })
    const parts = spans.chunks.length === 1 ? spans.chunks[0]! : Buffer.concat(spans.chunks)
    this.outgoing.addBytes(parts, spans.count, spans.origin, mark)
    // Late spans follow it.
    if (trace !== undefined) trace.outcome = 'sampled'
    this.sampledCache.put(traceId, { policy, threshold: always })
    return true
  }

  /** Before a limit that writes thresholds decides one trace it sees all that are due and are not dropped. */
  private async decideWithBudgets(traces: readonly Trace[], number: number, deadline?: AbortSignal): Promise<void> {
    const { decider } = this
    const kept: Trace[] = []
    for (const budget of decider.budgets) budget.begin()
    await this.decideEach(traces, number, (trace) => {
      const view = this.viewOf(trace)
      if (decider.isDropped(view, trace.sizeBytes)) {
        this.conclude(trace, 'dropped')
        return
      }
      for (const budget of decider.budgets) budget.see(view)
      kept.push(trace)
    })
    for (const budget of decider.budgets) budget.settle()
    const run = (trace: Trace) => this.conclude(trace, decider.decideKept(this.viewOf(trace), trace.sizeBytes))
    await this.decideEach(kept, number, run, deadline)
  }

  private decideEach(
    traces: readonly Trace[],
    number: number,
    run: (trace: Trace) => void,
    deadline?: AbortSignal,
  ): Promise<void> {
    const after = () => {
      this.counts.flush()
      return this.outgoing.flush()
    }
    const runIfDue = (trace: Trace) => {
      if (trace.batch === number && trace.outcome === 'undecided' && !trace.isGone) run(trace)
    }
    return inSlices(traces, runIfDue, { clock: this.context.clock, after, deadline })
  }

  /** No batch of its spans was sampled when it came. */
  private giveUp(trace: Trace): void {
    this.conclude(trace, 'not_sampled')
    this.table.remove(trace)
  }

  private viewOf(trace: Trace): TraceView {
    const view = this.view.begin(trace.id, trace.spanCount)
    for (let part = trace.first; part !== undefined; part = part.next) view.add(part.bytes, part.start, part.end)
    return view
  }

  /** Of the trace that `view` and the decider looked at last. */
  private conclude(trace: Trace, decision: Decision): void {
    const { policy, threshold } = this.decider
    this.counts.add(decision)
    trace.decidedMs = this.context.clock.nowMs()
    if (decision === 'sampled') {
      const { recordsPolicy, usesTraceState } = this.gates
      const mark =
        recordsPolicy || usesTraceState
          ? newMark({
              policy: recordsPolicy ? policy : '',
              compositePolicy: recordsPolicy ? this.view.compositePolicy : '',
              threshold: usesTraceState ? threshold : undefined,
            })
          : noMark
      this.outgoing.addParts(trace.first, mark)
      trace.first = undefined
      trace.last = undefined
    } else this.counts.addDropped(decision, this.table.releaseSpans(trace))
    this.settle(trace, decision, decision === 'not_sampled' ? '' : policy, decision === 'sampled' ? threshold : '')
  }
}
