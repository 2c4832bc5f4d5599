/**
 * What was taken, on disk: a record a batch, written before the batch is answered. A process that starts reads the last hour and takes all of it again, in
 * the same order, so that it is where the other one was.
 *
 * Series are numbered anew every ten minutes of event time (an epoch), so that a record needs no other than those of its epoch; epochs leave as a whole.
 */
import { deserialize, serialize } from 'node:v8'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Journal, JournalEntry } from '../../pipeline/capability/storage.ts'
import { storageOf } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'
import { correctedPanes, keptPanes } from './columns.ts'
import type { Features } from './features.ts'
import { Taken } from './taken.ts'
import type { Hole } from './tick.ts'

const epochPanes = 60
/** Panes of records that are still needed: those of the longest window, and of the counters that began before it. */
const neededPanes = keptPanes + correctedPanes + 12
/** Smaller records are not worth compressing. */
const leastCompressed = 512
/** With more than this the oldest epochs go early: after a restart the long windows then begin later. */
const mostBytes = 2 * 1024 * 1024 * 1024

interface Content {
  readonly version: 1
  readonly epoch: number
  /** The newest pane that was emitted before. */
  readonly newest: number
  readonly nowUnixMs: number
  /** Of series that are new in this epoch; their numbers follow those before. */
  readonly texts: readonly string[]
  readonly series: Uint32Array
  readonly times: Float64Array
  readonly values: Float64Array
  readonly ends: Uint32Array
  readonly buckets: Uint8Array
  readonly counts: Float64Array
  readonly holes: readonly Hole[]
}

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
    this.journal = await storageOf(this.context, this.extension).journal({ kind: 'processor', id, name })
    const texts: string[] = []
    let records = 0
    for (;;) {
      const stored = await this.journal.next()
      if (stored === undefined) break
      let content: Content
      try {
        content = decode(stored.meta, stored.body)
      } catch (error) {
        // What cannot be read costs some panes, never the start.
        this.context.logger.warn('A record of panes could not be read; the features of the last hour may miss some.', {
          error,
        })
        this.journal.acknowledge(stored.entry)
        continue
      }
      const epoch = this.epochOf(content)
      if (epoch.entries.length === 0) texts.length = 0
      epoch.entries.push(stored.entry)
      texts.push(...content.texts)
      if (isRestored) continue
      await this.features.replay(takenOf(content, texts, this.features), content.newest, content.holes)
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

  async close(): Promise<void> {
    await this.journal?.close()
    this.journal = undefined
  }

  private beginEpoch(): void {
    this.numbers.clear()
    const { newest } = this.features.frontier
    const number = (this.epochs.at(-1)?.number ?? 0) + 1
    this.epochs.push({ number, entries: [], firstPane: newest, lastPane: newest })
  }

  private epochOf({ epoch, newest }: Content): Epoch {
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
    const content: Content = {
      version: 1,
      epoch: epoch.number,
      newest,
      nowUnixMs: taken.nowUnixMs,
      texts,
      series,
      times: taken.times.slice(0, count),
      values: taken.values.slice(0, count),
      ends: taken.ends.slice(0, count),
      buckets: taken.buckets.slice(0, used),
      counts: taken.counts.slice(0, used),
      holes: this.features.holes,
    }
    const plain = serialize(content)
    if (plain.length < leastCompressed) return { meta: Uint8Array.of(0), body: plain }
    const body = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })
    return { meta: Uint8Array.of(1), body }
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

function decode(meta: Uint8Array, body: Uint8Array): Content {
  const content = deserialize(meta[0] === 1 ? zstdDecompressSync(body) : body) as Partial<Content>
  if (content.version !== 1) throw new Error(`a record of version ${String(content.version)} is not known here`)
  return content as Content
}

function takenOf(content: Content, texts: readonly string[], { reader }: Features): Taken {
  const { series, times, values, ends, buckets, counts, nowUnixMs } = content
  const taken = new Taken(nowUnixMs, 0)
  taken.count = series.length
  taken.series = series.map((number) => reader.idOf(texts[number] ?? ''))
  taken.times = times
  taken.values = values
  taken.ends = ends
  taken.buckets = buckets
  taken.counts = counts
  return taken
}
