/** Keeps counts and alerts in a storage extension, so that a restart goes on where it was and sends no page twice. */
import type { KeyValueStore } from '../../pipeline/capability/storage.ts'
import { storageOf } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'

/** Both as their owner made them. Counts grow with the objectives, alerts are few: they are written at once. */
export interface Kept {
  counts(): Promise<Uint8Array>
  alerts(): Uint8Array
  /** Alerts are at least as new as the counts. */
  restore(counts: Uint8Array, alerts: Uint8Array): void
}

/** Counts that are larger are not written at each alert, and not more of them a second than this. */
const bytesPerSecond = 2 * 1024 * 1024

export class Keeping {
  private readonly context: Context
  private readonly extension: string
  private readonly kept: Kept
  private store: KeyValueStore | undefined
  private writing: Promise<void> = Promise.resolve()
  private countsBytes = 0
  private countsAtMs = Number.NEGATIVE_INFINITY

  constructor(extension: string, context: Context, kept: Kept) {
    this.extension = extension
    this.context = context
    this.kept = kept
  }

  /** `isRestored`: a predecessor handed on what is newer than the store. */
  async start(isRestored: boolean): Promise<void> {
    this.store = await storageOf(this.context, this.extension).keyValue({
      kind: 'connector',
      id: this.context.id,
      name: 'slo',
    })
    const counts = this.store.get('counts')
    const alerts = this.store.get('alerts')
    if (isRestored || counts === undefined || alerts === undefined) return
    try {
      this.kept.restore(counts, alerts)
    } catch (error) {
      this.context.logger.warn('The stored counts could not be read; they begin anew.', { error })
    }
  }

  /** An alert began or ended. */
  async noteAlert(): Promise<void> {
    if (this.countsBytes <= bytesPerSecond) await this.write('counts')
    await this.write('alerts')
  }

  /** From time to time. */
  async noteCounts(): Promise<void> {
    const seconds = (this.context.clock.nowMs() - this.countsAtMs) / 1_000
    if (this.countsBytes > bytesPerSecond * seconds) return
    await this.write('counts')
    await this.write('alerts')
  }

  async close(): Promise<void> {
    await this.write('counts')
    await this.write('alerts')
    await this.store?.close()
    this.store = undefined
  }

  /** One write after the other; the last one wins. */
  private write(key: 'counts' | 'alerts'): Promise<void> {
    const { store } = this
    if (store === undefined) return Promise.resolve()
    this.writing = this.writing.then(async () => {
      const bytes = await this.kept[key]()
      if (key === 'counts') {
        this.countsBytes = bytes.length
        this.countsAtMs = this.context.clock.nowMs()
      }
      try {
        await store.set(key, bytes)
      } catch (error) {
        this.context.logger.warn('The counts could not be stored; it is tried again.', { error })
      }
    })
    return this.writing
  }
}
