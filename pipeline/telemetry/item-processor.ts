import type { Clock } from '../component.ts'
import type { Batch } from '../data/telemetry.ts'
import type { ItemProcessorSettings } from './settings.ts'
import type { Sink } from './sink.ts'

export interface ItemProcessorParts<T> {
  readonly settings: ItemProcessorSettings
  readonly sink: Sink
  readonly clock: Clock
  readonly build: (items: readonly T[]) => Batch
  readonly onLost: (items: number, reason: 'queue_full' | 'failed' | 'shutdown', error?: unknown) => void
}

/** Collects own spans or log lines and sends them, one request at a time. Bounded: who adds never waits. */
export class ItemProcessor<T> {
  readonly #parts: ItemProcessorParts<T>
  #waiting: T[] = []
  #cancelTimer: (() => void) | undefined
  #sending: Promise<void> | undefined
  #isClosed = false
  readonly #stop = new AbortController()

  constructor(parts: ItemProcessorParts<T>) {
    this.#parts = parts
  }

  add(item: T): void {
    const { maxQueueSize, maxBatchSize, delayMs } = this.#parts.settings
    if (this.#isClosed || this.#waiting.length >= maxQueueSize) {
      this.#parts.onLost(1, this.#isClosed ? 'shutdown' : 'queue_full')
      return
    }
    this.#waiting.push(item)
    if (this.#sending !== undefined) return
    if (this.#waiting.length >= maxBatchSize) this.#flush()
    else this.#cancelTimer ??= this.#parts.clock.after(delayMs, () => this.#flush())
  }

  /** Sends what waits until `deadline`; the rest is lost and counted. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#isClosed = true
    const stop = () => this.#stop.abort()
    if (deadline.aborted) stop()
    deadline.addEventListener('abort', stop, { once: true })
    this.#flush()
    while (this.#sending !== undefined) await this.#sending
    deadline.removeEventListener('abort', stop)
    this.#parts.sink.close()
  }

  #flush(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#sending !== undefined || this.#waiting.length === 0) return
    const items = this.#waiting.splice(0, this.#parts.settings.maxBatchSize)
    this.#sending = this.#send(items).finally(() => {
      this.#sending = undefined
      const { maxBatchSize, delayMs } = this.#parts.settings
      if (this.#isClosed || this.#waiting.length >= maxBatchSize) this.#flush()
      else if (this.#waiting.length > 0) this.#cancelTimer = this.#parts.clock.after(delayMs, () => this.#flush())
    })
  }

  async #send(items: readonly T[]): Promise<void> {
    const { build, sink, settings, onLost } = this.#parts
    const controller = new AbortController()
    const stop = this.#parts.clock.after(settings.exportTimeoutMs, () => controller.abort())
    try {
      await sink.send(build(items), AbortSignal.any([controller.signal, this.#stop.signal]))
    } catch (error) {
      onLost(items.length, 'failed', error)
    }
    stop()
  }
}
