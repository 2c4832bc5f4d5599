/** Columns of attributes: the dictionary ids of the values of the keys that a plan names. */

import { asText, readValue } from './any-value.ts'
import { findAttribute, foundEnd } from './attributes.ts'
import { absent, type ByteDictionary, byteDictionary } from './dictionary.ts'
import { type PreparedKey, prepared } from './key.ts'
import type { Key, RowPlan } from './telemetry.ts'
import { resourceLevel, type Tree } from './tree.ts'
import { cursor, find, uvarint } from './wire.ts'

interface Column {
  readonly key: PreparedKey
  readonly ids: Uint32Array
}

export class AttributeColumns {
  /** By the length of the key in bytes. */
  private readonly ofItems: (Column[] | undefined)[] = []
  private readonly longKeys: boolean
  readonly any: boolean
  private readonly ofResources: readonly Column[]
  private readonly byName = new Map<string, Column>()
  private readonly dictionary: ByteDictionary

  constructor(plan: RowPlan, rows: number) {
    this.dictionary = byteDictionary(plan.dictionary)
    const columns = [...new Set([...(plan.attributes ?? []), ...(plan.resource ?? [])].map((k) => prepared(k).name))]
    // One piece of memory for all: a plan may name dozens, and a batch have few rows.
    const all = new Uint32Array(columns.length * rows).fill(absent)
    for (const [i, name] of columns.entries())
      this.byName.set(name, { key: prepared(name), ids: all.subarray(i * rows, (i + 1) * rows) })
    for (const { name } of plan.attributes ?? []) {
      const column = this.byName.get(name)!
      const list = (this.ofItems[column.key.bytes.length] ??= [])
      if (!list.includes(column)) list.push(column)
    }
    this.ofResources = (plan.resource ?? []).map(({ name }) => this.byName.get(name)!)
    this.any = this.ofItems.length > 0
    this.longKeys = this.ofItems.length > 128
  }

  column(key: Key): Uint32Array {
    const column = this.byName.get(key.name)
    if (column === undefined) throw new TypeError(`the plan of these columns does not name the attribute ${key.name}`)
    return column.ids
  }

  /** Takes the KeyValue of an item that stands in [start, end). */
  item(row: number, b: Uint8Array, start: number, end: number): void {
    if (end - start > 1 && b[start] === 10 && b[start + 1]! < 128 && !this.longKeys) {
      const length = b[start + 1]!
      const columns = this.ofItems[length]
      if (columns === undefined) return
      const from = start + 2
      next: for (const { key, ids } of columns) {
        const name = key.bytes
        for (let i = length - 1; i >= 0; i--) if (b[from + i] !== name[i]) continue next
        if (ids[row] === absent) ids[row] = this.valueId(b, from + length, end)
        return
      }
      return
    }
    for (const columns of this.ofItems) {
      for (const { key, ids } of columns ?? []) {
        const at = find(b, start, end, 10)
        const length = at < 0 ? 0 : uvarint(b, at)
        if (
          length !== key.bytes.length ||
          (at >= 0 && Buffer.compare(b.subarray(cursor, cursor + length), key.bytes) !== 0)
        )
          continue
        if (ids[row] === absent) ids[row] = this.valueId(b, start, end)
      }
    }
  }

  /** Fills the rows of a tree whose items begin at `firstRow` with what their resources have; what an item has itself stays. */
  resources(tree: Tree, firstRow: number): void {
    if (this.ofResources.length === 0) return
    const { start, end } = tree.levels[resourceLevel]!
    const b = tree.bytes
    let last = -1
    const values: number[] = []
    for (let i = 0; i < tree.items.size; i++) {
      const node = tree.ancestor(i, resourceLevel)
      if (node !== last) {
        last = node
        const at = find(b, start[node]!, end[node]!, 10)
        const length = at < 0 ? 0 : uvarint(b, at)
        const from = cursor
        for (const [k, { key }] of this.ofResources.entries()) {
          const found = length === 0 ? -1 : findAttribute(b, from, from + length, 10, key)
          values[k] = found < 0 ? absent : this.valueId(b, found, foundEnd)
        }
      }
      for (let k = 0; k < values.length; k++) {
        const { ids } = this.ofResources[k]!
        if (ids[firstRow + i] === absent) ids[firstRow + i] = values[k]!
      }
    }
  }

  /** Of the value that stands in what is left of a KeyValue. */
  private valueId(b: Uint8Array, start: number, end: number): number {
    const at = find(b, start, end, 18)
    if (at < 0) return this.dictionary.id('')
    const length = uvarint(b, at)
    const from = cursor
    const to = from + length
    if (length > 1 && b[from] === 10) {
      const size = uvarint(b, from + 1)
      if (cursor + size === to) return this.dictionary.idOf(b, cursor, to)
    }
    // Most that are no texts are small whole numbers: ports and status codes.
    if (length > 1 && length < 5 && b[from] === 24) {
      const n = uvarint(b, from + 1)
      if (cursor === to) return this.dictionary.idOfWhole(n)
    }
    return this.dictionary.id(asText(readValue(b, from, to)))
  }
}
