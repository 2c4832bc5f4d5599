import { Rejected } from '../component.ts'
import type { Batch, Origin, Signal } from '../data/telemetry.ts'
import { type Accepted, Batcher, type Merged } from './batcher.ts'
import { Capacity } from './capacity.ts'
import type { Exporting, SenderContext } from './exporting.ts'
import { Fifo } from './fifo.ts'
import { nothing, Refusals, reportLoss, unitsOf } from './outcome.ts'
import type { Reservation, Sender } from './sender.ts'
import type { QueueSettings } from './sending.ts'

/** A request from its acceptance until everything of it is exported or lost; it occupies room for that long. */
interface Entry extends Accepted {
  readonly units: number
  readonly bytes: number
  failure: Rejected | undefined
  /** Who waits for the result, under `wait_for_result`. */
  settle: ((failure: Rejected | undefined) => void) | undefined
}

export interface QueueOptions {
  readonly context: SenderContext
  readonly signal: Signal
  readonly settings: QueueSettings
  readonly originKey: (origin: Origin) => string
  readonly exporting: Exporting
}

/** The sending queue in memory, bounded by `queue_size` and `max_bytes`, drained by `num_consumers`. */
export class ExportQueue implements Sender {
  readonly #context: SenderContext
  readonly #settings: QueueSettings
  readonly #exporting: Exporting
  readonly #capacity: Capacity
  readonly #refusals: Refusals
  readonly #batcher: Batcher<Entry> | undefined
  readonly #ready = new Fifo<Merged<Entry>>()
  #running = 0
  #closed = false
  #killed = false
  /** Who takes what is left, once a reload has put another sender in this one's place. */
  #heir: ((batch: Batch) => void) | undefined
  #onIdle: (() => void) | undefined

  constructor({ context, signal, settings, originKey, exporting }: QueueOptions) {
    this.#context = context
    this.#settings = settings
    this.#exporting = exporting
    this.#capacity = new Capacity(settings.queue_size, settings.max_bytes)
    this.#refusals = new Refusals(context, exporting)
    this.#batcher =
      settings.batch &&
      new Batcher<Entry>({
        signal,
        settings: settings.batch,
        clock: context.clock,
        originKey,
        flush: (merged) => this.#enqueue(merged),
      })
    context.signal.addEventListener('abort', () => this.#kill(), { once: true })
  }

  async start(): Promise<void> {
    this.#exporting.metrics.observeQueue(() => this.#capacity.units, this.#settings.queue_size)
  }

  reserve(batch: Batch): Reservation {
    // Upstream drops empty requests without a word, before they are counted.
    if (batch.count === 0) return nothing
    const units = unitsOf(batch, this.#settings.sizer)
    // Our own limit never loses data: one batch that is larger than all of it is let in alone.
    const bytes = Math.min(batch.retainedBytes, this.#settings.max_bytes || Number.POSITIVE_INFINITY)
    if (this.#closed) throw this.#refusals.refuse(batch, 'the exporter is shut down', true)
    if (!this.#capacity.canEverHold(units, bytes)) throw this.#refusals.tooLarge(batch, units, this.#settings)
    if (this.#capacity.tryTake(units, bytes)) {
      return {
        certain: !this.#settings.wait_for_result,
        commit: () => this.#accept(batch, units, bytes),
        release: () => this.#capacity.give(units, bytes),
      }
    }
    // Where unfinished batches alone fill the queue, nothing would make room before their timers do.
    if (this.#running === 0) this.#batcher?.flushAll()
    if (!this.#settings.block_on_overflow) throw this.#refusals.refuse(batch, 'sending queue is full', true)
    return { certain: false, commit: () => this.#acceptWhenRoom(batch, units, bytes), release: () => {} }
  }

  async consume(batch: Batch): Promise<void> {
    await this.reserve(batch).commit()
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#closed = true
    this.#exporting.stopRetries()
    this.#batcher?.flushAll()
    const kill = () => this.#kill()
    if (deadline.aborted) kill()
    deadline.addEventListener('abort', kill, { once: true })
    await this.#idle()
    deadline.removeEventListener('abort', kill)
  }

  async handOver(give: (batch: Batch) => void, deadline: AbortSignal): Promise<void> {
    this.#heir = give
    this.#closed = true
    this.#exporting.replace()
    this.#batcher?.flushAll()
    for (let next = this.#ready.shift(); next; next = this.#ready.shift()) this.#giveUp(next)
    const interrupt = () => this.#exporting.abort('the exporter was replaced')
    if (deadline.aborted) interrupt()
    deadline.addEventListener('abort', interrupt, { once: true })
    await this.#idle()
    deadline.removeEventListener('abort', interrupt)
  }

  takeOver(batch: Batch): void {
    const units = unitsOf(batch, this.#settings.sizer)
    const bytes = batch.retainedBytes
    this.#capacity.force(units, bytes)
    this.#admit({ batch, units, bytes, pieces: 1, failure: undefined, settle: undefined })
  }

  /** To the heir, unless somebody waits for the result: that one hears it and sends again. */
  #giveUp({ batch, of }: Merged<Entry>): void {
    const failure = new Rejected('the exporter was replaced', { retryable: true })
    if (!isAwaited(of)) this.#heir?.(batch)
    for (const entry of of) this.#done(entry, failure, of.length === 1)
  }

  async #acceptWhenRoom(batch: Batch, units: number, bytes: number): Promise<void> {
    await this.#capacity.take(units, bytes)
    await this.#accept(batch, units, bytes)
  }

  #accept(batch: Batch, units: number, bytes: number): Promise<void> {
    const entry: Entry = { batch, units, bytes, pieces: 1, failure: undefined, settle: undefined }
    this.#exporting.metrics.enqueued(batch.count, batch.byteLength)
    const result = this.#settings.wait_for_result
      ? new Promise<void>((resolve, reject) => {
          entry.settle = (failure) => (failure === undefined ? resolve() : reject(failure))
        })
      : Promise.resolve()
    this.#admit(entry)
    return result
  }

  #admit(entry: Entry): void {
    if (this.#batcher && !this.#killed) {
      this.#batcher.add(entry)
      // During the drain nothing waits for company.
      if (this.#closed) this.#batcher.flushAll()
    } else this.#enqueue({ batch: entry.batch, of: [entry] })
  }

  #enqueue(merged: Merged<Entry>): void {
    if (this.#heir !== undefined) {
      this.#giveUp(merged)
      return
    }
    this.#ready.push(merged)
    this.#pump()
  }

  #pump(): void {
    while (this.#killed || this.#running < this.#settings.num_consumers) {
      const next = this.#ready.shift()
      if (next === undefined) break
      this.#running++
      void this.#export(next)
    }
    if (this.#running === 0 && this.#ready.length === 0 && this.#capacity.waiting === 0) this.#onIdle?.()
  }

  async #export(merged: Merged<Entry>): Promise<void> {
    let failure: Rejected | undefined
    try {
      await this.#exporting.run(merged.batch, merged.of)
    } catch (error) {
      failure = error as Rejected
      if (this.#heir !== undefined && failure.retryable && !isAwaited(merged.of)) {
        this.#heir((failure.remaining as Batch | undefined) ?? merged.batch)
      } else this.#report(merged, failure)
    }
    this.#running--
    for (const entry of merged.of) this.#done(entry, failure, merged.of.length === 1)
    this.#pump()
  }

  #done(entry: Entry, failure: Rejected | undefined, alone: boolean): void {
    if (failure !== undefined) {
      // Which items of a merged batch failed is not known per request: the whole request counts as failed.
      const whole = alone && entry.pieces === 1 && entry.failure === undefined
      entry.failure = whole ? failure : new Rejected(failure.message, { retryable: failure.retryable, cause: failure })
    }
    if (--entry.pieces > 0) return
    this.#capacity.give(entry.units, entry.bytes)
    entry.settle?.(entry.failure)
  }

  #report(merged: Merged<Entry>, failure: Rejected): void {
    if (!isAwaited(merged.of)) {
      reportLoss(this.#context, this.#exporting, merged.batch, failure, this.#closed)
      return
    }
    this.#context.logger.error(`Exporting failed. Rejecting data.${this.#exporting.advice}`, {
      error: failure.message,
      rejected_items: failure.remaining?.count ?? merged.batch.count,
    })
  }

  /** Nothing more is tried: what runs is interrupted, and the rest fails at its first attempt, so that it is counted and logged like any loss. */
  #kill(): void {
    if (this.#killed) return
    this.#closed = true
    this.#killed = true
    this.#exporting.abort('the shutdown deadline passed')
    this.#capacity.close(new Rejected('the exporter is shut down', { retryable: true }))
    this.#batcher?.flushAll()
    this.#pump()
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve
      this.#pump()
    })
  }
}

/** Whether the senders of all of it hear the result, so that a failure is theirs to handle and no loss. */
function isAwaited(entries: readonly Entry[]): boolean {
  return entries.every((entry) => entry.settle !== undefined)
}
