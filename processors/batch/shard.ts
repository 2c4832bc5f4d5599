import { concat } from '../../pipeline/data/batch.ts'
import type { Batch, Signal } from '../../pipeline/data/telemetry.ts'
import { Fifo } from '../../pipeline/export/fifo.ts'
import type { Config } from './config.ts'
import { Outbox, type OutboxOptions } from './outbox.ts'
import type { Trigger } from './telemetry.ts'

export interface ShardOptions extends Omit<OutboxOptions, 'onGone'> {
  readonly signal: Signal
  readonly settings: Config
  /** Room that is free again. */
  readonly release: (bytes: number) => void
}

/** The batch that is being collected for senders who differ in nothing that matters. Upstream's algorithm; merging is list append. */
export class Shard {
  readonly #options: ShardOptions
  readonly #outbox: Outbox
  readonly #hasTimer: boolean
  /** What came in, in order, with the room that it takes: merging and splitting change bytes, never the number of items. */
  readonly #taken = new Fifo<{ items: number; readonly bytes: number }>()
  #pending: Batch[] = []
  #count = 0
  #stopTimer: (() => void) | undefined

  constructor(options: ShardOptions) {
    this.#options = options
    this.#outbox = new Outbox({ ...options, onGone: (batch) => this.#release(batch.count) })
    this.#hasTimer = options.settings.timeout !== 0 && options.settings.send_batch_size !== 0
  }

  /** `bytes` = the room that was taken for it. */
  add(batch: Batch, bytes: number): void {
    this.#taken.push({ items: batch.count, bytes })
    this.#pending.push(batch)
    this.#count += batch.count
    if (!this.#hasTimer || this.#count >= this.#options.settings.send_batch_size) this.#sendFull()
    if (this.#count > 0 && this.#stopTimer === undefined) this.#startTimer()
  }

  /** Nothing is collected and nothing is on its way. */
  get isEmpty(): boolean {
    return this.#count === 0 && this.#outbox.isIdle
  }

  /** Room is short: what is collected goes now, unless something is on its way out and will make room anyway. */
  sendEarly(): void {
    if (this.#outbox.isIdle && this.#count > 0) this.#send(this.#take(), 'size')
  }

  drain(): Promise<void> {
    this.#sendRest()
    return this.#outbox.drain()
  }

  close(): void {
    this.#outbox.close()
  }

  /** Sends while there is enough for a whole batch; without a timer, everything. */
  #sendFull(): void {
    const { send_batch_size, send_batch_max_size } = this.#options.settings
    const merged = this.#take()
    const isTooLarge = send_batch_max_size > 0 && merged.count > send_batch_max_size
    const pieces = isTooLarge ? [...merged.slices(send_batch_max_size)] : [merged]
    for (const piece of pieces) {
      // Only the last piece can be too small.
      if (!this.#hasTimer || piece.count >= send_batch_size) this.#send(piece, 'size')
      else this.#keep(piece)
    }
  }

  #sendRest(): void {
    if (this.#count > 0) this.#send(this.#take(), 'timeout')
  }

  #send(batch: Batch, trigger: Trigger): void {
    this.#outbox.push({ batch, trigger })
  }

  #take(): Batch {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    const merged = concat(this.#options.signal, this.#pending)
    this.#pending = []
    this.#count = 0
    return merged
  }

  #release(items: number): void {
    let left = items
    for (let first = this.#taken.peek(); first && left > 0; first = this.#taken.peek()) {
      const used = Math.min(left, first.items)
      first.items -= used
      left -= used
      if (first.items > 0) break
      this.#taken.shift()
      this.#options.release(first.bytes)
    }
  }

  #keep(batch: Batch): void {
    this.#pending.push(batch)
    this.#count += batch.count
  }

  #startTimer(): void {
    const { context, settings } = this.#options
    this.#stopTimer = context.clock.after(settings.timeout, () => this.#sendRest())
  }
}
