/** Spans as columns: one scan over the wire, no object a span. */
import { AttributeColumns } from './attribute-columns.ts'
import { absent, byteDictionary } from './dictionary.ts'
import type { Key, RowPlan, SpanColumns } from './telemetry.ts'
import type { Tree } from './tree.ts'
import { cursor, skip, uvarint } from './wire.ts'

class Columns implements SpanColumns {
  readonly length: number
  readonly timeLo: Uint32Array
  readonly timeHi: Uint32Array
  readonly name: Uint32Array
  readonly kind: Uint8Array
  readonly status: Uint8Array
  readonly durationNanos: Float64Array
  readonly traceId: Uint32Array
  readonly spanId: Uint32Array
  readonly parentId: Uint32Array
  readonly traceState: Uint32Array
  readonly attributes: AttributeColumns

  constructor(rows: number, plan: RowPlan) {
    this.length = rows
    this.timeLo = new Uint32Array(rows)
    this.timeHi = new Uint32Array(rows)
    this.name = new Uint32Array(rows)
    this.kind = new Uint8Array(rows)
    this.status = new Uint8Array(rows)
    this.durationNanos = new Float64Array(rows)
    this.traceId = new Uint32Array(rows * 4)
    this.spanId = new Uint32Array(rows * 2)
    this.parentId = new Uint32Array(rows * 2)
    this.traceState = new Uint32Array(plan.traceState === true ? rows : 0).fill(absent)
    this.attributes = new AttributeColumns(plan, rows)
  }

  attribute(key: Key): Uint32Array {
    return this.attributes.column(key)
  }
}

export function scanSpans(trees: readonly Tree[], rows: number, plan: RowPlan): SpanColumns {
  const columns = new Columns(rows, plan)
  let row = 0
  for (const tree of trees) {
    scanTree(tree, row, columns, plan)
    columns.attributes.resources(tree, row)
    row += tree.items.size
  }
  return columns
}

function scanTree(tree: Tree, row: number, columns: Columns, plan: RowPlan): void {
  const b = tree.bytes
  const words = new DataView(b.buffer, b.byteOffset, b.length)
  const { start, end, size } = tree.items
  const { timeLo, timeHi, name, kind, status, durationNanos, traceId, spanId, parentId, traceState, attributes } =
    columns
  const dictionary = byteDictionary(plan.dictionary)
  const nameless = dictionary.id('')
  const wantsAttributes = attributes.any
  const wantsState = plan.traceState === true
  for (let i = 0; i < size; i++, row++) {
    const stop = end[i]!
    let p = start[i]!
    let lo = 0
    let hi = 0
    let endLo = 0
    let endHi = 0
    name[row] = nameless
    while (p < stop) {
      let tag = b[p++]!
      if (tag > 127) {
        tag = uvarint(b, p - 1)
        p = cursor
      }
      // Most fields of most spans are attributes.
      if (tag === 74) {
        let length = b[p++]!
        if (length > 127) {
          length = uvarint(b, p - 1)
          p = cursor
        }
        if (wantsAttributes) attributes.item(row, b, p, p + length)
        p += length
        continue
      }
      switch (tag) {
        case 10:
          if (b[p++] === 16) {
            traceId[row * 4] = words.getUint32(p, true)
            traceId[row * 4 + 1] = words.getUint32(p + 4, true)
            traceId[row * 4 + 2] = words.getUint32(p + 8, true)
            traceId[row * 4 + 3] = words.getUint32(p + 12, true)
            p += 16
          } else p = skip(b, p - 1, 2)
          break
        case 18:
          if (b[p++] === 8) {
            spanId[row * 2] = words.getUint32(p, true)
            spanId[row * 2 + 1] = words.getUint32(p + 4, true)
            p += 8
          } else p = skip(b, p - 1, 2)
          break
        case 26: {
          const length = uvarint(b, p)
          p = cursor + length
          if (wantsState && length > 0) traceState[row] = dictionary.idOf(b, cursor, p)
          break
        }
        case 34:
          if (b[p++] === 8) {
            parentId[row * 2] = words.getUint32(p, true)
            parentId[row * 2 + 1] = words.getUint32(p + 4, true)
            p += 8
          } else p = skip(b, p - 1, 2)
          break
        case 42: {
          const length = uvarint(b, p)
          p = cursor + length
          name[row] = dictionary.idOf(b, cursor, p)
          break
        }
        case 48:
          kind[row] = uvarint(b, p)
          p = cursor
          break
        case 57:
          lo = words.getUint32(p, true)
          hi = words.getUint32(p + 4, true)
          p += 8
          break
        case 65:
          endLo = words.getUint32(p, true)
          endHi = words.getUint32(p + 4, true)
          p += 8
          break
        case 122: {
          const length = uvarint(b, p)
          p = cursor + length
          status[row] = statusCode(b, cursor, p)
          break
        }
        case 133:
          p += 4
          break
        default:
          p = skip(b, p, tag & 7)
      }
    }
    timeLo[row] = lo
    timeHi[row] = hi
    // A span that ends before it starts (or never ended) has no duration.
    const nanos = (endHi - hi) * 0x1_0000_0000 + (endLo - lo)
    durationNanos[row] = Math.max(nanos, 0)
  }
}

function statusCode(b: Uint8Array, p: number, end: number): number {
  while (p < end) {
    const tag = uvarint(b, p)
    p = cursor
    if (tag === 24) return uvarint(b, p)
    p = skip(b, p, tag & 7)
  }
  return 0
}
