/** The history of all entities, within its limits. What is written is also noted in the journal until it is stored. */
import type { Slices } from '../../pipeline/slices.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { type ColumnSpec, Columns } from './columns.ts'
import type { Config } from './config.ts'
import { EntityHistory, entityBytes, type FrozenBlock, frozenOverheadBytes, type Series } from './entity-history.ts'
import { Journal } from './journal.ts'
import { blockOf, blockRows, paneSeconds, stepSeconds, tierCount } from './tiers.ts'

/** How far the newest time may move at once: one clock that is years ahead must not age everything else. */
const maxLeapSeconds = 600
/** An entity that nothing was heard of for so long gives its open blocks back. */
const idleSeconds = 3_600
/** Entities are looked after in so many groups, one a round. */
const groups = 12

type Limits = Pick<Config, 'memory_limit' | 'max_entities' | 'keep_10s' | 'keep_1m' | 'keep_5m'>

export interface HistoryCounts {
  lateValues: number
  staleValues: number
  /** Values of entities or columns for which there was no room. */
  refusedValues: number
  evictedBlocks: number
}

export class EntityHistories {
  readonly columns = new Columns()
  readonly byId = new Map<string, EntityHistory>()
  readonly journal = new Journal()
  readonly counts: HistoryCounts = { lateValues: 0, staleValues: 0, refusedValues: 0, evictedBlocks: 0 }
  /** Unix seconds of the newest window's end. */
  newestSeconds = 0
  /** Of blocks, entities and what hangs on them. */
  bytes = 0
  isJournaled = false
  private limits: Limits
  private nextNumber = 0
  private readonly byNumber = new Map<number, EntityHistory>()

  constructor(limits: Limits) {
    this.limits = limits
  }

  /** Other limits after a reload. */
  adopt(limits: Limits): void {
    this.limits = limits
  }

  keepSeconds(t: number): number {
    return [this.limits.keep_10s, this.limits.keep_1m, this.limits.keep_5m][t]! / 1_000
  }

  atNumber(number: number): EntityHistory | undefined {
    return this.byNumber.get(number)
  }

  /** Undefined when there is no room. */
  entity(id: string, entity: Entity, seconds: number): EntityHistory | undefined {
    const known = this.byId.get(id)
    if (known !== undefined) return known
    const { max_entities, memory_limit } = this.limits
    if (this.byId.size >= max_entities || this.bytes >= memory_limit) return undefined
    return this.put(new EntityHistory(this.nextNumber, id, entity, seconds))
  }

  /** One that was stored, or a new one. */
  put(history: EntityHistory): EntityHistory {
    this.byId.set(history.id, history)
    this.byNumber.set(history.number, history)
    this.nextNumber = Math.max(this.nextNumber, history.number + 1)
    this.bytes += entityBytes + 2 * history.id.length
    return history
  }

  series(history: EntityHistory, spec: ColumnSpec): Series | undefined {
    const column = this.columns.intern(spec)
    return column === undefined ? undefined : history.seriesOf(column)
  }

  write(series: Series, seconds: number, value: number, revision: number): void {
    const { history, column } = series
    const pane = Math.ceil(seconds / paneSeconds - 0.000_1)
    if (column.window > 0 && !history.admits(pane, column.window, revision)) {
      this.counts.staleValues++
      return
    }
    const grown = history.write(series, pane, value)
    if (grown < 0) {
      this.counts.lateValues++
      return
    }
    this.bytes += grown
    if (this.isJournaled) this.journal.add(history.number, column.number, pane, value, revision)
  }

  /** Once a batch, with the time of its windows. */
  advance(seconds: number): void {
    if (seconds <= this.newestSeconds) return
    this.newestSeconds = this.newestSeconds === 0 ? seconds : Math.min(seconds, this.newestSeconds + maxLeapSeconds)
  }

  *group(round: number): Iterable<EntityHistory> {
    for (const history of this.byId.values()) if (history.number % groups === round % groups) yield history
  }

  /** Closes what is full, and forgets what is old. */
  tend(history: EntityHistory): void {
    const isIdle = history.lastSeconds < this.newestSeconds - idleSeconds
    this.bytes += history.close(isIdle)
    for (let t = 0; t < tierCount; t++) {
      const oldest = (this.newestSeconds - this.keepSeconds(t)) / stepSeconds[t]!
      this.bytes -= history.forget(t, blockOf(oldest))
    }
    if (history.lastSeconds < this.newestSeconds - this.keepSeconds(tierCount - 1)) this.remove(history)
  }

  /** Makes room when memory is full: the older half of what is stored, again and again, then of what is nowhere else. */
  async trim(slices: Slices): Promise<void> {
    const { memory_limit } = this.limits
    if (this.bytes <= memory_limit) return
    for (const isStored of [true, false]) {
      for (let share = 1 / 2; share > 1 / 4_096; share /= 2) {
        for (const history of this.byId.values()) {
          for (let t = 0; t < tierCount; t++) this.evict(history, t, share * this.keepSeconds(t), isStored)
          if (this.bytes <= memory_limit * 0.9) return
          if (slices.isOver) await slices.pause()
        }
      }
    }
  }

  private evict(history: EntityHistory, t: number, keepSeconds: number, isStored: boolean): void {
    const tier = history.tiers[t]!
    const oldest = (this.newestSeconds - keepSeconds) / (stepSeconds[t]! * blockRows)
    const isGone = (block: FrozenBlock) => block.isStored === isStored && block.index + 1 < oldest
    if (!tier.frozen.some(isGone)) return
    tier.frozen = tier.frozen.filter((block) => {
      if (!isGone(block)) return true
      this.bytes -= block.bytes.length + frozenOverheadBytes
      if (!isStored) this.counts.evictedBlocks++
      return false
    })
  }

  private remove(history: EntityHistory): void {
    history.isGone = true
    this.byId.delete(history.id)
    this.byNumber.delete(history.number)
    this.bytes -= entityBytes + 2 * history.id.length
    for (const { open, frozen } of history.tiers) {
      for (const block of open) this.bytes -= block.bytes
      for (const block of frozen) this.bytes -= block.bytes.length + frozenOverheadBytes
    }
  }
}
