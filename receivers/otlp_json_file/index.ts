/** Reads files of OTLP JSON, a request a line, as the `file` exporter writes them. */
import { rm } from 'node:fs/promises'
import { type Context, defineReceiver, Rejected } from '../../pipeline/component.ts'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { config, type Settings } from './config.ts'
import { FileFinder } from './file-finder.ts'
import { readLine } from './line.ts'
import { readState, writeState } from './state.ts'
import type { TailedFile, Taken } from './tailed-file.ts'

/** How many files are read at once. */
const readers = 8
/** A writer may write on for a while after its file was moved away. */
const lingerMs = 10_000

export default defineReceiver({
  type: 'otlp_json_file',
  aliases: ['otlpjsonfile'],
  config,
  signals: { traces: 'alpha', metrics: 'alpha', logs: 'alpha', profiles: 'development' },
  create: (settings, context) => new FileReceiver(settings, context),
})

class FileReceiver {
  readonly #settings: Settings
  readonly #context: Context
  readonly #finder: FileFinder
  readonly #broken: { add(n: number): void }
  #stopTimer = () => {}
  #polling: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(settings: Settings, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#finder = new FileFinder(settings, context.clock, context.logger)
    this.#broken = context.meter.counter(
      'otelcol_otlp_json_file_broken_lines',
      'Lines that were skipped since they are no OTLP JSON, or too long.',
    )
  }

  async start(): Promise<void> {
    // What is written from now on is new, also before the first reading.
    await this.#finder.look()
    this.#stopTimer = this.#context.clock.every(this.#settings.poll_interval, () => {
      this.#polling = this.#poll()
      return this.#polling
    })
  }

  async shutdown(): Promise<void> {
    this.#isStopped = true
    this.#stopTimer()
    await this.#polling
    for (const file of this.#finder.files.values()) await file.close()
  }

  async save(): Promise<Uint8Array> {
    return writeState(this.#finder.marks())
  }

  async restore(state: Uint8Array): Promise<void> {
    for (const mark of readState(state)) this.#finder.remember(mark)
  }

  async #poll(): Promise<void> {
    await this.#finder.look()
    const waiting = [...this.#finder.files.values()]
    const work = async () => {
      for (let file = waiting.shift(); file !== undefined && !this.#isStopped; file = waiting.shift()) {
        await this.#readOne(file).catch((error: unknown) =>
          this.#context.logger.warn('A file cannot be read.', { path: file?.path, error: String(error) }),
        )
      }
    }
    await Promise.all(Array.from({ length: readers }, work))
  }

  async #readOne(file: TailedFile): Promise<void> {
    const { clock } = this.#context
    const { max_log_size, force_flush_period, replay_file, delete_after_read, max_concurrent_files } = this.#settings
    const nowMs = clock.nowMs()
    if (nowMs < file.notBeforeMs) return
    if (file.owed !== undefined && (await this.#sendOwed(file)) === 'stop') return
    if (file.isGone && file.handle === undefined) return this.#finder.forget(file)
    const broken = new BrokenLines(file)
    const isAtEnd = await file.read(
      {
        take: (line) => this.#take(line, file, broken),
        tooLong: () => broken.add(`it is longer than max_log_size, ${max_log_size} bytes: make that larger`),
      },
      { maxLineBytes: max_log_size, flushMs: force_flush_period, nowMs },
    )
    this.#report(broken)
    if (this.#isStopped || file.pending !== undefined) return
    if (file.isGone) {
      if (nowMs - file.changedMs >= lingerMs) await this.#finder.forget(file)
    } else if (isAtEnd && delete_after_read && file.offset > 0) {
      await rm(file.path)
      await this.#finder.forget(file)
    } else if (isAtEnd && replay_file) file.restart(file.fingerprint)
    else if (this.#finder.files.size > max_concurrent_files) await file.close()
  }

  async #take(line: Buffer, file: TailedFile, broken: BrokenLines): Promise<Taken> {
    if (this.#isStopped) return 'stop'
    let batch = file.pending
    if (batch === undefined) {
      try {
        batch = readLine(line, this.#context.signals)
      } catch (error) {
        broken.add(errorMessage(error))
      }
    }
    if (batch === undefined) return 'next'
    file.pending = await this.#send(batch, file)
    return file.pending === undefined ? 'next' : 'stop'
  }

  async #sendOwed(file: TailedFile): Promise<Taken> {
    if (file.owed !== undefined) file.owed = await this.#send(file.owed, file)
    return file.owed === undefined ? 'next' : 'stop'
  }

  /** The answer is what is refused for now: it is sent again at a later look, and only what did not get through. */
  async #send(batch: Batch, file: TailedFile): Promise<Batch | undefined> {
    const { emit, clock, logger } = this.#context
    try {
      await (emit[batch.signal] as (batch: Batch) => Promise<void>)(batch)
    } catch (error) {
      const left = (error instanceof Rejected ? error.remaining : undefined) ?? batch
      if (error instanceof Rejected && error.retryable) {
        file.notBeforeMs = clock.nowMs() + (error.retryAfterMs ?? 0)
        return left
      }
      this.#context.dropped(left.count, 'refused', 'lost')
      logger.error('A line was refused for good.', { path: file.path, byte: file.offset, error: String(error) })
    }
    return undefined
  }

  /** One log line a look: a file of another kind has thousands of them. */
  #report({ count, file, first }: BrokenLines): void {
    if (first === undefined) return
    this.#broken.add(count)
    this.#context.dropped(count, 'broken_line', 'lost')
    this.#context.logger.error('Lines were skipped: they are no OTLP JSON.', {
      path: file.path,
      lines: count,
      ...first,
    })
  }
}

class BrokenLines {
  readonly file: TailedFile
  count = 0
  first: { readonly line?: number; readonly byte: number; readonly error: string } | undefined

  constructor(file: TailedFile) {
    this.file = file
  }

  add(error: string): void {
    this.count++
    const { line, offset: byte } = this.file
    this.first ??= { ...(line === undefined ? {} : { line }), byte, error }
  }
}
