/** Holds the spans of each trace until it is decided; late spans get the decision of their trace. */
import { setImmediate } from 'node:timers/promises'
import { type Context, type Held, held as isHeld } from '../../pipeline/component.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { Arrival, type Spans } from './arrival.ts'
import { Backfill } from './backfill.ts'
import type { Config } from './config.ts'
import { Decisions } from './decisions.ts'
import type { FeatureGates } from './feature-gates.ts'
import type { Part } from './held-spans.ts'
import { newMark, noMark } from './mark.ts'
import { newTelemetry, type Telemetry } from './telemetry.ts'
import type { Trace } from './trace.ts'
import { TraceTable, traceBytes } from './trace-table.ts'

const tickMs = 1_000
/** When max_bytes is reached, so much of it becomes free at once. */
const freedShare = 0.1
/** In place of the number of a batch. */
const early = -2
const notDue = -1

export class TailSampler {
  readonly table: TraceTable
  readonly decisions: Decisions
  private readonly settings: Config
  private readonly context: Context
  private readonly gates: FeatureGates
  private readonly telemetry: Telemetry
  private readonly backfill: Backfill
  private readonly waiting = new Set<() => void>()
  private cancelTimer: (() => void) | undefined
  private running: Promise<void> = Promise.resolve()
  private makingRoom: Promise<void> | undefined
  private isClosing = false

  constructor(settings: Config, gates: FeatureGates, context: Context) {
    this.settings = settings
    this.gates = gates
    this.context = context
    this.telemetry = newTelemetry(context)
    this.table = new TraceTable(settings, context, this.telemetry)
    this.decisions = new Decisions(settings, gates, context, this.table, this.telemetry)
    this.backfill = new Backfill(this.decisions, context, this.telemetry, settings.decision_wait)
  }

  start(): void {
    this.telemetry.gauges(
      () => this.table.traces.size,
      () => this.table.heldBytes,
    )
    this.backfill.start()
    this.schedule(this.context.clock.nowMs() + tickMs)
  }

  add(batch: Traces): Traces | Held | Promise<Traces | Held> {
    return this.take(new Arrival(batch, this.decisions.atIngest))
  }

  /** Everything that still waits is decided now, unless the deadline comes first. */
  async drain(deadline: AbortSignal): Promise<void> {
    await beforeDeadline(this.stop(), deadline)
    const { context, settings } = this
    if (!settings.drop_pending_traces_on_shutdown)
      for (let left = this.table.batches.length; left > 0 && !deadline.aborted; left--) {
        const { number, traces } = this.table.batches.take()
        await beforeDeadline(this.decisions.decideAll(traces, number, deadline), deadline)
      }
    await beforeDeadline(this.decisions.outgoing.settled(), deadline)
    const spans = this.table.releaseAll()
    if (spans > 0 && settings.drop_pending_traces_on_shutdown) context.dropped(spans, 'pending_at_shutdown', 'intended')
    else if (spans > 0) context.dropped(spans, 'shutdown_deadline', 'lost')
  }

  /** No decision is made any more, and none is under way. */
  async stop(): Promise<void> {
    this.isClosing = true
    this.cancelTimer?.()
    this.cancelTimer = undefined
    await this.backfill.stop()
    this.wakeWaiting()
    // Whoever waits for them has heard of their failure.
    await this.running.catch(() => {})
    await this.makingRoom?.catch(() => {})
    await this.decisions.outgoing.settled()
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
    await this.decisions.outgoing.flush()
    await this.makeRoom()
    return this.take(arrival)
  }

  /** One that closes takes what it has begun to take. */
  private get isFull(): boolean {
    return this.table.isFull && !this.isClosing
  }

  /** False = there is no room now. */
  private place(arrival: Arrival, spans: Spans, nowMs: number): boolean {
    const { traceId } = spans
    const cached = this.decisions.sampledCache.get(traceId)
    if (cached !== undefined) {
      this.telemetry.fromCache(true, spans.count)
      arrival.addLate(spans, this.decisions.cachedMark(cached.policy, cached.threshold))
      return true
    }
    if (this.decisions.notSampledCache.get(traceId) !== undefined) {
      this.telemetry.fromCache(false, spans.count)
      arrival.notSampled += spans.count
      return true
    }
    let trace = this.table.traces.get(traceId)
    if (trace === undefined) {
      if (!this.table.hasRoom && !this.table.evict() && !this.isClosing) return false
      trace = this.table.begin(traceId, nowMs)
    }
    trace.spanCount += spans.count
    if (trace.outcome === 'undecided') this.placeUndecided(arrival, spans, trace)
    else this.placeLate(arrival, spans, trace, nowMs)
    return true
  }

  private placeUndecided(arrival: Arrival, spans: Spans, trace: Trace): void {
    const { decision_wait_after_root_received: afterRootMs, maximum_trace_size_bytes: maxSize } = this.settings
    if (afterRootMs > 0 && spans.hasRoot) this.table.batches.moveEarlier(trace, Math.trunc(afterRootMs / 1_000))
    if (maxSize > 0 || this.gates.countsBytes) trace.sizeBytes += spans.sizeBytes
    if (maxSize > 0 && trace.sizeBytes > maxSize) {
      this.telemetry.droppedTooLarge.add(1)
      this.table.batches.remove(trace)
      trace.batch = notDue
      const waiting = this.table.releaseSpans(trace)
      this.context.dropped(waiting + spans.count, 'too_large', 'intended')
      this.decisions.settle(trace, 'not_sampled', '', '')
      return
    }
    const first = spans.hold(this.table.held, arrival.batch.origin)
    if (this.decisions.atIngest) this.decisions.decideAtIngest(trace, first)
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
      for (const chunk of spans.chunks()) this.decisions.outgoing.addBytes(chunk.bytes, chunk.spans, batch.origin, mark)
    if (this.decisions.atIngest) this.decisions.counts.flush()
    return this.decisions.outgoing.flush()?.then(() => isHeld) ?? isHeld
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
    const { number, traces } = this.table.batches.take()
    const startMs = this.context.clock.nowMs()
    await this.decisions.decideAll(traces, number)
    this.telemetry.timerMs.record(Math.trunc(this.context.clock.nowMs() - startMs))
    if (this.table.held.isSparse) await this.table.compact()
    this.wakeWaiting()
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
    if (this.table.held.isSparse) await this.table.compact()
    if (this.isFull) await this.decideOldest(bytes)
  }

  /** Before their time. */
  private async decideOldest(bytes: number): Promise<void> {
    const oldest: Trace[] = []
    for (let freed = 0; freed < bytes; ) {
      const trace = this.table.batches.shiftOldest()
      if (trace === undefined) break
      trace.batch = early
      oldest.push(trace)
      freed += traceBytes
      for (let part = trace.first; part !== undefined; part = part.next) freed += part.length
    }
    this.telemetry.decidedEarly.add(oldest.length)
    await this.decisions.decideAll(oldest, early)
    if (oldest.length === 0) await setImmediate()
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
