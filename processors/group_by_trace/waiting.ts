/** Traces that wait for their spans, in the order in which they came: all wait equally long, so the first is due first. */
import { deserialize, serialize } from 'node:v8'
import type { Context } from '../../pipeline/component.ts'
import { concat } from '../../pipeline/data/batch.ts'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Traces } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import type { Config } from './config.ts'

interface Trace {
  readonly parts: Traces[]
  readonly dueMs: number
  bytes: number
}

interface Saved {
  readonly version: 1
  readonly traces: readonly {
    readonly traceId: string
    readonly waitMs: number
    readonly parts: readonly SavedBatch<'traces'>[]
  }[]
}

/** About what a trace takes in memory beside its spans. */
const traceBytes = 512

export class WaitingTraces {
  private readonly settings: Config
  private readonly context: Context
  private readonly traces = new Map<string, Trace>()
  private bytes = 0
  private cancelTimer: (() => void) | undefined
  private readonly sending = new Set<Promise<void>>()
  private readonly counters: Readonly<Record<'spans_released' | 'traces_released' | 'traces_evicted', Counter>>

  constructor(settings: Config, context: Context) {
    this.settings = settings
    this.context = context
    const counter = (name: string, help: string) =>
      context.meter.counter(`otelcol_processor_groupbytrace_${name}`, help)
    this.counters = {
      spans_released: counter('spans_released', 'Spans released to the next consumer'),
      traces_released: counter('traces_released', 'Traces released to the next consumer'),
      traces_evicted: counter('traces_evicted', 'Traces evicted from the internal buffer'),
    }
  }

  get size(): number {
    return this.traces.size
  }

  add(batch: Traces): void {
    for (const { traceId, spans } of batch.groupByTrace()) {
      // A few spans of a large batch must not pin all of it.
      const part = spans.compact()
      const known = this.traces.get(traceId)
      const bytes = part.retainedBytes + (known === undefined ? traceBytes : 0)
      if (known !== undefined) {
        known.parts.push(part)
        known.bytes += bytes
      } else {
        if (this.traces.size >= this.settings.num_traces) this.evictOldest()
        this.traces.set(traceId, {
          parts: [part],
          dueMs: this.context.clock.nowMs() + this.settings.wait_duration,
          bytes,
        })
      }
      this.bytes += bytes
      this.makeRoom()
    }
    this.arm()
  }

  /** Sends everything on, and waits for it until the deadline. */
  async drain(deadline: AbortSignal): Promise<void> {
    while (this.traces.size > 0) this.releaseOldest()
    this.cancelTimer?.()
    this.cancelTimer = undefined
    await beforeDeadline(Promise.all(this.sending), deadline)
  }

  /** Hands the traces on, each with how long it still has to wait. */
  async save(): Promise<Uint8Array> {
    this.cancelTimer?.()
    this.cancelTimer = undefined
    const now = this.context.clock.nowMs()
    const traces = [...this.traces].map(([traceId, { parts, dueMs }]) => ({
      traceId,
      waitMs: dueMs - now,
      parts: parts.map((part) => saved(part)),
    }))
    this.traces.clear()
    this.bytes = 0
    await Promise.all(this.sending)
    return serialize({ version: 1, traces } satisfies Saved)
  }

  restore(state: Uint8Array): void {
    const { traces } = deserialize(state) as Saved
    const now = this.context.clock.nowMs()
    for (const { traceId, waitMs, parts } of traces) {
      const batches = parts.map((part) => batchOf(part))
      // Under a shorter wait_duration nobody waits longer than a trace that comes now.
      const dueMs = now + Math.min(waitMs, this.settings.wait_duration)
      const bytes = batches.reduce((sum, { retainedBytes }) => sum + retainedBytes, traceBytes)
      this.traces.set(traceId, { parts: batches, dueMs, bytes })
      this.bytes += bytes
    }
    this.makeRoom()
    this.arm()
  }

  private arm(): void {
    const [first] = this.traces.values()
    if (first === undefined || this.cancelTimer !== undefined) return
    const { clock } = this.context
    this.cancelTimer = clock.after(Math.max(0, first.dueMs - clock.nowMs()), () => {
      this.cancelTimer = undefined
      const now = clock.nowMs()
      for (const trace of this.traces.values()) {
        if (trace.dueMs > now) break
        this.releaseOldest()
      }
      this.arm()
    })
  }

  private makeRoom(): void {
    while (this.traces.size > this.settings.num_traces) this.evictOldest()
    while (this.bytes > this.settings.max_bytes && this.traces.size > 0) this.releaseOldest()
  }

  private takeOldest(): Trace {
    const [traceId, trace] = this.traces.entries().next().value!
    this.traces.delete(traceId)
    this.bytes -= trace.bytes
    return trace
  }

  /** As upstream, which counts it and loses the spans. */
  private evictOldest(): void {
    const { parts } = this.takeOldest()
    this.counters.traces_evicted.add(1)
    this.context.dropped(countOf(parts), 'evicted', 'lost')
  }

  private releaseOldest(): void {
    const { parts } = this.takeOldest()
    if (this.settings.discard_orphans && !parts.some(hasRoot)) {
      this.context.dropped(countOf(parts), 'orphan', 'intended')
      return
    }
    this.counters.traces_released.add(1)
    this.counters.spans_released.add(countOf(parts))
    for (const batch of this.joined(parts)) {
      const sent = this.send(batch).finally(() => this.sending.delete(sent))
      this.sending.add(sent)
    }
  }

  /** One batch, unless its senders differ in what somebody further on reads of them. */
  private joined(parts: readonly Traces[]): readonly Traces[] {
    const byOrigin = Map.groupBy(parts, ({ origin }) => this.context.originKey(origin))
    return [...byOrigin.values()].map((same) => concat('traces', same))
  }

  /** The sender was answered long ago: what is refused now is lost, as upstream has it. */
  private async send(batch: Traces): Promise<void> {
    try {
      await this.context.emit.traces(batch)
    } catch (error) {
      this.context.dropped(batch.count, 'refused_downstream', 'lost')
      this.context.logger.error('The next component refused a trace; its spans are lost.', {
        error,
        spans: batch.count,
      })
    }
  }
}

function hasRoot(part: Traces): boolean {
  for (const { parentSpanId } of part) if (parentSpanId === '' || parentSpanId === '0000000000000000') return true
  return false
}

function countOf(parts: readonly Traces[]): number {
  return parts.reduce((sum, { count }) => sum + count, 0)
}
