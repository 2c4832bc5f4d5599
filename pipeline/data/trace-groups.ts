/** Groups spans by their trace id over all chunks of a batch: open addressing on the id's bytes, no string until a group is handed out. */
import { Group } from './item-batch.ts'
import type { Tree } from './tree.ts'
import { cursor, find, hex, u32, uvarint } from './wire.ts'

export interface TraceGroup extends Group {
  traceId: string
}

class OfTrace extends Group implements TraceGroup {
  readonly b: Uint8Array
  /** Where the id stands; -1 for spans without one, which are one group. */
  readonly idAt: number

  constructor(b: Uint8Array, idAt: number) {
    super()
    this.b = b
    this.idAt = idAt
  }

  get traceId(): string {
    return this.idAt < 0 ? '' : hex(this.b, this.idAt, this.idAt + 16)
  }
}

/** In the order in which the traces first appear. */
export function groupTraces(trees: readonly Tree[]): readonly TraceGroup[] {
  const groups: OfTrace[] = []
  let slots = new Int32Array(256).fill(-1)
  for (const tree of trees) {
    const b = tree.bytes
    const { start, end, size } = tree.items
    for (let i = 0; i < size; i++) {
      const at = idAt(b, start[i]!, end[i]!)
      let slot = hashAt(b, at) & (slots.length - 1)
      let group: OfTrace | undefined
      for (; slots[slot]! >= 0; slot = (slot + 1) & (slots.length - 1)) {
        const candidate = groups[slots[slot]!]!
        if (!sameId(candidate, b, at)) continue
        group = candidate
        break
      }
      if (group === undefined) {
        group = new OfTrace(b, at)
        slots[slot] = groups.length
        groups.push(group)
        if (groups.length * 2 > slots.length) slots = rehash(groups, slots.length * 2)
      }
      group.add(tree, i)
    }
  }
  return groups
}

function rehash(groups: readonly OfTrace[], size: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(size).fill(-1)
  for (const [g, group] of groups.entries()) {
    let slot = hashAt(group.b, group.idAt) & (size - 1)
    while (slots[slot]! >= 0) slot = (slot + 1) & (size - 1)
    slots[slot] = g
  }
  return slots
}

function idAt(b: Uint8Array, start: number, end: number): number {
  // Nearly every sender writes the id first.
  if (b[start] === 10 && b[start + 1] === 16 && end - start > 17) return start + 2
  const at = find(b, start, end, 10)
  return at < 0 || uvarint(b, at) === 0 ? -1 : cursor
}

function hashAt(b: Uint8Array, at: number): number {
  if (at < 0) return 0
  let h = Math.imul(u32(b, at) ^ Math.imul(u32(b, at + 4), 31), 0x9e37_79b1)
  h = Math.imul(h ^ u32(b, at + 8) ^ Math.imul(u32(b, at + 12), 31), 0x85eb_ca6b)
  return h ^ (h >>> 15)
}

function sameId(group: OfTrace, b: Uint8Array, at: number): boolean {
  const other = group.idAt
  if (at < 0 || other < 0) return at < 0 && other < 0
  for (let i = 0; i < 16; i++) if (b[at + i] !== group.b[other + i]) return false
  return true
}
