/** Collects records for an interval, then sends one for all that are the same. */
import { deserialize, serialize } from 'node:v8'
import { type Context, type Held, held, Rejected } from '../../pipeline/component.ts'
import { fromChunks } from '../../pipeline/data/batch.ts'
import type { In, LogRecord, Logs, Origin } from '../../pipeline/data/telemetry.ts'
import { beforeDeadline } from '../../pipeline/deadline.ts'
import { compileConditions } from '../../pipeline/ottl/compile.ts'
import { Conditions } from '../../pipeline/ottl/conditions.ts'
import { Failures } from '../../pipeline/ottl/failures.ts'
import { Frame } from '../../pipeline/ottl/frame.ts'
import { Slices } from '../../pipeline/slices.ts'
import type { Counter, Histogram } from '../../pipeline/telemetry/meter.ts'
import { Collected, type Piece, type SavedCollected } from './collected.ts'
import type { Config } from './config.ts'
import { type Field, parseField, removeField } from './fields.ts'
import { asItCame, editor, finisher } from './finished-record.ts'
import { type IdentityOf, identityOf } from './identity.ts'

/** Go's, which upstream leaves as they are. */
const bounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000]
/** About what a group of senders takes in memory. */
const groupBytes = 1024
/** So many are written without a look at the time. */
const pieceRecords = 250

interface State {
  readonly version: 1
  readonly groups: readonly (readonly [string, SavedCollected])[]
}

export class Dedup {
  private readonly settings: Config
  private readonly context: Context
  private readonly identity: IdentityOf
  private readonly metadataKeys: readonly string[]
  private readonly meets: ((record: LogRecord & In, origin: Origin) => boolean) | undefined
  private readonly excluded: readonly Field[]
  private readonly aggregated: Histogram
  private readonly early: Counter
  private readonly combinations = new Set<string>()
  /** By what keeps senders apart. */
  private groups = new Map<string, Collected>()
  private size = 0
  private bytes = 0
  private stopTimer: (() => void) | undefined
  private readonly sending = new Set<Promise<void>>()
  /** Until what left last is written. */
  private writing: Promise<void> = Promise.resolve()

  constructor(settings: Config, context: Context) {
    this.settings = settings
    this.context = context
    this.identity = identityOf(settings.include_fields, settings.exclude_fields)
    this.metadataKeys = settings.metadata_keys.map((key) => key.toLowerCase()).sort()
    this.meets = anyOf(settings.conditions, context)
    this.excluded = settings.exclude_fields.map(parseField)
    const { meter } = context
    this.aggregated = meter.histogram(
      'otelcol_dedup_processor_aggregated_logs',
      bounds,
      'Number of log records that were aggregated together.',
    )
    this.early = meter.counter(
      'otelcol_dedup_processor_early_exports',
      'How often everything went on before its interval was over, because too much was held.',
    )
  }

  start(): void {
    this.stopTimer = this.context.clock.every(this.settings.interval, () => this.sendAll())
  }

  async logs(batch: Logs): Promise<Logs | Held> {
    const { meets } = this
    const key = this.keyOf(batch.origin)
    if (meets === undefined) {
      await this.collect(batch, key, undefined)
      return held
    }
    const met: boolean[] = []
    const others = batch.filter((record) => {
      const isMet = meets(record, batch.origin)
      met.push(isMet)
      return !isMet
    })
    if (others === batch) return batch
    // First what goes on at once: when it is refused the sender repeats all of it, and nothing must have been counted by then.
    if (others.count > 0) await this.emitOthers(others)
    await this.collect(batch, key, met)
    return held
  }

  /** What is held belongs to the successor from now on. */
  async save(): Promise<Uint8Array> {
    this.stopTimer?.()
    await Promise.all(this.sending)
    const groups = [...this.groups].map(([key, collected]) => [key, collected.save()] as const)
    this.clear()
    return serialize({ version: 1, groups } satisfies State)
  }

  restore(bytes: Uint8Array): void {
    const { version, groups } = deserialize(bytes) as State
    if ((version as number) !== 1) throw new Error(`state of version ${String(version)} is not known here`)
    for (const [key, saved] of groups) {
      const collected = Collected.restored(saved)
      this.groups.set(key, collected)
      this.size += collected.size
      this.bytes += groupBytes + collected.bytes
    }
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.stopTimer?.()
    this.stopTimer = undefined
    void this.sendAll()
    await beforeDeadline(Promise.all(this.sending), deadline)
  }

  private async collect(batch: Logs, key: string, met: readonly boolean[] | undefined): Promise<void> {
    const now = this.context.clock.nowUnixNano()
    let group: Collected | undefined
    let again = 0
    let isEarly = false
    let at = 0
    for (const record of batch) {
      if (met !== undefined && !met[at++]) continue
      group ??= this.groupOf(key, batch.origin)
      const { size, bytes } = group
      if (group.add(record, this.identity, now)) again++
      this.size += group.size - size
      this.bytes += group.bytes - bytes
      if (this.size < this.settings.max_records && this.bytes < this.settings.max_bytes) continue
      isEarly = true
      this.early.add(1)
      void this.sendAll()
      group = undefined
    }
    if (again > 0) this.context.dropped(again, 'duplicate', 'intended')
    // So that whoever sends too fast waits.
    if (isEarly) await Promise.all(this.sending)
  }

  private groupOf(key: string, origin: Origin): Collected {
    let group = this.groups.get(key)
    if (group === undefined) {
      group = new Collected(origin)
      this.groups.set(key, group)
      this.bytes += groupBytes
    } else group.join(origin)
    return group
  }

  /** Apart are kept what differs in `metadata_keys`, and what differs in anything else that somebody further on reads. */
  private keyOf(origin: Origin): string {
    const read = this.context.originKey(origin)
    if (this.metadataKeys.length === 0) return read
    const combination = JSON.stringify(this.metadataKeys.map((key) => origin.metadata.get(key) ?? []))
    const { metadata_cardinality_limit: limit } = this.settings
    if (limit > 0 && !this.combinations.has(combination)) {
      if (this.combinations.size >= limit)
        throw new Rejected(`more than ${limit} combinations of metadata_keys: raise metadata_cardinality_limit`, {
          retryable: false,
        })
      this.combinations.add(combination)
    }
    return `${combination} ${read}`
  }

  private clear(): void {
    this.groups = new Map()
    this.size = 0
    this.bytes = 0
  }

  private async sendAll(): Promise<void> {
    const groups = [...this.groups.values()].filter(({ size }) => size > 0)
    this.clear()
    const sent = this.sendGroups(groups, this.writing).finally(() => this.sending.delete(sent))
    this.sending.add(sent)
    await Promise.all(this.sending)
  }

  /** One group is written after another, and what was collected `earlier` first; each goes as soon as it is written. */
  private async sendGroups(groups: readonly Collected[], earlier: Promise<void>): Promise<void> {
    const { promise: written, resolve } = Promise.withResolvers<void>()
    this.writing = written
    const sent: Promise<void>[] = []
    await earlier
    for (const group of groups) {
      try {
        sent.push(this.send(await this.finished(group)))
      } catch (error) {
        this.context.dropped(group.size, 'failed', 'lost')
        this.context.logger.error('Collected records could not be written; they are lost.', {
          error,
          records: group.size,
        })
      }
    }
    resolve()
    await Promise.all(sent)
  }

  private async finished(group: Collected): Promise<Logs> {
    const { aggregated, context } = this
    const finish = this.finishing(group.origin, context.clock.nowUnixNano())
    const slices = new Slices(context.clock)
    const chunks: Uint8Array[] = []
    const counts: number[] = []
    for (const piece of group.pieces(pieceRecords)) {
      if (slices.isOver) await slices.pause()
      for (const { count } of piece.entries) aggregated.record(count)
      chunks.push(...finish(piece))
      counts.push(piece.entries.length)
    }
    return fromChunks('logs', chunks, counts, group.origin)
  }

  private finishing(origin: Origin, nowUnixNano: bigint): (piece: Piece) => readonly Uint8Array[] {
    const { settings, excluded } = this
    if (excluded.length === 0) {
      const write = finisher(settings, nowUnixNano)
      return (piece) => [piece.chunk(write)]
    }
    const finish = editor(settings, nowUnixNano)
    return (piece) => {
      let at = 0
      const { chunks } = fromChunks('logs', [piece.chunk(asItCame)], [piece.entries.length], origin).edit((record) => {
        for (const field of excluded) removeField(record, field)
        finish(record, piece.entries[at++]!)
      })
      return chunks
    }
  }

  private async emitOthers(others: Logs): Promise<void> {
    try {
      await this.context.emit.logs(others)
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      const { retryable, retryAfterMs, grpcCode } = error
      throw new Rejected(error.message, {
        retryable,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        ...(grpcCode === undefined ? {} : { grpcCode }),
        cause: error,
      })
    }
  }

  /** The senders were answered long ago: what is refused now is lost, as upstream has it. */
  private async send(batch: Logs): Promise<void> {
    try {
      await this.context.emit.logs(batch)
    } catch (error) {
      this.context.dropped(batch.count, 'refused_downstream', 'lost')
      this.context.logger.error('The next component refused collected records; they are lost.', {
        error,
        records: batch.count,
      })
    }
  }
}

/** Whether one of the conditions holds; one that fails ends the search, and the record is not collected, as upstream has it. */
function anyOf(texts: readonly string[], context: Context) {
  if (texts.length === 0) return undefined
  const failures = new Failures('ignore', context.logger, 'condition')
  const conditions = new Conditions(compileConditions(texts, 'log').items, 'propagate', failures)
  const frame = new Frame({ nowUnixNano: () => context.clock.nowUnixNano(), random: context.random })
  return (record: LogRecord & In, origin: Origin): boolean => {
    frame.origin = origin
    try {
      return conditions.test(frame.enterLog(record))
    } catch {
      // Counted and logged by `failures`.
      return false
    }
  }
}
