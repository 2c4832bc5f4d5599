/** Holds the spans of each trace until it is decided; late spans get the decision of their trace. */
import { setImmediate } from 'node:timers/promises'
import { type Context, type Held, held as isHeld } from '../../pipeline/component.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { Arrival, type Spans } from './arrival.ts'
import type { Config } from './config.ts'
import { Decider } from './decide.ts'
import { DecisionBatches } from './decision-batches.ts'
import { DecisionCache } from './decision-cache.ts'
import type { FeatureGates } from './feature-gates.ts'
import { HeldSpans, type Part } from './held-spans.ts'
import { type Mark, newMark, noMark } from './mark.ts'
import { Outgoing } from './outgoing.ts'
import { compilePolicies } from './policies/compile.ts'
import type { Decision, Stateful } from './policies/policy.ts'
import { RoundCounts } from './round-counts.ts'
import { inSlices } from './slices.ts'
import { newTelemetry, type Telemetry } from './telemetry.ts'
import { Trace } from './trace.ts'
import { TraceView } from './trace-view.ts'

/** About what an undecided trace takes in memory beside its spans. */
const traceBytes = 600
const tickMs = 1_000
/** When max_bytes is reached, so much of it becomes free at once. */
const freedShare = 0.1
/** In place of the number of a batch. */
const early = -2
const notDue = -1

export class TailSampler {
  readonly traces = new Map<string, Trace>()
  readonly batches: DecisionBatches
  readonly sampledCache: DecisionCache
  readonly notSampledCache: DecisionCache
  readonly stateful: ReadonlyMap<string, Stateful>
  readonly held: HeldSpans
  undecided = 0
  private readonly settings: Config
  private readonly context: Context
  private readonly gates: FeatureGates
  private readonly decider: Decider
  private readonly outgoing: Outgoing
  private readonly telemetry: Telemetry
  private readonly view = new TraceView()
  private readonly atIngest: boolean
  /** Decided traces that could make room, where undecided ones must not. */
  private readonly decided = new Set<Trace>()
  private readonly waiting = new Set<() => void>()
  private cancelTimer: (() => void) | undefined
  private running: Promise<void> = Promise.resolve()
  private compacting: Promise<void> | undefined
  private makingRoom: Promise<void> | undefined
  private isClosing = false
  private readonly counts: RoundCounts

  constructor(settings: Config, gates: FeatureGates, context: Context) {
    this.settings = settings
    this.gates = gates
    this.context = context
    this.atIngest = settings.sampling_strategy === 'span-ingest'
    const { all, stateful } = compilePolicies(settings.policies, context, gates.usesTraceState)
    this.stateful = stateful
    this.decider = new Decider(
      all,
      {
        isFirstMatch: settings.sample_on_first_match,
        countsSpans: gates.countsSpans,
        countsBytes: gates.countsBytes,
      },
      context,
    )
    this.held = new HeldSpans(settings.max_bytes)
    this.batches = new DecisionBatches(settings.decision_wait)
    this.sampledCache = new DecisionCache(settings.decision_cache.sampled_cache_size)
    this.notSampledCache = new DecisionCache(settings.decision_cache.non_sampled_cache_size)
    this.telemetry = newTelemetry(context)
    this.counts = new RoundCounts(context, this.telemetry, this.decider)
    this.outgoing = new Outgoing(
      context,
      (part) => this.held.release(part),
      (spans) => this.telemetry.unparseable.add(spans),
    )
  }

  get heldBytes(): number {
    return this.held.allocatedBytes + this.undecided * traceBytes
  }

  start(): void {
    this.telemetry.gauges(
      () => this.traces.size,
      () => this.heldBytes,
    )
    this.schedule(this.context.clock.nowMs() + tickMs)
  }

  add(batch: Traces): Traces | Held | Promise<Traces | Held> {
    return this.take(new Arrival(batch, this.atIngest))
  }

  /** Everything that still waits is decided now, unless the deadline comes first. */
  async drain(deadline: AbortSignal): Promise<void> {
    const late = aborted(deadline)
    await Promise.race([this.stop(), late])
    const { context, settings } = this
    if (!settings.drop_pending_traces_on_shutdown)
      for (let left = this.batches.length; left > 0 && !deadline.aborted; left--) {
        const { number, traces } = this.batches.take()
        await Promise.race([this.decideAll(traces, number, deadline), late])
      }
    await Promise.race([this.outgoing.settled(), late])
    let spans = 0
    for (const trace of this.traces.values()) spans += this.releaseSpans(trace)
    if (spans > 0 && settings.drop_pending_traces_on_shutdown) context.dropped(spans, 'pending_at_shutdown', 'intended')
    else if (spans > 0) context.dropped(spans, 'shutdown_deadline', 'lost')
    this.forgetAll()
  }

  /** No decision is made any more, and none is under way. */
  async stop(): Promise<void> {
    this.isClosing = true
    this.cancelTimer?.()
    this.cancelTimer = undefined
    this.wakeWaiting()
    await this.running
    await this.makingRoom
    await this.outgoing.settled()
  }

  forgetAll(): void {
    this.traces.clear()
    this.decided.clear()
    this.undecided = 0
  }

  /** Takes a trace of a former instance over; its parts are linked. */
  adopt(trace: Trace, first: Part | undefined): void {
    while (this.traces.size >= Math.max(1, this.settings.num_traces)) this.evictOldest()
    this.traces.set(trace.id, trace)
    if (trace.outcome === 'undecided') {
      this.undecided++
      this.batches.add(trace)
      for (let part = first; part !== undefined; part = part.next) trace.add(part)
    } else if (this.settings.block_on_overflow) this.decided.add(trace)
  }

  private take(arrival: Arrival): Traces | Held | Promise<Traces | Held> {
    const nowMs = this.context.clock.nowMs()
    while (arrival.next < arrival.traces.length) {
      if (this.isFull) return this.takeLater(arrival)
      if (!this.place(arrival, arrival.traces[arrival.next]!, nowMs)) return this.takeLater(arrival)
      arrival.next++
    }
    return this.finish(arrival)
  }

  private async takeLater(arrival: Arrival): Promise<Traces | Held> {
    // What was sampled at ingest must not wait for it.
    await this.outgoing.flush()
    await this.makeRoom()
    return this.take(arrival)
  }

  private get isFull(): boolean {
    const { max_bytes } = this.settings
    return max_bytes > 0 && this.undecided > 0 && this.heldBytes > max_bytes && !this.isClosing
  }

  /** False = there is no room now. */
  private place(arrival: Arrival, spans: Spans, nowMs: number): boolean {
    const { traceId } = spans
    const cached = this.sampledCache.get(traceId)
    if (cached !== undefined) {
      this.telemetry.fromCache(true, spans.count)
      arrival.addLate(spans, this.cachedMark(cached.policy, cached.threshold))
      return true
    }
    if (this.notSampledCache.get(traceId) !== undefined) {
      this.telemetry.fromCache(false, spans.count)
      arrival.notSampled += spans.count
      return true
    }
    let trace = this.traces.get(traceId)
    if (trace === undefined) {
      if (this.traces.size >= this.settings.num_traces && !this.evict()) return false
      trace = new Trace(traceId, nowMs, this.batches.current)
      this.traces.set(traceId, trace)
      this.batches.add(trace)
      this.undecided++
      this.telemetry.newTraces.add(1)
    }
    trace.spanCount += spans.count
    if (trace.outcome === 'undecided') this.placeUndecided(arrival, spans, trace)
    else this.placeLate(arrival, spans, trace, nowMs)
    return true
  }

  private placeUndecided(arrival: Arrival, spans: Spans, trace: Trace): void {
    const { decision_wait_after_root_received: afterRootMs, maximum_trace_size_bytes: maxSize } = this.settings
    if (afterRootMs > 0 && spans.hasRoot) this.batches.moveEarlier(trace, Math.trunc(afterRootMs / 1_000))
    if (maxSize > 0 || this.gates.countsBytes) trace.sizeBytes += spans.sizeBytes
    if (maxSize > 0 && trace.sizeBytes > maxSize) {
      this.telemetry.droppedTooLarge.add(1)
      this.batches.remove(trace)
      trace.batch = notDue
      const waiting = this.releaseSpans(trace)
      this.context.dropped(waiting + spans.count, 'too_large', 'intended')
      this.settle(trace, 'not_sampled', '', '')
      return
    }
    const first = spans.hold(this.held, arrival.batch.origin)
    if (this.atIngest) this.decideAtIngest(trace, first)
    for (let part: Part | undefined = first, next: Part | undefined; part !== undefined; part = next) {
      next = part.next
      part.next = undefined
      if (trace.outcome === 'undecided') trace.add(part)
    }
  }

  private placeLate(arrival: Arrival, spans: Spans, trace: Trace, nowMs: number): void {
    if (trace.outcome === 'sampled')
      arrival.addLate(spans, this.gates.usesTraceState ? newMark({ threshold: trace.threshold }) : noMark)
    else if (trace.outcome === 'dropped') arrival.dropped += spans.count
    else arrival.notSampled += spans.count
    if (trace.decidedMs >= 0) this.telemetry.lateSpanAge.record(seconds(nowMs - trace.decidedMs))
  }

  private finish(arrival: Arrival): Traces | Held | Promise<Traces | Held> {
    const { batch, late, notSampled, dropped } = arrival
    if (notSampled > 0) this.context.dropped(notSampled, 'not_sampled', 'intended')
    if (dropped > 0) this.context.dropped(dropped, 'dropped_by_policy', 'intended')
    // Nothing of it is held, so that whoever sent it can hear what follows say no.
    if (arrival.lateSpans === batch.count && late.every(({ mark }) => mark.key === '')) return batch
    for (const { spans, mark } of late)
      for (const chunk of spans.chunks()) this.outgoing.addBytes(chunk.bytes, chunk.spans, batch.origin, mark)
    if (this.atIngest) this.counts.flush()
    return this.outgoing.flush()?.then(() => isHeld) ?? isHeld
  }

  private schedule(dueMs: number): void {
    const { clock } = this.context
    this.cancelTimer = clock.after(Math.max(0, dueMs - clock.nowMs()), async () => {
      this.running = this.tick()
      try {
        await this.running
      } finally {
        // A tick that would be overdue is left out.
        if (!this.isClosing) this.schedule(Math.max(dueMs + tickMs, clock.nowMs()))
      }
    })
  }

  private async tick(): Promise<void> {
    const { number, traces } = this.batches.take()
    const startMs = this.context.clock.nowMs()
    await this.decideAll(traces, number)
    this.telemetry.timerMs.record(Math.trunc(this.context.clock.nowMs() - startMs))
    if (this.held.isSparse) await this.compact()
    this.wakeWaiting()
  }

  private async decideAll(traces: readonly Trace[], number: number, deadline?: AbortSignal): Promise<void> {
    const { decider } = this
    const hasBudgets = decider.budgets.length > 0 && !this.atIngest
    const due = hasBudgets ? await this.applyBudgets(traces, number) : traces
    const run = (trace: Trace): void => {
      if (trace.batch !== number || trace.outcome !== 'undecided' || trace.isGone) return
      if (this.atIngest) this.giveUp(trace)
      else if (hasBudgets) this.conclude(trace, decider.decideKept(this.viewOf(trace), trace.sizeBytes))
      else this.conclude(trace, decider.decide(this.viewOf(trace), trace.sizeBytes))
    }
    await this.inSlices(due, run, deadline)
  }

  /** Before a limit that writes thresholds decides one trace it sees all that are due and are not dropped. */
  private async applyBudgets(traces: readonly Trace[], number: number): Promise<readonly Trace[]> {
    const { decider } = this
    const kept: Trace[] = []
    for (const budget of decider.budgets) budget.begin()
    await this.inSlices(traces, (trace) => {
      if (trace.batch !== number || trace.outcome !== 'undecided' || trace.isGone) return
      const view = this.viewOf(trace)
      if (decider.isDropped(view, trace.sizeBytes)) {
        this.conclude(trace, 'dropped')
        return
      }
      for (const budget of decider.budgets) budget.see(view)
      kept.push(trace)
    })
    for (const budget of decider.budgets) budget.settle()
    return kept
  }

  private inSlices(traces: readonly Trace[], run: (trace: Trace) => void, deadline?: AbortSignal): Promise<void> {
    const after = () => {
      this.counts.flush()
      return this.outgoing.flush()
    }
    return inSlices(traces, run, { clock: this.context.clock, after, deadline })
  }

  /** No batch of its spans was sampled when it came. */
  private giveUp(trace: Trace): void {
    this.conclude(trace, 'not_sampled')
    this.remove(trace)
  }

  private decideAtIngest(trace: Trace, first: Part): void {
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
    } else this.counts.addDropped(decision, this.releaseSpans(trace))
    this.settle(trace, decision, decision === 'not_sampled' ? '' : policy, decision === 'sampled' ? threshold : '')
  }

  private settle(trace: Trace, outcome: Decision, policy: string, threshold: string): void {
    trace.outcome = outcome
    trace.policy = policy
    trace.threshold = threshold
    this.undecided--
    const cache = outcome === 'sampled' ? this.sampledCache : this.notSampledCache
    if (cache.put(trace.id, { policy, threshold })) this.remove(trace)
    else if (this.settings.block_on_overflow) this.decided.add(trace)
  }

  private cachedMark(policy: string, threshold: string): Mark {
    const { recordsPolicy, usesTraceState } = this.gates
    if (!recordsPolicy && !usesTraceState) return noMark
    return newMark({
      policy: recordsPolicy ? policy : '',
      isCached: recordsPolicy,
      threshold: usesTraceState ? threshold : undefined,
    })
  }

  /** Makes room for one trace, where that is possible without waiting. */
  private evict(): boolean {
    if (!this.settings.block_on_overflow) {
      this.evictOldest()
      return true
    }
    const [oldest] = this.decided
    if (oldest !== undefined) this.remove(oldest)
    return oldest !== undefined || this.traces.size === 0 || this.isClosing
  }

  /** As upstream: what it had held is lost. */
  private evictOldest(): void {
    const [oldest] = this.traces.values()
    if (oldest === undefined) return
    if (oldest.outcome === 'undecided') {
      this.undecided--
      this.context.dropped(this.releaseSpans(oldest), 'evicted', 'lost')
      this.telemetry.droppedTooEarly.add(1)
      this.remove(oldest)
      this.batches.remove(oldest)
    } else this.remove(oldest)
  }

  private remove(trace: Trace): void {
    if (!this.traces.delete(trace.id)) return
    trace.isGone = true
    this.decided.delete(trace)
    this.telemetry.removalAge.record(seconds(this.context.clock.nowMs() - trace.arrivedMs))
  }

  private releaseSpans(trace: Trace): number {
    let spans = 0
    for (let part = trace.first; part !== undefined; part = part.next) {
      this.held.release(part)
      spans += part.spans
    }
    trace.first = undefined
    trace.last = undefined
    return spans
  }

  private async makeRoom(): Promise<void> {
    const { max_bytes, block_on_overflow } = this.settings
    if (this.isClosing) return
    if (block_on_overflow) {
      await new Promise<void>((resolve) => void this.waiting.add(resolve))
      return
    }
    this.makingRoom ??= this.freeMemory(max_bytes * freedShare).finally(() => (this.makingRoom = undefined))
    // Whoever sends faster than what follows takes it, waits here.
    await this.makingRoom
  }

  private async freeMemory(bytes: number): Promise<void> {
    if (this.held.isSparse) await this.compact()
    if (this.isFull) await this.decideOldest(bytes)
  }

  /** Before their time. */
  private async decideOldest(bytes: number): Promise<void> {
    const oldest: Trace[] = []
    for (let freed = 0; freed < bytes; ) {
      const trace = this.batches.shiftOldest()
      if (trace === undefined) break
      trace.batch = early
      oldest.push(trace)
      freed += traceBytes
      for (let part = trace.first; part !== undefined; part = part.next) freed += part.length
    }
    this.telemetry.decidedEarly.add(oldest.length)
    await this.decideAll(oldest, early)
    if (oldest.length === 0) await setImmediate()
  }

  /** Moves spans out of slabs that are mostly dead. One at a time. */
  private compact(): Promise<void> {
    this.compacting ??= inSlices(
      this.traces.values(),
      (trace) => {
        for (let part = trace.first; part !== undefined; part = part.next) this.held.move(part)
      },
      { clock: this.context.clock },
    ).finally(() => (this.compacting = undefined))
    return this.compacting
  }

  private wakeWaiting(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const resolve of waiting) resolve()
  }
}

function seconds(ms: number): number {
  return Math.trunc(ms / 1_000)
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
