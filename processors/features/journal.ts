/**
 * What was taken, on disk: a record a batch, written before the batch is answered. A process that starts reads the last hour and takes all of it again, in
 * the same order, so that it is where the other one was.
 *
 * Series are numbered anew every ten minutes of event time (an epoch), so that a record needs no other than those of its epoch; epochs leave as a whole.
 */
import type { Journal, JournalEntry, StoredRecord } from '../../pipeline/capability/storage.ts'
import { storageOf } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'
import { correctedPanes, keptPanes } from './columns.ts'
import type { Features } from './features.ts'
import { type RecordContent, type RecordHead, readContent, readHead, takenOf, writeRecord } from './record.ts'
import type { Taken } from './taken.ts'

const epochPanes = 60
/** Panes of records that are still needed: those of the longest window, and of the counters that began before it. */
const neededPanes = keptPanes + correctedPanes + 12
/** With more than this the oldest epochs go early: after a restart the long windows then begin later. */
const mostBytes = 2 * 1024 * 1024 * 1024

interface Epoch {
  readonly number: number
  readonly entries: JournalEntry[]
  firstPane: number
  lastPane: number
}

export class PaneJournal {
  failures = 0
  private readonly context: Context
  private readonly features: Features
  private readonly extension: string
  private readonly name: string
  private journal: Journal | undefined
  private readonly epochs: Epoch[] = []
  /** Of the current epoch: by id of the reader. */
  private readonly numbers = new Map<number, number>()
  private generation = 0
  private writtenNewest = Number.NaN

  /** `name` tells the journals of several senders apart. */
  constructor(extension: string, context: Context, features: Features, name: string) {
    this.name = name
    this.extension = extension
    this.context = context
    this.features = features
  }

  get bytes(): number {
    return this.journal?.size.bytes ?? 0
  }

  /** `isRestored`: a predecessor handed on all that it knew, and nothing is taken again. */
  async open(isRestored: boolean): Promise<void> {
    const { id, pipeline = '' } = this.context
    const name = `${pipeline} ${this.name}`.trim()
    // What cannot be read costs some panes, never the start.
    const onLoss = ({ items }: { items: number }) => this.context.dropped(items, 'storage_damaged', 'lost')
    this.journal = await storageOf(this.context, this.extension).journal({ kind: 'processor', id, name }, { onLoss })
    const texts: (string | undefined)[] = []
    let records = 0
    for (;;) {
      const stored = await this.journal.next()
      if (stored === undefined) break
      const { head, content } = this.read(stored, isRestored)
      if (head === undefined) continue
      const epoch = this.epochOf(head)
      if (epoch.entries.length === 0) texts.length = 0
      epoch.entries.push(stored.entry)
      if (content === undefined) continue
      for (const [i, text] of content.texts.entries()) texts[content.firstText + i] = text
      const taken = takenOf(content, texts, (text) => this.features.reader.idOf(text))
      if (taken.count < content.series.length) onLoss({ items: content.series.length - taken.count })
      await this.features.replay(taken, head.newest, content.holes)
      if (++records % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    if (!isRestored && records > 0) {
      this.features.resume()
      this.context.logger.info('Panes of before the start were taken again.', { records })
    }
    // What follows must not rely on numbers of a process that has ended.
    this.beginEpoch()
  }

  /** Resolves when it is written, or cannot be: then a kill would lose it, and that is counted. */
  async write(taken: Taken): Promise<void> {
    const { journal, features } = this
    if (journal === undefined) return
    const { newest } = features.frontier
    if (taken.count === 0 && newest === this.writtenNewest) return
    const current = this.epochs.at(-1)
    const { generation } = features.reader
    if (current === undefined || newest >= current.firstPane + epochPanes || generation !== this.generation)
      this.beginEpoch()
    this.generation = generation
    const { meta, body } = this.encode(taken, newest)
    this.writtenNewest = newest
    try {
      const entry = await journal.append({ items: taken.count, meta, chunks: [body] })
      journal.take(entry)
      this.epochs.at(-1)!.entries.push(entry)
    } catch (error) {
      this.failures++
      // The numbers that it defined are not there.
      this.beginEpoch()
      this.context.logger.warn('Panes could not be written; a kill now would lose them.', { error })
    }
    this.release(newest)
  }

  /** Nobody will need what was written. */
  async forget(): Promise<void> {
    for (const { entries } of this.epochs) for (const entry of entries) this.journal?.acknowledge(entry)
    this.epochs.length = 0
    await this.close()
  }

  async close(): Promise<void> {
    await this.journal?.close()
    this.journal = undefined
  }

  /** Without a head it cannot be read. The content is read where somebody needs it. */
  private read(stored: StoredRecord, isRestored: boolean): { head?: RecordHead; content?: RecordContent } {
    const { entry, meta, body } = stored
    try {
      const head = readHead(meta)
      return isRestored ? { head } : { head, content: readContent(meta, body) }
    } catch (error) {
      const message = 'A record of panes could not be read; the features of the last hour may miss some.'
      this.context.logger.warn(message, { error, points: entry.items })
      this.context.dropped(entry.items, 'storage_damaged', 'lost')
      this.journal?.acknowledge(entry)
      return {}
    }
  }

  private beginEpoch(): void {
    this.numbers.clear()
    const { newest } = this.features.frontier
    const number = (this.epochs.at(-1)?.number ?? 0) + 1
    this.epochs.push({ number, entries: [], firstPane: newest, lastPane: newest })
  }

  private epochOf({ epoch, newest }: RecordHead): Epoch {
    let last = this.epochs.at(-1)
    if (last?.number !== epoch) {
      last = { number: epoch, entries: [], firstPane: newest, lastPane: newest }
      this.epochs.push(last)
    }
    if (!Number.isNaN(newest)) last.lastPane = newest
    return last
  }

  private encode(taken: Taken, newest: number): { meta: Uint8Array; body: Uint8Array } {
    const epoch = this.epochs.at(-1)!
    if (Number.isNaN(epoch.firstPane)) epoch.firstPane = newest
    epoch.lastPane = newest
    const texts: string[] = []
    const { count } = taken
    const series = new Uint32Array(count)
    for (let row = 0; row < count; row++) {
      const id = taken.series[row]!
      let number = this.numbers.get(id)
      if (number === undefined) {
        number = this.numbers.size
        this.numbers.set(id, number)
        texts.push(this.features.reader.textOf(id))
      }
      series[row] = number
    }
    const used = count === 0 ? 0 : taken.ends[count - 1]!
    return writeRecord(
      { epoch: epoch.number, newest },
      {
        nowUnixMs: taken.nowUnixMs,
        texts,
        firstText: this.numbers.size - texts.length,
        series,
        times: taken.times.slice(0, count),
        values: taken.values.slice(0, count),
        ends: taken.ends.slice(0, count),
        buckets: taken.buckets.slice(0, used),
        counts: taken.counts.slice(0, used),
        holes: this.features.holes,
      },
    )
  }

  /** Epochs that no window needs leave, and the oldest where the disk has too much. */
  private release(newest: number): void {
    const { epochs, journal } = this
    while (epochs.length > 1) {
      const [oldest] = epochs
      const isNeeded = !(oldest!.lastPane < newest - neededPanes) && oldest!.entries.length > 0
      if (isNeeded && journal!.size.bytes <= mostBytes) return
      for (const entry of oldest!.entries) journal!.acknowledge(entry)
      epochs.shift()
    }
  }
}
