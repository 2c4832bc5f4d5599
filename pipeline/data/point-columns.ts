/** Data points as columns: one scan over the wire, no object a point (but for series that were never seen). */
import { AttributeColumns } from './attribute-columns.ts'
import { seriesOf } from './series.ts'
import type { Key, MetricType, PointColumns, PointPlan } from './telemetry.ts'
import { dataLevel, type Tree } from './tree.ts'
import { cursor, float64, skip, u32, uvarint } from './wire.ts'

/** What the numbers in the column `type` mean. */
export const pointTypes: readonly MetricType[] = [
  'empty',
  'gauge',
  'sum',
  'histogram',
  'exponential_histogram',
  'summary',
]
/** By field number of the metric's data: the type, and the tag of the attributes. */
const typeOf: Readonly<Record<number, number>> = { 5: 1, 7: 2, 9: 3, 10: 4, 11: 5 }
const attributeTag: readonly number[] = [0, 58, 58, 74, 10, 58]

class Columns implements PointColumns {
  readonly length: number
  readonly timeLo: Uint32Array
  readonly timeHi: Uint32Array
  readonly series: Uint32Array
  readonly value: Float64Array
  readonly type: Uint8Array
  readonly attributes: AttributeColumns

  constructor(rows: number, plan: PointPlan) {
    this.length = rows
    this.timeLo = new Uint32Array(rows)
    this.timeHi = new Uint32Array(rows)
    this.series = new Uint32Array(rows)
    this.value = new Float64Array(rows).fill(Number.NaN)
    this.type = new Uint8Array(rows)
    this.attributes = new AttributeColumns(plan, rows)
  }

  attribute(key: Key): Uint32Array {
    return this.attributes.column(key)
  }
}

export function scanPoints(trees: readonly Tree[], rows: number, plan: PointPlan): PointColumns {
  const columns = new Columns(rows, plan)
  let row = 0
  for (const tree of trees) {
    scanTree(tree, row, columns)
    seriesOf(tree, plan.series, columns.series, row)
    columns.attributes.resources(tree, row)
    row += tree.items.size
  }
  return columns
}

function scanTree(tree: Tree, row: number, columns: Columns): void {
  const b = tree.bytes
  const { start, end, parent, size } = tree.items
  const { tagAt } = tree.levels[dataLevel]!
  const { timeLo, timeHi, value, type, attributes } = columns
  const wantsAttributes = attributes.any
  for (let i = 0; i < size; i++, row++) {
    const kind = typeOf[uvarint(b, tagAt[parent[i]!]!) >>> 3]!
    const isNumber = kind < 3
    const attribute = attributeTag[kind]!
    const stop = end[i]!
    let p = start[i]!
    type[row] = kind
    // The sum of a summary has no presence: absent is zero.
    if (kind === 5) value[row] = 0
    while (p < stop) {
      let tag = b[p++]!
      if (tag > 127) {
        tag = uvarint(b, p - 1)
        p = cursor
      }
      if (tag === 25) {
        timeLo[row] = u32(b, p)
        timeHi[row] = u32(b, p + 4)
        p += 8
      } else if (isNumber ? tag === 33 : tag === 41) {
        value[row] = float64(b, p)
        p += 8
      } else if (isNumber && tag === 49) {
        value[row] = (u32(b, p + 4) | 0) * 0x1_0000_0000 + u32(b, p)
        p += 8
      } else if (tag === attribute && wantsAttributes) {
        const length = uvarint(b, p)
        p = cursor + length
        attributes.item(row, b, cursor, p)
      } else p = skip(b, p, tag & 7)
    }
  }
}
