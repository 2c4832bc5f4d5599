/** Stores what came, a commit every few seconds, and reads it again after a restart. */
import { type StateChange, StateStoreError, type StateTables } from '../../pipeline/capability/state-store.ts'
import type { Context } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Slices } from '../../pipeline/slices.ts'
import { parseEntityId } from '../../pipeline/vocabulary/entity.ts'
import type { FeatureData } from './data.ts'
import { EntityHistory, type FrozenBlock, frozenOverheadBytes } from './entity-history.ts'
import { eventBytes, eventLogs, eventOf } from './events.ts'
import { type JournalColumns, readJournal } from './journal.ts'
import {
  blockTable,
  columnRow,
  entityRow,
  json,
  maxIdLength,
  parse,
  put,
  type StoredColumn,
  type StoredEntity,
  tableNames,
} from './stored.ts'
import { blockOf, stepSeconds, tierCount } from './tiers.ts'

/** Every entity is stored within so many commits: seldom, since an open block is written as a whole and what came since is in the journal. */
const turns = 30
/** Every so many commits what is too old is deleted. */
const cleaningCommits = 60

export class Keeping {
  private failedCommits = 0
  private toldFailures = 0
  private readonly data: FeatureData
  private readonly context: Context
  private readonly tables: StateTables
  /** Positions in the journal at which the last commits began. */
  private readonly turns: number[] = []
  private keepShare = 1
  private committing: Promise<void> | undefined
  private next: Promise<void> | undefined
  private isAllDue = false

  constructor(data: FeatureData, context: Context, tables: StateTables) {
    this.data = data
    this.context = context
    this.tables = tables
  }

  /** Since it was asked last. */
  takeFailures(): number {
    const failures = this.failedCommits - this.toldFailures
    this.toldFailures = this.failedCommits
    return failures
  }

  /** Of a group of the entities, or of all. One at a time; whoever asks while one is under way shares the next. Never throws. */
  commit(ofAll = false): Promise<void> {
    this.isAllDue ||= ofAll
    this.next ??= (this.committing ?? Promise.resolve()).then(() => {
      this.next = undefined
      const isAll = this.isAllDue
      this.isAllDue = false
      this.committing = this.write(isAll)
      return this.committing
    })
    return this.next
  }

  private async write(ofAll: boolean): Promise<void> {
    const { histories, edges, events } = this.data
    const sequence = ++this.data.commits
    const changes: StateChange[] = []
    const written: (() => void)[] = []
    const slices = new Slices(this.context.clock)
    const fresh = histories.columns.fresh.slice()
    for (const column of fresh) changes.push(columnRow(column))
    written.push(() => void histories.columns.fresh.splice(0, fresh.length))
    for (const history of histories.byId.values()) {
      // A new entity is stored at once: the journal names it by its number.
      const isDue =
        ofAll || history.number % turns === sequence % turns || !this.data.storedEntities.has(history.number)
      if (!isDue || history.id.length > maxIdLength) continue
      this.store(history, changes, written)
      if (slices.isOver) await slices.pause()
    }
    for (const [key, edge] of edges.drawnByEnds) {
      if (!edge.isDirty && sequence % cleaningCommits !== 0) continue
      const { source, target, firstSeconds: first, lastSeconds: last } = edge
      if (key.length > maxIdLength) continue
      changes.push(put(tableNames.drawn, key, 0, sequence, json({ source, target, first, last })))
      written.push(() => void (edge.isDirty = false))
    }
    for (const event of events.all()) {
      if (event.isStored) continue
      const at = Number(event.observedUnixNano / 1_000_000n)
      changes.push(put(tableNames.events, event.key, at, 1, eventBytes(event)))
      written.push(() => void (event.isStored = true))
    }
    const { bytes, first, count, isWritten } = await histories.journal.encode()
    if (count > 0 && !ofAll) changes.push(put(tableNames.journal, '', first, 1, bytes))
    // Since then each entity had its turn.
    const allStored = ofAll ? histories.journal.position : (this.turns[this.turns.length - turns] ?? 0)
    changes.push({ kind: 'remove before', table: tableNames.journal, before: allStored })
    if (sequence % cleaningCommits === 0) changes.push(...this.clean(1))
    try {
      await this.tables.commit(changes)
      for (const done of written) done()
      isWritten()
      this.turns.push(first)
      if (this.turns.length > turns) this.turns.shift()
      this.keepShare = 1
    } catch (error) {
      await this.failed(error)
    }
  }

  /** Full blocks, open ones as they are, and what is known of the entity. */
  private store(history: EntityHistory, changes: StateChange[], written: (() => void)[]): void {
    const { position } = this.data.histories.journal
    const edge = this.data.edges.byId.get(history.id)
    if (history.isDirty || edge?.isDirty) {
      changes.push(entityRow(history, edge, this.data.commits))
      history.isDirty = false
      if (edge !== undefined) edge.isDirty = false
      written.push(() => this.data.storedEntities.add(history.number))
    }
    for (const [t, { open, frozen, columns }] of history.tiers.entries()) {
      for (const block of open) {
        if (!block.isDirty) continue
        block.isDirty = false
        changes.push(put(blockTable(t), history.id, block.index, position, block.freeze(columns)))
      }
      for (const block of frozen) {
        if (block.isStored) continue
        changes.push(put(blockTable(t), history.id, block.index, position, block.bytes))
        written.push(() => void (block.isStored = true))
      }
    }
  }

  private clean(share: number): StateChange[] {
    const { histories } = this.data
    const oldest = (t: number) => histories.newestSeconds - histories.keepSeconds(t) * share
    const changes: StateChange[] = []
    for (let t = 0; t < tierCount; t++)
      changes.push({ kind: 'remove before', table: blockTable(t), before: blockOf(oldest(t) / stepSeconds[t]!) })
    changes.push({
      kind: 'remove before',
      table: tableNames.events,
      before: Math.trunc(oldest(tierCount - 1) * 1_000),
    })
    for (const id of this.data.removedIds.splice(0))
      changes.push({ kind: 'remove', table: tableNames.entities, key: id, at: 0 })
    for (const key of this.data.removedDrawn.splice(0))
      changes.push({ kind: 'remove', table: tableNames.drawn, key, at: 0 })
    return changes
  }

  /** Nothing of the commit was written: all of it is dirty again. */
  private async failed(error: unknown): Promise<void> {
    this.failedCommits++
    for (const history of this.data.histories.byId.values()) {
      history.isDirty = true
      for (const { open } of history.tiers) for (const block of open) block.isDirty = true
    }
    if (!(error instanceof StateStoreError) || error.reason !== 'full' || this.keepShare < 0.1) return
    this.keepShare /= 2
    this.context.logger.warn('The state store is full: older history is deleted to make room.', {
      keeps: `${this.keepShare * 100} % of the configured time`,
    })
    await this.tables.commit(this.clean(this.keepShare)).catch(() => {})
  }

  /** Reads everything back. What cannot be read is left out, and told. */
  async load(): Promise<void> {
    const { data } = this
    const { histories, events } = data
    await this.each(tableNames.columns, ({ key, value }) => {
      const stored = parse<StoredColumn>(value)
      histories.columns.put({ ...stored, text: key })
    })
    await this.each(tableNames.entities, ({ key, revision, value }) => {
      data.commits = Math.max(data.commits, revision)
      this.loadEntity(key, parse<StoredEntity>(value))
    })
    await this.each(tableNames.drawn, ({ key, value }) => {
      const { source, target, first, last } = parse<{ source: string; target: string; first: number; last: number }>(
        value,
      )
      data.edges.restore(key, { source, target, type: 'causal', firstSeconds: first, lastSeconds: last })
    })
    const journal: { first: number; columns: JournalColumns }[] = []
    let oldestPane = histories.newestSeconds / stepSeconds[0]
    await this.each(tableNames.journal, ({ at, value }) => {
      const columns = readJournal(value)
      for (const pane of columns.pane) if (pane < oldestPane) oldestPane = pane
      journal.push({ first: at, columns })
    })
    for (let t = 0; t < tierCount; t++) await this.loadBlocks(t, oldestPane * stepSeconds[0])
    for (const { first, columns } of journal) this.replay(first, columns)
    await this.each(tableNames.events, ({ value }) => {
      const logs = eventLogs(value)
      for (const record of logs) {
        const event = eventOf(record, () => logs, true)
        if (event !== undefined && events.add(event) !== undefined) data.alarms.hear(event, false)
      }
    })
  }

  private loadEntity(id: string, stored: StoredEntity): void {
    const { histories, edges, storedEntities } = this.data
    const entity = parseEntityId(id)
    if (entity === undefined) throw new Error(`${id} is not the id of an entity`)
    const history = histories.put(new EntityHistory(stored.number, id, entity, stored.first))
    history.lastSeconds = stored.last
    for (const number of stored.columns) {
      const column = histories.columns.at(number)
      if (column !== undefined) history.seriesOf(column)
    }
    history.revised = new Map(stored.revised)
    history.isDirty = false
    storedEntities.add(stored.number)
    histories.newestSeconds = Math.max(histories.newestSeconds, stored.last)
    if (stored.edge === undefined) return
    const { source, target, type, first, last } = stored.edge
    edges.restore(id, { source, target, type, history, firstSeconds: first, lastSeconds: last })
  }

  /** Those that may still be written to: the newest two, and what the journal is about. Older ones stay where they are and take nothing more. */
  private async loadBlocks(t: number, oldestSeconds: number): Promise<void> {
    const { histories } = this.data
    const from = Math.min(
      blockOf(histories.newestSeconds / stepSeconds[t]!) - 1,
      blockOf(Math.floor(oldestSeconds / stepSeconds[t]!)),
    )
    for (const history of histories.byId.values()) history.tiers[t]!.closedBefore = from
    await this.each(
      blockTable(t),
      ({ key, at, revision, value }) => {
        const { journal } = histories
        journal.position = Math.max(journal.position, revision)
        const history = histories.byId.get(key)
        if (history === undefined) return
        const block: FrozenBlock = { index: at, bytes: new Uint8Array(value), position: revision, isStored: true }
        history.tiers[t]!.frozen.push(block)
        histories.bytes += value.length + frozenOverheadBytes
      },
      from,
    )
  }

  /** `first`: the position of the first value. */
  private replay(first: number, { length, entity, column, pane, value, revision }: JournalColumns): void {
    const { histories } = this.data
    for (let i = 0; i < length; i++) {
      const history = histories.atNumber(entity[i]!)
      const of = histories.columns.at(column[i]!)
      if (history === undefined || of === undefined || !history.admits(pane[i]!, of.window, revision[i]!)) continue
      const grown = history.write(history.seriesOf(of), pane[i]!, value[i]!, first + i)
      if (grown > 0) histories.bytes += grown
    }
    for (const last of pane.subarray(-1)) histories.advance(last * stepSeconds[0])
    histories.journal.position = Math.max(histories.journal.position, first + length)
  }

  private async each(
    table: string,
    take: (row: { key: string; at: number; revision: number; value: Uint8Array }) => void,
    from?: number,
  ): Promise<void> {
    let unreadable = 0
    let why: unknown
    for await (const rows of this.tables.read({ table, ...(from === undefined ? {} : { from }) })) {
      for (const row of rows) {
        try {
          take(row)
        } catch (error) {
          unreadable++
          why = error
        }
      }
    }
    if (unreadable === 0) return
    this.context.dropped(unreadable, 'unreadable_state', 'lost')
    this.context.logger.error('Some of the stored history could not be read and is left out.', {
      table,
      rows: unreadable,
      error: errorMessage(why),
    })
  }
}
