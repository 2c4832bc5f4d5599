/** What waits to be written, and writing it: in large records, one after another, never in anybody's way. */
import type { Recording } from '../../pipeline/capability/flight-recorder.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Batch, Span, Traces } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Slices } from '../../pipeline/slices.ts'
import { isRecorded, type RecordedSignal } from './record.ts'
import type { Ring } from './ring.ts'
import { Scan } from './scan.ts'

/** A record is written when it is so large, or after the interval. */
const recordBytes = 512 * 1024
const logIntervalMs = 10_000
const queryAttributes = ['db.query.text', 'db.statement', 'db.query.summary', 'db.system.name', 'db.system']

export interface RecorderSettings {
  readonly bufferBytes: number
  readonly slowNanos: number
}

interface Waiting {
  readonly batch: Batch
  /** What keeping it pins. */
  readonly bytes: number
}

export class Recorder implements Recording {
  recordedItems = 0
  recordedBytes = 0
  waitingBytes = 0
  private readonly settings: RecorderSettings
  private readonly context: Context
  private readonly main: Ring
  private readonly slow: Ring
  private waiting: Waiting[] = []
  private writing: Promise<void> | undefined
  private isOpen = false
  private nextLogMs = Number.NEGATIVE_INFINITY

  constructor(settings: RecorderSettings, context: Context, main: Ring, slow: Ring) {
    this.settings = settings
    this.context = context
    this.main = main
    this.slow = slow
  }

  open(): void {
    this.isOpen = true
  }

  record(batch: Batch): void {
    if (batch.count === 0 || !isRecorded(batch.signal)) return
    if (!this.isOpen) {
      this.context.dropped(batch.count, 'not_running', 'lost')
      return
    }
    const bytes = batch.retainedBytes
    this.waiting.push({ batch, bytes })
    this.waitingBytes += bytes
    while (this.waitingBytes > this.settings.bufferBytes && this.waiting.length > 1) {
      const oldest = this.waiting.shift()!
      this.waitingBytes -= oldest.bytes
      this.context.dropped(oldest.batch.count, 'buffer_full', 'lost')
    }
    if (this.waitingBytes >= recordBytes) void this.flush()
  }

  /** Resolves when what waits now is written or lost. Never rejects. */
  flush(): Promise<void> {
    this.writing ??= this.writeAll()
      .catch((error: unknown) => this.context.logger.error('Recording failed.', { error: errorMessage(error) }))
      .finally(() => {
        this.writing = undefined
      })
    return this.writing
  }

  async close(): Promise<void> {
    this.isOpen = false
    await this.flush()
    await this.flush()
  }

  private async writeAll(): Promise<void> {
    const slices = new Slices(this.context.clock)
    while (this.waiting.length > 0) {
      const { signal } = this.waiting[0]!.batch
      const taken: Waiting[] = []
      const left: Waiting[] = []
      let bytes = 0
      for (const one of this.waiting) {
        const isNext = one.batch.signal === signal && (bytes === 0 || bytes + one.batch.byteLength <= recordBytes)
        ;(isNext ? taken : left).push(one)
        if (isNext) bytes += one.batch.byteLength
      }
      this.waiting = left
      const batches = taken.map(({ batch }) => batch)
      try {
        await this.write(signal as RecordedSignal, batches, slices)
      } finally {
        for (const one of taken) this.waitingBytes -= one.bytes
      }
    }
  }

  private async write(signal: RecordedSignal, batches: readonly Batch[], slices: Slices): Promise<void> {
    const scan = new Scan(this.settings.slowNanos)
    const slow: Traces[] = []
    const chunks: Uint8Array[] = []
    let items = 0
    let bodyBytes = 0
    for (const batch of batches) {
      items += batch.count
      const before = scan.slow
      for (const chunk of batch.chunks) {
        scan.add(signal, chunk)
        chunks.push(chunk)
        bodyBytes += chunk.length
        if (slices.isOver) await slices.pause()
      }
      if (batch.signal === 'metrics') for (const point of batch) scan.addTime(Number(point.timeUnixNano / 1_000_000n))
      if (batch.signal === 'traces' && scan.slow > before) {
        const found = batch.filter((span) => this.isSlowStatement(span), 'drop')
        if (found.count > 0) slow.push(found)
      }
    }
    const cameMs = this.cameMs()
    const [fromMs, untilMs] = scan.fromMs <= scan.untilMs ? [scan.fromMs, scan.untilMs] : [cameMs, cameMs]
    const header = { signal, items, bodyBytes, fromMs, untilMs, cameMs }
    await this.append(this.main, header, { services: scan.services, marks: scan.traceMarks() }, chunks)
    if (slow.length > 0) await this.writeSlow(slow)
  }

  private async writeSlow(batches: readonly Traces[]): Promise<void> {
    const scan = new Scan()
    const chunks = batches.flatMap((batch) => batch.chunks)
    let bodyBytes = 0
    let items = 0
    for (const chunk of chunks) {
      scan.add('traces', chunk)
      bodyBytes += chunk.length
    }
    for (const batch of batches) items += batch.count
    const { fromMs, untilMs, services } = scan
    const header = { signal: 'traces', items, bodyBytes, fromMs, untilMs, cameMs: this.cameMs() } as const
    await this.append(this.slow, header, { services, marks: scan.traceMarks() }, chunks)
  }

  private async append(ring: Ring, ...record: Parameters<Ring['append']>): Promise<void> {
    const [{ items, bodyBytes }] = record
    try {
      await ring.append(...record).catch(async (error: unknown) => {
        // What is older makes room, where the disk has none.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC' || !(await ring.removeOldest())) throw error
        await ring.append(...record)
      })
      this.recordedItems += items
      this.recordedBytes += bodyBytes
    } catch (error) {
      this.context.dropped(items, 'write_failed', 'lost')
      if (this.context.clock.nowMs() < this.nextLogMs) return
      this.nextLogMs = this.context.clock.nowMs() + logIntervalMs
      this.context.logger.error('Telemetry could not be recorded; it went on all the same.', {
        error: errorMessage(error),
        items,
      })
    }
  }

  private isSlowStatement({ startUnixNano, endUnixNano, attributes }: Span): boolean {
    if (Number(endUnixNano - startUnixNano) < this.settings.slowNanos) return false
    return queryAttributes.some((name) => attributes.has(name))
  }

  private cameMs(): number {
    return Number(this.context.clock.nowUnixNano() / 1_000_000n)
  }
}
