/**
 * The profiles of a batch, as far as they say something of themselves: where they stand, when they were taken, and their attributes. Their samples
 * stay closed. Names and texts may stand in the dictionary of the chunk, those of resources and scopes too.
 */
import { put, readKey, readValue } from './any-value.ts'
import { typeOf } from './attribute-edits.ts'
import { chunkCounts } from './batch.ts'
import { fixed64Field, messageEnd, messageField, messageRanges, textField, varintField } from './field.ts'
import type { Attributes, In, Key, Profiles, Resource, Scope, Value, ValueType } from './telemetry.ts'
import { resourceLevel, scopeLevel, Tree } from './tree.ts'
import { cursor, find, text, uvarint } from './wire.ts'

export interface ProfileItem extends In {
  readonly timeUnixNano: bigint
  readonly attributes: Attributes
}

/** Items of one resource, or of one scope, have the same object for it. Throws for an index that points nowhere. */
export function* profilesOf(batch: Profiles): Iterable<ProfileItem> {
  for (const [c, samples] of chunkCounts(batch).entries()) {
    const b = batch.chunks[c]!
    const tree = new Tree('profiles', b, Math.max(1, samples))
    const dictionary = new Dictionary(b)
    const scopes = new Map<number, In>()
    const resources = new Map<number, Resource>()
    const { start, end, parent, size } = tree.items
    for (let i = 0; i < size; i++) {
      const node = parent[i]!
      let place = scopes.get(node)
      if (place === undefined) {
        const holder = tree.levels[scopeLevel]!.parent[node]!
        let resource = resources.get(holder)
        if (resource === undefined) resources.set(holder, (resource = resourceOf(tree, holder, dictionary)))
        scopes.set(node, (place = { resource, scope: scopeOf(tree, node, dictionary) }))
      }
      yield {
        resource: place.resource,
        scope: place.scope,
        timeUnixNano: fixed64Field(b, start[i]!, end[i]!, 25),
        attributes: dictionary.listed(attributeIndices(b, start[i]!, end[i]!)),
      }
    }
  }
}

function resourceOf({ bytes: b, levels }: Tree, node: number, dictionary: Dictionary): Resource {
  const { start, end } = levels[resourceLevel]!
  const from = messageField(b, start[node]!, end[node]!, 10)
  const to = messageEnd
  return {
    attributes: dictionary.attributes(from, to, 10),
    droppedAttributesCount: varintField(b, from, to, 16),
    schemaUrl: textField(b, start[node]!, end[node]!, 26),
  }
}

function scopeOf({ bytes: b, levels }: Tree, node: number, dictionary: Dictionary): Scope {
  const { start, end } = levels[scopeLevel]!
  const from = messageField(b, start[node]!, end[node]!, 10)
  const to = messageEnd
  return {
    name: textField(b, from, to, 10),
    version: textField(b, from, to, 18),
    attributes: dictionary.attributes(from, to, 26),
    droppedAttributesCount: varintField(b, from, to, 32),
    schemaUrl: textField(b, start[node]!, end[node]!, 26),
  }
}

/** Packed or one by one. */
function attributeIndices(b: Uint8Array, start: number, end: number): number[] {
  const indices: number[] = []
  const packed = messageRanges(b, start, end, 90)
  for (let r = 0; r < packed.length; r += 2) {
    for (let p = packed[r]!; p < packed[r + 1]!; p = cursor) indices.push(uvarint(b, p))
  }
  for (let p = find(b, start, end, 88); p >= 0; p = find(b, cursor, end, 88)) indices.push(uvarint(b, p))
  return indices
}

/** The tables of a chunk that attributes point into. */
class Dictionary {
  private readonly b: Uint8Array
  private readonly texts: readonly number[]
  private readonly entries: readonly number[]

  constructor(b: Uint8Array) {
    this.b = b
    const start = messageField(b, 0, b.length, 18)
    const end = messageEnd
    this.texts = messageRanges(b, start, end, 42)
    this.entries = messageRanges(b, start, end, 50)
  }

  /** By their numbers in the table. Of equal keys the first counts. */
  listed(indices: readonly number[]): Attributes {
    const { b, entries } = this
    const map = new Map<string, Value>()
    for (const index of indices) {
      const [start, end] = [entries[index * 2], entries[index * 2 + 1]]
      if (start === undefined || end === undefined)
        throw new RangeError(`a profile has attribute ${index}, but its dictionary only ${entries.length / 2}`)
      const key = this.textAt(varintField(b, start, end, 8))
      const at = messageField(b, start, end, 18)
      if (!map.has(key)) map.set(key, this.value(at, messageEnd))
    }
    return new MapAttributes(map)
  }

  /** The KeyValues with `tag` in the message that stands in [start, end). */
  attributes(start: number, end: number, tag: number): Attributes {
    const { b } = this
    const map = new Map<string, Value>()
    const ranges = messageRanges(b, start, end, tag)
    for (let r = 0; r < ranges.length; r += 2) {
      const [from, to] = [ranges[r]!, ranges[r + 1]!]
      const index = varintField(b, from, to, 24)
      const key = index > 0 ? this.textAt(index) : readKey(b, from, to)
      const at = messageField(b, from, to, 18)
      if (!map.has(key)) map.set(key, this.value(at, messageEnd))
    }
    return new MapAttributes(map)
  }

  /** A text may stand in the dictionary; so may those inside of lists and maps. */
  private value(start: number, end: number): Value {
    const { b } = this
    if (find(b, start, end, 64) >= 0) return this.textAt(varintField(b, start, end, 64))
    const listAt = find(b, start, end, 42)
    if (listAt >= 0) {
      const from = messageField(b, start, end, 42)
      const ranges = messageRanges(b, from, messageEnd, 10)
      return Array.from({ length: ranges.length / 2 }, (_, i) => this.value(ranges[i * 2]!, ranges[i * 2 + 1]!))
    }
    if (find(b, start, end, 50) < 0) return readValue(b, start, end)
    const from = messageField(b, start, end, 50)
    const map: { [key: string]: Value } = {}
    for (const [key, value] of this.attributes(from, messageEnd, 10).entries()) put(map, key, value)
    return map
  }

  private textAt(index: number): string {
    const [start, end] = [this.texts[index * 2], this.texts[index * 2 + 1]]
    if (start === undefined || end === undefined)
      throw new RangeError(`a profile has text ${index}, but its dictionary only ${this.texts.length / 2}`)
    return text(this.b, start, end)
  }
}

class MapAttributes implements Attributes {
  private readonly map: ReadonlyMap<string, Value>

  constructor(map: ReadonlyMap<string, Value>) {
    this.map = map
  }

  get size(): number {
    return this.map.size
  }
  get(key: Key | string): Value | undefined {
    return this.map.get(typeof key === 'string' ? key : key.name)
  }
  has(key: Key | string): boolean {
    return this.get(key) !== undefined
  }
  type(key: Key | string): ValueType | undefined {
    const value = this.get(key)
    return value === undefined ? undefined : typeOf(value)
  }
  entries(): Iterable<[string, Value]> {
    return this.map.entries()
  }
}
