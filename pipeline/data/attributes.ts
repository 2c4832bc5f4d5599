/** The attributes of anything on the wire, searched in place. Of equal keys the first counts, as in the Go Collector; `entries` shows them all. */

import { readKey, readKeyed, readType, readValue } from './any-value.ts'
import { type PreparedKey, prepared } from './key.ts'
import type { Attributes, Key, Value, ValueType } from './telemetry.ts'
import { cursor, find, skip, uvarint } from './wire.ts'
import type { Writer } from './writer.ts'

/** Of the attribute that `findAttribute` found: where its field begins and where its KeyValue ends. */
export let foundAt = 0
export let foundEnd = 0

/** Where the KeyValue of the next field `tag` with this key begins, or -1. */
export function findAttribute(b: Uint8Array, p: number, end: number, tag: number, key: PreparedKey): number {
  const name = key.bytes
  const length = name.length
  while (p < end) {
    const at = p
    let t = b[p++]!
    if (t > 127) {
      t = uvarint(b, at)
      p = cursor
    }
    const wire = t & 7
    if (wire === 2) {
      let size = b[p++]!
      if (size > 127) {
        size = uvarint(b, p - 1)
        p = cursor
      }
      if (t === tag) {
        // The usual KeyValue begins with a key of fewer than 128 bytes.
        const isIt =
          size > 1 && b[p] === 10 && b[p + 1]! < 128
            ? b[p + 1] === length && sameBytes(b, p + 2, name)
            : hasKey(b, p, p + size, name)
        if (isIt) {
          foundAt = at
          foundEnd = p + size
          return p
        }
      }
      p += size
    } else if (wire === 0) {
      while (b[p++]! > 127);
    } else p += wire === 1 ? 8 : 4
  }
  return -1
}

function sameBytes(b: Uint8Array, p: number, other: Uint8Array): boolean {
  // From the end: keys of one kind (`http.request.…`) begin alike.
  for (let i = other.length - 1; i >= 0; i--) if (b[p + i] !== other[i]) return false
  return true
}

function hasKey(b: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  const at = find(b, start, end, 10)
  if (at < 0) return name.length === 0
  return uvarint(b, at) === name.length && sameBytes(b, cursor, name)
}

/** Where the fields stand that are being copied: kept, because a flush copies those of every series. */
const copied: number[] = []

export class WireAttributes implements Attributes {
  protected readonly b: Uint8Array
  protected readonly start: number
  protected readonly end: number
  protected readonly tag: number

  /** The fields with `tag` in the message that stands in [start, end). */
  constructor(b: Uint8Array, start: number, end: number, tag: number) {
    this.b = b
    this.start = start
    this.end = end
    this.tag = tag
  }

  get size(): number {
    let size = 0
    for (let p = this.start; p < this.end; ) {
      const tag = uvarint(this.b, p)
      p = skip(this.b, cursor, tag & 7)
      if (tag === this.tag) size++
    }
    return size
  }

  get(key: Key | string): Value | undefined {
    const at = findAttribute(this.b, this.start, this.end, this.tag, prepared(key))
    return at < 0 ? undefined : readKeyed(this.b, at, foundEnd)
  }

  has(key: Key | string): boolean {
    return findAttribute(this.b, this.start, this.end, this.tag, prepared(key)) >= 0
  }

  type(key: Key | string): ValueType | undefined {
    const at = findAttribute(this.b, this.start, this.end, this.tag, prepared(key))
    return at < 0 ? undefined : keyedType(this.b, at, foundEnd)
  }

  *entries(): Iterable<[string, Value]> {
    const { b } = this
    for (let p = this.start; p < this.end; ) {
      const tag = uvarint(b, p)
      const at = cursor
      p = skip(b, at, tag & 7)
      if (tag !== this.tag) continue
      uvarint(b, at)
      const start = cursor
      yield [readKey(b, start, p), readKeyed(b, start, p)]
    }
  }

  /** Writes them as fields `tag`, unread, equal keys and all. */
  copy(to: Writer, tag: number): void {
    const { b, end } = this
    let count = 0
    for (let p = this.start; p < end; ) {
      let at = b[p++]!
      if (at > 127) {
        at = uvarint(b, p - 1)
        p = cursor
      }
      const from = p
      p = skip(b, from, at & 7)
      if (at !== this.tag) continue
      copied[count++] = from
      copied[count++] = p
    }
    // From the last to the first: a writer writes that way.
    for (let i = count - 2; i >= 0; i -= 2) {
      to.bytes(b, copied[i]!, copied[i + 1]!)
      to.varint(tag)
    }
  }

  /** Not part of the type: what a plugin in plain JavaScript reads when it forgot `edit`. */
  set(_key: Key | string, _value: Value): void {
    throw new TypeError('attributes are read-only here: set them inside batch.edit((item) => ...)')
  }

  delete(_key: Key | string): boolean {
    throw new TypeError('attributes are read-only here: delete them inside batch.edit((item) => ...)')
  }
}

/** The type of the value of the KeyValue in [start, end). */
function keyedType(b: Uint8Array, start: number, end: number): ValueType {
  const at = find(b, start, end, 18)
  if (at < 0) return 'empty'
  const length = uvarint(b, at)
  return readType(b, cursor, cursor + length)
}

/** Reads an AnyValue field of a message; null when it is absent. */
export function readValueField(b: Uint8Array, start: number, end: number, tag: number): Value {
  const at = find(b, start, end, tag)
  if (at < 0) return null
  const length = uvarint(b, at)
  return readValue(b, cursor, cursor + length)
}
