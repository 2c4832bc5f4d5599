/** Attributes inside `edit`: what was set or deleted lies over what stands on the wire. After a write the key stands there once, or not at all. */

import { isDouble } from './any-value.ts'
import { findAttribute, foundAt, foundEnd, WireAttributes } from './attributes.ts'
import type { Session } from './edit.ts'
import { keyAt, type PreparedKey, prepared } from './key.ts'
import type { EditableAttributes, Key, Value, ValueType } from './telemetry.ts'
import { cursor, find, skip, text, uvarint } from './wire.ts'

/** [start, end) is replaced by `bytes`; an attribute that is new is inserted at the end of its message. */
export interface AttributeChange {
  readonly key: PreparedKey
  readonly start: number
  readonly end: number
  /** Later attributes with the same key, as pairs: they go, or a deleted secret would stay readable. */
  more: number[] | undefined
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

  clone(session: Session): AttributeEdits {
    const copy = new AttributeEdits(this.b, this.start, this.end, this.tag, session)
    copy.changes = this.changes?.map((change) => ({ ...change, more: change.more?.slice() }))
    return copy
  }

  /** Whether any change changes anything. */
  get isChanged(): boolean {
    for (const { start, end, more, bytes } of this.changes ?? []) {
      if (more !== undefined || !isSame(this.b, start, end, bytes)) return true
    }
    return false
  }

  /** The field number and wire type of the attributes. */
  get field(): number {
    return this.tag
  }

  /** What becomes of the attribute whose field begins here. */
  changeAt(at: number): AttributeChange | undefined {
    for (const change of this.changes ?? []) {
      if (change.end === change.start) continue
      if (change.start === at) return change
      if (change.more !== undefined)
        for (let i = 0; i < change.more.length; i += 2) if (change.more[i] === at) return change
    }
    return undefined
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

  /** Deletes all whose names pass, in one walk. */
  deleteWhere(test: (name: string) => boolean): void {
    this.session.check('an attribute')
    const { b, end, tag } = this
    const before = this.changes?.length ?? 0
    for (let p = this.start; p < end; ) {
      const at = p
      const t = uvarint(b, p)
      const length = cursor
      p = skip(b, length, t & 7)
      if (t !== tag) continue
      uvarint(b, length)
      const key = nameOf(b, cursor, p)
      // A change from before has those of equal keys with it; here each of them goes for itself.
      if (this.indexOf(key, before) < 0 && test(key.name))
        this.push({ key, start: at, end: p, more: undefined, value: undefined, bytes: undefined })
    }
    for (let i = 0; i < before; i++) {
      const change = this.changes![i]!
      if (change.value === undefined || !test(change.key.name)) continue
      change.value = undefined
      change.bytes = undefined
    }
  }

  /** Puts what `change` makes of them in the place of texts of more than `minBytes` bytes in UTF-8, in one walk; shorter ones are not read. */
  mapTexts(minBytes: number, change: (text: string) => string): void {
    this.session.check('an attribute')
    const { b, end, tag } = this
    const before = this.changes?.length ?? 0
    let changed: Map<string, AttributeChange> | undefined
    for (let p = this.start; p < end; ) {
      const at = p
      const t = uvarint(b, p)
      const length = cursor
      p = skip(b, length, t & 7)
      if (t !== tag) continue
      uvarint(b, length)
      const start = cursor
      const same = changed?.get(nameOf(b, start, p).name)
      if (same !== undefined) {
        ;(same.more ??= []).push(at, p)
        continue
      }
      // What is shorter as a whole has no such text.
      if (p - start <= minBytes || !readsText(b, start, p) || textEnd - textStart <= minBytes) continue
      const [from, to] = [textStart, textEnd]
      const key = nameOf(b, start, p)
      if (this.indexOf(key, before) >= 0) continue
      const old = text(b, from, to)
      const value = change(old)
      if (value === old) continue
      const now: AttributeChange = { key, start: at, end: p, more: undefined, value, bytes: key.encode(tag, value) }
      this.push(now)
      ;(changed ??= new Map<string, AttributeChange>()).set(key.name, now)
    }
    for (let i = 0; i < before; i++) {
      const one = this.changes![i]!
      if (typeof one.value !== 'string' || one.value.length * 3 <= minBytes) continue
      const value = change(one.value)
      if (value === one.value) continue
      one.value = value
      one.bytes = one.key.encode(tag, value)
    }
  }

  /** Among the first `count` changes. */
  private indexOf(key: PreparedKey, count: number): number {
    const { changes } = this
    if (changes === undefined) return -1
    for (let i = 0; i < count; i++) {
      const other = changes[i]!.key
      if (other === key || other.name === key.name) return i
    }
    return -1
  }

  private push(change: AttributeChange): void {
    if (this.changes === undefined) this.changes = [change]
    else this.changes.push(change)
  }

  /** The attributes with this key from `p` on, as pairs of start and end. */
  private repeats(key: PreparedKey, p: number): number[] | undefined {
    let found: number[] | undefined
    while (findAttribute(this.b, found?.at(-1) ?? p, this.end, this.tag, key) >= 0)
      (found ??= []).push(foundAt, foundEnd)
    return found
  }

  private change(key: PreparedKey): AttributeChange | undefined {
    if (this.changes === undefined) return undefined
    for (const change of this.changes) if (change.key === key || change.key.name === key.name) return change
    return undefined
  }

  /** Answers whether the attribute was there. */
  private add(key: PreparedKey, value: Value | undefined, bytes: Uint8Array | undefined): boolean {
    const { end, tag } = this
    const there = findAttribute(this.b, this.start, end, tag, key) >= 0
    if (!there && bytes === undefined) return false
    const start = there ? foundAt : end
    const stop = there ? foundEnd : end
    const more = there ? this.repeats(key, stop) : undefined
    this.push({ key, start, end: stop, more, value, bytes })
    return there
  }
}

/** The key of the KeyValue in [start, end). */
function nameOf(b: Uint8Array, start: number, end: number): PreparedKey {
  const at = find(b, start, end, 10)
  if (at < 0) return noKey
  const length = uvarint(b, at)
  return keyAt(b, cursor, cursor + length)
}
const noKey = prepared('')

/** Where the text stands that `readsText` found. */
let textStart = 0
let textEnd = 0

/** Whether the KeyValue in [start, end) has a text as its value. */
function readsText(b: Uint8Array, start: number, end: number): boolean {
  let at = find(b, start, end, 18)
  if (at < 0) return false
  const stop = uvarint(b, at) + cursor
  at = cursor
  if (at === stop || b[at] !== 10) return false
  const length = uvarint(b, at + 1)
  textStart = cursor
  textEnd = cursor + length
  // Something behind it may be another member of the oneof: left to those who read values.
  return textEnd === stop
}

export function typeOf(value: Value): ValueType {
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

function isSame(b: Uint8Array, start: number, end: number, bytes: Uint8Array | undefined): boolean {
  if ((bytes?.length ?? 0) !== end - start) return false
  for (let i = start; i < end; i++) if (b[i] !== bytes![i - start]) return false
  return true
}
