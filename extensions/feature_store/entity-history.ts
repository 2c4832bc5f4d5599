/** The history of one entity: for each step of time some open blocks, and those that are full. */
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { OpenBlock } from './block.ts'
import type { Column } from './columns.ts'
import { blockOf, blockRows, lateSeconds, panesPerRow, stepSeconds, tierCount } from './tiers.ts'

export interface FrozenBlock {
  readonly index: number
  readonly bytes: Uint8Array
  /** As in an open block. */
  readonly position: number
  /** It is in the store as it is here. */
  isStored: boolean
}

class Tier {
  /** Numbers of the columns, in the order in which they stand in open blocks. */
  readonly columns: number[] = []
  /** Oldest first; one or two. */
  open: OpenBlock[] = []
  /** Oldest first. */
  frozen: FrozenBlock[] = []
  /** Blocks before this one take no more rows. */
  closedBefore = 0
}

/** A column of an entity: where its values go. */
export interface Series {
  readonly history: EntityHistory
  readonly column: Column
  /** By tier: the place of the column in its blocks; -1 = it is not kept there. */
  readonly places: readonly number[]
}

export const entityBytes = 1_500

export class EntityHistory {
  readonly number: number
  readonly id: string
  readonly entity: Entity
  readonly firstSeconds: number
  lastSeconds: number
  /** Something of it, apart from rows, changed since it was stored. */
  isDirty = true
  isGone = false
  readonly tiers: readonly Tier[] = Array.from({ length: tierCount }, () => new Tier())
  private readonly series = new Map<number, Series>()
  private revisions: Map<number, number> | undefined
  /** Of the last value; by tier its row, and the open block of that. */
  private pane = Number.NaN
  private readonly rows: number[] = [0, 0, 0]
  private readonly blocks: (OpenBlock | undefined)[] = [undefined, undefined, undefined]

  constructor(number: number, id: string, entity: Entity, firstSeconds: number) {
    this.number = number
    this.id = id
    this.entity = entity
    this.firstSeconds = firstSeconds
    this.lastSeconds = firstSeconds
  }

  get columnNumbers(): Iterable<number> {
    return this.series.keys()
  }

  seriesOf(column: Column): Series {
    let series = this.series.get(column.number)
    if (series === undefined) {
      const places = this.tiers.map((tier, t) => (column.tiers[t]! ? tier.columns.push(column.number) - 1 : -1))
      series = { history: this, column, places }
      this.series.set(column.number, series)
      this.isDirty = true
    }
    return series
  }

  /** Of rows that were revised. */
  get revised(): ReadonlyMap<number, number> {
    return this.revisions ?? noRevisions
  }
  set revised(revisions: ReadonlyMap<number, number>) {
    if (revisions.size > 0) this.revisions = new Map(revisions)
  }

  /** Whether a row of this revision is to be written; 0 for a row that never was revised. */
  admits(pane: number, window: number, revision: number): boolean {
    if (revision === 0 && this.revisions === undefined) return true
    this.revisions ??= new Map()
    const row = pane * 8 + window
    const before = this.revisions.get(row) ?? 0
    if (revision < before) return false
    if (revision > before) {
      this.revisions.set(row, revision)
      this.isDirty = true
      if (this.revisions.size > maxRevisions) this.revisions.delete(this.revisions.keys().next().value!)
    }
    return true
  }

  /** The bytes by which it grew; -1 for a row that comes too late. `position`: writes only into blocks that do not have it yet. */
  write({ column, places }: Series, pane: number, value: number, position = Number.POSITIVE_INFINITY): number {
    if (pane !== this.pane) this.moveTo(pane)
    let grown = 0
    let isLate = true
    for (let t = 0; t < tierCount; t++) {
      const place = places[t]!
      if (place < 0) continue
      const row = this.rows[t]!
      const index = blockOf(row)
      if (index < this.tiers[t]!.closedBefore) continue
      isLate = false
      let block = this.blocks[t]
      if (block === undefined) {
        block = this.open(t, index)
        this.blocks[t] = block
        grown += block.bytes
      }
      if (position >= block.position)
        grown += block.write(place, row, value, column.fold, pane - (row - 1) * panesPerRow[t]!)
    }
    const seconds = pane * stepSeconds[0]!
    if (seconds > this.lastSeconds) {
      this.lastSeconds = seconds
      this.isDirty = true
    }
    return isLate ? -1 : grown
  }

  /** Most values come pane by pane: where they go is looked up once. */
  private moveTo(pane: number): void {
    this.pane = pane
    for (let t = 0; t < tierCount; t++) {
      const row = Math.ceil(pane / panesPerRow[t]!)
      this.rows[t] = row
      this.blocks[t] = lastOf(this.tiers[t]!.open, blockOf(row))
    }
  }

  /** Compresses blocks that are full, or all of an entity that is idle. The answer is by how many bytes it grew; negative mostly. */
  close(isIdle: boolean): number {
    let grown = 0
    this.pane = Number.NaN
    for (const [t, tier] of this.tiers.entries()) {
      const newest = this.lastSeconds - lateSeconds
      const closedBefore = blockOf(Math.floor(newest / stepSeconds[t]!))
      tier.closedBefore = Math.max(tier.closedBefore, closedBefore)
      const still: OpenBlock[] = []
      for (const block of tier.open) {
        if (!isIdle && block.index >= closedBefore) {
          still.push(block)
          continue
        }
        const bytes = block.freeze(tier.columns)
        insert(tier.frozen, { index: block.index, bytes, position: block.position, isStored: !block.isDirty })
        grown += bytes.length + frozenOverheadBytes - block.bytes
      }
      tier.open = still
    }
    return grown
  }

  /** Forgets full blocks from before a row of each tier, and the answer is by how many bytes it shrank. */
  forget(t: number, beforeIndex: number): number {
    const tier = this.tiers[t]!
    if (tier.frozen.length === 0 || tier.frozen[0]!.index >= beforeIndex) return 0
    let freed = 0
    tier.frozen = tier.frozen.filter((block) => {
      if (block.index >= beforeIndex) return true
      freed += block.bytes.length + frozenOverheadBytes
      return false
    })
    return freed
  }

  private open(t: number, index: number): OpenBlock {
    const tier = this.tiers[t]!
    const at = tier.frozen.findLastIndex((block) => block.index === index)
    let block: OpenBlock
    if (at >= 0) {
      const { bytes, position } = tier.frozen[at]!
      const local = (number: number) => tier.columns.indexOf(number)
      block = OpenBlock.thaw(index, position, bytes, tier.columns.length, local)
      tier.frozen.splice(at, 1)
    } else block = new OpenBlock(index, tier.columns.length)
    insert(tier.open, block)
    return block
  }
}

/** Values of one column in blocks that are in memory, from row `from` to `until` (both included), into `to` by row. */
export function copyRows(index: number, column: Float32Array, from: number, until: number, to: Float32Array): void {
  const first = index * blockRows
  const start = Math.max(from, first)
  const end = Math.min(until, first + blockRows - 1)
  for (let row = start; row <= end; row++) to[row - from] = column[row - first]!
}

function lastOf(blocks: readonly OpenBlock[], index: number): OpenBlock | undefined {
  for (let i = blocks.length - 1; i >= 0; i--) if (blocks[i]!.index === index) return blocks[i]
  return undefined
}

function insert<B extends { readonly index: number }>(blocks: B[], block: B): void {
  let at = blocks.length
  while (at > 0 && blocks[at - 1]!.index > block.index) at--
  blocks.splice(at, 0, block)
}

export const frozenOverheadBytes = 200
const maxRevisions = 512
const noRevisions: ReadonlyMap<number, number> = new Map()
