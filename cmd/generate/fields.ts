/**
 * OTLP's small messages on a back-to-front `Writer`. What never changes (a key, a whole attribute) is encoded once, when its module loads:
 * encoding texts is most of the cost of a span.
 */
import { type Writer, written } from '../../pipeline/data/writer.ts'

/** Protobuf tags: field number and wire type. */
export const tag = (field: number, wire: 0 | 1 | 2 | 5): number => (field << 3) | wire

/** A whole attribute, or the bytes of a key that a value follows. */
export type Encoded = Uint8Array

export function constant(key: string, value: string | number | boolean): Encoded {
  return written((to) => putAttribute(to, encodeKey(key), value))
}

/** The key field of a KeyValue. */
export function encodeKey(key: string): Encoded {
  return written((to) => putText(to, tag(1, 2), key))
}

/** One field 2 of... any list of attributes whose field number is `field`. */
export function putConstant(to: Writer, field: number, attribute: Encoded): void {
  const before = to.size
  to.bytes(attribute)
  to.message(tag(field, 2), before)
}

export function putVariable(to: Writer, field: number, key: Encoded, value: string | number | boolean): void {
  const before = to.size
  putAttribute(to, key, value)
  to.message(tag(field, 2), before)
}

/** The fields of a KeyValue. Numbers that are not whole become doubles. */
function putAttribute(to: Writer, key: Encoded, value: string | number | boolean): void {
  const before = to.size
  if (typeof value === 'string') putText(to, tag(1, 2), value)
  else if (typeof value === 'boolean') {
    to.varint(value ? 1 : 0)
    to.varint(tag(2, 0))
  } else if (Number.isInteger(value)) {
    to.varint(value)
    to.varint(tag(3, 0))
  } else {
    to.double(value)
    to.varint(tag(4, 1))
  }
  to.message(tag(2, 2), before)
  to.bytes(key)
}

export function putText(to: Writer, fieldTag: number, text: string): void {
  const before = to.size
  to.text(text)
  to.message(fieldTag, before)
}

export function putBytes(to: Writer, fieldTag: number, from: Uint8Array, start = 0, end = from.length): void {
  to.bytes(from, start, end)
  to.varint(end - start)
  to.varint(fieldTag)
}

export function putDouble(to: Writer, fieldTag: number, value: number): void {
  to.double(value)
  to.varint(fieldTag)
}

/** A whole number up to 2^53 as fixed64. */
export function putFixed64(to: Writer, fieldTag: number, value: number): void {
  to.fixed32(Math.floor(value / 0x1_0000_0000))
  to.fixed32(value % 0x1_0000_0000)
  to.varint(fieldTag)
}

/** A point in time that nanoseconds are added to without going through a double that cannot hold them. */
export interface Instant {
  readonly high: number
  readonly low: number
}

export function instant(unixMs: number): Instant {
  const nanos = BigInt(Math.round(unixMs)) * 1_000_000n
  return { high: Number(nanos >> 32n), low: Number(nanos & 0xffff_ffffn) }
}

/** `offsetNs` after `base`, as a fixed64. */
export function putTime(to: Writer, fieldTag: number, base: Instant, offsetNs: number): void {
  const low = base.low + Math.round(offsetNs)
  to.fixed32(base.high + Math.floor(low / 0x1_0000_0000))
  to.fixed32(low >>> 0)
  to.varint(fieldTag)
}
