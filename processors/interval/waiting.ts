/** What waits for the end of the interval: a window for all senders that the rest of the pipeline does not tell apart. */
import { deserialize, serialize } from 'node:v8'
import type { Context } from '../../pipeline/component.ts'
import { fromChunks } from '../../pipeline/data/batch.ts'
import { batchOf, type SavedBatch, saved } from '../../pipeline/data/saved.ts'
import type { Metric, Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import type { Counter } from '../../pipeline/telemetry/meter.ts'
import type { Config } from './config.ts'
import { Window } from './window.ts'

interface Waiting {
  readonly origin: Origin
  readonly window: Window
}

export class WaitingPoints {
  private readonly settings: Config
  private readonly context: Context
  private windows = new Map<string, Waiting>()
  private streams = 0
  private readonly sending = new Set<Promise<void>>()
  private readonly overflow: Counter
  private toldOfOverflow = false

  constructor(settings: Config, context: Context) {
    this.settings = settings
    this.context = context
    this.overflow = context.meter.counter(
      'otelcol_processor_interval_overflow_datapoints',
      'Number of datapoints that went on at once because max_streams waited.',
    )
  }

  get size(): number {
    return this.streams
  }

  /** What does not wait. */
  take(batch: Metrics): Metrics {
    return this.add(batch, (metric) => waits(metric, this.settings), this.settings.max_streams)
  }

  /** Sends on what waits. */
  release(): void {
    const { windows } = this
    this.windows = new Map()
    this.streams = 0
    for (const waiting of windows.values()) {
      const batch = batchFrom(waiting)
      if (batch === undefined) continue
      const sent = this.send(batch).finally(() => this.sending.delete(sent))
      this.sending.add(sent)
    }
  }

  async drain(deadline: AbortSignal): Promise<void> {
    this.release()
    await beforeDeadline(Promise.all(this.sending), deadline)
  }

  /** Hands everything over. */
  save(): Uint8Array {
    const batches: SavedBatch<'metrics'>[] = []
    for (const waiting of this.windows.values()) {
      const batch = batchFrom(waiting)
      if (batch !== undefined) batches.push(saved(batch))
    }
    this.windows = new Map()
    this.streams = 0
    return serialize({ version: 1, batches })
  }

  /** Everything goes on at the end of the first interval, whatever the settings say now. */
  restore(state: Uint8Array): void {
    const { version, batches } = deserialize(state) as { version: number; batches: readonly SavedBatch<'metrics'>[] }
    if (version !== 1) throw new Error(`state of version ${String(version)}, which this build does not know`)
    for (const batch of batches) this.add(batchOf(batch), () => true, Number.POSITIVE_INFINITY)
  }

  private add(batch: Metrics, isToWait: (metric: Metric) => boolean, limit: number): Metrics {
    let lastMetric: Metric | undefined
    let isWaiting = false
    let waiting: Waiting | undefined
    let gone = 0
    let overflowed = 0
    const rest = batch.filter((point) => {
      const { metric } = point
      if (metric !== lastMetric) {
        lastMetric = metric
        isWaiting = isToWait(metric)
      }
      if (!isWaiting) return true
      const mayGrow = this.streams < limit
      waiting ??= this.windowFor(batch.origin, mayGrow)
      const taken = waiting?.window.take(point, mayGrow) ?? 'full'
      if (taken === 'full') overflowed++
      else if (taken === 'new') this.streams++
      else gone++
      return taken === 'full'
    })
    waiting?.window.forgetViews()
    // Of a stream only the last point counts: that is what this processor is for.
    if (gone > 0) this.context.dropped(gone, 'superseded', 'intended')
    if (overflowed > 0) this.tellOfOverflow(overflowed)
    return rest
  }

  private windowFor(origin: Origin, mayGrow: boolean): Waiting | undefined {
    const key = this.context.originKey(origin)
    let waiting = this.windows.get(key)
    if (waiting === undefined && mayGrow) {
      waiting = { origin, window: new Window() }
      this.windows.set(key, waiting)
    }
    return waiting
  }

  private tellOfOverflow(points: number): void {
    this.overflow.add(points)
    if (this.toldOfOverflow) return
    this.toldOfOverflow = true
    this.context.logger.warn('max_streams wait already; the points of further streams go on at once.', {
      max_streams: this.settings.max_streams,
    })
  }

  /** The sender was answered long ago: what is refused now is lost, as upstream has it. */
  private async send(batch: Metrics): Promise<void> {
    try {
      await this.context.emit.metrics(batch)
    } catch (error) {
      this.context.dropped(batch.count, 'refused_downstream', 'lost')
      this.context.logger.error('The next component refused the points of an interval; they are lost.', {
        error,
        points: batch.count,
      })
    }
  }
}

/** Where the last point says all: of a delta or of a sum that goes up and down it does not. */
function waits({ type, temporality, monotonic }: Metric, { pass_through }: Config): boolean {
  switch (type) {
    case 'gauge':
      return !pass_through.gauge
    case 'summary':
      return !pass_through.summary
    case 'sum':
      return monotonic && temporality === 'cumulative'
    default:
      return temporality === 'cumulative'
  }
}

function batchFrom({ origin, window }: Waiting): Metrics | undefined {
  return window.size === 0 ? undefined : fromChunks('metrics', [window.write()], [window.size], origin)
}
