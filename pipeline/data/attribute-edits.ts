/** Attributes inside `edit`: what was set or deleted lies over what stands on the wire. After a write the key stands there once, or not at all. */

import { isDouble } from './any-value.ts'
import { findAttribute, foundAt, foundEnd, WireAttributes } from './attributes.ts'
import type { Session } from './edit.ts'
import { type PreparedKey, prepared } from './key.ts'
import type { EditableAttributes, Key, Value, ValueType } from './telemetry.ts'

/** [start, end) is replaced by `bytes`; an attribute that is new is inserted at the end of its message. */
interface AttributeChange {
  readonly key: PreparedKey
  readonly start: number
  readonly end: number
  /** Later attributes with the same key, as pairs: they go, or a deleted secret would stay readable. */
  readonly more: readonly number[] | undefined
  value: Value | undefined
  bytes: Uint8Array | undefined
}

export class AttributeEdits extends WireAttributes implements EditableAttributes {
  private readonly session: Session
  changes: AttributeChange[] | undefined = undefined

  constructor(b: Uint8Array, start: number, end: number, tag: number, session: Session) {
    super(b, start, end, tag)
    this.session = session
  }

  override get size(): number {
    let size = super.size
    for (const change of this.changes ?? []) {
      if (change.end > change.start) size -= 1 + (change.more?.length ?? 0) / 2
      if (change.value !== undefined) size++
    }
    return size
  }

  override get(key: Key | string): Value | undefined {
    const change = this.change(prepared(key))
    return change === undefined ? super.get(key) : change.value
  }

  override has(key: Key | string): boolean {
    const change = this.change(prepared(key))
    return change === undefined ? super.has(key) : change.value !== undefined
  }

  override type(key: Key | string): ValueType | undefined {
    const change = this.change(prepared(key))
    return change === undefined ? super.type(key) : change.value === undefined ? undefined : typeOf(change.value)
  }

  override *entries(): Iterable<[string, Value]> {
    const changes = this.changes ?? []
    const seen = new Set<AttributeChange>()
    for (const entry of super.entries()) {
      const change = changes.find((c) => c.key.name === entry[0])
      if (change === undefined) yield entry
      else if (!seen.has(change)) {
        seen.add(change)
        if (change.value !== undefined) yield [entry[0], change.value]
      }
    }
    for (const change of changes) {
      if (!seen.has(change) && change.value !== undefined) yield [change.key.name, change.value]
    }
  }

  override set(key: Key | string, value: Value): void {
    this.session.check('an attribute')
    const name = prepared(key)
    const bytes = name.encode(this.tag, value)
    const change = this.change(name)
    if (change === undefined) this.add(name, value, bytes)
    else {
      change.value = value
      change.bytes = bytes
    }
  }

  override delete(key: Key | string): boolean {
    this.session.check('an attribute')
    const name = prepared(key)
    const change = this.change(name)
    if (change === undefined) return this.add(name, undefined, undefined)
    const was = change.value !== undefined
    change.value = undefined
    change.bytes = undefined
    return was
  }

  private change(key: PreparedKey): AttributeChange | undefined {
    if (this.changes === undefined) return undefined
    for (const change of this.changes) if (change.key === key || change.key.name === key.name) return change
    return undefined
  }

  /** Answers whether the attribute was there. */
  private add(key: PreparedKey, value: Value | undefined, bytes: Uint8Array | undefined): boolean {
    const { b, end, tag } = this
    const there = findAttribute(b, this.start, end, tag, key) >= 0
    if (!there && bytes === undefined) return false
    const start = there ? foundAt : end
    const stop = there ? foundEnd : end
    let more: number[] | undefined
    if (there) {
      while (findAttribute(b, more?.at(-1) ?? stop, end, tag, key) >= 0) (more ??= []).push(foundAt, foundEnd)
    }
    const change: AttributeChange = { key, start, end: stop, more, value, bytes }
    if (this.changes === undefined) this.changes = [change]
    else this.changes.push(change)
    return there
  }
}

function typeOf(value: Value): ValueType {
  if (value === null) return 'empty'
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? 'int' : 'double'
    default:
      if (isDouble(value)) return 'double'
      return value instanceof Uint8Array ? 'bytes' : Array.isArray(value) ? 'array' : 'map'
  }
}
