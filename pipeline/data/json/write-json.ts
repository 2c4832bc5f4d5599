/**
 * OTLP protobuf to OTLP/JSON, byte for byte as upstream's pdata marshaler writes it, straight from the wire.
 *
 * Each message is scanned once for where its fields stand, because JSON's order is not that of the wire.
 */
import type { Batch, Signal } from '../telemetry.ts'
import { JsonBuffer } from './json-buffer.ts'
import { anyValue, type Field, keyValue, kind, type Message, requests, wireType, wireTypeOf } from './schema.ts'
import { broken, empty, WireCursor } from './wire-cursor.ts'

/** Far more than valid data nests; what is deeper was not checked on the way in. */
const maxDepth = 250
/** Room for any one scalar with its name. */
const spareBytes = 96
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** One OTLP/JSON request without a line feed. Profiles: one chunk at a time, because each has its own dictionary. */
export function writeJson(batch: Batch): string {
  return decoder.decode(writeJsonBytes(batch.signal, batch.chunks))
}

/** The same in UTF-8, for what goes to a file or a socket. */
export function writeJsonBytes(signal: Signal, chunks: readonly Uint8Array[]): Uint8Array {
  try {
    return writer.run(planOf(requests[signal]), chunks)
  } finally {
    writer.release()
  }
}

interface Plan {
  readonly message: Message
  /** By field index: `,"name":`. */
  readonly names: readonly Uint8Array[]
  readonly inner: readonly (Plan | undefined)[]
}
const plans = new Map<Message, Plan>()
function planOf(message: Message): Plan {
  const known = plans.get(message)
  if (known) return known
  const inner: (Plan | undefined)[] = []
  const plan = { message, names: message.fields.map((field) => encoder.encode(`,"${field.name}":`)), inner }
  plans.set(message, plan)
  for (const field of message.fields) inner.push(field.message && planOf(field.message))
  return plan
}

class JsonWriter extends WireCursor {
  private readonly out = new JsonBuffer()
  /** Two numbers a field and open message: where its first and its last value start, from 1; 0 = none, negative = packed. */
  private places = new Int32Array(1024)
  private top = 0
  private depth = 0
  /** Of the value that `next` found. */
  private wire = 0

  run(plan: Plan, chunks: readonly Uint8Array[]): Uint8Array {
    this.top = 0
    this.depth = 0
    const [first] = chunks
    // JSON takes about twice the bytes; growing costs copies.
    this.out.reserve(chunks.reduce((sum, chunk) => sum + chunk.length * 2, spareBytes))
    if (first === undefined) this.message(plan, empty, 0, 0)
    else if (chunks.length === 1) this.message(plan, first, 0, first.length)
    else {
      // Concatenated requests are one request.
      const joined = concat(chunks)
      this.message(plan, joined, 0, joined.length)
    }
    return this.out.bytes.slice(0, this.out.at)
  }

  release(): void {
    this.input = empty
    this.out.reset()
  }

  private message(plan: Plan, input: Uint8Array, from: number, end: number): void {
    if (plan.message === keyValue && this.plainKeyValue(input, from, end)) return
    this.out.reserve(spareBytes)
    if (plan.message === anyValue && this.plainValue(input, from, end)) return
    if (++this.depth > maxDepth) broken(`nests deeper than ${maxDepth} levels`)
    const { fields } = plan.message
    const base = this.top
    this.top = base + fields.length * 2
    if (this.top > this.places.length) {
      const grown = new Int32Array(this.top * 2)
      grown.set(this.places)
      this.places = grown
    }
    this.places.fill(0, base, this.top)
    const member = this.locate(plan.message, input, from, end, base)
    const { out } = this
    out.reserve(spareBytes)
    out.byte(0x7b)
    let skipped = 1
    for (let index = 0; index < fields.length; index++) {
      const first = this.places[base + index * 2]!
      const field = fields[index]!
      if (first === 0) {
        if (field.presence !== 'always') continue
        out.reserve(spareBytes)
        out.raw(plan.names[index]!, skipped)
        out.byte(0x7b)
        out.byte(0x7d)
        skipped = 0
        continue
      }
      if (field.oneof && index !== member) continue
      const last = this.places[base + index * 2 + 1]!
      out.reserve(spareBytes)
      const start = out.at
      out.raw(plan.names[index]!, skipped)
      if (this.field(plan, field, input, first, last - 1, end)) skipped = 0
      else out.at = start
    }
    out.reserve(spareBytes)
    out.byte(0x7d)
    this.top = base
    this.depth--
  }

  /** An attribute as everybody writes it: key, then a scalar value, nothing else. False = it is not, nothing was written. */
  private plainKeyValue(input: Uint8Array, from: number, end: number): boolean {
    const keyLength = input[from + 1]!
    const value = from + 2 + keyLength
    if (input[from] !== 0x0a || keyLength === 0 || keyLength > 0x7f || value + 2 > end || input[value] !== 0x12) {
      return false
    }
    let length = input[value + 1]!
    let start = value + 2
    if (length > 0x7f) {
      if (input[start]! > 0x7f) return false
      length = (length & 0x7f) | (input[start]! << 7)
      start++
    }
    if (start + length !== end) return false
    const { out } = this
    out.reserve(spareBytes)
    const begun = out.at
    out.raw(keyBytes, 0)
    out.string(input, from + 2, value)
    out.reserve(spareBytes)
    out.raw(valueBytes, 0)
    if (!this.plainValue(input, start, end)) {
      out.at = begun
      return false
    }
    out.byte(0x7d)
    return true
  }

  /** A value that is one string, bool, int or double, of canonical length. */
  private plainValue(input: Uint8Array, from: number, end: number): boolean {
    const { out } = this
    switch (input[from]) {
      case 0x0a: {
        let length = input[from + 1]!
        let start = from + 2
        if (length > 0x7f) {
          if (input[start]! > 0x7f) return false
          length = (length & 0x7f) | (input[start]! << 7)
          start++
        }
        if (start + length !== end) return false
        out.raw(stringValueBytes, 0)
        out.string(input, start, end)
        break
      }
      case 0x10:
        if (from + 2 !== end || input[from + 1]! > 1) return false
        out.raw(boolValueBytes, 0)
        out.raw(input[from + 1] === 1 ? trueBytes : falseBytes, 0)
        break
      case 0x18: {
        this.at(input, from + 1)
        this.varint64()
        if (this.pos !== end) return false
        out.raw(intValueBytes, 0)
        out.int64(this.low, this.high)
        break
      }
      case 0x21:
        if (from + 9 !== end) return false
        this.at(input, from + 1)
        out.raw(doubleValueBytes, 0)
        this.eightBytes(kind.double)
        break
      default:
        return false
    }
    out.reserve(spareBytes)
    out.byte(0x7d)
    return true
  }

  /** Notes where the fields stand; answers which member of the oneof came last. */
  private locate(message: Message, input: Uint8Array, from: number, end: number, base: number): number {
    const { byNumber } = message
    const { places } = this
    let member = -1
    this.input = input
    this.pos = from
    while (this.pos < end) {
      const tag = this.tag()
      const field = byNumber[tag >>> 3]
      const wire = tag & 7
      if (field !== undefined && (wire === wireTypeOf(field.kind) || (wire === wireType.length && field.repeated))) {
        const slot = base + field.index * 2
        if (places[slot] === 0) places[slot] = isPacked(field, wire) ? -this.pos - 1 : this.pos + 1
        places[slot + 1] = this.pos + 1
        if (field.oneof) member = field.index
      }
      this.skip(wire, end)
    }
    return member
  }

  /** Writes a value that is there; false = it is zero and JSON leaves it out. */
  private field(plan: Plan, field: Field, input: Uint8Array, mark: number, last: number, end: number): boolean {
    const first = Math.abs(mark) - 1
    if (field.repeated) return this.list(plan, field, input, first, last, end, mark < 0)
    if (field.kind === kind.message) {
      const inner = plan.inner[field.index]!
      if (first === last || field.oneof) {
        this.at(input, last)
        const length = this.varint()
        this.message(inner, input, this.pos, this.pos + length)
      } else {
        const merged = this.occurrences(field, input, first, last, end)
        this.message(inner, merged, 0, merged.length)
      }
      return true
    }
    this.at(input, last)
    return this.scalar(field.kind) || field.presence === 'explicit'
  }

  /** A message that stands several times is, by protobuf's rule, the sum of them. */
  private occurrences(field: Field, input: Uint8Array, first: number, last: number, end: number): Uint8Array {
    const parts: Uint8Array[] = []
    for (let place = first; ; place = this.next(field, input, end)) {
      this.at(input, place)
      const length = this.varint()
      parts.push(input.subarray(this.pos, this.pos + length))
      this.pos += length
      if (place === last) return concat(parts)
    }
  }

  /** The place of the next value of this field at or behind `pos`. There is one. */
  private next(field: Field, input: Uint8Array, end: number): number {
    for (;;) {
      this.input = input
      const tag = this.tag()
      this.wire = tag & 7
      if (tag >>> 3 === field.number) return this.pos
      this.skip(tag & 7, end)
    }
  }

  private list(
    plan: Plan,
    field: Field,
    input: Uint8Array,
    first: number,
    last: number,
    end: number,
    isFirstPacked: boolean,
  ): boolean {
    const { out } = this
    const inner = plan.inner[field.index]
    const opened = out.at
    out.byte(0x5b)
    let place = first
    let packed = isFirstPacked
    for (;;) {
      this.at(input, place)
      let stop: number
      if (inner) {
        const length = this.varint()
        stop = this.pos + length
        this.message(inner, input, this.pos, stop)
        out.byte(0x2c)
      } else if (packed) {
        const length = this.varint()
        stop = this.pos + length
        while (this.pos < stop) {
          out.reserve(spareBytes)
          this.scalar(field.kind)
          out.byte(0x2c)
        }
      } else {
        this.scalar(field.kind)
        out.byte(0x2c)
        stop = this.pos
      }
      if (place === last) break
      this.at(input, stop)
      place = this.next(field, input, end)
      packed = isPacked(field, this.wire)
      out.reserve(spareBytes)
    }
    if (out.at === opened + 1) return false
    out.at--
    out.byte(0x5d)
    return true
  }

  /** Writes the value at `pos` and goes behind it; answers whether it differs from zero. */
  private scalar(of: Field['kind']): boolean {
    const { out } = this
    switch (of) {
      case kind.fixed64:
      case kind.sfixed64:
      case kind.double:
        return this.eightBytes(of)
      case kind.fixed32: {
        const value = this.word() >>> 0
        out.int32(value)
        return value !== 0
      }
      case kind.string:
      case kind.bytes:
      case kind.id:
        return this.lengthDelimited(of)
      default:
        return this.varintScalar(of)
    }
  }

  private eightBytes(of: Field['kind']): boolean {
    const { out } = this
    const low = this.word()
    const high = this.word()
    if (of === kind.double) {
      words[0] = low
      words[1] = high
      const value = doubles[0]!
      out.double(value)
      return value !== 0
    }
    if (of === kind.fixed64) out.uint64(low, high)
    else out.int64(low, high)
    return low !== 0 || high !== 0
  }

  private lengthDelimited(of: Field['kind']): boolean {
    const { out, input } = this
    const length = this.varint()
    const from = this.pos
    const end = from + length
    this.pos = end
    if (of === kind.string) out.string(input, from, end)
    else if (of === kind.bytes) out.base64(input, from, end)
    else {
      out.hex(input, from, end)
      for (let pos = from; pos < end; pos++) if (input[pos] !== 0) return true
      return false
    }
    out.reserve(spareBytes)
    return length !== 0
  }

  private varintScalar(of: Field['kind']): boolean {
    const { out } = this
    this.varint64()
    const { low, high } = this
    switch (of) {
      case kind.int64:
        out.int64(low, high)
        break
      case kind.uint64:
        out.uint64(low, high)
        break
      case kind.bool: {
        const isTrue = low !== 0 || high !== 0
        out.raw(isTrue ? trueBytes : falseBytes, 0)
        return isTrue
      }
      case kind.sint32:
        out.int32((low >>> 1) ^ -(low & 1))
        return low !== 0
      case kind.uint32:
        out.int32(low >>> 0)
        return low !== 0
      default:
        out.int32(low | 0)
        return low !== 0
    }
    return low !== 0 || high !== 0
  }
}

const doubles = new Float64Array(1)
const words = new Int32Array(doubles.buffer)
const keyBytes = encoder.encode('{"key":')
const valueBytes = encoder.encode(',"value":')
const stringValueBytes = encoder.encode('{"stringValue":')
const boolValueBytes = encoder.encode('{"boolValue":')
const intValueBytes = encoder.encode('{"intValue":')
const doubleValueBytes = encoder.encode('{"doubleValue":')
const trueBytes = encoder.encode('true')
const falseBytes = encoder.encode('false')

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function isPacked(field: Field, wire: number): boolean {
  return wire === wireType.length && wireTypeOf(field.kind) !== wireType.length
}

const writer = new JsonWriter()
