/**
 * OTLP/JSON to OTLP protobuf in one pass over the bytes, as upstream's pdata unmarshaler understands it.
 *
 * What differs from upstream, on purpose: `null` means absent everywhere, base64 may also be URL-safe or unpadded, and text
 * behind the request is refused instead of lost.
 */
import type { Signal } from '../telemetry.ts'
import { type FieldNames, fieldNames, findField, type Named, nextHash } from './field-names.ts'
import { char, JsonScanner } from './json-scanner.ts'
import { hexValue } from './json-text.ts'
import { ProtoBuffer } from './proto-buffer.ts'
import { type Field, kind, type Message, requests, wireType, wireTypeOf } from './schema.ts'

/** Upstream's limit for values that nest in themselves. */
const maxDepth = 100
/** More than any one scalar, its tag and a moved length take. */
const spareBytes = 48

/** The request as protobuf bytes. Throws `Rejected` (not retryable, INVALID_ARGUMENT) with the path and the byte of what is wrong. */
export function readJson(signal: Signal, body: Uint8Array): Uint8Array {
  // A Buffer and a Uint8Array have different maps; one scanner must see one.
  const text = body.constructor === Uint8Array ? body : new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  try {
    return transcoder.run(requests[signal], text)
  } finally {
    transcoder.release()
    transcoder.out.reset()
  }
}

/** How a message is transcoded, found once. */
interface Plan {
  readonly names: FieldNames
  /** By field index: the plan of a message field. */
  readonly inner: readonly (Plan | undefined)[]
  readonly message: Message
  /** By the index of a field: the name that came after it last time. Senders keep to an order. */
  readonly following: (Named | undefined)[]
  /** How many bytes the length of such a message usually takes. */
  readonly lengthBytes: number
}
const plans = new Map<Message, Plan>()
function planOf(message: Message): Plan {
  const known = plans.get(message)
  if (known) return known
  const inner: (Plan | undefined)[] = []
  const lengthBytes = /^(Resource|Scope)./.test(message.name)
    ? 3
    : /^(Span|LogRecord|Metric)$/.test(message.name)
      ? 2
      : 1
  const following: (Named | undefined)[] = Array.from({ length: message.fields.length + 1 })
  const plan = { names: fieldNames(message), inner, message, following, lengthBytes }
  plans.set(message, plan)
  for (const field of message.fields) inner.push(field.message && planOf(field.message))
  return plan
}

class Transcoder extends JsonScanner {
  readonly out = new ProtoBuffer()
  /** The field and element being read, by level, for the path in errors. */
  private readonly fields: Field[] = []
  private readonly elements: number[] = []
  private level = 0

  run(message: Message, text: Uint8Array): Uint8Array {
    this.open(text)
    this.level = 0
    this.out.reset()
    this.out.reserve(text.length + spareBytes)
    if (!this.message(planOf(message), 0)) this.literal('null')
    if (this.peek() !== 0 || this.pos < this.end) this.unexpected('the end of the text')
    return this.out.take()
  }

  protected override where(): string {
    let path = ''
    for (let level = 0; level < this.level; level++) {
      const element = this.elements[level]!
      path += `${level === 0 ? '' : '.'}${this.fields[level]!.name}${element < 0 ? '' : `[${element}]`}`
    }
    return path
  }

  /** Reads one object; false for null, which is left unread. */
  private message(plan: Plan, depth: number): boolean {
    const first = this.peek()
    if (first !== char.openBrace) {
      if (first === char.lowerN) return false
      this.unexpected('an object')
    }
    if (depth > maxDepth) this.fail(`values nest deeper than ${maxDepth} levels`)
    this.pos++
    if (this.peek() === char.closeBrace) {
      this.pos++
      return true
    }
    const { out } = this
    const level = this.level++
    let seen = 0
    let oneStart = -1
    let oneEnd = -1
    let before = plan.message.fields.length
    for (;;) {
      this.level = level
      if (this.peek() !== char.quote) this.unexpected('a field name in double quotes')
      this.pos++
      const field = this.key(plan, before)
      if (this.peek() !== char.colon) this.unexpected('a colon')
      this.pos++
      if (field === undefined) this.skip()
      else {
        before = field.index
        this.level = level + 1
        this.fields[level] = field
        this.elements[level] = -1
        const start = out.at
        this.field(plan, field, depth, (seen & (1 << field.index)) !== 0)
        seen |= 1 << field.index
        if (field.oneof && out.at > start) {
          // Of several members the last one counts, as on the wire; the earlier one goes, so that nobody trips over it.
          if (oneStart >= 0) {
            out.cut(oneStart, oneEnd)
            oneStart = start - (oneEnd - oneStart)
          } else oneStart = start
          oneEnd = out.at
        }
      }
      const next = this.peek()
      this.pos++
      if (next === char.comma) continue
      if (next === char.closeBrace) break
      this.pos--
      this.unexpected(', or }')
    }
    this.level = level
    return true
  }

  /** The field that the name here means; undefined for one that we do not know. */
  private key(plan: Plan, before: number): Field | undefined {
    const { text, end } = this
    const from = this.pos
    const guess = plan.following[before]
    if (guess !== undefined && this.isNext(guess.bytes)) {
      this.pos = from + guess.bytes.length + 1
      return guess.field
    }
    let hash = 0
    for (let pos = from; pos < end; pos++) {
      const c = text[pos]!
      if (c === char.quote) {
        this.pos = pos + 1
        const named = findField(plan.names, hash, text, from, pos)
        if (named === undefined) return undefined
        plan.following[before] = named
        return named.field
      }
      if (c === char.backslash || c < 0x20) break
      hash = nextHash(hash, c)
    }
    return plan.names.byName.get(this.string())
  }

  private isNext(name: Uint8Array): boolean {
    const { text, pos } = this
    const { length } = name
    if (text[pos + length] !== char.quote) return false
    for (let i = 0; i < length; i++) if (name[i] !== text[pos + i]) return false
    return true
  }

  private field(plan: Plan, field: Field, depth: number, isRepeatedKey: boolean): void {
    const { out } = this
    out.reserve(this.end - this.pos + spareBytes)
    const first = this.peek()
    if (first === char.lowerN) {
      this.literal('null')
      return
    }
    if (!field.repeated) {
      if (field.kind === kind.message) this.inner(plan.inner[field.index]!, field, depth)
      else this.scalar(field, isRepeatedKey || field.presence === 'explicit')
      return
    }
    if (first !== char.openBracket) this.unexpected('an array')
    this.pos++
    if (this.peek() === char.closeBracket) {
      this.pos++
      return
    }
    const { level } = this
    const wire = wireTypeOf(field.kind)
    const isPacked = wire !== wireType.length
    let packed = 0
    if (isPacked) {
      out.varint((field.number << 3) | wireType.length)
      packed = out.open(1)
    }
    for (let index = 0; ; index++) {
      this.elements[level - 1] = index
      out.reserve(this.end - this.pos + spareBytes)
      if (field.kind === kind.message) this.inner(plan.inner[field.index]!, field, depth)
      else if (isPacked) this.packed(field.kind)
      else this.element(field)
      this.level = level
      const next = this.peek()
      this.pos++
      if (next === char.comma) continue
      if (next === char.closeBracket) break
      this.pos--
      this.unexpected(', or ]')
    }
    if (isPacked) {
      out.reserve(spareBytes)
      out.close(packed, 1)
    }
  }

  private inner(plan: Plan, field: Field, depth: number): void {
    const { out } = this
    out.varint((field.number << 3) | wireType.length)
    const start = out.open(plan.lengthBytes)
    // An element that is null is there and empty, as upstream has it.
    if (!this.message(plan, plan.message.recursive ? depth + 1 : 0)) this.literal('null')
    out.reserve(spareBytes)
    out.close(start, plan.lengthBytes)
  }

  /** A string among several; null is the empty one. */
  private element(field: Field): void {
    if (this.peek() === char.lowerN) {
      this.literal('null')
      this.out.varint((field.number << 3) | wireType.length)
      this.out.byte(0)
    } else this.scalar(field, true)
  }

  /** Writes tag and value; nothing for a zero that is not `wanted`. */
  private scalar(field: Field, wanted: boolean): void {
    const { out } = this
    const start = out.at
    const wire = wireTypeOf(field.kind)
    out.varint((field.number << 3) | wire)
    const isZero = wire === wireType.length ? this.lengthDelimited(field) : this.packed(field.kind, field)
    if (isZero && !wanted) out.at = start
  }

  private lengthDelimited(field: Field): boolean {
    if (this.peek() !== char.quote) this.unexpected('a string')
    this.pos++
    if (field.kind === kind.string) return this.text8()
    if (field.kind === kind.id) return this.hex(field.sizeBytes)
    return this.base64()
  }

  /** Copies a string; escapes are resolved where there are any. */
  private text8(): boolean {
    const { text, end, out } = this
    const from = this.pos
    const start = out.open(1)
    const { bytes } = out
    let to = start + 1
    let pos = from
    while (pos < end) {
      const c = text[pos]!
      if (c < 0x20 || c === char.quote || c === char.backslash) break
      bytes[to++] = c
      pos++
    }
    if (text[pos] === char.quote) {
      this.pos = pos + 1
      out.at = to
    } else {
      const unescaped = this.unescape(from, this.endOfString())
      out.bytes.set(unescaped, start + 1)
      out.at = start + 1 + unescaped.length
    }
    const isEmpty = out.at === start + 1
    out.close(start, 1)
    return isEmpty
  }

  /** An id; an empty or an all-zero one is none. */
  private hex(sizeBytes: number): boolean {
    const { text, out } = this
    const from = this.pos
    const end = this.endOfString()
    if (end === from) {
      out.byte(0)
      return true
    }
    if (end - from !== sizeBytes * 2) {
      this.failAt(from, `expected ${sizeBytes * 2} hex digits, found ${end - from} characters`)
    }
    const { bytes } = out
    let { at } = out
    bytes[at++] = sizeBytes
    let any = 0
    for (let pos = from; pos < end; pos += 2) {
      const high = hexValue[text[pos]!]!
      const low = hexValue[text[pos + 1]!]!
      if (high < 0 || low < 0)
        this.failAt(pos, `expected ${sizeBytes * 2} hex digits, found '${this.quote(from, end)}'`)
      const value = (high << 4) | low
      any |= value
      bytes[at++] = value
    }
    out.at = at
    return any === 0
  }

  private base64(): boolean {
    const from = this.pos
    const encoded = this.string().replace(/[\r\n]/g, '')
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded) || encoded.replace(/=+$/, '').length % 4 === 1) {
      this.failAt(from, 'expected base64')
    }
    const decoded = Buffer.from(encoded, 'base64')
    this.out.varint(decoded.length)
    this.out.bytes.set(decoded, this.out.at)
    this.out.at += decoded.length
    return decoded.length === 0
  }

  /** One value without a tag; answers whether it is zero. */
  private packed(of: Field['kind'], field?: Field): boolean {
    const { out } = this
    if (of === kind.double) {
      const value = this.double()
      out.double(value)
      return value === 0 && !Object.is(value, -0)
    }
    if (of === kind.bool) return this.bool()
    if (of === kind.enumeration && field && this.peek() === char.quote) return this.name(field)
    const start = this.pos
    const isNegative = this.integer()
    let low = this.low
    let high = this.high
    const isZero = low === 0 && high === 0
    if (of === kind.uint64 || of === kind.fixed64) {
      if (isNegative && !isZero) this.range(start, of)
    } else if (of === kind.uint32 || of === kind.fixed32) {
      if (high !== 0 || (isNegative && !isZero)) this.range(start, of)
    } else if (of === kind.int64 || of === kind.sfixed64) {
      if (high > 0x7fffffff && !(isNegative && high === 0x80000000 && low === 0)) this.range(start, of)
    } else if (high !== 0 || low > (isNegative ? 0x80000000 : 0x7fffffff)) this.range(start, of)
    if (isNegative && !isZero) {
      low = -low >>> 0
      high = low === 0 ? -high >>> 0 : ~high >>> 0
    }
    switch (of) {
      case kind.fixed64:
      case kind.sfixed64:
        out.fixed32(low)
        out.fixed32(high)
        break
      case kind.fixed32:
        out.fixed32(low)
        break
      case kind.sint32:
        out.varint(((low << 1) ^ (low >> 31)) >>> 0)
        break
      default:
        out.varint64(low, high)
    }
    return isZero
  }

  private range(start: number, of: Field['kind']): never {
    const is32 = of !== kind.uint64 && of !== kind.fixed64 && of !== kind.int64 && of !== kind.sfixed64
    const isUnsigned = of === kind.uint64 || of === kind.fixed64 || of === kind.uint32 || of === kind.fixed32
    this.failAt(start, `the number does not fit into ${is32 ? 32 : 64} bits ${isUnsigned ? 'without' : 'with'} a sign`)
  }

  private bool(): boolean {
    const c = this.peek()
    if (c === char.lowerT) {
      this.literal('true')
      this.out.byte(1)
      return false
    }
    if (c !== char.lowerF) this.unexpected('true or false')
    this.literal('false')
    this.out.byte(0)
    return true
  }

  /** An enumeration by its name. */
  private name(field: Field): boolean {
    const start = this.pos++
    const name = this.string()
    const value = field.values?.get(name)
    if (value === undefined) this.failAt(start, `no such value: "${name.slice(0, 60)}"; write its number or its name`)
    this.out.varint(value)
    return value === 0
  }
}

const transcoder = new Transcoder()
