/** The traces in memory with their spans, and how room is made for more. */
import type { Context } from '../../pipeline/component.ts'
import { inSlices } from '../../pipeline/slices.ts'
import type { Config } from './config.ts'
import { DecisionBatches } from './decision-batches.ts'
import { HeldSpans, type Part } from './held-spans.ts'
import type { Telemetry } from './telemetry.ts'
import { Trace } from './trace.ts'

/** About what an undecided trace takes in memory beside its spans. */
export const traceBytes = 600

export class TraceTable {
  readonly traces = new Map<string, Trace>()
  readonly batches: DecisionBatches
  readonly held: HeldSpans
  private readonly settings: Config
  private readonly context: Context
  private readonly telemetry: Telemetry
  private undecided = 0
  /** Decided traces that could make room, where undecided ones must not. */
  private readonly decided = new Set<Trace>()
  private compacting: Promise<void> | undefined

  constructor(settings: Config, context: Context, telemetry: Telemetry) {
    this.settings = settings
    this.context = context
    this.telemetry = telemetry
    this.batches = new DecisionBatches(settings.decision_wait)
    this.held = new HeldSpans(settings.max_bytes)
  }

  get heldBytes(): number {
    return this.held.allocatedBytes + this.undecided * traceBytes
  }

  /** Of bytes. */
  get isFull(): boolean {
    const { max_bytes } = this.settings
    return max_bytes > 0 && this.undecided > 0 && this.heldBytes > max_bytes
  }

  get hasRoom(): boolean {
    return this.traces.size < this.settings.num_traces
  }

  /** A new trace. */
  begin(traceId: string, nowMs: number): Trace {
    const trace = new Trace(traceId, nowMs, this.batches.current)
    this.traces.set(traceId, trace)
    this.batches.add(trace)
    this.undecided++
    this.telemetry.newTraces.add(1)
    return trace
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

  /** The trace was decided. `isElsewhere`: the decision is in a cache, and the trace need not stay for it. */
  settled(trace: Trace, isElsewhere: boolean): void {
    this.undecided--
    if (isElsewhere) this.remove(trace)
    else if (this.settings.block_on_overflow) this.decided.add(trace)
  }

  /** Makes room for one trace, where that is possible without waiting. */
  evict(): boolean {
    if (!this.settings.block_on_overflow) {
      this.evictOldest()
      return true
    }
    const [oldest] = this.decided
    if (oldest !== undefined) this.remove(oldest)
    return oldest !== undefined || this.traces.size === 0
  }

  remove(trace: Trace): void {
    if (!this.traces.delete(trace.id)) return
    trace.isGone = true
    this.decided.delete(trace)
    this.telemetry.removalAge.record(Math.trunc((this.context.clock.nowMs() - trace.arrivedMs) / 1_000))
  }

  /** The answer is how many there were. */
  releaseSpans(trace: Trace): number {
    let spans = 0
    for (let part = trace.first; part !== undefined; part = part.next) {
      this.held.release(part)
      spans += part.spans
    }
    trace.first = undefined
    trace.last = undefined
    return spans
  }

  /** Of all traces. */
  releaseAll(): number {
    let spans = 0
    for (const trace of this.traces.values()) spans += this.releaseSpans(trace)
    this.forgetAll()
    return spans
  }

  forgetAll(): void {
    this.traces.clear()
    this.decided.clear()
    this.undecided = 0
  }

  /** Moves spans out of slabs that are mostly dead. One at a time. */
  compact(): Promise<void> {
    this.compacting ??= inSlices(
      this.traces.values(),
      (trace) => {
        for (let part = trace.first; part !== undefined; part = part.next) this.held.move(part)
      },
      { clock: this.context.clock },
    ).finally(() => (this.compacting = undefined))
    return this.compacting
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
}
