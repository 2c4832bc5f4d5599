/** What `edit` and its kin hand out: a view whose writes are kept as pieces of encoded fields, to be spliced into a copy of the chunk. */
import { errorMessage } from '../error-message.ts'
import type { AttributeEdits } from './attribute-edits.ts'
import type { Splices } from './splice.ts'
import { allocate, cursor, putRange, putVarint, skip, uvarint, varintSize } from './wire.ts'
import { type Writer, written } from './writer.ts'

/** One call of `edit` or its kin. Its handles write only while it runs. */
export class Session {
  private readonly call: string
  private open = true

  constructor(call = 'edit()') {
    this.call = call
  }

  check(what: string): void {
    if (!this.open) {
      throw new TypeError(
        `${what} was set after ${this.call} had returned: handles are writable inside the callback only`,
      )
    }
  }

  close(): void {
    this.open = false
  }
}

/** How a property is written: the fields it replaces, and the field (tag included) it becomes. Nothing written = the default value. */
export interface Property {
  readonly fields: readonly number[]
  write(to: Writer, value: never): void
  /** Stands in the ResourceSpans or ScopeSpans around, not in the message itself. */
  readonly inHolder?: boolean
}

interface FieldChange {
  readonly property: Property
  value: unknown
  bytes: Uint8Array
}

/** The state of an editable view. */
export interface Draft {
  readonly b: Uint8Array
  readonly start: number
  readonly end: number
  readonly session: Session
  changes: FieldChange[] | undefined
  edits: AttributeEdits | undefined
}

/** Makes properties of `Target` writable, whose getters it inherits. */
export function writable(
  Target: { readonly prototype: object },
  noun: string,
  properties: Readonly<Record<string, Property>>,
): void {
  for (const [name, property] of Object.entries(properties)) {
    const read = getter(Target.prototype, name)
    Object.defineProperty(Target.prototype, name, {
      configurable: true,
      get(this: Draft): unknown {
        const { changes } = this
        if (changes !== undefined) for (const change of changes) if (change.property === property) return change.value
        return read.call(this)
      },
      set(this: Draft, value: unknown) {
        this.session.check(`${noun}.${name}`)
        record(this, property, value, `${noun}.${name}`)
      },
    })
  }
}

function getter(prototype: object, name: string): () => unknown {
  for (let p: object | null = prototype; p !== null; p = Object.getPrototypeOf(p) as object | null) {
    // oxlint-disable-next-line typescript/unbound-method -- the caller binds it
    const get = Object.getOwnPropertyDescriptor(p, name)?.get
    if (get !== undefined) return get
  }
  throw new Error(`a view without ${name}`)
}

/** Keeps what is set, encoded; throws where it cannot be. */
export function record(draft: Draft, property: Property, value: unknown, name: string): void {
  let bytes: Uint8Array
  if (value === undefined) throw new TypeError(`cannot set ${name} to undefined: use the default value of its type`)
  try {
    bytes = written((to) => property.write(to, value as never), true)
  } catch (cause) {
    throw new TypeError(`cannot set ${name}: ${errorMessage(cause)}`, { cause })
  }
  const change = draft.changes?.find((c) => c.property === property)
  if (change !== undefined) {
    change.value = value
    change.bytes = bytes
  } else if (draft.changes === undefined) draft.changes = [{ property, value, bytes }]
  else draft.changes.push({ property, value, bytes })
}

interface Splice {
  readonly start: number
  readonly end: number
  readonly bytes: Uint8Array | undefined
}

/** Hands over what an item's draft collected. */
export function seal(draft: Draft, node: number, into: Splices): void {
  const attributes = draft.edits?.changes
  if (attributes === undefined && draft.changes === undefined) return
  if (attributes?.length === 1 && draft.changes === undefined && attributes[0]!.more === undefined) {
    const { start, end, bytes } = attributes[0]!
    if (differs(draft.b, start, end, bytes)) into.replace(node, start, end, bytes)
    return
  }
  collect(draft, false, draft.start, draft.end)
  for (let i = 0; i < collected; i++) {
    into.replace(node, starts[i]!, ends[i]!, pieces[i])
    pieces[i] = undefined
  }
}

/** The same for a message that stands in a holder of its own: a resource in its ResourceSpans, a scope in its ScopeSpans. */
export function sealHeld(draft: Draft, holderStart: number, holderEnd: number, node: number, into: Splices): void {
  const changes = splices(draft, true, holderStart, holderEnd)
  const inner = splices(draft, false)
  if (inner.length > 0) {
    const message = applied(draft.b, draft.start, draft.end, inner)
    const bytes = allocate(1 + varintSize(message.length) + message.length)
    bytes[0] = 10
    putRange(bytes, putVarint(bytes, 1, message.length), message, 0, message.length)
    const [at = holderStart, end = holderStart] = fieldRanges(draft.b, holderStart, holderEnd, [1])
    changes.push({ start: at, end, bytes })
  }
  for (const { start, end, bytes } of changes.sort(inWireOrder)) into.replace(node, start, end, bytes)
}

function splices(draft: Draft, inHolder: boolean, from = draft.start, to = draft.end): Splice[] {
  collect(draft, inHolder, from, to)
  return Array.from({ length: collected }, (_, i) => ({ start: starts[i]!, end: ends[i]!, bytes: pieces[i] }))
}

/** What `collect` found, in wire order: arrays that live on, since this happens for every item. */
const starts: number[] = []
const ends: number[] = []
const pieces: (Uint8Array | undefined)[] = []
let collected = 0

function collect(draft: Draft, inHolder: boolean, from: number, to: number): void {
  const { b, changes } = draft
  collected = 0
  if (changes !== undefined) {
    for (const { property, bytes } of changes) {
      if ((property.inHolder ?? false) !== inHolder) continue
      const ranges = fieldRanges(b, from, to, property.fields)
      if (ranges.length === 0) put(b, to, to, bytes)
      else put(b, ranges[0]!, ranges[1]!, bytes)
      for (let i = 2; i < ranges.length; i += 2) put(b, ranges[i]!, ranges[i + 1]!, undefined)
    }
  }
  const attributes = draft.edits?.changes
  if (inHolder || attributes === undefined) return
  for (const { start, end, bytes, more } of attributes) {
    put(b, start, end, bytes)
    if (more !== undefined) for (let i = 0; i < more.length; i += 2) put(b, more[i]!, more[i + 1]!, undefined)
  }
}

/** Into its place, unless nothing changes there; behind what has the same, so that what is new stays in the order in which it was set. */
function put(b: Uint8Array, start: number, end: number, bytes: Uint8Array | undefined): void {
  if (!differs(b, start, end, bytes)) return
  let i = collected++
  for (; i > 0 && (starts[i - 1]! > start || (starts[i - 1] === start && ends[i - 1]! > end)); i--) {
    starts[i] = starts[i - 1]!
    ends[i] = ends[i - 1]!
    pieces[i] = pieces[i - 1]
  }
  starts[i] = start
  ends[i] = end
  pieces[i] = bytes
}

/** What is inserted somewhere comes before what is replaced there. */
function inWireOrder(x: Splice, y: Splice): number {
  return x.start - y.start || x.end - y.end
}

function differs(b: Uint8Array, start: number, end: number, bytes: Uint8Array | undefined): boolean {
  const length = bytes === undefined ? 0 : bytes.length
  if (length !== end - start) return true
  for (let i = 0; i < length; i++) if (b[start + i] !== bytes![i]) return true
  return false
}

/** Where fields with these numbers stand, tags included, as pairs. */
function fieldRanges(b: Uint8Array, start: number, end: number, numbers: readonly number[]): number[] {
  const ranges: number[] = []
  for (let p = start; p < end; ) {
    const at = p
    const tag = uvarint(b, p)
    p = skip(b, cursor, tag & 7)
    if (numbers.includes(tag >>> 3)) ranges.push(at, p)
  }
  return ranges
}

function applied(b: Uint8Array, start: number, end: number, changes: readonly Splice[]): Uint8Array {
  let size = end - start
  for (const change of changes) size += (change.bytes?.length ?? 0) - (change.end - change.start)
  const out = allocate(size)
  let at = 0
  let copied = start
  for (const change of changes) {
    at = putRange(out, at, b, copied, change.start)
    if (change.bytes !== undefined) at = putRange(out, at, change.bytes, 0, change.bytes.length)
    copied = change.end
  }
  putRange(out, at, b, copied, end)
  return out
}
