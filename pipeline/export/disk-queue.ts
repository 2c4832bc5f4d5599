import type { Journal, JournalEntry, JournalSize, Storage, StoredRecord } from '../capability/storage.ts'
import { Rejected } from '../component.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import { type Accepted, Batcher, type Merged } from './batcher.ts'
import { Capacity } from './capacity.ts'
import type { Exporting, SenderContext } from './exporting.ts'
import { Fifo } from './fifo.ts'
import { findStorage } from './find-storage.ts'
import { nothing, Refusals, reportLoss, unitsOf } from './outcome.ts'
import type { QueueOptions } from './queue.ts'
import type { Reservation, Sender } from './sender.ts'
import type { QueueSettings } from './sending.ts'
import { decodeBatch, encodeBatch } from './stored-batch.ts'

/** A request that lies on disk and in memory, on its way out. */
interface Entry extends Accepted {
  readonly units: number
  readonly bytes: number
  /** What it pins in memory. */
  readonly heldBytes: number
  /** Undefined where the disk took nothing: only of what a predecessor handed over. */
  readonly stored: JournalEntry | undefined
  /** Whether a part of it was not sent and is to come again. */
  stays: boolean
  /** Whether an earlier process had taken it: what is then under way is noted on disk. */
  readonly isReturned: boolean
  isBegun: boolean
  /** Exports of parts of it that have no answer yet. */
  underWay: number
}

/** What of the queue lies in memory too; the rest is read back when there is room. */
const windowBytes = 32 * 1024 * 1024
const windowRecords = 16_384
/** What may wait to be written. A disk that is slower than what arrives must refuse, not fill the memory. */
const maxWritingBytes = 64 * 1024 * 1024
const readRetryMs = 5_000
/** A record during whose attempts so many processes ended, and one before them that did not note it yet, is given up: at the fifth restart. */
const maxCrashes = 4
/** What a replaced queue gives to one that is not on the same disk; the rest stays where it is. */
const maxGivenBytes = 256 * 1024 * 1024

/**
 * The sending queue on disk. A request is accepted when it is written, leaves the disk when all of it is exported or given up, and comes
 * again after a restart otherwise: at least once, never lost.
 */
export class DiskQueue implements Sender {
  readonly storage: string
  readonly #context: SenderContext
  readonly #signal: Signal
  readonly #settings: QueueSettings
  readonly #exporting: Exporting
  readonly #capacity: Capacity
  readonly #refusals: Refusals
  readonly #batcher: Batcher<Entry> | undefined
  readonly #ready = new Fifo<Merged<Entry>>()
  /** Records that were under way when a process ended: each is tried alone, so that only the guilty one is found guilty. */
  readonly #suspects = new Fifo<StoredRecord>()
  #isTrying = false
  #journal: Journal | undefined
  /** Kept, since a reload may take the extension out of the configuration before this queue has emptied what it kept there. */
  #files: Storage | undefined
  #heldBytes = 0
  #heldRecords = 0
  #writingBytes = 0
  #running = 0
  /** Of those, exports of suspects and the search for them: they take no consumer's place. */
  #apart = 0
  #isFilling = false
  #closed = false
  #heir: ((batch: Batch) => void) | undefined
  #onIdle: (() => void) | undefined

  constructor({ context, signal, settings, originKey, exporting }: QueueOptions, storage: string) {
    this.storage = storage
    this.#context = context
    this.#signal = signal
    this.#settings = settings
    this.#exporting = exporting
    this.#capacity = new Capacity(settings.queue_size, settings.max_bytes)
    this.#refusals = new Refusals(context, exporting)
    const { batch } = settings
    const flush = (merged: Merged<Entry>) => this.#enqueue(merged)
    this.#batcher = batch && new Batcher<Entry>({ signal, settings: batch, clock: context.clock, originKey, flush })
    context.signal.addEventListener('abort', () => this.#stop('the exporter was stopped'), { once: true })
  }

  /** What an earlier process left counts at once, even where it is more than the queue may hold now. */
  async start(): Promise<void> {
    const journal = await this.#open(findStorage(this.#context, this.storage))
    const { records, items, bytes } = journal.size
    this.#journal = journal
    this.#capacity.force(this.#unitsOf(journal.size), bytes)
    this.#exporting.metrics.observeQueue(() => this.#capacity.units, this.#settings.queue_size)
    if (records > 0) {
      const { returned } = journal
      this.#context.logger.info('Found a queue on disk; sending goes on.', { records, items, bytes, returned })
    }
    this.#fill()
  }

  reserve(batch: Batch): Reservation {
    // Upstream drops empty requests without a word, before they are counted.
    if (batch.count === 0) return nothing
    const units = unitsOf(batch, this.#settings.sizer)
    const bytes = Math.min(batch.byteLength, this.#settings.max_bytes || Number.POSITIVE_INFINITY)
    if (this.#closed || this.#journal === undefined) {
      throw this.#refusals.refuse(batch, 'the exporter is shut down', true)
    }
    if (!this.#capacity.canEverHold(units, bytes)) throw this.#refusals.tooLarge(batch, units, this.#settings)
    const { block_on_overflow } = this.#settings
    const isTooFast = this.#writingBytes > maxWritingBytes && !block_on_overflow
    if (!isTooFast && this.#capacity.tryTake(units, bytes)) {
      return {
        // The disk may refuse.
        certain: false,
        commit: () => this.#accept(batch, units, bytes),
        release: () => this.#capacity.give(units, bytes),
      }
    }
    if (this.#running === this.#apart) this.#batcher?.flushAll()
    if (!block_on_overflow) {
      const message = isTooFast
        ? 'sending queue is full: the disk is slower than what arrives'
        : 'sending queue is full'
      throw this.#refusals.refuse(batch, message, true)
    }
    return { certain: false, commit: () => this.#acceptWhenRoom(batch, units, bytes), release: () => {} }
  }

  async consume(batch: Batch): Promise<void> {
    await this.reserve(batch).commit()
  }

  /** What is under way may end; the rest stays on disk for the next start. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#end(deadline, 'the shutdown deadline passed')
    await this.#journal?.close()
  }

  async handOver(give: (batch: Batch) => void, deadline: AbortSignal, heir: Sender | undefined): Promise<void> {
    this.#heir = give
    await this.#end(deadline, 'the exporter was replaced')
    await this.#journal?.close()
    if (this.#files === undefined || heir?.storage === this.storage) return
    try {
      await this.#giveAll(this.#files, give)
    } catch (error) {
      this.#context.logger.error('The queue on disk could not be handed over; what waits stays there.', { error })
    }
  }

  takeOver(batch: Batch): void {
    const units = unitsOf(batch, this.#settings.sizer)
    const bytes = batch.byteLength
    this.#capacity.force(units, bytes)
    this.#store(batch, units, bytes).catch((error: unknown) => {
      this.#context.logger.warn('What the replaced exporter held could not be written and is only in memory.', {
        error,
      })
      this.#admit(this.#entryOf(batch, units, bytes, batch.retainedBytes, undefined))
    })
  }

  #open(files: Storage): Promise<Journal> {
    this.#files = files
    const owner = { kind: 'exporter', id: this.#context.id, name: this.#signal } as const
    return files.journal(owner, { onLoss: (loss) => this.#lose(loss) })
  }

  async #acceptWhenRoom(batch: Batch, units: number, bytes: number): Promise<void> {
    await this.#capacity.take(units, bytes)
    await this.#accept(batch, units, bytes)
  }

  async #accept(batch: Batch, units: number, bytes: number): Promise<void> {
    try {
      await this.#store(batch, units, bytes)
    } catch (error) {
      this.#capacity.give(units, bytes)
      const message = errorMessage(error)
      throw this.#refusals.refuse(batch, `the sending queue could not write to its storage: ${message}`, true, error)
    }
  }

  async #store(batch: Batch, units: number, bytes: number): Promise<void> {
    const journal = this.#journal
    if (journal === undefined) throw new Error('the exporter is not started')
    this.#writingBytes += bytes
    let stored: JournalEntry
    try {
      stored = await journal.append(encodeBatch(batch))
    } finally {
      this.#writingBytes -= bytes
    }
    this.#exporting.metrics.enqueued(batch.count, batch.byteLength)
    if (this.#closed) return
    // In order, and without reading it back, as long as sending keeps up.
    if (this.#hasRoom(batch.retainedBytes) && journal.take(stored)) {
      this.#admit(this.#entryOf(batch, units, bytes, batch.retainedBytes, stored))
    } else this.#fill()
  }

  #hasRoom(bytes: number): boolean {
    return this.#heldRecords === 0 || (this.#heldBytes + bytes <= windowBytes && this.#heldRecords < windowRecords)
  }

  #entryOf(
    batch: Batch,
    units: number,
    bytes: number,
    heldBytes: number,
    stored: JournalEntry | undefined,
    isReturned = false,
  ): Entry {
    const state = { pieces: 1, stays: false, isBegun: false, underWay: 0 }
    return { batch, units, bytes, heldBytes, stored, isReturned, ...state }
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    this.#heldRecords++
  }

  #letGo(bytes: number): void {
    this.#heldBytes -= bytes
    this.#heldRecords--
  }

  #admit(entry: Entry): void {
    this.#hold(entry.heldBytes)
    if (this.#batcher !== undefined && !this.#closed) this.#batcher.add(entry)
    else this.#enqueue({ batch: entry.batch, of: [entry] })
  }

  /** Reads on while there is room in memory. */
  #fill(): void {
    if (this.#isFilling || this.#closed || this.#journal === undefined) return
    if (this.#journal.unread === 0 || !this.#hasRoom(0)) return
    this.#isFilling = true
    this.#readOn(this.#journal).then(
      () => {
        this.#isFilling = false
        this.#fill()
      },
      (error: unknown) => {
        this.#context.logger.error('Reading the queue on disk failed; it is tried again.', { error })
        this.#context.clock.after(readRetryMs, () => {
          this.#isFilling = false
          this.#fill()
        })
      },
    )
  }

  async #readOn(journal: Journal): Promise<void> {
    while (!this.#closed && journal.unread > 0 && this.#hasRoom(0)) {
      const record = await journal.next()
      if (record === undefined || this.#closed) continue
      if (record.crashes >= maxCrashes) await this.#setAside(journal, record)
      else if (record.crashes > 0) this.#suspect(journal, record)
      else this.#admitRecord(journal, record)
    }
    if (this.#running === this.#apart && !this.#hasRoom(0)) this.#batcher?.flushAll()
  }

  #admitRecord(journal: Journal, record: StoredRecord): void {
    const entry = this.#decode(journal, record)
    if (entry !== undefined) this.#admit(entry)
  }

  /** Undefined = it is no batch, which is counted. */
  #decode(journal: Journal, { entry, attempts, meta, body }: StoredRecord): Entry | undefined {
    const { items, bytes } = entry
    const units = this.#unitsOf({ records: 1, items, bytes })
    try {
      return this.#entryOf(decodeBatch(meta, body), units, bytes, body.length, entry, attempts > 0)
    } catch (error) {
      this.#context.logger.error('A record of the queue on disk is no batch and was dropped.', { error, items })
      journal.acknowledge(entry)
      this.#lose({ records: 1, items, bytes })
      return undefined
    }
  }

  #suspect(journal: Journal, record: StoredRecord): void {
    this.#hold(record.body.length)
    this.#suspects.push(record)
    if (this.#isTrying) return
    this.#isTrying = true
    this.#running++
    this.#apart++
    void this.#trySuspects(journal)
  }

  async #trySuspects(journal: Journal): Promise<void> {
    while (!this.#closed) {
      const record = this.#suspects.shift()
      if (record === undefined) break
      // Before anything looks at its bytes.
      await journal.begin([record.entry])
      const entry = this.#decode(journal, record)
      if (entry === undefined) this.#letGo(record.body.length)
      else {
        entry.isBegun = true
        await this.#tryAlone(entry)
      }
    }
    this.#isTrying = false
    this.#running--
    this.#apart--
    this.#pump()
    this.#fill()
  }

  /** Resolves when each of its parts has got an answer, if only that it is to be sent later. */
  async #tryAlone(entry: Entry): Promise<void> {
    for (const merged of this.#partsOf(entry)) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#running++
      this.#apart++
      void this.#export(merged, resolve)
      await promise
    }
  }

  #partsOf(entry: Entry): readonly Merged<Entry>[] {
    const { batch } = this.#settings
    const parts: Merged<Entry>[] = []
    const flush = (merged: Merged<Entry>) => void parts.push(merged)
    const options = { signal: this.#signal, clock: this.#context.clock, originKey: () => '', flush }
    if (batch === undefined) return [{ batch: entry.batch, of: [entry] }]
    const batcher = new Batcher<Entry>({ ...options, settings: batch })
    batcher.add(entry)
    batcher.flushAll()
    return parts
  }

  /** Where the file cannot be written it stays on disk, untried, until the next start. */
  async #setAside(journal: Journal, record: StoredRecord): Promise<void> {
    const { items, bytes } = record.entry
    try {
      const file = await journal.setAside(record)
      const message =
        'The process ended each time it sent a record of the queue on disk: the record is set aside and given up.'
      this.#context.logger.error(message, { restarts: record.crashes + 1, dropped_items: items, file })
      this.#lose({ records: 1, items, bytes }, 'poison')
    } catch (error) {
      const message = 'A record of the queue on disk that ends the process could not be set aside; it is not sent.'
      this.#context.logger.error(message, { error, items })
    }
  }

  #lose(loss: JournalSize, reason: 'storage_damaged' | 'poison' = 'storage_damaged'): void {
    this.#context.dropped(loss.items, reason, 'lost')
    // What is lost while the journal opens is not in its size.
    if (this.#journal !== undefined) this.#capacity.give(this.#unitsOf(loss), loss.bytes)
  }

  #enqueue(merged: Merged<Entry>): void {
    this.#ready.push(merged)
    this.#pump()
  }

  #pump(): void {
    while (this.#closed || this.#running - this.#apart < this.#settings.num_consumers) {
      const next = this.#ready.shift()
      if (next === undefined) break
      if (this.#closed) for (const entry of next.of) this.#done(entry, true)
      else {
        this.#running++
        void this.#export(next)
      }
    }
    if (this.#running === 0) this.#onIdle?.()
  }

  /** `onAnswer` hears when an attempt has ended, at the end at the latest. */
  async #export(merged: Merged<Entry>, onAnswer?: () => void): Promise<void> {
    let stays = false
    const returned = merged.of.filter(({ isReturned }) => isReturned)
    let isUnderWay = returned.length > 0
    const survived = (isRefused: boolean) => {
      if (isUnderWay) this.#survived(returned, isRefused)
      isUnderWay = false
      onAnswer?.()
    }
    try {
      if (isUnderWay) await this.#begin(returned)
      await this.#exporting.run(merged.batch, merged.of, isUnderWay ? () => survived(true) : undefined)
      survived(false)
    } catch (error) {
      survived(true)
      const failure = error as Rejected
      stays = this.#closed && failure.retryable
      if (!stays) reportLoss(this.#context, this.#exporting, merged.batch, failure, false)
    }
    this.#running--
    if (onAnswer !== undefined) this.#apart--
    for (const entry of merged.of) this.#done(entry, stays)
    this.#pump()
    this.#fill()
  }

  /** What came back from an earlier process may be what ended it. */
  async #begin(returned: readonly Entry[]): Promise<void> {
    const begun: JournalEntry[] = []
    for (const entry of returned) {
      entry.underWay++
      if (!entry.isBegun && entry.stored !== undefined) begun.push(entry.stored)
      entry.isBegun = true
    }
    if (begun.length > 0) await this.#journal?.begin(begun)
  }

  #survived(returned: readonly Entry[], isRefused: boolean): void {
    for (const entry of returned) {
      if (--entry.underWay > 0 || !isRefused || entry.stored === undefined) continue
      entry.isBegun = false
      this.#journal?.ended(entry.stored)
    }
  }

  #done(entry: Entry, stays: boolean): void {
    if (stays) entry.stays = true
    if (--entry.pieces > 0) return
    this.#letGo(entry.heldBytes)
    if (!entry.stays) {
      this.#capacity.give(entry.units, entry.bytes)
      if (entry.stored !== undefined) this.#journal?.acknowledge(entry.stored)
    } else if (entry.stored === undefined) {
      if (this.#heir !== undefined) this.#heir(entry.batch)
      else this.#context.dropped(entry.batch.count, 'shutdown', 'lost')
    }
  }

  /** Nothing more is begun; resolves when nothing runs. */
  async #end(deadline: AbortSignal, reason: string): Promise<void> {
    this.#closed = true
    this.#exporting.replace()
    this.#capacity.close(new Rejected('the exporter is shut down', { retryable: true }))
    this.#batcher?.flushAll()
    const stop = () => this.#stop(reason)
    if (deadline.aborted) stop()
    deadline.addEventListener('abort', stop, { once: true })
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
      this.#pump()
    })
    deadline.removeEventListener('abort', stop)
  }

  #stop(reason: string): void {
    this.#closed = true
    this.#exporting.abort(reason)
  }

  /** To a successor that will not open this journal. */
  async #giveAll(files: Storage, give: (batch: Batch) => void): Promise<void> {
    const journal = await this.#open(files)
    try {
      let bytes = 0
      while (journal.unread > 0 && bytes < maxGivenBytes) {
        const record = await journal.next()
        if (record === undefined) break
        bytes += record.body.length
        give(decodeBatch(record.meta, record.body))
        journal.acknowledge(record.entry)
      }
      const { records, items } = journal.size
      if (records > 0) {
        this.#context.logger.warn(
          `The exporter's queue left ${this.storage} and was too large to take along; the rest stays there until the exporter uses it again.`,
          { records, items },
        )
      }
    } finally {
      await journal.close()
    }
  }

  #unitsOf({ records, items, bytes }: JournalSize): number {
    const { sizer } = this.#settings
    return sizer === 'requests' ? records : sizer === 'items' ? items : bytes
  }
}
