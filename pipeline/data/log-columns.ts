/** Log records as columns: one scan over the wire, no object a record. */
import { AttributeColumns } from './attribute-columns.ts'
import type { Key, LogColumns, RowPlan } from './telemetry.ts'
import type { Tree } from './tree.ts'
import { cursor, find, skip, u32, uvarint } from './wire.ts'

class Columns implements LogColumns {
  readonly length: number
  readonly timeLo: Uint32Array
  readonly timeHi: Uint32Array
  readonly severity: Uint8Array
  readonly bodyHash: Uint32Array
  readonly attributes: AttributeColumns

  constructor(rows: number, plan: RowPlan) {
    this.length = rows
    this.timeLo = new Uint32Array(rows)
    this.timeHi = new Uint32Array(rows)
    this.severity = new Uint8Array(rows)
    this.bodyHash = new Uint32Array(rows)
    this.attributes = new AttributeColumns(plan, rows)
  }

  attribute(key: Key): Uint32Array {
    return this.attributes.column(key)
  }
}

export function scanLogs(trees: readonly Tree[], rows: number, plan: RowPlan): LogColumns {
  const columns = new Columns(rows, plan)
  let row = 0
  for (const tree of trees) {
    scanTree(tree, row, columns)
    columns.attributes.resources(tree, row)
    row += tree.items.size
  }
  return columns
}

function scanTree(tree: Tree, row: number, columns: Columns): void {
  const b = tree.bytes
  const { start, end, size } = tree.items
  const { timeLo, timeHi, severity, bodyHash, attributes } = columns
  const wantsAttributes = attributes.any
  for (let i = 0; i < size; i++, row++) {
    const stop = end[i]!
    let p = start[i]!
    let observedLo = 0
    let observedHi = 0
    while (p < stop) {
      let tag = b[p++]!
      if (tag > 127) {
        tag = uvarint(b, p - 1)
        p = cursor
      }
      switch (tag) {
        case 9:
          timeLo[row] = u32(b, p)
          timeHi[row] = u32(b, p + 4)
          p += 8
          break
        case 89:
          observedLo = u32(b, p)
          observedHi = u32(b, p + 4)
          p += 8
          break
        case 16:
          severity[row] = uvarint(b, p)
          p = cursor
          break
        case 42: {
          const length = uvarint(b, p)
          p = cursor + length
          bodyHash[row] = hash(b, cursor, p)
          break
        }
        case 50: {
          const length = uvarint(b, p)
          p = cursor + length
          if (wantsAttributes) attributes.item(row, b, cursor, p)
          break
        }
        default:
          p = skip(b, p, tag & 7)
      }
    }
    // A record without a time has the time at which it was observed.
    if (timeLo[row] === 0 && timeHi[row] === 0) {
      timeLo[row] = observedLo
      timeHi[row] = observedHi
    }
  }
}

/** FNV-1a over the text of a body that is a string, else over the encoded body: equal for equal bodies of one sender, and of every sender for strings. */
function hash(b: Uint8Array, start: number, end: number): number {
  const text = find(b, start, end, 10)
  if (text >= 0) {
    const length = uvarint(b, text)
    start = cursor
    end = start + length
  }
  let h = 0x811c_9dc5
  for (let i = start; i < end; i++) h = Math.imul(h ^ b[i]!, 0x0100_0193)
  return h >>> 0
}
