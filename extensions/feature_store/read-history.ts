/** Answers questions about the past: from open blocks, full ones in memory, and those that only the store has. */

import type { History, HistoryQuery, HistoryStep } from '../../pipeline/capability/feature-store.ts'
import type { StateTables } from '../../pipeline/capability/state-store.ts'
import type { Clock } from '../../pipeline/component.ts'
import { Slices } from '../../pipeline/slices.ts'
import { readFrozen } from './block.ts'
import type { Column } from './columns.ts'
import { copyRows, type EntityHistory } from './entity-history.ts'
import type { EntityHistories } from './history.ts'
import { blockTable } from './stored.ts'
import { blockOf, blockRows, stepSeconds, tierCount, tierOfStep } from './tiers.ts'

const maxValues = 20_000_000
const nanosPerSecond = 1_000_000_000n

export class HistoryReader {
  private readonly histories: EntityHistories
  private readonly clock: Clock
  private readonly tables: () => StateTables | undefined

  constructor(histories: EntityHistories, clock: Clock, tables: () => StateTables | undefined) {
    this.histories = histories
    this.clock = clock
    this.tables = tables
  }

  async read(query: HistoryQuery): Promise<History> {
    const { entities, columns, fromUnixNano, untilUnixNano } = query
    const known = columns.map((text) => this.histories.columns.get(text))
    const tier = query.step === undefined ? this.tierFor(known, fromUnixNano) : tierOfStep(query.step)
    if (tier < 0) throw new RangeError(`there are no rows of ${String(query.step)} s: ask for 10, 60 or 300`)
    const step = stepSeconds[tier]!
    const stepNanos = BigInt(step) * nanosPerSecond
    const first = Number(fromUnixNano / stepNanos) + 1
    const last = Number(untilUnixNano / stepNanos)
    const rows = Math.max(0, last - first + 1)
    const size = rows * entities.length * columns.length
    if (size > maxValues)
      throw new RangeError(
        `${size} values are too many at once, ${maxValues} are allowed: ask for fewer entities, or a longer step`,
      )
    const slices = new Slices(this.clock)
    const values: (readonly Float32Array[])[] = []
    for (const id of entities) {
      values.push(await this.rowsOf(this.histories.byId.get(id), tier, known, first, last))
      if (slices.isOver) await slices.pause()
    }
    return { step: step as HistoryStep, firstUnixNano: BigInt(first) * stepNanos, rows, values }
  }

  /** Rows of one entity, `first` to `last` included. */
  async rowsOf(
    history: EntityHistory | undefined,
    tier: number,
    columns: readonly (Column | undefined)[],
    first: number,
    last: number,
  ): Promise<Float32Array[]> {
    const rows = Math.max(0, last - first + 1)
    const values = columns.map(() => new Float32Array(rows).fill(Number.NaN))
    if (history === undefined || rows === 0 || columns.every((column) => column?.tiers[tier] !== true)) return values
    const { open, frozen, columns: numbers } = history.tiers[tier]!
    const found = new Set<number>()
    const isWanted = (index: number) => index >= blockOf(first) && index <= blockOf(last)
    for (const block of open) {
      const { index } = block
      if (!isWanted(index)) continue
      found.add(index)
      for (const [c, column] of columns.entries()) {
        const place = column === undefined ? -1 : numbers.indexOf(column.number)
        const kept = place < 0 ? undefined : block.column(place)
        if (kept !== undefined) copyRows(index, kept, first, last, values[c]!)
      }
    }
    const take = (index: number, bytes: Uint8Array) => {
      if (found.has(index)) return
      found.add(index)
      const { numbers: those, data } = readFrozen(bytes)
      for (const [c, column] of columns.entries()) {
        const place = column === undefined ? -1 : those.indexOf(column.number)
        if (place >= 0)
          copyRows(index, data.subarray(place * blockRows, (place + 1) * blockRows), first, last, values[c]!)
      }
    }
    for (const { index, bytes } of frozen) if (isWanted(index)) take(index, bytes)
    const tables = this.tables()
    if (tables === undefined) return values
    let from = Math.max(blockOf(first), this.oldestBlock(tier))
    while (found.has(from)) from++
    if (from > blockOf(last)) return values
    for await (const page of tables.read({ table: blockTable(tier), key: history.id, from, until: blockOf(last) + 1 }))
      for (const { at, value } of page) take(at, value)
    return values
  }

  /** The finest that all have and that reaches back to `from`, or else that reaches back furthest. */
  private tierFor(columns: readonly (Column | undefined)[], fromUnixNano: bigint): number {
    const wanted = Array.from({ length: tierCount }, (_, t) => t).filter((t) =>
      columns.every((column) => column === undefined || column.tiers[t]),
    )
    const age = this.histories.newestSeconds - Number(fromUnixNano / nanosPerSecond)
    return wanted.find((t) => age <= this.histories.keepSeconds(t)) ?? wanted.at(-1) ?? 1
  }

  private oldestBlock(tier: number): number {
    const { newestSeconds } = this.histories
    return blockOf(Math.floor((newestSeconds - this.histories.keepSeconds(tier)) / stepSeconds[tier]!))
  }
}
